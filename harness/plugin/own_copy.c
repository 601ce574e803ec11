/* A plugin's tables in structs of the host's own size. */
#include "plugin/own_copy.h"

#include <string.h>

#include <prunebench/backend.h>
#include <prunebench/criterion.h>
#include <prunebench/dataset.h>
#include <prunebench/penalty.h>
#include <prunebench/schedule.h>

#include "base/memory.h"

struct own {
    struct pb_plugin plugin;
    union {
        struct pb_criterion criterion;
        struct pb_schedule schedule;
        struct pb_backend backend;
        struct pb_dataset dataset;
        struct pb_penalty penalty;
    } operations;
    struct pb_option options[];
};

static void copy(void *to, const void *from, size_t stated, size_t known)
{
    memcpy(to, from, stated < known ? stated : known);
}

/* Every table of operations begins with its size. */
#define COPY_OPERATIONS(own, member)                                                                                   \
    do {                                                                                                               \
        if ((own)->plugin.member != NULL) {                                                                            \
            copy(&(own)->operations.member, (own)->plugin.member, (own)->plugin.member->size,                          \
                 sizeof(own)->operations.member);                                                                      \
            (own)->plugin.member = &(own)->operations.member;                                                          \
        }                                                                                                              \
    } while (0)

enum pb_status pb_plugin_own_copy(const struct pb_plugin *stated, const struct pb_plugin **own, struct pb_error *error)
{
    const uint32_t count = stated->options != NULL ? stated->option_count : 0;
    struct own *made = pb_calloc(1, sizeof *made + count * sizeof *made->options);
    if (made == NULL)
        return pb_fail_memory(error, sizeof *made + count * sizeof *made->options);
    copy(&made->plugin, stated, stated->size, sizeof made->plugin);
    for (uint32_t i = 0; i < count; i++)
        copy(&made->options[i], (const char *)stated->options + (size_t)i * stated->option_stride,
             stated->option_stride, sizeof *made->options);
    if (count > 0) {
        made->plugin.options = made->options;
        made->plugin.option_stride = sizeof *made->options;
    }
    /* One kind's operations alone: a plugin with more is refused for it, whatever they hold. */
    switch ((enum pb_plugin_kind)stated->kind) {
    case PB_KIND_CRITERION:
        COPY_OPERATIONS(made, criterion);
        break;
    case PB_KIND_SCHEDULE:
        COPY_OPERATIONS(made, schedule);
        break;
    case PB_KIND_BACKEND:
        COPY_OPERATIONS(made, backend);
        break;
    case PB_KIND_DATASET:
        COPY_OPERATIONS(made, dataset);
        break;
    case PB_KIND_PENALTY:
        COPY_OPERATIONS(made, penalty);
        break;
    }
    *own = &made->plugin;
    return PB_OK;
}

void pb_plugin_own_free(const struct pb_plugin *own)
{
    pb_free((void *)(uintptr_t)own); /* the first member of struct own */
}
