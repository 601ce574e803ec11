/* Under which keys stages are stored. */
#include "stages/stage_format.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

enum { KEY = 64 };

static bool is_own(const char *path)
{
    char *text = NULL;
    size_t length = 0;
    struct pb_error unreadable;
    const bool own = pb_file_exists(path) && pb_file_read(path, 64, &text, &length, &unreadable) == PB_OK &&
                     strcmp(text, PB_STAGE_FORMAT "\n") == 0;
    pb_free(text);
    return own;
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
    bool found = false;
    enum pb_status status = PB_OK;
    const bool own = is_own(path);
    if (!own)
        status = has_stages(folder, &found, error);
    if (status == PB_OK && !own && !found)
        status = pb_file_write_atomic(path, text, strlen(text), error);
    pb_free(path);
    if (status == PB_OK)
        *other = found;
    return status;
}
