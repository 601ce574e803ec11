/* Paths, folders and trees. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

char *pb_path_join(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const char *slash = length == 0 || folder[length - 1] == '/' ? "" : "/";
    while (*name == '/')
        name++;
    return pb_format("%s%s%s", folder, slash, name);
}

char *pb_path_absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *absolute = path[0] == '/' ? pb_strdup(path) : here ? pb_path_join(here, path) : NULL;
    free(here);
    return absolute;
}

char *pb_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return pb_strdup(".");
    while (slash > path && slash[-1] == '/')
        slash--;
    return slash == path ? pb_strdup("/") : pb_strndup(path, (size_t)(slash - path));
}

const char *pb_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool pb_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* One folder of the chain; errno says why not. */
static bool make_dir(const char *path)
{
    if (mkdir(path, 0777) == 0)
        return true;
    const int reason = errno;
    if (pb_is_dir(path))
        return true;
    errno = reason == EEXIST ? ENOTDIR : reason;
    return false;
}

enum pb_status pb_make_dirs(const char *path, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    char *partial = pb_strdup(path);
    if (partial == NULL)
        return pb_fail_memory(error, strlen(path) + 1);
    for (char *slash = strchr(partial + (*partial == '/'), '/'); slash != NULL && status == PB_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_dir(partial))
            status = pb_fail_errno(error, "make folder '%s'", partial);
        *slash = '/';
    }
    if (status == PB_OK && !make_dir(path))
        status = pb_fail_errno(error, "make folder '%s'", path);
    pb_free(partial);
    return status;
}

enum pb_status pb_make_temporary_dir(const char *name, char **path, struct pb_error *error)
{
    const char *place = getenv("TMPDIR");
    char *folder = pb_format("%s/%s-XXXXXX", place && *place ? place : "/tmp", name);
    if (!folder)
        return pb_fail_memory(error, 64);
    if (!mkdtemp(folder)) {
        const enum pb_status status = pb_fail_errno(error, "make the folder '%s' (see TMPDIR)", folder);
        pb_free(folder);
        return status;
    }
    *path = folder;
    return PB_OK;
}

/* Empties and removes the entry called name of the open folder parent; 0, or -1 with errno. */
static int remove_at(int parent, const char *name)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -1;
    const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return -1;
    }
    int result = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            result = errno == 0 ? 0 : -1;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        result = remove_at(fd, entry->d_name);
        if (result != 0)
            break;
    }
    const int reason = errno;
    closedir(folder);
    errno = reason;
    if (result == 0 && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        result = -1;
    return result;
}

enum pb_status pb_remove_tree(const char *path, struct pb_error *error)
{
    if (remove_at(AT_FDCWD, path) != 0)
        return pb_fail_errno(error, "remove '%s'", path);
    return PB_OK;
}

/* Removes what was set aside of path before, all that begins with prefix but for the newest. */
static enum pb_status drop_earlier(const char *path, const char *prefix, const char *newest, struct pb_error *error)
{
    char **names = NULL, *folder = pb_path_folder(path);
    size_t count = 0;
    enum pb_status status = folder ? pb_list_dir(folder, &names, &count, error) : pb_fail_memory(error, strlen(path));
    for (size_t i = 0; i < count && status == PB_OK; i++) {
        if (!pb_starts_with(names[i], prefix) || strcmp(names[i], newest) == 0)
            continue;
        char *earlier = pb_path_join(folder, names[i]);
        status = earlier ? pb_remove_tree(earlier, error) : pb_fail_memory(error, strlen(names[i]));
        pb_free(earlier);
    }
    pb_names_free(&names, count);
    pb_free(folder);
    return status;
}

/* Digits and capitals alone, "20261128T021344": no sign that a shell or another program takes for its own. */
static void time_for_name(char now[32])
{
    size_t kept = 0;
    pb_utc_now(now);
    for (const char *sign = now; *sign && *sign != 'Z'; sign++)
        if (*sign != '-' && *sign != ':')
            now[kept++] = *sign;
    now[kept] = '\0';
}

enum pb_status pb_set_aside(const char *path, char **aside, struct pb_error *error)
{
    char now[32];
    uint16_t noise = 0;
    time_for_name(now);
    if (getrandom(&noise, sizeof noise, 0) != (ssize_t)sizeof noise)
        return pb_fail_errno(error, "set '%s' aside", path);
    char *prefix = pb_format("%s.damaged-", pb_path_name(path));
    char *name = pb_format("%s.damaged-%s-%04x", path, now, noise);
    enum pb_status status = prefix && name ? PB_OK : pb_fail_memory(error, strlen(path));
    const bool moved = status == PB_OK && rename(path, name) == 0;
    if (status == PB_OK && !moved && errno != ENOENT)
        status = pb_fail_errno(error, "set '%s' aside", path);
    if (moved)
        status = drop_earlier(path, prefix, pb_path_name(name), error);
    pb_free(prefix);
    if (status == PB_OK && moved) {
        *aside = name;
    } else {
        pb_free(name);
        if (status == PB_OK)
            *aside = NULL;
    }
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends a copy of name to a growing list. */
static bool keep_name(char ***names, size_t *count, size_t *capacity, const char *name)
{
    if (*count == *capacity) {
        const size_t requested = *capacity == 0 ? 16 : 2 * *capacity;
        char **grown = pb_realloc(*names, *count, requested, sizeof *grown);
        if (grown == NULL)
            return false;
        *names = grown;
        *capacity = requested;
    }
    char *copy = pb_strdup(name);
    if (copy == NULL)
        return false;
    (*names)[(*count)++] = copy;
    return true;
}

enum pb_status pb_list_dir(const char *path, char ***names, size_t *count, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    char **found = NULL;
    size_t found_count = 0, capacity = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        const bool input = errno == ENOENT || errno == ENOTDIR || errno == EACCES;
        status = pb_fail_errno(error, "read folder '%s'", path);
        if (input && error != NULL)
            error->status = PB_ERROR_INPUT;
        return input ? PB_ERROR_INPUT : status;
    }
    while (status == PB_OK) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL && errno != 0)
            status = pb_fail_errno(error, "read folder '%s'", path);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!keep_name(&found, &found_count, &capacity, entry->d_name))
            status = pb_fail_memory(error, strlen(entry->d_name) + 1);
    }
    closedir(folder);
    if (status != PB_OK) {
        pb_names_free(&found, found_count);
        return status;
    }
    if (found_count > 0)
        qsort(found, found_count, sizeof *found, by_name);
    *names = found;
    *count = found_count;
    return PB_OK;
}

void pb_names_free(char ***names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pb_free((*names)[i]);
    pb_free(*names);
    *names = NULL;
}
