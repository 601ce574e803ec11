/* One shared object. */
#include "plugin/object.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/acceptance.h"
#include "plugin/options.h"
#include "plugin/own_copy.h"

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

/* An object of this process: what dlopen gave, and its plugins. */
struct opened {
    void *handle;
    const struct pb_plugin *(*stated)(uint32_t index);
    const struct pb_plugin **plugins; /* copies; NULL in the place of one that cannot be read */
    uint32_t count;
    struct opened *next;
};
static struct opened *all_opened;

static void free_opened(struct opened *object)
{
    for (uint32_t i = 0; object->plugins != NULL && i < object->count; i++)
        pb_plugin_own_free(object->plugins[i]);
    pb_free(object->plugins);
    pb_free(object);
}

/* The object offers the same kind and name at an earlier index. */
static bool is_repeated(const struct opened *object, uint32_t index, const struct pb_plugin *plugin)
{
    for (uint32_t i = 0; i < index; i++) {
        const struct pb_plugin *earlier = object->stated(i);
        if (earlier->kind == plugin->kind && strcmp(earlier->name, plugin->name) == 0)
            return true;
    }
    return false;
}

static enum pb_status check_plugin(const struct pb_plugin *stated, const char *file, const struct pb_plugin **own,
                                   struct pb_error *error)
{
    enum pb_status status = pb_plugin_check_abi(stated, file, error);
    if (status == PB_OK)
        status = pb_plugin_own_copy(stated, own, error);
    return status == PB_OK ? pb_plugin_check(*own, file, error) : status;
}

/*
 * Copies and checks every plugin, and appends to offers, " criterion/taylor" each, those whose name can be read. A bad plugin does
 * not end it: who asks for one that follows it is to be told why the object cannot be used.
 */
static enum pb_status check_plugins(struct opened *object, const char *file, struct pb_text *offers,
                                    struct pb_error *error)
{
    enum pb_status found = PB_OK;
    for (const struct pb_plugin *stated; (stated = object->stated(object->count)) != NULL;) {
        struct pb_error further;
        const struct pb_plugin **grown = pb_array_room(object->plugins, object->count, sizeof *grown, error);
        if (grown == NULL)
            return PB_ERROR_MEMORY;
        object->plugins = grown;
        grown[object->count] = NULL;
        const bool named = pb_plugin_is_named(stated), repeated = named && is_repeated(object, object->count, stated);
        enum pb_status status = check_plugin(stated, file, &grown[object->count], found == PB_OK ? error : &further);
        object->count++;
        if (status == PB_OK && repeated)
            status = pb_fail(found == PB_OK ? error : &further, PB_ERROR_INPUT, "%s: it offers %s '%s' twice", file,
                             pb_kind_name((enum pb_plugin_kind)stated->kind), stated->name);
        if (found == PB_OK)
            found = status;
        if (status != PB_OK && (!named || repeated))
            return found;
        pb_text_append(offers, " %s/%s", pb_kind_name((enum pb_plugin_kind)stated->kind), stated->name);
    }
    if (object->count == 0)
        return pb_fail(error, PB_ERROR_INPUT, "%s: it offers no plugin: prunebench_plugin(0) is NULL", file);
    return found;
}

/* The object that a handle of dlopen belongs to, when this process has opened it before. */
static struct opened *find_opened(const void *handle)
{
    struct opened *object = all_opened;
    while (object != NULL && object->handle != handle)
        object = object->next;
    return object;
}

/* Takes the handle of an object that was not opened before. */
static enum pb_status read_object(void *handle, const char *file, struct pb_text *offers, struct pb_error *error)
{
    void *symbol = dlsym(handle, "prunebench_plugin");
    if (symbol == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "%s: it exports no symbol 'prunebench_plugin'", file);
    struct opened *object = pb_calloc(1, sizeof *object);
    if (object == NULL)
        return pb_fail_memory(error, sizeof *object);
    object->handle = handle;
    memcpy(&object->stated, &symbol, sizeof object->stated); /* ISO C has no cast from data to function */
    const enum pb_status status = check_plugins(object, file, offers, error);
    if (status != PB_OK) {
        free_opened(object);
        return status;
    }
    object->next = all_opened;
    all_opened = object;
    return PB_OK;
}

static enum pb_status open_object(const char *file, struct pb_object *object, struct pb_text *offers,
                                  struct pb_error *error)
{
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
    if (find_opened(handle) == NULL)
        status = read_object(handle, file, offers, error);
    if (status != PB_OK) {
        dlclose(handle);
        return status;
    }
    const struct opened *opened = find_opened(handle);
    *object = (struct pb_object){.plugins = opened->plugins, .count = opened->count};
    return PB_OK;
}

enum pb_status pb_object_open(const char *file, struct pb_object *object, struct pb_error *error)
{
    struct pb_text offers = {0};
    const enum pb_status status = open_object(file, object, &offers, error);
    pb_text_free(&offers);
    return status;
}

enum pb_status pb_object_probe(const char *file, struct pb_text *offers, struct pb_error *error)
{
    struct pb_object object;
    return open_object(file, &object, offers, error);
}
