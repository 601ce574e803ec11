/* All plugins of this process. */
#include "plugin/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "plugin/discover.h"
#include "plugin/object.h"
#include "plugin/options.h"
#include "plugin/probe.h"

/* What the registry's pointers point to. */
struct owned {
    struct pb_plugin_file *files;
    size_t file_count;
    struct pb_probe *probes; /* one per file */
};

static enum pb_status add_plugins(struct pb_registry *registry, const struct pb_plugin_file *file,
                                  const struct pb_object *object, struct pb_error *error)
{
    char sha256[65];
    const enum pb_status status = pb_sha256_file(file->path, sha256, error);
    if (status != PB_OK)
        return status;
    struct pb_loaded *plugins =
        pb_realloc(registry->plugins, registry->count, registry->count + object->count, sizeof *plugins);
    if (plugins == NULL)
        return pb_fail_memory(error, (registry->count + object->count) * sizeof *plugins);
    registry->plugins = plugins;
    for (uint32_t i = 0; i < object->count; i++) {
        struct pb_loaded *loaded = &plugins[registry->count++];
        *loaded = (struct pb_loaded){.plugin = object->plugins[i], .file = file->path, .own = file->own};
        memcpy(loaded->sha256, sha256, sizeof sha256);
    }
    return PB_OK;
}

/* Lists one more object or plugin that cannot be used. Takes reason and offers, from pb_calloc, in any case. */
static enum pb_status add_broken(struct pb_registry *registry, struct pb_broken broken, struct pb_error *error)
{
    struct pb_broken *grown =
        pb_realloc(registry->broken, registry->broken_count, registry->broken_count + 1, sizeof *grown);
    if (grown == NULL) {
        pb_free(broken.reason);
        pb_free(broken.offers);
        return pb_fail_memory(error, (registry->broken_count + 1) * sizeof *grown);
    }
    grown[registry->broken_count++] = broken;
    registry->broken = grown;
    return PB_OK;
}

