/* An opened backend: its operators, with the host's portable ones where it has none. */
#ifndef PB_ENGINE_DEVICE_H
#define PB_ENGINE_DEVICE_H

#include <prunebench/backend.h>

#include "plugin/backend_slots.h"
#include "plugin/host.h"
#include "plugin/options.h"
#include "plugin/registry.h"
#include "portable/portable.h"

/* Each operator with the self that it must be called with: the plugin's own, or the host for a portable one. */
struct pb_device_operators {
#define PB_DEVICE_OPERATOR(slot)                                                                                       \
    struct {                                                                                                           \
        __typeof__(((struct pb_backend *)0)->slot) call; /* NULL: one that the device has not */                       \
        void *self;                                                                                                    \
        bool portable;                                                                                                 \
    } slot;
    PB_DEVICE_SLOTS(PB_DEVICE_OPERATOR)
#undef PB_DEVICE_OPERATOR
};

struct pb_device {
    struct pb_host_services host;
    const struct pb_loaded *loaded;
    struct pb_device_operators ops;
    void *self; /* what the plugin's create returned */
    void (*destroy)(void *self); /* may be NULL */
    uint32_t threads;
    char description[160]; /* "blis 0.9.0 skx"; with "; portable operators x86-64-v3" behind it where some fell back */
    char fallbacks[1024]; /* operators that are the portable ones: "add_forward avg_pool_forward"; "" when none */
    bool thread_dependent;
    bool norms_clamp; /* every operator that computes a batch norm reads its ceiling */
};

/* Calls an operator of a device: PB_CALL(device, relu_forward, &arguments). */
#define PB_CALL(device, slot, ...) ((device)->ops.slot.call((device)->ops.slot.self, __VA_ARGS__))

/* threads: how many it may use. Opens with the resolved options. */
PB_MUST_CHECK enum pb_status pb_device_open(const struct pb_loaded *loaded, const struct pb_options *options,
                                            uint32_t threads, struct pb_device **device, struct pb_error *error);
/* The host's portable operators as a device of their own: to plan for a backend that cannot be created here. */
PB_MUST_CHECK enum pb_status pb_device_substitute(uint32_t threads, struct pb_device **device, struct pb_error *error);
/* Whether the device has the slot called that, and whether it is the host's. */
bool pb_device_find(const struct pb_device *device, const char *slot, bool *portable);
void pb_device_close(struct pb_device **device);

#endif
