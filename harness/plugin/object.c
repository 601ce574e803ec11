/* One shared object. */
#include "plugin/object.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "plugin/acceptance.h"
#include "plugin/options.h"
#include "plugin/registry.h"

/* dlerror says "FILE: reason" for most failures. */
static enum pb_status fail_load(const char *file, const char *path, struct pb_error *error)
{
    const char *reason = dlerror();
    if (reason == NULL)
        reason = "unknown reason";
    if (pb_starts_with(reason, path) && pb_starts_with(reason + strlen(path), ": "))
        reason += strlen(path) + 2;
    return pb_fail(error, PB_ERROR_INPUT, "%s: it cannot be loaded: %s", file, reason);
}

/* The object offers the same kind and name at an earlier index. */
static bool is_repeated(const struct pb_object *object, uint32_t index, const struct pb_plugin *plugin)
{
    for (uint32_t i = 0; i < index; i++) {
        const struct pb_plugin *earlier = object->plugin(i);
        if (earlier->kind == plugin->kind && strcmp(earlier->name, plugin->name) == 0)
            return true;
    }
    return false;
}

/*
 * Checks every plugin, and appends to offers, " criterion/taylor" each, those whose name can be read. A bad plugin does
 * not end it: who asks for one that stands behind it is to be told why the object cannot be used.
 */
static enum pb_status check_plugins(struct pb_object *object, const char *file, struct pb_text *offers,
                                    struct pb_error *error)
{
    enum pb_status found = PB_OK;
    for (;; object->count++) {
        struct pb_error further;
        const struct pb_plugin *plugin = object->plugin(object->count);
        if (plugin == NULL)
            break;
        const bool named = pb_plugin_is_named(plugin), repeated = named && is_repeated(object, object->count, plugin);
        enum pb_status status = pb_plugin_check(plugin, file, found == PB_OK ? error : &further);
        if (status == PB_OK && repeated)
            status = pb_fail(found == PB_OK ? error : &further, PB_ERROR_INPUT, "%s: it offers %s '%s' twice", file,
                             pb_kind_name((enum pb_plugin_kind)plugin->kind), plugin->name);
        if (found == PB_OK)
            found = status;
        if (status != PB_OK && (!named || repeated))
            return found;
        pb_text_append(offers, " %s/%s", pb_kind_name((enum pb_plugin_kind)plugin->kind), plugin->name);
    }
    if (object->count == 0)
        return pb_fail(error, PB_ERROR_INPUT, "%s: it offers no plugin: prunebench_plugin(0) is NULL", file);
    return found;
}

static enum pb_status open_object(const char *file, struct pb_object *object, struct pb_text *offers,
                                  struct pb_error *error)
{
    struct pb_object opened = {0};
    /* A name without a slash would be looked for in the system's library folders. */
    char *path = realpath(file, NULL);
    if (path == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "%s: it cannot be loaded: %s", file, strerror(errno));
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    enum pb_status status = PB_OK;
    if (handle == NULL)
        status = fail_load(file, path, error);
    free(path);
    if (handle == NULL)
        return status;
    void *symbol = dlsym(handle, "prunebench_plugin");
    if (symbol == NULL)
        status = pb_fail(error, PB_ERROR_INPUT, "%s: it exports no symbol 'prunebench_plugin'", file);
    else {
        memcpy(&opened.plugin, &symbol, sizeof opened.plugin); /* ISO C has no cast from data to function */
        status = check_plugins(&opened, file, offers, error);
    }
    if (status == PB_OK)
        *object = opened;
    else
        dlclose(handle);
    return status;
}

enum pb_status pb_object_open(const char *file, struct pb_object *object, struct pb_error *error)
{
    struct pb_text offers = {0};
    const enum pb_status status = open_object(file, object, &offers, error);
    pb_text_free(&offers);
    return status;
}

enum pb_status pb_registry_probe(const char *file, struct pb_text *offers, struct pb_error *error)
{
    struct pb_object object;
    return open_object(file, &object, offers, error);
}
