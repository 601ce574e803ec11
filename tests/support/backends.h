/* Opening the built backend plugins, for tests. */
#ifndef TESTS_SUPPORT_BACKENDS_H
#define TESTS_SUPPORT_BACKENDS_H

#include "engine/device.h"

/* A device of plugin `name` with its options. The plugin stays loaded; close with backend_close. */
struct backend {
    struct pb_loaded loaded;
    struct pb_options options;
    struct pb_device *device;
};

/* settings: "kernels=skx algorithm=gemm"; NULL or "" for the defaults. Fails the test where an option is wrong; the
 * status is that of pb_device_open. */
enum pb_status backend_open(const char *name, const char *settings, uint32_t threads, struct backend *backend,
                            struct pb_error *error);
void backend_close(struct backend *backend);

#endif
