/* Opens backends: merges their tables with the portable one, and says which operators fell back. */
#include "engine/device.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Operators that a CPU backend may leave to the host one by one. */
#define SINGLE_OPERATORS(OPERATOR)                                                                                     \
    OPERATOR(bn_forward)                                                                                               \
    OPERATOR(bn_evaluate)                                                                                              \
    OPERATOR(bn_backward)                                                                                              \
    OPERATOR(bn_evaluate_backward)                                                                                     \
    OPERATOR(relu_forward)                                                                                             \
    OPERATOR(relu_backward)                                                                                            \
    OPERATOR(add_forward)                                                                                              \
    OPERATOR(accumulate)                                                                                               \
    OPERATOR(multiply)                                                                                                 \
    OPERATOR(max_pool_forward)                                                                                         \
    OPERATOR(max_pool_backward)                                                                                        \
    OPERATOR(avg_pool_forward)                                                                                         \
    OPERATOR(avg_pool_backward)                                                                                        \
    OPERATOR(linear_forward)                                                                                           \
    OPERATOR(linear_backward_data)                                                                                     \
    OPERATOR(linear_backward_weights)                                                                                  \
    OPERATOR(bilinear_forward)                                                                                         \
    OPERATOR(bilinear_backward)                                                                                        \
    OPERATOR(signed_sqrt_forward)                                                                                      \
    OPERATOR(signed_sqrt_backward)                                                                                     \
    OPERATOR(l2_norm_forward)                                                                                          \
    OPERATOR(l2_norm_backward)                                                                                         \
    OPERATOR(softmax_cross_entropy)                                                                                    \
    OPERATOR(sgd_step)
/* Operators that share something (a plan, a kind of memory) and so come together. */
#define CONVOLUTION(OPERATOR)                                                                                          \
    OPERATOR(conv_plan_create)                                                                                         \
    OPERATOR(conv_plan_destroy)                                                                                        \
    OPERATOR(conv_workspace)                                                                                           \
    OPERATOR(conv_forward)                                                                                             \
    OPERATOR(conv_backward_data)                                                                                       \
    OPERATOR(conv_backward_weights)
#define MEMORY(OPERATOR)                                                                                               \
    OPERATOR(buffer_create)                                                                                            \
    OPERATOR(buffer_destroy)                                                                                           \
    OPERATOR(upload)                                                                                                   \
    OPERATOR(download)                                                                                                 \
    OPERATOR(fill)                                                                                                     \
    OPERATOR(synchronise)

static bool not_thread_dependent(void *self)
{
    (void)self;
    return false;
}

static void nothing_of_its_own(void *self, const struct pb_operator *asked, struct pb_operator_memory *memory)
{
    (void)self;
    (void)asked;
    (void)memory;
}

static const char *unnamed_algorithm(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    (void)plan;
    return "";
}

/* A list of names, or of as many as fit and "…". */
struct names {
    char *text;
    size_t capacity;
    uint32_t count;
};

static void add_name(struct names *names, const char *name)
{
    const size_t length = strlen(names->text);
    if (length + strlen(name) + sizeof " …" < names->capacity)
        snprintf(names->text + length, names->capacity - length, "%s%s", names->count ? " " : "", name);
    names->count++;
}

#define COUNT_MISSING(slot) missing += !ops->slot;
#define COUNT_ALL(slot) all++;
#define NAME_MISSING(slot)                                                                                             \
    if (!ops->slot)                                                                                                    \
        add_name(names, #slot);
#define TAKE_MISSING(slot)                                                                                             \
    if (!ops->slot)                                                                                                    \
        ops->slot = pb_portable_backend.slot;

static void name_missing(const struct pb_backend *ops, struct names *names)
{
    MEMORY(NAME_MISSING)
    CONVOLUTION(NAME_MISSING)
    SINGLE_OPERATORS(NAME_MISSING)
}

/* A device computes everything itself. */
static enum pb_status require_complete(const struct pb_backend *ops, const char *name, struct pb_error *error)
{
    char text[512] = "";
    struct names names = {.text = text, .capacity = sizeof text};
    name_missing(ops, &names);
    if (names.count)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' keeps its buffers on a device, so the host's operators cannot replace the %u "
                       "that it lacks: %s; it must fill its table",
                       name, names.count, text);
    return PB_OK;
}

static enum pb_status take_convolution(struct pb_backend *ops, struct names *fallbacks, const char *name,
                                       struct pb_error *error)
{
    uint32_t missing = 0, all = 0;
    CONVOLUTION(COUNT_MISSING)
    CONVOLUTION(COUNT_ALL)
    if (missing && missing < all)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' has %u of the %u convolution operators; they share its plan, so it must have all "
                       "or none",
                       name, all - missing, all);
    if (missing) {
        CONVOLUTION(TAKE_MISSING)
        ops->conv_algorithm = pb_portable_backend.conv_algorithm;
        ops->conv_filter_floats = NULL;
        ops->conv_filter_transform = NULL;
        ops->conv_norm_evaluate = NULL;
        ops->conv_norm_forward = NULL;
        ops->norm_pools = NULL;
        ops->bn_relu_pool_backward = NULL;
        add_name(fallbacks, "conv_forward");
        add_name(fallbacks, "conv_backward_data");
        add_name(fallbacks, "conv_backward_weights");
    }
    return PB_OK;
}

