/* A backend chosen on the command line. */
#include "cli/backend_argument.h"

#include <string.h>

#include "base/memory.h"

enum pb_status pb_argument_options(const struct pb_arguments *arguments, struct pb_options *resolved,
                                   struct pb_error *error)
{
    const char *const *given = pb_argument_list(arguments, "option");
    for (; given && *given; given++) {
        const char *equals = strchr(*given, '=');
        if (!equals)
            return pb_fail(error, PB_ERROR_INPUT, "--option: '%s' is not of the form name=value", *given);
        char *name = pb_strndup(*given, (size_t)(equals - *given));
        if (!name)
            return pb_fail_memory(error, strlen(*given));
        const enum pb_status status = pb_options_set(resolved, name, equals + 1, "--option", error);
        pb_free(name);
        if (status)
            return status;
    }
    return pb_options_finish(resolved, NULL, error);
}

enum pb_status pb_argument_backend(const struct pb_arguments *arguments, const char *name, uint32_t threads,
                                   struct pb_backend_argument *backend, struct pb_error *error)
{
    const struct pb_loaded *loaded;
    enum pb_status status = pb_registry_open(pb_argument_list(arguments, "plugin-dir"), &backend->registry, error);
    if (status)
        return status;
    backend->registry_open = true;
    status = name ? pb_registry_find(&backend->registry, PB_KIND_BACKEND, name, "--backend", &loaded, error)
                  : pb_registry_find_default(&backend->registry, PB_KIND_BACKEND, "--backend", &loaded, error);
    if (!status)
        status = pb_options_create(loaded->plugin, &backend->options, error);
    if (!status)
        status = pb_argument_options(arguments, &backend->options, error);
    return status ? status : pb_device_open(loaded, &backend->options, threads, &backend->device, error);
}

void pb_argument_backend_close(struct pb_backend_argument *backend)
{
    pb_device_close(&backend->device);
    pb_options_free(&backend->options);
    if (backend->registry_open)
        pb_registry_close(&backend->registry);
    *backend = (struct pb_backend_argument){0};
}
