/* Opens backends: merges their tables with the portable one, and says which operators fell back. */
#include "engine/device.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

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

#define COUNT_MISSING(slot) missing += !own->slot;
#define COUNT_ALL(slot) all++;
#define ADD_MISSING(slot)                                                                                              \
    if (!own->slot)                                                                                                    \
        add_name(names, #slot);

/* Of operators that came later, a device has all slots or none. */
static enum pb_status check_later(const struct pb_backend *own, const char *name, struct pb_error *error)
{
    uint32_t missing, all;
#define CHECK_GROUP(SLOTS, operator_name)                                                                              \
    missing = all = 0;                                                                                                 \
    SLOTS(COUNT_MISSING)                                                                                               \
    SLOTS(COUNT_ALL)                                                                                                   \
    if (missing && missing < all)                                                                                      \
        return pb_fail(error, PB_ERROR_RUN, "backend '%s' has %u of the %u slots of %s; it must have all or none",     \
                       name, all - missing, all, operator_name);
    PB_LATER_GROUPS(CHECK_GROUP)
#undef CHECK_GROUP
    return PB_OK;
}

/* A device computes everything itself, but for what came later. */
static enum pb_status require_complete(const struct pb_backend *own, const char *name, struct pb_error *error)
{
    char text[512] = "";
    struct names missing = {.text = text, .capacity = sizeof text}, *names = &missing;
    PB_MEMORY_SLOTS(ADD_MISSING)
    PB_CONVOLUTION_SLOTS(ADD_MISSING)
    PB_SINGLE_SLOTS(ADD_MISSING)
    if (missing.count)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' keeps its buffers on a device, so the host's operators cannot replace the %u "
                       "that it lacks: %s; it must fill its table",
                       name, missing.count, text);
    return check_later(own, name, error);
}

/* All or none of the operators that share something. The host's convolution means none of the fused ones either. */
static enum pb_status check_groups(struct pb_backend *own, const char *name, struct pb_error *error)
{
    uint32_t missing = 0, all = 0;
    PB_MEMORY_SLOTS(COUNT_MISSING)
    PB_MEMORY_SLOTS(COUNT_ALL)
    if (missing && missing < all)
        return pb_fail(error, PB_ERROR_RUN, "backend '%s' has %u of the %u memory operators; it must have all or none",
                       name, all - missing, all);
    missing = all = 0;
    PB_CONVOLUTION_SLOTS(COUNT_MISSING)
    PB_CONVOLUTION_SLOTS(COUNT_ALL)
    if (missing && missing < all)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' has %u of the %u convolution operators; they share its plan, so it must have all "
                       "or none",
                       name, all - missing, all);
    if (!missing)
        return PB_OK;
    own->conv_algorithm = NULL;
    own->conv_filter_floats = NULL;
    own->conv_filter_transform = NULL;
    own->conv_norm_evaluate = NULL;
    own->conv_norm_forward = NULL;
    own->norm_pools = NULL;
    own->bn_relu_pool_backward = NULL;
    return PB_OK;
}

/* The plugin's own table, read no further than it says it goes, and checked. */
static enum pb_status read_table(const struct pb_loaded *loaded, struct pb_backend *own, struct pb_error *error)
{
    const struct pb_backend *table = loaded->plugin->backend;
    const char *name = loaded->plugin->name;
    memset(own, 0, sizeof *own);
    memcpy(own, table, table->size < sizeof *own ? table->size : sizeof *own);
    if (!own->conv_filter_floats != !own->conv_filter_transform)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' has only one of conv_filter_floats and conv_filter_transform; they come together",
                       name);
    if (!own->norm_pools != !own->bn_relu_pool_backward)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' has only one of norm_pools and bn_relu_pool_backward; they come together", name);
    if (!own->add_relu_forward != !own->add_relu_backward)
        return pb_fail(error, PB_ERROR_RUN,
                       "backend '%s' has only one of add_relu_forward and add_relu_backward; they come together", name);
    if (!own->product_pool_forward != !own->product_pool_backward)
        return pb_fail(
            error, PB_ERROR_RUN,
            "backend '%s' has only one of product_pool_forward and product_pool_backward; they come together", name);
    if (!own->create || !own->describe)
        return pb_fail(error, PB_ERROR_RUN, "backend '%s' has no %s", name, own->create ? "describe" : "create");
    return own->on_host ? check_groups(own, name, error) : require_complete(own, name, error);
}

#define CLEAR_PORTABLE(slot)                                                                                           \
    if (device->ops.slot.portable)                                                                                     \
        device->ops.slot = (__typeof__(device->ops.slot)){0};

/* Whether the host's addition with ReLU computes what the device's own operators would: where they are the host's, too. */
static bool takes_host_add_relu(const struct pb_backend *own)
{
    return own->on_host && !own->add_forward && !own->accumulate && !own->relu_forward && !own->relu_backward;
}

static bool takes_host_product_pool(const struct pb_backend *own)
{
    return own->on_host && !own->multiply && !own->avg_pool_forward && !own->avg_pool_backward;
}

/* The portable operators read the ceiling; a plugin's are only known to where it says so. */
static bool norms_clamp(const struct pb_backend *own)
{
    return own->norms_clamp || !(own->bn_forward || own->bn_evaluate || own->bn_backward || own->bn_evaluate_backward ||
                                 own->bn_relu_backward || own->conv_norm_forward || own->conv_norm_evaluate);
}

