/* Files of an earlier report. Every file of a report is written anew under a temporary name and renamed, so that one that was
 * written since is another file than before. */
#include "report/report_stale.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"

struct pb_stale_file {
    char *path;
    struct stat info;
};

static enum pb_status note_file(struct pb_stale *stale, const char *name, struct pb_error *error)
{
    struct pb_stale_file *file = &stale->files[stale->count];
    file->path = pb_path_join(stale->folder, name);
    if (file->path == NULL)
        return pb_fail_memory(error, strlen(stale->folder) + strlen(name) + 2);
    stale->count++;
    return lstat(file->path, &file->info) == 0 ? PB_OK : pb_fail_errno(error, "look at '%s'", file->path);
}

enum pb_status pb_stale_note(const char *folder, struct pb_stale *stale, struct pb_error *error)
{
    struct pb_stale noted = {.folder = pb_strdup(folder)};
    char **names = NULL;
    size_t count = 0;
    enum pb_status status = noted.folder == NULL ? pb_fail_memory(error, strlen(folder) + 1) : PB_OK;
    if (status == PB_OK && pb_file_exists(folder))
        status = pb_list_dir(folder, &names, &count, error);
    if (status == PB_OK && (noted.files = pb_calloc(count, sizeof *noted.files)) == NULL)
        status = pb_fail_memory(error, count * sizeof *noted.files);
    for (size_t i = 0; i < count && status == PB_OK; i++)
        status = note_file(&noted, names[i], error);
    pb_names_free(&names, count);
    if (status == PB_OK)
        *stale = noted;
    else
        pb_stale_free(&noted);
    return status;
}

static bool is_the_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

enum pb_status pb_stale_remove(const struct pb_stale *stale, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < stale->count && status == PB_OK; i++) {
        const struct pb_stale_file *file = &stale->files[i];
        struct stat now;
        if (lstat(file->path, &now) == 0 && is_the_same(&now, &file->info))
            status = pb_remove_tree(file->path, error);
    }
    return status;
}

void pb_stale_free(struct pb_stale *stale)
{
    for (size_t i = 0; i < stale->count; i++)
        pb_free(stale->files[i].path);
    pb_free(stale->files);
    pb_free(stale->folder);
    *stale = (struct pb_stale){0};
}
