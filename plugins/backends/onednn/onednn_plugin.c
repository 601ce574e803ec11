/* The onednn backend: options, instance, operator table. What it leaves out is the host's, named in results. */
#include <omp.h>
#include <stdio.h>

#include "onednn_instance.h"

struct options {
    int32_t isa;
};

/* Instruction sets in the order of the option's choices. */
static const char *const isa_names[] = {"auto", "sse41", "avx", "avx2", "avx512", NULL};
static const dnnl_cpu_isa_t isa_values[] = {dnnl_cpu_isa_all, dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx, dnnl_cpu_isa_avx2,
                                            dnnl_cpu_isa_avx512_core};

static const struct pb_option option_table[] = {
    {.name = "isa",
     .help = "the newest instruction set that oneDNN may use; auto is the newest that this CPU has",
     .type = PB_OPTION_ENUM,
     .default_text = "auto",
     .choices = isa_names,
     .offset = offsetof(struct options, isa)},
};

static const char *isa_name(dnnl_cpu_isa_t isa)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {
        {dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
        {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
        {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
        {dnnl_cpu_isa_avx512_core, "avx512_core"},
        {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
        {dnnl_cpu_isa_avx2, "avx2"},
        {dnnl_cpu_isa_avx, "avx"},
        {dnnl_cpu_isa_sse41, "sse41"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].isa == isa)
            return names[i].name;
    }
    return "generic";
}

static void destroy(void *opaque)
{
    struct onednn *self = opaque;
    const struct pb_host *host = self->host;
    while (self->cache) {
        struct cached *next = self->cache->next;
        primitive_destroy(&self->cache->primitive);
        host->free(host, self->cache);
        self->cache = next;
    }
    if (self->stream)
        dnnl_stream_destroy(self->stream);
    if (self->engine)
        dnnl_engine_destroy(self->engine);
    host->free(host, self);
}

/* oneDNN can only be limited before its first use in a process. */
static enum pb_status limit_isa(const struct pb_host *host, int32_t choice)
{
    if (!choice || dnnl_set_max_cpu_isa(isa_values[choice]) == dnnl_success ||
        dnnl_get_effective_cpu_isa() == isa_values[choice])
        return PB_OK;
    return host->fail(host, PB_ERROR_RUN,
                      "oneDNN already runs with '%s' in this process and cannot change to '%s'; use one instruction "
                      "set per process",
                      isa_name(dnnl_get_effective_cpu_isa()), isa_names[choice]);
}

/* OMP_THREAD_LIMIT cannot be lifted from inside, and oneDNN computes nonsense on fewer threads than it counts on. */
static int threads_to_use(const struct pb_host *host)
{
    const int requested = (int)host->threads, limit = omp_get_thread_limit();
    if (requested > limit)
        host->log(host, PB_LOG_WARNING, "OMP_THREAD_LIMIT allows %d of %d threads", limit, requested);
    return requested < limit ? requested : limit;
}

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    const struct options *options = given;
    enum pb_status status = limit_isa(host, options->isa);
    if (status)
        return status;
    struct onednn *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    made->host = host;
    made->threads = threads_to_use(host);
    status = onednn_check(made, dnnl_engine_create(&made->engine, dnnl_cpu, 0), "start on this CPU");
    if (!status)
        status = onednn_check(made, dnnl_stream_create(&made->stream, made->engine, dnnl_stream_default_flags),
                              "make a stream");
    if (status) {
        destroy(made);
        return status;
    }
    const dnnl_version_t *version = dnnl_version();
    snprintf(made->description, sizeof made->description, "onednn %d.%d.%d %s", version->major, version->minor,
             version->patch, isa_name(dnnl_get_effective_cpu_isa()));
    *self = made;
    return PB_OK;
}

static const char *describe(void *self)
{
    return ((const struct onednn *)self)->description;
}

/* Its weight gradients are summed over as many parts of the batch as there are threads. */
static bool thread_dependent(void *self)
{
    (void)self;
    return true;
}

static const struct pb_backend operators = {
    .size = sizeof(struct pb_backend),
    .on_host = true,
    .create = create,
    .destroy = destroy,
    .describe = describe,
    .thread_dependent = thread_dependent,
    .conv_plan_create = onednn_conv_plan_create,
    .conv_plan_destroy = onednn_conv_plan_destroy,
    .conv_workspace = onednn_conv_workspace,
    .conv_algorithm = onednn_conv_algorithm,
    .conv_forward = onednn_conv_forward,
    .conv_backward_data = onednn_conv_backward_data,
    .conv_backward_weights = onednn_conv_backward_weights,
    .linear_forward = onednn_linear_forward,
    .linear_backward_data = onednn_linear_backward_data,
    .linear_backward_weights = onednn_linear_backward_weights,
    .bilinear_forward = onednn_bilinear_forward,
    .bilinear_backward = onednn_bilinear_backward,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    static const struct pb_plugin plugin = {
        PB_PLUGIN_HEADER(PB_KIND_BACKEND),
        .name = "onednn",
        .summary = "Convolutions and matrix products by oneDNN, the library behind PyTorch on CPUs",
        .version = "1.0.0",
        .reference = "oneAPI Deep Neural Network Library, https://github.com/oneapi-src/oneDNN",
        PB_OPTIONS(option_table, struct options),
        .backend = &operators,
    };
    return index == 0 ? &plugin : NULL;
}
