/* Locks between processes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

/* The pid in a lock file; 0 while its owner has not written it yet. */
static int64_t read_owner(int fd)
{
    char text[32];
    int64_t pid = 0;
    const ssize_t got = pread(fd, text, sizeof text - 1, 0);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    return pb_parse_int(text, &pid) ? pid : 0;
}

static enum pb_status fail_held(const char *path, int fd, struct pb_error *error)
{
    const int64_t owner = read_owner(fd);
    if (owner > 0)
        return pb_fail(error, PB_ERROR_RUN, "'%s' is locked by process %lld; wait for it or stop it", path,
                       (long long)owner);
    return pb_fail(error, PB_ERROR_RUN, "'%s' is locked by another process; wait for it or stop it", path);
}

static bool write_owner(int fd)
{
    char text[32];
    const int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)length, 0) == (ssize_t)length;
}

static int take_flock(int fd, bool wait)
{
    int result;
    do
        result = flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result;
}

/* A process's number and the end of its line, or nothing yet. Anything else is somebody's file, which is not overwritten. */
static bool holds_a_pid(int fd)
{
    char text[32];
    const ssize_t got = pread(fd, text, sizeof text, 0);
    if (got < 0 || (size_t)got == sizeof text)
        return false;
    for (ssize_t i = 0; i < got; i++)
        if ((text[i] < '0' || text[i] > '9') && text[i] != '\n')
            return false;
    return true;
}

/* Never through a link, and nothing but a regular file: a pipe or a device would take what was meant for the lock. */
static enum pb_status open_lock(const char *path, int *fd, struct pb_error *error)
{
    struct stat info;
    const int file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    if (file < 0 && lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return pb_fail(error, PB_ERROR_RUN, "'%s' is no lock file but %s; move it away", path,
                       pb_file_kind(info.st_mode));
    if (file < 0)
        return pb_fail_errno(error, "lock '%s'", path);
    enum pb_status status = PB_OK;
    if (fstat(file, &info) != 0)
        status = pb_fail_errno(error, "lock '%s'", path);
    else if (!S_ISREG(info.st_mode))
        status =
            pb_fail(error, PB_ERROR_RUN, "'%s' is no lock file but %s; move it away", path, pb_file_kind(info.st_mode));
    else if (!holds_a_pid(file))
        status = pb_fail(error, PB_ERROR_RUN,
                         "'%s' is no lock file: it holds more than the number of a process; move it away", path);
    if (status == PB_OK)
        *fd = file;
    else
        close(file);
    return status;
}

static enum pb_status lock(const char *path, bool wait, int *fd, struct pb_error *error)
{
    int file = -1;
    enum pb_status status = open_lock(path, &file, error);
    if (status != PB_OK)
        return status;
    if (take_flock(file, wait) != 0)
        status = errno == EWOULDBLOCK ? fail_held(path, file, error) : pb_fail_errno(error, "lock '%s'", path);
    else if (!write_owner(file))
        status = pb_fail_errno(error, "lock '%s'", path);
    if (status != PB_OK) {
        close(file);
        return status;
    }
    *fd = file;
    return PB_OK;
}

enum pb_status pb_lock(const char *path, int *fd, struct pb_error *error)
{
    return lock(path, false, fd, error);
}

enum pb_status pb_lock_wait(const char *path, int *fd, struct pb_error *error)
{
    return lock(path, true, fd, error);
}

void pb_unlock(int *fd)
{
    if (*fd < 0)
        return;
    /* The file stays: removing it would let two processes hold "the" lock on different files. */
    if (ftruncate(*fd, 0) != 0)
        errno = 0;
    close(*fd);
    *fd = -1;
}
