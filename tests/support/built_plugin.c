/* Plugins that come with the harness, as they were built. */
#include "support/built_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/object.h"

const struct pb_plugin *built_plugin(const char *object_name, const char *name)
{
    struct pb_error error = {0};
    struct pb_object object;
    char file[512];
    snprintf(file, sizeof file, PB_TEST_BUILD "/plugins/%s.so", object_name);
    if (pb_object_open(file, &object, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (uint32_t i = 0; i < object.count; i++)
        if (strcmp(object.plugins[i]->name, name) == 0)
            return object.plugins[i];
    fail_msg("'%s' has no plugin '%s'", file, name);
    return NULL;
}

struct pb_options built_options(const struct pb_plugin *plugin, const struct given *given, uint32_t count)
{
    struct pb_error error = {0};
    struct pb_options options = {0};
    if (pb_options_create(plugin, &options, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (uint32_t i = 0; i < count; i++)
        if (given[i].name && pb_options_set(&options, given[i].name, given[i].value, NULL, &error) != PB_OK)
            fail_msg("%s", error.text);
    return options;
}
