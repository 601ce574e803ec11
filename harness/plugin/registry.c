/* All plugins of this process. */
#include "plugin/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "plugin/discover.h"
#include "plugin/object.h"
#include "plugin/options.h"
#include "plugin/probe.h"

/* What the registry's pointers point to. */
struct owned {
    char **files;
    size_t file_count;
    struct pb_probe *probes; /* one per file */
};

static enum pb_status add_plugins(struct pb_registry *registry, const char *file, const struct pb_object *object,
                                  struct pb_error *error)
{
    char sha256[65];
    const enum pb_status status = pb_sha256_file(file, sha256, error);
    if (status != PB_OK)
        return status;
    struct pb_loaded *plugins =
        pb_realloc(registry->plugins, registry->count, registry->count + object->count, sizeof *plugins);
    if (plugins == NULL)
        return pb_fail_memory(error, (registry->count + object->count) * sizeof *plugins);
    registry->plugins = plugins;
    for (uint32_t i = 0; i < object->count; i++) {
        struct pb_loaded *loaded = &plugins[registry->count++];
        *loaded = (struct pb_loaded){.plugin = object->plugin(i), .file = file};
        memcpy(loaded->sha256, sha256, sizeof sha256);
    }
    return PB_OK;
}

/* Loads what the probes found good, lists the rest. */
static enum pb_status load_all(struct pb_registry *registry, const struct owned *owned, struct pb_error *error)
{
    registry->broken = pb_calloc(owned->file_count, sizeof *registry->broken);
    if (registry->broken == NULL)
        return pb_fail_memory(error, owned->file_count * sizeof *registry->broken);
    for (size_t i = 0; i < owned->file_count; i++) {
        const struct pb_probe *probe = &owned->probes[i];
        struct pb_object object;
        enum pb_status status = PB_OK;
        if (probe->reason != NULL) {
            registry->broken[registry->broken_count++] =
                (struct pb_broken){.file = probe->file, .reason = probe->reason};
            continue;
        }
        /* It was good a moment ago in another process: if it is not now, something else is wrong. */
        status = pb_object_open(probe->file, &object, error);
        if (status == PB_OK)
            status = add_plugins(registry, probe->file, &object, error);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

static int by_kind_and_name(const void *a, const void *b)
{
    const struct pb_plugin *x = ((const struct pb_loaded *)a)->plugin, *y = ((const struct pb_loaded *)b)->plugin;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return strcmp(x->name, y->name);
}

static enum pb_status refuse_duplicates(const struct pb_registry *registry, struct pb_error *error)
{
    for (size_t i = 1; i < registry->count; i++) {
        const struct pb_loaded *one = &registry->plugins[i - 1], *other = &registry->plugins[i];
        if (by_kind_and_name(one, other) == 0)
            return pb_fail(error, PB_ERROR_INPUT, "%s '%s' is offered by both '%s' and '%s'; remove or rename one",
                           pb_kind_name((enum pb_plugin_kind)one->plugin->kind), one->plugin->name, one->file,
                           other->file);
    }
    return PB_OK;
}

enum pb_status pb_registry_open(const char *const *extra_dirs, struct pb_registry *registry, struct pb_error *error)
{
    struct pb_registry opened = {0};
    struct owned *owned = pb_calloc(1, sizeof *owned);
    if (owned == NULL)
        return pb_fail_memory(error, sizeof *owned);
    opened.owned = owned;
    enum pb_status status = pb_discover(extra_dirs, &owned->files, &owned->file_count, error);
    if (status != PB_OK)
        goto cleanup;
    owned->probes = pb_calloc(owned->file_count, sizeof *owned->probes);
    if (owned->probes == NULL) {
        status = pb_fail_memory(error, owned->file_count * sizeof *owned->probes);
        goto cleanup;
    }
    for (size_t i = 0; i < owned->file_count; i++)
        owned->probes[i].file = owned->files[i];
    status = pb_probe_files(owned->probes, owned->file_count, error);
    if (status == PB_OK)
        status = load_all(&opened, owned, error);
    if (status != PB_OK)
        goto cleanup;
    if (opened.count > 0)
        qsort(opened.plugins, opened.count, sizeof *opened.plugins, by_kind_and_name);
    status = refuse_duplicates(&opened, error);

cleanup:
    if (status != PB_OK) {
        pb_registry_close(&opened);
        return status;
    }
    *registry = opened;
    return PB_OK;
}

void pb_registry_close(struct pb_registry *registry)
{
    struct owned *owned = registry->owned;
    for (size_t i = 0; owned != NULL && owned->probes != NULL && i < owned->file_count; i++)
        pb_free(owned->probes[i].reason);
    if (owned != NULL) {
        pb_free(owned->probes);
        pb_names_free(&owned->files, owned->file_count);
    }
    pb_free(owned);
    pb_free(registry->broken);
    pb_free(registry->plugins);
    memset(registry, 0, sizeof *registry);
}

/* The broken object whose file is called name.so, kind-name.so or libname.so. */
static const struct pb_broken *find_broken(const struct pb_registry *registry, const char *kind, const char *name)
{
    for (size_t i = 0; i < registry->broken_count; i++) {
        const char *file = pb_path_name(registry->broken[i].file);
        const size_t length = strlen(kind);
        if (pb_starts_with(file, kind) && file[length] == '-')
            file += length + 1;
        else if (pb_starts_with(file, "lib") && !pb_starts_with(name, "lib"))
            file += 3;
        if (pb_starts_with(file, name) && strcmp(file + strlen(name), ".so") == 0)
            return &registry->broken[i];
    }
    return NULL;
}

/* "; did you mean 'taylor'?", or every name of the kind, or what to do when there is none. */
static void append_advice(const struct pb_registry *registry, enum pb_plugin_kind kind, const char *name,
                          struct pb_text *text)
{
    size_t count = 0;
    const char **names = pb_calloc(registry->count, sizeof *names);
    for (size_t i = 0; names != NULL && i < registry->count; i++) {
        if (registry->plugins[i].plugin->kind == kind)
            names[count++] = registry->plugins[i].plugin->name;
    }
    const char *close = pb_closest(name, names, count);
    if (close != NULL)
        pb_text_append(text, "; did you mean '%s'?", close);
    else if (count == 0)
        pb_text_append(text, "; no %s was found at all, 'prunebench plugins list' says what there is",
                       pb_kind_name(kind));
    for (size_t i = 0; close == NULL && i < count; i++)
        pb_text_append(text, "%s%s", i == 0 ? "; there are: " : ", ", names[i]);
    pb_free(names);
}

enum pb_status pb_registry_find(const struct pb_registry *registry, enum pb_plugin_kind kind, const char *name,
                                const char *where, const struct pb_loaded **loaded, struct pb_error *error)
{
    const char *kind_name = pb_kind_name(kind);
    for (size_t i = 0; i < registry->count; i++) {
        const struct pb_loaded *candidate = &registry->plugins[i];
        if (candidate->plugin->kind == kind && strcmp(candidate->plugin->name, name) == 0) {
            *loaded = candidate;
            return PB_OK;
        }
    }
    const char *place = where != NULL ? where : "", *colon = where != NULL ? ": " : "";
    const struct pb_broken *broken = find_broken(registry, kind_name, name);
    if (broken != NULL)
        return pb_fail(error, PB_ERROR_INPUT, "%s%s%s '%s' cannot be used: %s: %s", place, colon, kind_name, name,
                       broken->file, broken->reason);
    struct pb_text advice = {0};
    append_advice(registry, kind, name, &advice);
    const enum pb_status status = pb_fail(error, PB_ERROR_INPUT, "%s%sunknown %s '%s'%s", place, colon, kind_name, name,
                                          advice.failed || advice.data == NULL ? "" : advice.data);
    pb_text_free(&advice);
    return status;
}
