/* Whole reads, and writes that are complete or absent. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/owner.h"

int pb_open_to_read(const char *path, int flags)
{
    int fd = -1;
    for (int tries = 0; fd < 0 && tries <= PB_STALE_TRIES && (tries == 0 || errno == ESTALE); tries++)
        fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    return fd;
}

/* Opening fails because of the path that was given (input) or because of the machine (run). */
static enum pb_status fail_open(const char *path, struct pb_error *error)
{
    const bool input = errno == ENOENT || errno == ENOTDIR || errno == EISDIR || errno == EACCES || errno == ELOOP ||
                       errno == ENAMETOOLONG;
    const enum pb_status status = pb_fail_errno(error, "read '%s'", path);
    if (!input)
        return status;
    if (error != NULL)
        error->status = PB_ERROR_INPUT;
    return PB_ERROR_INPUT;
}

struct reading {
    const char *path;
    size_t limit;
    bool stale; /* it failed with ESTALE */
};

/* Fills a buffer of capacity bytes until the end of the file; doubles it as long as that is not enough. */
static enum pb_status read_all(int fd, struct reading *reading, size_t capacity, char **data, size_t *length,
                               struct pb_error *error)
{
    size_t held = 0;
    char *bytes = pb_calloc(capacity, 1);
    if (bytes == NULL)
        return pb_fail_memory(error, capacity);
    for (;;) {
        if (held + 1 == capacity) {
            size_t doubled;
            char *grown = pb_multiply(capacity, 2, &doubled) ? pb_realloc(bytes, held, doubled, 1) : NULL;
            if (grown == NULL) {
                pb_free(bytes);
                return pb_fail_memory(error, capacity);
            }
            bytes = grown;
            capacity = doubled;
        }
        const ssize_t got = read(fd, bytes + held, capacity - held - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            reading->stale = errno == ESTALE;
            const enum pb_status status = fail_open(reading->path, error);
            pb_free(bytes);
            return status;
        }
        if (got == 0)
            break;
        held += (size_t)got;
        if (reading->limit > 0 && held > reading->limit) {
            pb_free(bytes);
            return pb_fail(error, PB_ERROR_INPUT, "'%s' is larger than the %zu bytes that are allowed", reading->path,
                           reading->limit);
        }
    }
    *data = bytes;
    *length = held;
    return PB_OK;
}

static enum pb_status read_file(struct reading *reading, char **data, size_t *length, struct pb_error *error)
{
    struct stat info;
    enum pb_status status;
    size_t capacity = 0;
    reading->stale = false;
    const int fd = pb_open_to_read(reading->path, 0);
    if (fd < 0)
        return fail_open(reading->path, error);
    if (fstat(fd, &info) != 0) {
        reading->stale = errno == ESTALE;
        status = fail_open(reading->path, error);
    } else if (reading->limit > 0 && info.st_size > 0 && (uintmax_t)info.st_size > reading->limit) {
        status = pb_fail(error, PB_ERROR_INPUT, "'%s' is larger than the %zu bytes that are allowed", reading->path,
                         reading->limit);
    } else if (!pb_add((size_t)info.st_size, 2, &capacity)) { /* a NUL, and one byte to see the end */
        status = pb_fail_memory(error, (size_t)info.st_size);
    } else {
        status = read_all(fd, reading, capacity, data, length, error);
    }
    close(fd);
    return status;
}

enum pb_status pb_file_read(const char *path, size_t limit, char **data, size_t *length, struct pb_error *error)
{
    struct reading reading = {.path = path, .limit = limit};
    struct pb_error failure; /* error stays as it is where a later try succeeds */
    enum pb_status status = read_file(&reading, data, length, &failure);
    for (int tries = 0; reading.stale && tries < PB_STALE_TRIES; tries++)
        status = read_file(&reading, data, length, &failure);
    if (status != PB_OK && error != NULL)
        *error = failure;
    return status;
}