/* Loads what the probes found good, lists the rest. */
static enum pb_status load_all(struct pb_registry *registry, const struct owned *owned, struct pb_error *error)
{
    for (size_t i = 0; i < owned->file_count; i++) {
        struct pb_probe *probe = &owned->probes[i];
        struct pb_object object;
        enum pb_status status = PB_OK;
        if (probe->reason != NULL) {
            const struct pb_broken broken = {.file = probe->file, .reason = probe->reason, .offers = probe->offers};
            probe->reason = probe->offers = NULL;
            status = add_broken(registry, broken, error);
            if (status != PB_OK)
                return status;
            continue;
        }
        /* It was good a moment ago in another process: if it is not now, something else is wrong. */
        status = pb_object_open(probe->file, &object, error);
        if (status == PB_OK)
            status = add_plugins(registry, &owned->files[i], &object, error);
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

/* Of equal names the program's own comes first. */
static int by_name_and_owner(const void *a, const void *b)
{
    const struct pb_loaded *x = a, *y = b;
    const int order = by_kind_and_name(x, y);
    if (order != 0)
        return order;
    return x->own != y->own ? (x->own ? -1 : 1) : strcmp(x->file, y->file);
}

/* Lists one of several plugins of the same name as broken. */
static enum pb_status refuse(struct pb_registry *registry, const struct pb_loaded *refused,
                             const struct pb_loaded *other, struct pb_error *error)
{
    const char *kind = pb_kind_name((enum pb_plugin_kind)refused->plugin->kind), *name = refused->plugin->name;
    const bool own = other->own && !refused->own;
    const struct pb_broken broken = {
        .file = refused->file,
        .reason = pb_format(own ? "%s '%s' is the program's own plugin, '%s'; rename this one to use it"
                                : "%s '%s' is offered by '%s', too; remove or rename one of the two",
                            kind, name, other->file),
        .offers = pb_format("%s/%s", kind, name)};
    const bool complete = broken.reason != NULL && broken.offers != NULL;
    const enum pb_status status = add_broken(registry, broken, error);
    return status != PB_OK || complete ? status : pb_fail_memory(error, strlen(other->file));
}

/*
 * Leaves one plugin of each name. Of several, the program's own stays, and the others are listed as broken; where that
 * does not tell which is meant, all are.
 */
static enum pb_status refuse_duplicates(struct pb_registry *registry, struct pb_error *error)
{
    size_t kept = 0;
    for (size_t first = 0, end; first < registry->count; first = end) {
        const struct pb_loaded *same = &registry->plugins[first];
        for (end = first + 1; end < registry->count; end++) {
            if (by_kind_and_name(same, &registry->plugins[end]) != 0)
                break;
        }
        const bool keep = end == first + 1 || (same[0].own && !same[1].own);
        for (size_t i = keep; i < end - first; i++) {
            const enum pb_status status = refuse(registry, &same[i], &same[i == 0], error);
            if (status != PB_OK)
                return status;
        }
        if (keep)
            registry->plugins[kept++] = *same;
    }
    registry->count = kept;
    return PB_OK;
}

/* files: these alone, without trying them first; else those of extra_dirs and the usual folders. */
static enum pb_status open_registry(const char *const *extra_dirs, const char *const *files,
                                    struct pb_registry *registry, struct pb_error *error)
{
    struct pb_registry opened = {0};
    struct owned *owned = pb_calloc(1, sizeof *owned);
    if (owned == NULL)
        return pb_fail_memory(error, sizeof *owned);
    opened.owned = owned;
    enum pb_status status = files ? pb_discover_files(files, &owned->files, &owned->file_count, error)
                                  : pb_discover(extra_dirs, &owned->files, &owned->file_count, error);
    if (status != PB_OK)
        goto cleanup;
    owned->probes = pb_calloc(owned->file_count, sizeof *owned->probes);
    if (owned->probes == NULL) {
        status = pb_fail_memory(error, owned->file_count * sizeof *owned->probes);
        goto cleanup;
    }
    for (size_t i = 0; i < owned->file_count; i++)
        owned->probes[i].file = owned->files[i].path;
    if (!files)
        status = pb_probe_files(owned->probes, owned->file_count, error);
    if (status == PB_OK)
        status = load_all(&opened, owned, error);
    if (status != PB_OK)
        goto cleanup;
    if (opened.count > 0)
        qsort(opened.plugins, opened.count, sizeof *opened.plugins, by_name_and_owner);
    status = refuse_duplicates(&opened, error);

cleanup:
    if (status != PB_OK) {
        pb_registry_close(&opened);
        return status;
    }
    *registry = opened;
    return PB_OK;
}

enum pb_status pb_registry_open(const char *const *extra_dirs, struct pb_registry *registry, struct pb_error *error)
{
    return open_registry(extra_dirs, NULL, registry, error);
}

enum pb_status pb_registry_open_files(const char *const *files, struct pb_registry *registry, struct pb_error *error)
{
    return open_registry(NULL, files, registry, error);
}

static bool is_listed(const char *const *files, size_t count, const char *file)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i], file) == 0)
            return true;
    }
    return false;
}

enum pb_status pb_registry_asked_files(const struct pb_registry *registry, const char ***files, struct pb_error *error)
{
    const char **listed = pb_calloc(registry->count + 1, sizeof *listed);
    size_t count = 0;
    if (listed == NULL)
        return pb_fail_memory(error, (registry->count + 1) * sizeof *listed);
    for (size_t i = 0; i < registry->count; i++) {
        const struct pb_loaded *loaded = &registry->plugins[i];
        if (loaded->asked && !is_listed(listed, count, loaded->file))
            listed[count++] = loaded->file;
    }
    *files = listed;
    return PB_OK;
}

void pb_registry_close(struct pb_registry *registry)
{
    struct owned *owned = registry->owned;
    for (size_t i = 0; owned != NULL && owned->probes != NULL && i < owned->file_count; i++) {
        pb_free(owned->probes[i].reason);
        pb_free(owned->probes[i].offers);
    }
    if (owned != NULL) {
        pb_free(owned->probes);
        pb_plugin_files_free(&owned->files, owned->file_count);
    }
    pb_free(owned);
    for (size_t i = 0; i < registry->broken_count; i++) {
        pb_free(registry->broken[i].reason);
        pb_free(registry->broken[i].offers);
    }
    pb_free(registry->broken);
    pb_free(registry->plugins);
    memset(registry, 0, sizeof *registry);
}
