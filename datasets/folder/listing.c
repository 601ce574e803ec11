/* What is in a folder, sorted by bytes: the same order on every machine, whatever its file system and language. */
#include "folder/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum pb_status names_add(struct arena *arena, struct names *names, const char *name)
{
    void *items = names->items;
    const enum pb_status status = arena_grow(arena, &items, names->count, &names->capacity, sizeof name);
    if (status != PB_OK)
        return status;
    names->items = items;
    names->items[names->count++] = name;
    return PB_OK;
}

int names_compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static enum pb_status add_copy(struct arena *arena, struct names *names, const char *name)
{
    const char *copy = arena_text(arena, name, strlen(name));
    return copy != NULL ? names_add(arena, names, copy) : PB_ERROR_MEMORY;
}

/* Links count as what they point to; one that points nowhere is a file, so that the host says what is wrong with it. */
static bool is_folder(int folder, const struct dirent *entry)
{
    struct stat info;
    if (entry->d_type == DT_DIR || entry->d_type == DT_REG)
        return entry->d_type == DT_DIR;
    return fstatat(folder, entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

static void sort(struct names *names)
{
    if (names->count > 1)
        qsort(names->items, names->count, sizeof *names->items, names_compare);
}

enum pb_status listing_read(struct arena *arena, const char *path, struct listing *listing)
{
    const struct pb_host *host = arena->host;
    struct names folders = {0}, files = {0};
    const struct dirent *entry = NULL;
    enum pb_status status = PB_OK;
    DIR *stream = opendir(path);
    if (stream == NULL)
        return host->fail(host, PB_ERROR_INPUT, "%s: the folder cannot be read: %s", path, strerror(errno));
    while (status == PB_OK) {
        errno = 0;
        entry = readdir(stream);
        if (entry == NULL)
            break;
        if (entry->d_name[0] != '.')
            status = add_copy(arena, is_folder(dirfd(stream), entry) ? &folders : &files, entry->d_name);
    }
    if (status == PB_OK && errno != 0)
        status = host->fail(host, PB_ERROR_INPUT, "%s: the folder cannot be read: %s", path, strerror(errno));
    closedir(stream);
    if (status != PB_OK)
        return status;
    sort(&folders);
    sort(&files);
    *listing = (struct listing){
        .folders = folders.items, .files = files.items, .folder_count = folders.count, .file_count = files.count};
    return PB_OK;
}
