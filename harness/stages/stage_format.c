/* Under which keys stages are stored. */
#include "stages/stage_format.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

enum { KEY = 64 };

/* A file that is not there, or holds something else, is another's; one that cannot be read just now is an error. */
static enum pb_status is_own(const char *path, bool *own, struct pb_error *error)
{
    char *text = NULL;
    size_t length = 0;
    struct pb_error unread = {0};
    const enum pb_status status = pb_file_read(path, 64, &text, &length, &unread);
    if (status != PB_OK && status != PB_ERROR_INPUT) {
        *error = unread;
        return status;
    }
    *own = status == PB_OK && strcmp(text, PB_STAGE_FORMAT "\n") == 0;
    pb_free(text);
    return PB_OK;
}

static enum pb_status has_stages(const char *folder, bool *found, struct pb_error *error)
{
    char **names = NULL;
    size_t count = 0;
    const enum pb_status status = pb_list_dir(folder, &names, &count, error);
    if (status != PB_OK)
        return status;
    *found = false;
    for (size_t i = 0; i < count; i++) /* whole ones, and what a training has kept */
        *found = *found || strspn(names[i], "0123456789abcdef") == KEY;
    pb_names_free(&names, count);
    return PB_OK;
}

enum pb_status pb_stage_format_claim(const char *folder, bool *other, struct pb_error *error)
{
    static const char text[] = PB_STAGE_FORMAT "\n";
    char *path = pb_path_join(folder, ".format");
    if (!path)
        return pb_fail_memory(error, strlen(folder));
    bool found = false, own = false;
    enum pb_status status = is_own(path, &own, error);
    if (status == PB_OK && !own)
        status = has_stages(folder, &found, error);
    if (status == PB_OK && !own && !found)
        status = pb_file_write_atomic(path, text, strlen(text), error);
    pb_free(path);
    if (status == PB_OK)
        *other = found;
    return status;
}