const char *pb_file_kind(unsigned mode)
{
    return S_ISREG(mode)    ? "a file"
           : S_ISDIR(mode)  ? "a folder"
           : S_ISLNK(mode)  ? "a link"
           : S_ISFIFO(mode) ? "a named pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

enum pb_status pb_file_open_own(const char *path, int *fd, struct pb_error *error)
{
    struct stat info;
    /* Looked at before it is opened: opening a device can already do something. */
    if (lstat(path, &info) != 0)
        return errno == ENOENT || errno == ENOTDIR ? pb_fail(error, PB_ERROR_INPUT, "'%s' is missing", path)
                                                   : pb_fail_errno(error, "look at '%s'", path);
    if (!S_ISREG(info.st_mode))
        return pb_fail(error, PB_ERROR_INPUT, "'%s' is %s, no regular file", path, pb_file_kind(info.st_mode));
    const int opened = pb_open_to_read(path, O_NONBLOCK | O_NOFOLLOW);
    if (opened < 0)
        return pb_fail_errno(error, "read '%s'", path);
    *fd = opened;
    return PB_OK;
}

bool pb_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t put = write(fd, bytes, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

/* A new file beside path under a name that no other process, here or on another host, uses, and that names its owner. */
static int create_temporary(const char *path, char **name)
{
    for (;;) {
        char *folder = pb_path_folder(path), *tag = pb_owner_tag();
        char *temporary =
            folder == NULL || tag == NULL ? NULL : pb_format("%s/.%s.%s.tmp", folder, pb_path_name(path), tag);
        pb_free(tag);
        pb_free(folder);
        if (temporary == NULL) {
            errno = ENOMEM;
            return -1;
        }
        const int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            *name = temporary;
            return fd;
        }
        const int reason = errno;
        pb_free(temporary);
        errno = reason;
        if (errno != EEXIST)
            return -1;
    }
}

/* File systems that cannot sync a folder say EINVAL. */
static bool sync_folder(const char *path)
{
    char *folder = pb_path_folder(path);
    if (folder == NULL) {
        errno = ENOMEM;
        return false;
    }
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool good = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    const int reason = errno;
    if (fd >= 0)
        close(fd);
    pb_free(folder);
    errno = reason;
    return good;
}

enum pb_status pb_sync_folder_of(const char *path, struct pb_error *error)
{
    return sync_folder(path) ? PB_OK : pb_fail_errno(error, "sync the folder of '%s'", path);
}

static enum pb_status write_parts(const char *path, const struct pb_bytes *parts, size_t count, bool durable,
                                  struct pb_error *error)
{
    char *temporary = NULL;
    const int fd = create_temporary(path, &temporary);
    if (fd < 0)
        return pb_fail_errno(error, "write '%s'", path);
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = write_all(fd, parts[i].data, parts[i].length);
    good = good && (!durable || fsync(fd) == 0);
    int reason = errno;
    if (close(fd) != 0 && good) {
        good = false;
        reason = errno;
    }
    if (good && rename(temporary, path) != 0) {
        good = false;
        reason = errno;
    }
    if (!good) {
        unlink(temporary);
        errno = reason;
    }
    good = good && (!durable || sync_folder(path));
    const enum pb_status status = good ? PB_OK : pb_fail_errno(error, "write '%s'", path);
    pb_free(temporary);
    return status;
}

enum pb_status pb_file_write_atomic(const char *path, const void *data, size_t length, struct pb_error *error)
{
    return write_parts(path, &(struct pb_bytes){data, length}, 1, true, error);
}

enum pb_status pb_file_write_parts_atomic(const char *path, const struct pb_bytes *parts, size_t count,
                                          struct pb_error *error)
{
    return write_parts(path, parts, count, true, error);
}

enum pb_status pb_file_replace(const char *path, const void *data, size_t length, struct pb_error *error)
{
    return write_parts(path, &(struct pb_bytes){data, length}, 1, false, error);
}

enum pb_status pb_file_move(const char *from, const char *to, struct pb_error *error)
{
    const int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_open(from, error);
    bool good = fsync(fd) == 0;
    const int reason = errno;
    close(fd);
    if (!good)
        errno = reason;
    good = good && rename(from, to) == 0 && sync_folder(to);
    return good ? PB_OK : pb_fail_errno(error, "write '%s'", to);
}
