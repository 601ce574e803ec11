/* Plugins that come with the harness, as they were built. */
#include "support/built_plugin.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/object.h"

static struct pb_object open_object(const char *file)
{
    struct pb_error error = {0};
    struct pb_object object;
    if (pb_object_open(file, &object, &error) != PB_OK)
        fail_msg("%s", error.text);
    return object;
}

const struct pb_plugin *const *built_plugins(enum pb_plugin_kind kind)
{
    enum { MOST = 64 };
    static const struct pb_plugin *found[MOST + 1];
    glob_t files;
    uint32_t count = 0;
    assert_int_equal(glob(PB_TEST_BUILD "/plugins/*.so", 0, NULL, &files), 0);
    for (size_t f = 0; f < files.gl_pathc; f++) {
        const struct pb_object object = open_object(files.gl_pathv[f]);
        for (uint32_t i = 0; i < object.count; i++)
            if (object.plugins[i]->kind == (uint32_t)kind) {
                assert_in_range(count, 0, MOST - 1);
                found[count++] = object.plugins[i];
            }
    }
    found[count] = NULL;
    globfree(&files);
    return found;
}

const struct pb_plugin *built_plugin(const char *object_name, const char *name)
{
    char file[512];
    snprintf(file, sizeof file, PB_TEST_BUILD "/plugins/%s.so", object_name);
    const struct pb_object object = open_object(file);
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
