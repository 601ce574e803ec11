/*
 * To be preloaded: a file system that lacks something or fails, by calls that answer so without asking the kernel. Environment:
 *
 *   FAULT_BELOW=PATH       only files below this absolute path fail
 *   FAULT_FLOCK=ENOSYS     flock always fails
 *   FAULT_LINK=EPERM       link always fails: there are no hard links
 *   FAULT_LINK=EIO:N       the first N links of a process fail
 *   FAULT_LINK=LOST:N      the first N links of a process are made, and answer EIO nevertheless
 *   FAULT_OPEN=NO_EXCL     a file that exists can be created
 *   FAULT_OPEN=ESTALE:N    the first N openings of each file for reading fail, in each process
 *   FAULT_READ=ESTALE:N    the first N reads of each file fail, in each process
 *   FAULT_WRITE=ENOSPC:N   each process can write N bytes; then writes and fsync fail
 *   FAULT_REMOVED=ESTALE   a file without a name cannot be written
 *   FAULT_FSYNC=EIO        fsync always fails
 *   FAULT_FSYNC=FOLDERS    fsync of a folder answers EINVAL
 *   FAULT_RENAME=EXDEV     rename always fails
 *   FAULT_RENAME=REPLACES  rename replaces folders, whatever is in them (and does nothing)
 *   FAULT_CLOCK=SECONDS    what the clock of the day is ahead of the kernel's
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define INTERPOSED __attribute__((visibility("default")))
enum { PATH_BYTES = 4096, FILES = 4096 };

/* Files by name: how often each has failed. */
struct failures {
    struct {
        char *path;
        long count;
    } files[FILES];
    size_t used;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct failures openings, reads;
static long links, written;

/* The C library's own function of that name. */
static void find(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    memcpy(function, &found, sizeof found);
}

/* Whether the variable begins with this word; *number: what follows its colon. */
static bool asks(const char *variable, const char *word, long *number)
{
    const char *value = getenv(variable);
    const size_t length = strlen(word);
    if (!value || strncmp(value, word, length) != 0)
        return false;
    *number = value[length] == ':' ? strtol(value + length + 1, NULL, 10) : 0;
    return true;
}

static bool is_below(const char *path)
{
    const char *folder = getenv("FAULT_BELOW");
    return folder && strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] == '/';
}

/* The file's absolute name; "" where it has none below that folder. */
static void name_of(int fd, char path[PATH_BYTES])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, PATH_BYTES - 1);
    path[length > 0 ? length : 0] = '\0';
    if (!is_below(path))
        path[0] = '\0';
}

/* Counts one use of the file; whether it is one of the first most. */
static bool fails(struct failures *failures, const char *path, long most)
{
    size_t i = 0;
    pthread_mutex_lock(&mutex);
    while (i < failures->used && strcmp(failures->files[i].path, path) != 0)
        i++;
    if (i == failures->used && i < FILES && (failures->files[i].path = strdup(path)))
        failures->used++;
    const bool failed = i < failures->used && failures->files[i].count++ < most;
    pthread_mutex_unlock(&mutex);
    return failed;
}

static int fail(int reason)
{
    errno = reason;
    return -1;
}

INTERPOSED int flock(int fd, int operation)
{
    int (*real)(int, int);
    long number;
    if (asks("FAULT_FLOCK", "ENOSYS", &number))
        return fail(ENOSYS);
    find("flock", &real);
    return real(fd, operation);
}

static bool is_among(long *count, long most)
{
    pthread_mutex_lock(&mutex);
    const bool among = (*count)++ < most;
    pthread_mutex_unlock(&mutex);
    return among;
}

INTERPOSED int link(const char *from, const char *to)
{
    int (*real)(const char *, const char *);
    long most;
    find("link", &real);
    if (asks("FAULT_LINK", "EPERM", &most))
        return fail(EPERM);
    if (asks("FAULT_LINK", "EIO", &most) && is_among(&links, most))
        return fail(EIO);
    if (asks("FAULT_LINK", "LOST", &most) && is_among(&links, most))
        return real(from, to) == 0 ? fail(EIO) : -1;
    return real(from, to);
}

