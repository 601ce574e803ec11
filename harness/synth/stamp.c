/* Whose a folder is, and whether what it should hold is all there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "synth/set.h"

/* A file of this name marks a folder as the generator's own. Its last line says so when the set is complete. */
static const char stamp_name[] = ".prunebench-synth";
static const char complete_line[] = "complete\n";

static enum pb_status write_stamp(const char *root, const char *settings, const char *state, struct pb_error *error)
{
    enum pb_status status;
    char *path = pb_path_join(root, stamp_name);
    char *text = pb_format("%s%s", settings, state);
    if (path && text)
        status = pb_file_write_atomic(path, text, strlen(text), error);
    else
        status = pb_fail_memory(error, strlen(root) + strlen(settings));
    pb_free(path);
    pb_free(text);
    return status;
}

static enum pb_status read_stamp(const char *root, char **text, struct pb_error *error)
{
    char *path = pb_path_join(root, stamp_name);
    size_t length;
    if (!path) {
        pb_fail_memory(error, strlen(root));
        return PB_ERROR_MEMORY;
    }
    const enum pb_status status = pb_file_read(path, 4096, text, &length, error);
    pb_free(path);
    return status;
}

/* Looks at a folder that exists: *ours when it carries the stamp, *empty when there is nothing in it. */
static enum pb_status inspect(const char *root, bool *ours, bool *empty, struct pb_error *error)
{
    char **names = NULL;
    size_t count = 0;
    const enum pb_status status = pb_list_dir(root, &names, &count, error);
    if (status != PB_OK)
        return status;
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found = found || strcmp(names[i], stamp_name) == 0;
    *ours = found;
    *empty = count == 0;
    pb_names_free(&names, count);
    return PB_OK;
}

static bool is_complete(const char *stamp, const char *settings)
{
    return pb_starts_with(stamp, settings) && strcmp(stamp + strlen(settings), complete_line) == 0;
}

enum pb_status synth_claim(const char *root, const char *settings, bool *complete, struct pb_error *error)
{
    enum pb_status status;
    if (pb_file_exists(root) && !pb_is_dir(root))
        return pb_fail(error, PB_ERROR_INPUT, "'%s' is not a folder; move it away or choose another folder", root);
    if (pb_is_dir(root)) {
        bool ours, empty;
        status = inspect(root, &ours, &empty, error);
        if (status != PB_OK)
            return status;
        if (!ours && !empty)
            return pb_fail(error, PB_ERROR_INPUT,
                           "'%s' holds files that synth did not draw; move them away or choose another folder", root);
        if (ours) {
            char *stamp = NULL;
            status = read_stamp(root, &stamp, error);
            if (status != PB_OK)
                return status;
            const bool there = is_complete(stamp, settings);
            pb_free(stamp);
            if (there) {
                *complete = true;
                return PB_OK;
            }
            status = pb_remove_tree(root, error);
            if (status != PB_OK)
                return status;
        }
    }
    status = pb_make_dirs(root, error);
    if (status == PB_OK)
        status = write_stamp(root, settings, "unfinished\n", error);
    if (status == PB_OK)
        *complete = false;
    return status;
}

enum pb_status synth_complete(const char *root, const char *settings, struct pb_error *error)
{
    /* Thousands of small files: one sync of their file system instead of one for each, before the stamp vouches. */
    const int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return pb_fail_errno(error, "open '%s'", root);
    const int failed = syncfs(folder);
    const int reason = errno;
    close(folder);
    errno = reason;
    if (failed)
        return pb_fail_errno(error, "sync '%s'", root);
    return write_stamp(root, settings, complete_line, error);
}
