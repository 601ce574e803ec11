/* Reading values that are in a file beside the model. */
#include "onnx/onnx_external.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* Where a tensor says that its values are. */
struct place {
    const char *location;
    size_t offset, length; /* length 0: not stated */
};

static enum pb_status refuse(const struct pb_onnx_file *file, struct pb_onnx_constant constant, const char *what,
                             const char *of, struct pb_error *error)
{
    return pb_fail(error, PB_ERROR_INPUT, "'%s': tensor '%.80s': its external data: %s%s%.200s%s", file->path,
                   constant.name, what, *of ? " '" : "", of, *of ? "'" : "");
}

static enum pb_status find_place(const struct pb_onnx_file *file, struct pb_onnx_constant constant, struct place *place,
                                 struct pb_error *error)
{
    struct place found = {.location = ""};
    for (size_t i = 0; i < constant.tensor->n_external_data; i++) {
        const Onnx__StringStringEntryProto *entry = constant.tensor->external_data[i];
        bool good = true;
        if (strcmp(entry->key, "location") == 0)
            found.location = entry->value;
        else if (strcmp(entry->key, "offset") == 0)
            good = pb_parse_size(entry->value, &found.offset);
        else if (strcmp(entry->key, "length") == 0)
            good = pb_parse_size(entry->value, &found.length);
        else if (strcmp(entry->key, "checksum") != 0)
            return refuse(file, constant, "there is no member", entry->key, error);
        if (!good)
            return refuse(file, constant, "this is no number of bytes:", entry->value, error);
    }
    *place = found;
    return PB_OK;
}

static bool climbs(const char *location)
{
    for (const char *part = location; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return true;
    }
    return false;
}

static bool is_below(const char *folder, const char *path)
{
    const size_t length = strlen(folder);
    return strncmp(folder, path, length) == 0 && (folder[length - 1] == '/' || path[length] == '/');
}

/* The file itself, links resolved; *path from malloc. */
static enum pb_status resolve(const struct pb_onnx_file *file, struct pb_onnx_constant constant, const char *location,
                              char **path, struct pb_error *error)
{
    if (!*location)
        return refuse(file, constant, "names no file", "", error);
    if (*location == '/' || climbs(location))
        return refuse(file, constant, "must be below the model's folder, not at", location, error);
    char *folder = pb_path_folder(file->path);
    char *joined = folder ? pb_path_join(folder, location) : NULL;
    char *real_folder = joined ? realpath(folder, NULL) : NULL;
    char *resolved = real_folder ? realpath(joined, NULL) : NULL;
    enum pb_status status = PB_OK;
    if (!joined)
        status = pb_fail_memory(error, strlen(file->path) + strlen(location));
    else if (!resolved)
        status = refuse(file, constant, errno == ENOENT ? "there is no file" : "cannot be reached:", location, error);
    else if (!is_below(real_folder, resolved))
        status = refuse(file, constant, "a link leads out of the model's folder:", location, error);
    pb_free(folder);
    pb_free(joined);
    free(real_folder);
    if (status == PB_OK)
        *path = resolved;
    else
        free(resolved);
    return status;
}

static enum pb_status read_part(int fd, const char *path, size_t offset, size_t bytes, char *to, struct pb_error *error)
{
    for (size_t held = 0; held < bytes;) {
        const ssize_t got = pread(fd, to + held, bytes - held, (off_t)(offset + held));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pb_fail_errno(error, "read '%s'", path);
        if (got == 0)
            return pb_fail(error, PB_ERROR_RUN, "'%s' became shorter while it was read", path);
        held += (size_t)got;
    }
    return PB_OK;
}

enum pb_status pb_onnx_read_external(const struct pb_onnx_file *file, struct pb_onnx_constant constant, size_t bytes,
                                     void *to, struct pb_error *error)
{
    struct place place = {.location = ""};
    struct stat info;
    char *path = NULL;
    size_t end;
    int fd = -1;
    enum pb_status status = find_place(file, constant, &place, error);
    if (status == PB_OK && place.length && place.length != bytes)
        status = refuse(file, constant, "its length is not that of the tensor's shape", "", error);
    if (status == PB_OK)
        status = resolve(file, constant, place.location, &path, error);
    if (status == PB_OK && pb_file_open_own(path, &fd, error) != PB_OK)
        status = pb_fail_context(error, "'%s': tensor '%.80s'", file->path, constant.name);
    if (status == PB_OK && fstat(fd, &info) != 0)
        status = pb_fail_errno(error, "look at '%s'", path);
    if (status == PB_OK && (!pb_add(place.offset, bytes, &end) || end > (size_t)info.st_size))
        status = refuse(file, constant, "ends behind the end of", place.location, error);
    if (status == PB_OK && to)
        status = read_part(fd, path, place.offset, bytes, to, error);
    if (fd >= 0)
        close(fd);
    free(path);
    return status;
}