static enum pb_status take_memory(struct pb_backend *ops, const char *name, struct pb_error *error)
{
    uint32_t missing = 0, all = 0;
    MEMORY(COUNT_MISSING)
    MEMORY(COUNT_ALL)
    if (missing && missing < all)
        return pb_fail(error, PB_ERROR_RUN, "backend '%s' has %u of the %u memory operators; it must have all or none",
                       name, all - missing, all);
    MEMORY(TAKE_MISSING)
    return PB_OK;
}

/* The plugin's table, read no further than it says it goes, with the host's operators in its gaps. */
static enum pb_status merge(const struct pb_loaded *loaded, struct pb_backend *ops, struct names *names,
                            struct pb_error *error)
{
    const struct pb_backend *table = loaded->plugin->backend;
    const char *name = loaded->plugin->name;
    memset(ops, 0, sizeof *ops);
    memcpy(ops, table, table->size < sizeof *ops ? table->size : sizeof *ops);
    if (!ops->conv_filter_floats != !ops->conv_filter_transform)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' has only one of conv_filter_floats and conv_filter_transform; they come together",
                       name);
    if (!ops->norm_pools != !ops->bn_relu_pool_backward)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' has only one of norm_pools and bn_relu_pool_backward; they come together", name);
    if (!ops->create || !ops->describe)
        return pb_fail(error, PB_ERROR_RUN, "backend '%s' has no %s", name, ops->create ? "describe" : "create");
    if (!ops->operator_memory)
        ops->operator_memory = nothing_of_its_own;
    if (!ops->thread_dependent)
        ops->thread_dependent = not_thread_dependent;
    if (!ops->on_host) {
        const enum pb_status status = require_complete(ops, name, error);
        if (status)
            return status;
    } else {
        enum pb_status status = take_memory(ops, name, error);
        if (!status)
            status = take_convolution(ops, names, name, error);
        if (status)
            return status;
        SINGLE_OPERATORS(NAME_MISSING)
        SINGLE_OPERATORS(TAKE_MISSING)
    }
    if (!ops->conv_algorithm)
        ops->conv_algorithm = unnamed_algorithm;
    return PB_OK;
}

static void describe(struct pb_device *device)
{
    pb_place_enter(device->host.name, "describe");
    const char *own = device->ops.describe(device->self);
    pb_place_leave();
    const char *portable = device->fallbacks[0] ? pb_portable_backend.describe(NULL) : "";
    snprintf(device->description, sizeof device->description, "%s%s%s", own ? own : device->loaded->plugin->name,
             portable[0] ? "; " : "", portable);
    device->thread_dependent = device->ops.thread_dependent(device->self);
}

static enum pb_status create(struct pb_device *device, const struct pb_options *options, struct pb_error *error)
{
    const void *given = NULL;
    enum pb_status status = pb_host_give_options(&device->host, options, &given, error);
    if (status)
        return status;
    pb_place_enter(device->host.name, "create");
    status = pb_host_result(&device->host, device->ops.create(&device->host.table, given, &device->self), error);
    pb_place_leave();
    return status;
}

enum pb_status pb_device_open(const struct pb_loaded *loaded, const struct pb_options *options, uint32_t threads,
                              struct pb_device **device, struct pb_error *error)
{
    char name[96];
    snprintf(name, sizeof name, "backend '%s'", loaded->plugin->name);
    struct pb_device *opened = pb_calloc(1, sizeof *opened);
    if (!opened)
        return pb_fail_memory(error, sizeof *opened);
    opened->loaded = loaded;
    opened->threads = threads ? threads : 1;
    struct names fallbacks = {.text = opened->fallbacks, .capacity = sizeof opened->fallbacks};
    enum pb_status status = merge(loaded, &opened->ops, &fallbacks, error);
    if (status)
        goto cleanup;
    pb_host_init(&opened->host, name, 0, opened->threads);
    status = create(opened, options, error);
    if (status)
        goto cleanup;
    describe(opened);
    *device = opened;
    return PB_OK;

cleanup:
    pb_host_close(&opened->host);
    pb_free(opened);
    return status;
}

enum pb_status pb_device_stand_in(uint32_t threads, struct pb_device **device, struct pb_error *error)
{
    struct pb_device *opened = pb_calloc(1, sizeof *opened);
    if (!opened)
        return pb_fail_memory(error, sizeof *opened);
    opened->threads = threads ? threads : 1;
    opened->ops = pb_portable_backend;
    opened->ops.operator_memory = nothing_of_its_own;
    pb_host_init(&opened->host, "portable operators", 0, opened->threads);
    opened->self = &opened->host.table;
    snprintf(opened->description, sizeof opened->description, "%s", pb_portable_backend.describe(NULL));
    *device = opened;
    return PB_OK;
}

void pb_device_close(struct pb_device **device)
{
    if (!*device)
        return;
    if ((*device)->ops.destroy) {
        pb_place_enter((*device)->host.name, "destroy");
        (*device)->ops.destroy((*device)->self);
        pb_place_leave();
    }
    pb_host_close(&(*device)->host);
    pb_free(*device);
    *device = NULL;
}
