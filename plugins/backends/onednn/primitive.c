/* Making, caching and running oneDNN primitives. */
#include "onednn_instance.h"

#include <oneapi/dnnl/dnnl_debug.h>
#include <omp.h>
#include <string.h>

struct openmp_settings onednn_enter(const struct onednn *self)
{
    const struct openmp_settings before = {omp_get_max_threads(), omp_get_dynamic()};
    omp_set_num_threads(self->threads);
    omp_set_dynamic(0);
    return before;
}

void onednn_leave(struct openmp_settings before)
{
    omp_set_num_threads(before.threads);
    omp_set_dynamic(before.dynamic);
}

enum pb_status onednn_check(const struct onednn *self, dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return PB_OK;
    return self->host->fail(self->host, status == dnnl_out_of_memory ? PB_ERROR_MEMORY : PB_ERROR_RUN,
                            "oneDNN cannot %s: %s", what, dnnl_status2str(status));
}

enum pb_status onednn_describe(const struct onednn *self, const void *operation, const_dnnl_primitive_attr_t attributes,
                               const_dnnl_primitive_desc_t hint, const char *what, dnnl_primitive_desc_t *descriptor)
{
    return onednn_check(self, dnnl_primitive_desc_create(descriptor, operation, attributes, self->engine, hint), what);
}

void primitive_destroy(struct primitive *primitive)
{
    for (int i = 0; i < primitive->count; i++)
        dnnl_memory_destroy(primitive->operands[i].memory);
    if (primitive->handle)
        dnnl_primitive_destroy(primitive->handle);
    memset(primitive, 0, sizeof *primitive);
}

enum pb_status primitive_create(const struct onednn *self, const_dnnl_primitive_desc_t descriptor, const int *arguments,
                                struct primitive *primitive)
{
    struct primitive made = {0};
    enum pb_status status = onednn_check(self, dnnl_primitive_create(&made.handle, descriptor), "make a primitive");
    for (const int *argument = arguments; !status && *argument; argument++) {
        const dnnl_memory_desc_t *shape = dnnl_primitive_desc_query_md(descriptor, dnnl_query_exec_arg_md, *argument);
        dnnl_exec_arg_t operand = {.arg = *argument};
        status = onednn_check(self, dnnl_memory_create(&operand.memory, shape, self->engine, DNNL_MEMORY_NONE),
                              "describe an operand");
        if (!status)
            made.operands[made.count++] = operand;
    }
    if (status)
        primitive_destroy(&made);
    else
        *primitive = made;
    return status;
}

enum pb_status primitive_run(const struct onednn *self, const struct primitive *primitive, float *const *memory)
{
    for (int i = 0; i < primitive->count; i++) {
        const enum pb_status status = onednn_check(
            self, dnnl_memory_set_data_handle(primitive->operands[i].memory, memory[i]), "take an operand");
        if (status)
            return status;
    }
    const struct openmp_settings before = onednn_enter(self);
    dnnl_status_t ran = dnnl_primitive_execute(primitive->handle, self->stream, primitive->count, primitive->operands);
    if (ran == dnnl_success)
        ran = dnnl_stream_wait(self->stream);
    onednn_leave(before);
    return onednn_check(self, ran, "run a primitive");
}

struct primitive *onednn_cached(const struct onednn *self, enum operator_kind kind, const size_t *shape)
{
    for (struct cached *entry = self->cache; entry; entry = entry->next) {
        if (entry->kind == kind && !memcmp(entry->shape, shape, sizeof entry->shape))
            return &entry->primitive;
    }
    return NULL;
}

enum pb_status onednn_keep(struct onednn *self, enum operator_kind kind, const size_t *shape,
                           struct primitive *primitive, struct primitive **kept)
{
    struct cached *entry = self->host->alloc(self->host, sizeof *entry);
    if (!entry) {
        primitive_destroy(primitive);
        return PB_ERROR_MEMORY;
    }
    *entry = (struct cached){.next = self->cache, .kind = kind, .primitive = *primitive};
    memcpy(entry->shape, shape, sizeof entry->shape);
    self->cache = entry;
    *kept = &entry->primitive;
    return PB_OK;
}
