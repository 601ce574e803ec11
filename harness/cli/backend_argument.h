/* A backend chosen on the command line: --backend, --threads, --option, --plugin-dir. */
#ifndef PB_CLI_BACKEND_ARGUMENT_H
#define PB_CLI_BACKEND_ARGUMENT_H

#include "cli/cli.h"
#include "engine/device.h"
#include "plugin/options.h"
#include "plugin/registry.h"

/* The rows of the latter two, for a command's own table. */
#define PB_BACKEND_OPTIONS                                                                                             \
    {"option", 'o', "NAME=VALUE", "an option of the backend; may be given several times"},                             \
    {                                                                                                                  \
        "plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"                              \
    }

/* A plugin's options as --option gives them; checked. */
PB_MUST_CHECK enum pb_status pb_argument_options(const struct pb_arguments *arguments, struct pb_options *resolved,
                                                 struct pb_error *error);

/* An open backend and what it needs; zero before, and after close. */
struct pb_backend_argument {
    struct pb_registry registry;
    bool registry_open;
    struct pb_options options;
    struct pb_device *device;
};

/* name: NULL takes the default backend. On failure too, close frees what there is. */
PB_MUST_CHECK enum pb_status pb_argument_backend(const struct pb_arguments *arguments, const char *name,
                                                 uint32_t threads, struct pb_backend_argument *backend,
                                                 struct pb_error *error);
void pb_argument_backend_close(struct pb_backend_argument *backend);

#endif
