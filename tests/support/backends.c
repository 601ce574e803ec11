#include "support/backends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/object.h"

static void apply(struct pb_options *options, const char *settings)
{
    char copy[256], *rest = copy;
    struct pb_error error = {0};
    assert_true(strlen(settings) < sizeof copy);
    strcpy(copy, settings);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(word, '=');
        assert_non_null(equals);
        *equals = '\0';
        if (pb_options_set(options, word, equals + 1, NULL, &error))
            fail_msg("%s", error.text);
    }
}

enum pb_status backend_open(const char *name, const char *settings, uint32_t threads, struct backend *backend,
                            struct pb_error *error)
{
    char file[512];
    struct pb_object object;
    snprintf(file, sizeof file, PB_TEST_BUILD "/plugins/backend-%s.so", name);
    memset(backend, 0, sizeof *backend);
    if (pb_object_open(file, &object, error))
        fail_msg("%s", error->text);
    backend->loaded = (struct pb_loaded){.plugin = object.plugins[0], .file = "built"};
    if (pb_options_create(backend->loaded.plugin, &backend->options, error))
        fail_msg("%s", error->text);
    apply(&backend->options, settings ? settings : "");
    const enum pb_status status = pb_device_open(&backend->loaded, &backend->options, threads, &backend->device, error);
    if (status)
        pb_options_free(&backend->options);
    return status;
}

void backend_close(struct backend *backend)
{
    pb_device_close(&backend->device);
    pb_options_free(&backend->options);
}
