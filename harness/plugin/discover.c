/* Which files are looked at for plugins. */
#include "plugin/discover.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/resources.h"

/* A file, whatever it is called. */
struct identity {
    dev_t device;
    ino_t inode;
};

struct found {
    struct pb_plugin_file *files;
    struct identity *identities;
    size_t count, capacity;
    bool own; /* the folder that is read is the program's own */
};

/* The file if it was found already, by whatever path. */
static struct pb_plugin_file *find_known(const struct found *found, const struct stat *info)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->identities[i].device == info->st_dev && found->identities[i].inode == info->st_ino)
            return &found->files[i];
    }
    return NULL;
}

static bool grow(struct found *found)
{
    if (found->count < found->capacity)
        return true;
    const size_t capacity = found->capacity == 0 ? 16 : 2 * found->capacity;
    struct pb_plugin_file *files = pb_realloc(found->files, found->count, capacity, sizeof *files);
    if (files == NULL)
        return false;
    found->files = files;
    struct identity *identities = pb_realloc(found->identities, found->count, capacity, sizeof *identities);
    if (identities == NULL)
        return false;
    found->identities = identities;
    found->capacity = capacity;
    return true;
}

/* One entry of a folder, if it looks like a plugin. */
static enum pb_status add_file(struct found *found, const char *folder, const char *name, struct pb_error *error)
{
    struct stat info;
    if (name[0] == '.' || !pb_ends_with(name, ".so"))
        return PB_OK;
    char *path = pb_path_join(folder, name);
    if (path == NULL || !grow(found)) {
        pb_free(path);
        return pb_fail_memory(error, strlen(folder) + strlen(name) + 2);
    }
    /* A dangling link stays: loading it will say what is wrong. */
    const bool there = stat(path, &info) == 0;
    struct pb_plugin_file *known = there ? find_known(found, &info) : NULL;
    if (known != NULL)
        known->own |= found->own;
    if (known != NULL || (there && S_ISDIR(info.st_mode))) {
        pb_free(path);
        return PB_OK;
    }
    found->identities[found->count] =
        there ? (struct identity){.device = info.st_dev, .inode = info.st_ino} : (struct identity){0};
    found->files[found->count++] = (struct pb_plugin_file){.path = path, .own = found->own};
    return PB_OK;
}

static enum pb_status add_folder(struct found *found, const char *folder, struct pb_error *error)
{
    char **names;
    size_t count;
    enum pb_status status = pb_list_dir(folder, &names, &count, error);
    if (status != PB_OK) {
        (void)pb_fail_context(error, "plugin folder");
        return status;
    }
    for (size_t i = 0; i < count && status == PB_OK; i++)
        status = add_file(found, folder, names[i], error);
    pb_names_free(&names, count);
    return status;
}

/* $PRUNEBENCH_PLUGIN_PATH: folders separated by colons; empty ones are skipped. */
static enum pb_status add_search_path(struct found *found, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    const char *rest = getenv("PRUNEBENCH_PLUGIN_PATH");
    while (rest != NULL && *rest != '\0' && status == PB_OK) {
        const size_t length = strcspn(rest, ":");
        char *folder = pb_strndup(rest, length);
        if (folder == NULL)
            return pb_fail_memory(error, length + 1);
        if (length > 0) {
            status = add_folder(found, folder, error);
            if (status != PB_OK)
                (void)pb_fail_context(error, "PRUNEBENCH_PLUGIN_PATH");
        }
        pb_free(folder);
        rest += length + (rest[length] == ':');
    }
    return status;
}

/* The program's own folder was not named by anybody: without it there are just fewer plugins. */
static enum pb_status add_own_folder(struct found *found, struct pb_error *error)
{
    struct pb_error missing;
    char *folder;
    enum pb_status status = pb_resource_dir("plugins", &folder, &missing);
    if (status == PB_ERROR_MEMORY)
        return pb_fail(error, status, "%s", missing.text);
    if (status != PB_OK)
        return PB_OK;
    found->own = true;
    status = add_folder(found, folder, error);
    pb_free(folder);
    return status;
}

enum pb_status pb_discover(const char *const *extra_dirs, struct pb_plugin_file **files, size_t *count,
                           struct pb_error *error)
{
    struct found found = {0};
    enum pb_status status = PB_OK;
    for (; extra_dirs != NULL && *extra_dirs != NULL && status == PB_OK; extra_dirs++)
        status = add_folder(&found, *extra_dirs, error);
    if (status == PB_OK)
        status = add_search_path(&found, error);
    if (status == PB_OK)
        status = add_own_folder(&found, error);
    pb_free(found.identities);
    if (status != PB_OK) {
        pb_plugin_files_free(&found.files, found.count);
        return status;
    }
    *files = found.files;
    *count = found.count;
    return PB_OK;
}

enum pb_status pb_discover_files(const char *const *paths, struct pb_plugin_file **files, size_t *count,
                                 struct pb_error *error)
{
    struct pb_error missing;
    struct pb_plugin_file *listed;
    char *own = NULL;
    size_t length = 0;
    while (paths[length] != NULL)
        length++;
    if (pb_resource_dir("plugins", &own, &missing) == PB_ERROR_MEMORY)
        return pb_fail(error, PB_ERROR_MEMORY, "%s", missing.text);
    bool complete = (listed = pb_calloc(length, sizeof *listed)) != NULL;
    for (size_t i = 0; complete && i < length; i++) {
        const size_t folder = (size_t)(pb_path_name(paths[i]) - paths[i]);
        listed[i].path = pb_strdup(paths[i]);
        listed[i].own = own != NULL && folder == strlen(own) + 1 && pb_starts_with(paths[i], own);
        complete = listed[i].path != NULL;
    }
    pb_free(own);
    if (!complete) {
        if (listed != NULL)
            pb_plugin_files_free(&listed, length);
        return pb_fail_memory(error, length * sizeof *listed);
    }
    *files = listed;
    *count = length;
    return PB_OK;
}

void pb_plugin_files_free(struct pb_plugin_file **files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pb_free((*files)[i].path);
    pb_free(*files);
    *files = NULL;
}