INTERPOSED int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...);
    mode_t mode = 0;
    long most;
    char full[PATH_BYTES];
    va_list arguments;
    va_start(arguments, flags);
    if (flags & (O_CREAT | O_TMPFILE))
        mode = va_arg(arguments, mode_t);
    va_end(arguments);
    find("open", &real);
    if (asks("FAULT_OPEN", "NO_EXCL", &most))
        flags &= ~O_EXCL;
    const int fd = real(path, flags, mode);
    if (fd < 0 || !asks("FAULT_OPEN", "ESTALE", &most) || (flags & (O_ACCMODE | O_DIRECTORY)) != O_RDONLY)
        return fd;
    name_of(fd, full);
    if (!full[0] || !fails(&openings, full, most))
        return fd;
    close(fd);
    return fail(ESTALE);
}

INTERPOSED ssize_t read(int fd, void *bytes, size_t count)
{
    ssize_t (*real)(int, void *, size_t);
    long most;
    char path[PATH_BYTES];
    find("read", &real);
    if (asks("FAULT_READ", "ESTALE", &most)) {
        name_of(fd, path);
        if (path[0] && fails(&reads, path, most))
            return fail(ESTALE);
    }
    return real(fd, bytes, count);
}

/* Counts what is written; whether it is more than there is room. */
static bool is_full(int fd, size_t count)
{
    long most;
    char path[PATH_BYTES];
    if (!asks("FAULT_WRITE", "ENOSPC", &most))
        return false;
    name_of(fd, path);
    if (!path[0])
        return false;
    pthread_mutex_lock(&mutex);
    written += (long)count;
    const bool full = written > most;
    pthread_mutex_unlock(&mutex);
    return full;
}

INTERPOSED ssize_t write(int fd, const void *bytes, size_t count)
{
    ssize_t (*real)(int, const void *, size_t);
    find("write", &real);
    return is_full(fd, count) ? fail(ENOSPC) : real(fd, bytes, count);
}

static bool is_removed(int fd)
{
    struct stat info;
    long number;
    return asks("FAULT_REMOVED", "ESTALE", &number) && fstat(fd, &info) == 0 && info.st_nlink == 0;
}

INTERPOSED ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t);
    find("pwrite", &real);
    if (is_removed(fd))
        return fail(ESTALE);
    return is_full(fd, count) ? fail(ENOSPC) : real(fd, bytes, count, offset);
}

static bool is_folder(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

INTERPOSED int fsync(int fd)
{
    int (*real)(int);
    long number;
    find("fsync", &real);
    if (asks("FAULT_FSYNC", "EIO", &number))
        return fail(EIO);
    if (asks("FAULT_FSYNC", "FOLDERS", &number) && is_folder(fd))
        return fail(EINVAL);
    return is_full(fd, 0) ? fail(ENOSPC) : real(fd);
}

INTERPOSED int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *);
    long number;
    find("rename", &real);
    if (asks("FAULT_RENAME", "EXDEV", &number))
        return fail(EXDEV);
    const int before = errno, result = real(from, to);
    if (result == 0 || errno != ENOTEMPTY || !asks("FAULT_RENAME", "REPLACES", &number))
        return result;
    errno = before;
    return 0;
}

static long ahead(void)
{
    const char *value = getenv("FAULT_CLOCK");
    return value ? strtol(value, NULL, 10) : 0;
}

INTERPOSED int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *);
    find("clock_gettime", &real);
    const int result = real(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += ahead();
    return result;
}

INTERPOSED int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int (*real)(struct timeval *, void *);
    find("gettimeofday", &real);
    const int result = real(now, zone);
    if (result == 0)
        now->tv_sec += ahead();
    return result;
}

INTERPOSED time_t time(time_t *now)
{
    struct timespec present;
    if (clock_gettime(CLOCK_REALTIME, &present) != 0)
        return -1;
    if (now)
        *now = present.tv_sec;
    return present.tv_sec;
}
