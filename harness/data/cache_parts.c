/* Caches that are being built. */
#include "data/cache_parts.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/text.h"

char *pb_cache_part(const char *path)
{
    char *tag = pb_owner_tag(), *part = tag ? pb_format("%s.%s.tmp", path, tag) : NULL;
    pb_free(tag);
    return part;
}

/* FILE.TAG.tmp. What its lock is written to first has another form, FILE.lock.TAG.tmp. */
static bool is_part_of(const char *file, const char *name)
{
    const size_t length = strlen(file);
    if (!pb_starts_with(name, file) || name[length] != '.')
        return false;
    const char *tag = name + length + 1;
    return strcmp(tag + strcspn(tag, "."), ".tmp") == 0 && pb_owner_of(name) != PB_OWNER_NONE;
}

static enum pb_status remove_part(const char *folder, const char *name, struct pb_error *error)
{
    char *path = pb_path_join(folder, name);
    if (!path)
        return pb_fail_memory(error, strlen(name));
    if (unlink(path) == 0)
        pb_log(PB_LOG_INFO, "removed '%s': nobody builds it any more", path);
    else if (errno != ENOENT)
        pb_log(PB_LOG_WARNING, "nobody builds '%s' any more, and it cannot be removed: %s", path, strerror(errno));
    pb_free(path);
    return PB_OK;
}

enum pb_status pb_cache_remove_parts(const char *path, struct pb_error *error)
{
    char **names = NULL, *folder = pb_path_folder(path);
    size_t count = 0;
    enum pb_status status = folder ? pb_list_dir(folder, &names, &count, error) : pb_fail_memory(error, strlen(path));
    for (size_t i = 0; i < count && status == PB_OK; i++)
        if (is_part_of(pb_path_name(path), names[i]) ||
            (strstr(names[i], ".images.") && pb_owner_of(names[i]) == PB_OWNER_GONE))
            status = remove_part(folder, names[i], error);
    pb_names_free(&names, count);
    pb_free(folder);
    return status;
}
