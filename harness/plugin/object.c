/* One shared object. */
#include "plugin/object.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
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

static enum pb_status check_plugins(struct pb_object *object, const char *file, struct pb_error *error)
{
    for (;; object->count++) {
        const struct pb_plugin *plugin = object->plugin(object->count);
        if (plugin == NULL)
            break;
        const enum pb_status status = pb_plugin_check(plugin, file, error);
        if (status != PB_OK)
            return status;
        if (is_repeated(object, object->count, plugin))
            return pb_fail(error, PB_ERROR_INPUT, "%s: it offers %s '%s' twice", file,
                           pb_kind_name((enum pb_plugin_kind)plugin->kind), plugin->name);
    }
    if (object->count == 0)
        return pb_fail(error, PB_ERROR_INPUT, "%s: it offers no plugin: prunebench_plugin(0) is NULL", file);
    return PB_OK;
}

enum pb_status pb_object_open(const char *file, struct pb_object *object, struct pb_error *error)
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
        status = check_plugins(&opened, file, error);
    }
    if (status == PB_OK)
        *object = opened;
    else
        dlclose(handle);
    return status;
}

enum pb_status pb_registry_probe(const char *file, struct pb_error *error)
{
    struct pb_object object;
    return pb_object_open(file, &object, error);
}
