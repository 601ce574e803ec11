/* The file of a lease: made under a name by link(2), read, written in place, removed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lease_parts.h"
#include "base/memory.h"
#include "base/text.h"

enum { LINK_TRIES = 5 };

/* TAG BEATS HOLDER: always the same number of bytes, so that the beats are overwritten in place. */
bool pb_lease_write(const struct pb_lease *lease)
{
    char content[PB_LEASE_CONTENT];
    const int length =
        snprintf(content, sizeof content, "%s %020" PRIu64 " %s\n", lease->tag, lease->beats, lease->holder);
    return pwrite(lease->fd, content, (size_t)length, 0) == length;
}

/* Nothing but a regular file, and never through a link: somebody's file in this place stays as it is. */
static enum pb_status check_kind(const char *path, struct pb_error *error)
{
    struct stat info;
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return pb_fail(error, PB_ERROR_RUN, "'%s' is no lock file but %s; move it away", path,
                       pb_file_kind(info.st_mode));
    return PB_OK;
}

/* The bytes that were read, or -1 with errno: EBADF for what is no regular file. */
static ssize_t read_once(const char *path, char content[PB_LEASE_CONTENT])
{
    struct stat info;
    const int fd = pb_open_to_read(path, O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    const bool regular = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    const ssize_t got = regular ? read(fd, content, PB_LEASE_CONTENT - 1) : -1;
    const int why = fd >= 0 && !regular ? EBADF : errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return got;
}

enum pb_status pb_lease_read(const char *path, char content[PB_LEASE_CONTENT], bool *there, struct pb_error *error)
{
    *there = false;
    ssize_t got = read_once(path, content);
    for (int tries = 0; got < 0 && errno == ESTALE && tries < PB_STALE_TRIES; tries++)
        got = read_once(path, content);
    const int why = errno;
    if (got < 0 && (why == ENOENT || why == ESTALE))
        return PB_OK;
    if (got < 0) {
        const enum pb_status status = check_kind(path, error);
        errno = why;
        return status == PB_OK ? pb_fail_errno(error, "read the lock '%s'", path) : status;
    }
    content[got] = '\0';
    *there = true;
    return PB_OK;
}

/*
 * Processes of this host take turns in removing leases, where the file system can lock at all: then nobody removes what another one has
 * just taken. Between hosts a moment remains in which that can happen.
 */
static int begin_removal(const char *path)
{
    char *folder = pb_path_folder(path);
    const int guard = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    pb_free(folder);
    while (guard >= 0 && flock(guard, LOCK_EX) != 0 && errno == EINTR)
        ;
    return guard;
}

enum pb_status pb_lease_remove(const char *path, const char *expected, bool whole, bool *removed,
                               struct pb_error *error)
{
    char content[PB_LEASE_CONTENT];
    bool there;
    const int guard = begin_removal(path);
    enum pb_status status = pb_lease_read(path, content, &there, error);
    *removed = status == PB_OK && there && (whole ? strcmp(content, expected) == 0 : pb_starts_with(content, expected));
    if (*removed && unlink(path) != 0 && errno != ENOENT)
        status = pb_fail_errno(error, "unlock '%s'", path);
    if (guard >= 0)
        close(guard);
    return status;
}

static bool is_one_file(const char *path, const char *other)
{
    struct stat first, second;
    return stat(path, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static enum pb_status fail_link(const char *path, int why, struct pb_error *error)
{
    if (why == EPERM || why == ENOSYS || why == EOPNOTSUPP)
        return pb_fail(error, PB_ERROR_RUN,
                       "'%s' cannot be locked: its file system has no hard links; keep results on one that has", path);
    errno = why;
    return pb_fail_errno(error, "lock '%s'", path);
}

/* Gives the candidate the lease's name. *taken: false where another process has it. */
static enum pb_status claim(const char *candidate, const char *path, bool *taken, struct pb_error *error)
{
    for (int tries = 0;; tries++) {
        const int why = link(candidate, path) == 0 ? 0 : errno;
        *taken = why == 0 || is_one_file(candidate, path);
        if (*taken || why == EEXIST)
            return PB_OK;
        if (tries == LINK_TRIES || (why != EIO && why != ESTALE && why != EINTR))
            return fail_link(path, why, error);
    }
}

/* Closed once, so that other hosts see what is in it, and opened again for its beats. */
static bool write_candidate(struct pb_lease *lease, const char *candidate)
{
    lease->fd = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool good = lease->fd >= 0 && pb_lease_write(lease);
    if (lease->fd >= 0)
        good = close(lease->fd) == 0 && good;
    lease->fd = good ? open(candidate, O_WRONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    return lease->fd >= 0;
}

enum pb_status pb_lease_create(struct pb_lease *lease, bool *taken, struct pb_error *error)
{
    char *candidate = pb_format("%s.%s.tmp", lease->path, lease->tag);
    enum pb_status status = candidate ? PB_OK : pb_fail_memory(error, strlen(lease->path));
    *taken = false;
    if (status != PB_OK)
        return status;
    if (!write_candidate(lease, candidate))
        status = pb_fail_errno(error, "lock '%s'", lease->path);
    if (status == PB_OK)
        status = claim(candidate, lease->path, taken, error);
    (void)unlink(candidate);
    pb_free(candidate);
    return status;
}