/* Every operator together with its self: the plugin's, or the host where the portable one fills a gap. */
static void bind_operators(struct pb_device *device, const struct pb_backend *own)
{
#define BIND(slot)                                                                                                     \
    device->ops.slot.portable = !own->slot && pb_portable_backend.slot;                                                \
    device->ops.slot.call = own->slot ? own->slot : pb_portable_backend.slot;                                          \
    device->ops.slot.self = own->slot ? device->self : (void *)&device->host.table;
    PB_DEVICE_SLOTS(BIND)
#undef BIND
    if (!own->on_host) { /* the portable ones cannot read a device's buffers */
        PB_LATER_SLOTS(CLEAR_PORTABLE)
    }
    if (own->conv_forward && !own->conv_algorithm)
        device->ops.conv_algorithm.call = NULL; /* the portable one cannot read another backend's plan */
    if (!own->add_relu_forward && !takes_host_add_relu(own)) {
        device->ops.add_relu_forward.call = NULL;
        device->ops.add_relu_backward.call = NULL;
    }
    if (!own->product_pool_forward && !takes_host_product_pool(own)) {
        device->ops.product_pool_forward.call = NULL;
        device->ops.product_pool_backward.call = NULL;
    }
    device->norms_clamp = norms_clamp(own);
}

static void list_fallbacks(struct pb_device *device, const struct pb_backend *own)
{
    struct names fallbacks = {.text = device->fallbacks, .capacity = sizeof device->fallbacks}, *names = &fallbacks;
    if (!own->conv_forward) {
        add_name(names, "conv_forward");
        add_name(names, "conv_backward_data");
        add_name(names, "conv_backward_weights");
    }
    PB_SINGLE_SLOTS(ADD_MISSING)
    if (own->on_host) {
        PB_LATER_SLOTS(ADD_MISSING)
    }
}

static void describe(struct pb_device *device, const struct pb_backend *own)
{
    pb_place_enter(device->host.name, "describe");
    const char *text = own->describe(device->self);
    pb_place_leave();
    const char *portable = device->fallbacks[0] ? pb_portable_backend.describe(NULL) : "";
    snprintf(device->description, sizeof device->description, "%s%s%s", text ? text : device->loaded->plugin->name,
             portable[0] ? "; " : "", portable);
    device->thread_dependent = own->thread_dependent && own->thread_dependent(device->self);
}

static enum pb_status create(struct pb_device *device, const struct pb_backend *own, const struct pb_options *options,
                             struct pb_error *error)
{
    const void *given = NULL;
    enum pb_status status = pb_host_give_options(&device->host, options, &given, error);
    if (status)
        return status;
    pb_place_enter(device->host.name, "create");
    status = pb_host_result(&device->host, own->create(&device->host.table, given, &device->self), error);
    pb_place_leave();
    return status;
}

enum pb_status pb_device_open(const struct pb_loaded *loaded, const struct pb_options *options, uint32_t threads,
                              struct pb_device **device, struct pb_error *error)
{
    char name[96];
    struct pb_backend own;
    snprintf(name, sizeof name, "backend '%s'", loaded->plugin->name);
    struct pb_device *opened = pb_calloc(1, sizeof *opened);
    if (!opened)
        return pb_fail_memory(error, sizeof *opened);
    opened->loaded = loaded;
    opened->threads = threads ? threads : 1;
    enum pb_status status = read_table(loaded, &own, error);
    if (status)
        goto cleanup;
    pb_host_init(&opened->host, name, 0, opened->threads);
    status = create(opened, &own, options, error);
    if (status)
        goto cleanup;
    opened->destroy = own.destroy;
    bind_operators(opened, &own);
    list_fallbacks(opened, &own);
    describe(opened, &own);
    *device = opened;
    return PB_OK;

cleanup:
    pb_host_close(&opened->host);
    pb_free(opened);
    return status;
}

enum pb_status pb_device_substitute(uint32_t threads, struct pb_device **device, struct pb_error *error)
{
    const struct pb_backend nothing = {.on_host = true};
    struct pb_device *opened = pb_calloc(1, sizeof *opened);
    if (!opened)
        return pb_fail_memory(error, sizeof *opened);
    opened->threads = threads ? threads : 1;
    pb_host_init(&opened->host, "portable operators", 0, opened->threads);
    bind_operators(opened, &nothing);
    snprintf(opened->description, sizeof opened->description, "%s", pb_portable_backend.describe(NULL));
    *device = opened;
    return PB_OK;
}

bool pb_device_find(const struct pb_device *device, const char *slot, bool *portable)
{
    bool found = false;
#define LOOK(member)                                                                                                   \
    if (!strcmp(slot, #member)) {                                                                                      \
        *portable = device->ops.member.portable;                                                                       \
        found = device->ops.member.call != NULL;                                                                       \
    }
    PB_DEVICE_SLOTS(LOOK)
#undef LOOK
    return found;
}

void pb_device_close(struct pb_device **device)
{
    if (!*device)
        return;
    if ((*device)->destroy) {
        pb_place_enter((*device)->host.name, "destroy");
        (*device)->destroy((*device)->self);
        pb_place_leave();
    }
    pb_host_close(&(*device)->host);
    pb_free(*device);
    *device = NULL;
}
