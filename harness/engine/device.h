/* An opened backend: its operators, with the host's portable ones where it has none. */
#ifndef PB_ENGINE_DEVICE_H
#define PB_ENGINE_DEVICE_H

#include <prunebench/backend.h>

#include "plugin/host.h"
#include "plugin/options.h"
#include "plugin/registry.h"
#include "portable/portable.h"

struct pb_device {
    struct pb_host_services host;
    const struct pb_loaded *loaded;
    struct pb_backend ops; /* complete: every slot is set */
    void *self; /* the plugin's; see pb_device_self */
    uint32_t threads;
    char description[160]; /* "blis 0.9.0 skx"; with "; portable operators x86-64-v3" behind it where some fell back */
    char fallbacks[512]; /* operators that are the portable ones: "add_forward avg_pool_forward"; "" when none */
    bool thread_dependent;
};

/* threads: how many it may use. Opens with the resolved options. */
PB_MUST_CHECK enum pb_status pb_device_open(const struct pb_loaded *loaded, const struct pb_options *options,
                                            uint32_t threads, struct pb_device **device, struct pb_error *error);
/* The host's portable operators as a device of their own: to plan for a backend that cannot be created here. */
PB_MUST_CHECK enum pb_status pb_device_stand_in(uint32_t threads, struct pb_device **device, struct pb_error *error);
void pb_device_close(struct pb_device **device);

/*
 * What an operator of device->ops must be given as self: the plugin's own, or the host for a portable one. A call reads
 *     device->ops.relu_forward(pb_device_self(device, relu_forward), count, x, y)
 */
#define pb_device_self(device, slot)                                                                                   \
    ((device)->ops.slot == pb_portable_backend.slot ? (void *)&(device)->host.table : (device)->self)

#endif
