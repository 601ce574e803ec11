/* Leases between processes, on one host or on many. */
#include "base/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/owner.h"

enum { CONTENT = 320, LINK_TRIES = 5 };
static const double FIRST_PAUSE = 0.01, LAST_PAUSE = 1;

struct pb_lease {
    char *path, *tag; /* tag: of the process, and of this lease alone */
    int fd;
    uint64_t beats;
    bool lost;
    struct pb_lease *next;
};

/* The leases of this process, and the thread that raises their counters while there are some. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t change;
    struct pb_lease *first;
    bool running;
    double beat, expiry;
} beats = {.mutex = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER, .beat = 5, .expiry = 60};

void pb_lease_times(double beat, double expiry)
{
    pthread_mutex_lock(&beats.mutex);
    beats.beat = beat;
    beats.expiry = expiry;
    pthread_cond_broadcast(&beats.change);
    pthread_mutex_unlock(&beats.mutex);
}

/* TAG BEATS HOST PID JOB: always the same number of bytes, so that the beats are overwritten in place. The last three are for people. */
static bool write_content(struct pb_lease *lease)
{
    char content[CONTENT];
    struct utsname system;
    const char *job = getenv("SLURM_JOB_ID");
    const int length =
        snprintf(content, sizeof content, "%s %020" PRIu64 " %.64s %ld %.32s\n", lease->tag, lease->beats,
                 uname(&system) == 0 ? system.nodename : "?", (long)getpid(), job ? job : "-");
    return pwrite(lease->fd, content, (size_t)length, 0) == length;
}

static void beat(struct pb_lease *lease)
{
    struct stat info;
    lease->beats++;
    if (lease->lost)
        return;
    const bool known = fstat(lease->fd, &info) == 0;
    lease->lost = known ? info.st_nlink == 0 : errno == ESTALE;
    if (!lease->lost && (!write_content(lease) || fsync(lease->fd) != 0))
        lease->lost = errno == ESTALE; /* any other failure may pass before the others have waited long enough */
}

static struct timespec after(double seconds)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    const double whole = (double)time.tv_nsec * 1e-9 + seconds;
    time.tv_sec += (time_t)whole;
    time.tv_nsec = (long)((whole - (double)(time_t)whole) * 1e9);
    return time;
}

static void *keep(void *nothing)
{
    pthread_mutex_lock(&beats.mutex);
    while (beats.first) {
        const struct timespec until = after(beats.beat);
        if (pthread_cond_timedwait(&beats.change, &beats.mutex, &until) == ETIMEDOUT)
            for (struct pb_lease *lease = beats.first; lease; lease = lease->next)
                beat(lease);
    }
    beats.running = false;
    pthread_mutex_unlock(&beats.mutex);
    return nothing;
}

/* A thread that no signal interrupts; the mutex is held. */
static int start_thread(void)
{
    sigset_t all, before;
    pthread_t thread;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    const int failed = pthread_create(&thread, &attributes, keep, NULL);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static enum pb_status hold(struct pb_lease *lease, struct pb_error *error)
{
    int failed = 0;
    pthread_mutex_lock(&beats.mutex);
    lease->next = beats.first;
    beats.first = lease;
    if (!beats.running)
        failed = start_thread();
    beats.running = failed == 0;
    if (failed)
        beats.first = lease->next;
    pthread_mutex_unlock(&beats.mutex);
    errno = failed;
    return failed ? pb_fail_errno(error, "start the thread that keeps '%s'", lease->path) : PB_OK;
}

/* A name beside path that no other process makes, from pb_calloc. */
static char *name_beside(const char *path)
{
    char *tag = pb_owner_tag(), *name = tag ? pb_format("%s.%s.tmp", path, tag) : NULL;
    pb_free(tag);
    return name;
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

/* What a lease says of its holder and its beats. *there: false where there is none, or it went while it was read. */
static enum pb_status read_content(const char *path, char content[CONTENT], bool *there, struct pb_error *error)
{
    *there = false;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? -1 : read(fd, content, CONTENT - 1);
    const int why = errno;
    if (fd >= 0)
        close(fd);
    if (got < 0 && (why == ENOENT || why == ESTALE))
        return PB_OK;
    enum pb_status status = check_kind(path, error);
    errno = why;
    if (status == PB_OK && got < 0)
        status = pb_fail_errno(error, "read the lock '%s'", path);
    if (status != PB_OK)
        return status;
    content[got] = '\0';
    *there = true;
    return PB_OK;
}

/* What earlier versions left, which locked by flock: nothing, or the number of a process. */
static bool is_former(const char *content)
{
    return content[strspn(content, "0123456789\n")] == '\0';
}

/* By the tag, which is all before the first blank. */
static enum pb_owner_state owner_of(const char *content)
{
    char tag[CONTENT];
    snprintf(tag, sizeof tag, "%.*s", (int)strcspn(content, " "), content);
    return pb_owner_of_tag(tag);
}

static enum pb_status fail_held(const char *path, const char *content, struct pb_error *error)
{
    char host[65] = "?", pid[32] = "?";
    (void)sscanf(content, "%*s %*s %64s %31s", host, pid);
    return pb_fail(error, PB_ERROR_RUN, "'%s' is locked by process %s on host '%s'; wait for it or stop it", path, pid,
                   host);
}

/*
 * Removes the lease, if it begins with what is expected. Between a look and a removal another process may have taken it: so it is moved
 * away first, looked at where nobody else changes it, and put back where it is another one.
 */
static enum pb_status remove_lease(const char *path, const char *expected, struct pb_error *error)
{
    char content[CONTENT], *aside = name_beside(path);
    bool there;
    if (!aside)
        return pb_fail_memory(error, strlen(path));
    enum pb_status status = PB_OK;
    if (rename(path, aside) != 0) {
        status = errno == ENOENT || errno == ESTALE ? PB_OK : pb_fail_errno(error, "unlock '%s'", path);
        pb_free(aside);
        return status;
    }
    status = read_content(aside, content, &there, error);
    if (status == PB_OK && there && strncmp(content, expected, strlen(expected)) != 0)
        if (link(aside, path) != 0 && errno != EEXIST)
            status = pb_fail_errno(error, "put the lock '%s' back", path);
    if (unlink(aside) != 0 && errno != ENOENT && status == PB_OK)
        status = pb_fail_errno(error, "remove '%s'", aside);
    pb_free(aside);
    return status;
}

/* Gives the candidate the lease's name. *taken: false where another process has it. */
static enum pb_status claim(const char *candidate, const char *path, bool *taken, struct pb_error *error)
{
    struct stat info;
    for (int tries = 0;; tries++) {
        const int why = link(candidate, path) == 0 ? 0 : errno;
        const bool known = stat(candidate, &info) == 0;
        *taken = known && info.st_nlink == 2;
        if (*taken || why == EEXIST)
            return PB_OK;
        if (why == 0)
            return pb_fail(error, PB_ERROR_RUN,
                           "'%s': the file system does not count the links of a file; keep results on one that does",
                           path);
        if (tries == LINK_TRIES || (why != EIO && why != ESTALE && why != EINTR)) {
            errno = why;
            return pb_fail_errno(error, "lock '%s'", path);
        }
    }
}

static void free_lease(struct pb_lease *lease)
{
    if (lease->fd >= 0)
        close(lease->fd);
    pb_free(lease->path);
    pb_free(lease->tag);
    pb_free(lease);
}

/* Closed once, so that other hosts see what is in it, and opened again for its beats. */
static bool write_candidate(struct pb_lease *lease, const char *candidate)
{
    lease->fd = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool good = lease->fd >= 0 && write_content(lease);
    if (lease->fd >= 0)
        good = close(lease->fd) == 0 && good;
    lease->fd = good ? open(candidate, O_WRONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    return lease->fd >= 0;
}

/* *lease: NULL where another process has it. */
static enum pb_status attempt(const char *path, struct pb_lease **lease, struct pb_error *error)
{
    bool taken = false;
    *lease = NULL;
    struct pb_lease *made = pb_calloc(1, sizeof *made);
    if (!made)
        return pb_fail_memory(error, sizeof *made);
    *made = (struct pb_lease){.path = pb_strdup(path), .tag = pb_owner_tag(), .fd = -1};
    char *candidate = made->tag ? pb_format("%s.%s.tmp", path, made->tag) : NULL;
    enum pb_status status = made->path && candidate ? PB_OK : pb_fail_memory(error, strlen(path));
    if (status == PB_OK) {
        if (!write_candidate(made, candidate))
            status = pb_fail_errno(error, "lock '%s'", path);
        if (status == PB_OK)
            status = claim(candidate, path, &taken, error);
        (void)unlink(candidate);
    }
    if (status == PB_OK && taken) {
        struct pb_error ignored;
        status = hold(made, error);
        if (status != PB_OK)
            (void)!remove_lease(path, made->tag, &ignored);
    }
    pb_free(candidate);
    if (status == PB_OK && taken)
        *lease = made;
    else
        free_lease(made);
    return status;
}

/* A lease of another process, and since when it has not changed. */
struct watched {
    char content[CONTENT];
    double since;
    uint32_t changes;
};

static double expiry(void)
{
    pthread_mutex_lock(&beats.mutex);
    const double seconds = beats.expiry;
    pthread_mutex_unlock(&beats.mutex);
    return seconds;
}

/* One look. *free: nobody holds it any more, and what was left of it is removed; *known: its holder works. */
static enum pb_status watch(const char *path, struct watched *watched, bool *free, bool *known, struct pb_error *error)
{
    char content[CONTENT];
    bool there;
    const enum pb_status status = read_content(path, content, &there, error);
    *free = !there;
    *known = false;
    if (status != PB_OK || !there)
        return status;
    if (strcmp(content, watched->content) != 0) {
        memcpy(watched->content, content, sizeof content);
        watched->since = pb_clock();
        watched->changes++;
    }
    const enum pb_owner_state owner = owner_of(content);
    if (owner == PB_OWNER_NONE && !is_former(content))
        return pb_fail(error, PB_ERROR_RUN,
                       "'%s' is no lock file: it does not say which process holds it; move it away", path);
    *known = owner == PB_OWNER_ALIVE || (owner == PB_OWNER_ELSEWHERE && watched->changes > 1);
    *free = owner == PB_OWNER_GONE || owner == PB_OWNER_NONE || pb_clock() - watched->since >= expiry();
    return *free ? remove_lease(path, content, error) : PB_OK;
}

static void rest(double seconds)
{
    const struct timespec time = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

bool pb_lease_sweep(const char *path)
{
    struct pb_error ignored;
    char content[CONTENT];
    bool there;
    return read_content(path, content, &there, &ignored) == PB_OK && there &&
           (owner_of(content) == PB_OWNER_GONE || is_former(content)) && remove_lease(path, content, &ignored) == PB_OK;
}

/* Until nobody holds it. */
static enum pb_status await(const char *path, bool wait, struct pb_error *error)
{
    struct watched watched = {.since = pb_clock()};
    double pause = FIRST_PAUSE;
    for (;;) {
        bool free, known;
        const enum pb_status status = watch(path, &watched, &free, &known, error);
        if (status != PB_OK || free)
            return status;
        if (!wait && known)
            return fail_held(path, watched.content, error);
        rest(pause);
        pause = pause * 1.5 < LAST_PAUSE ? pause * 1.5 : LAST_PAUSE;
    }
}

enum pb_status pb_lease_take(const char *path, bool wait, struct pb_lease **lease, struct pb_error *error)
{
    enum pb_status status = attempt(path, lease, error);
    while (status == PB_OK && !*lease) {
        status = await(path, wait, error);
        if (status == PB_OK)
            status = attempt(path, lease, error);
    }
    return status;
}

bool pb_lease_is_lost(const struct pb_lease *lease)
{
    pthread_mutex_lock(&beats.mutex);
    const bool lost = lease->lost;
    pthread_mutex_unlock(&beats.mutex);
    return lost;
}

void pb_lease_give(struct pb_lease **lease)
{
    struct pb_lease *given = *lease;
    struct pb_error ignored;
    if (!given)
        return;
    pthread_mutex_lock(&beats.mutex);
    struct pb_lease **place = &beats.first;
    while (*place != given)
        place = &(*place)->next;
    *place = given->next;
    if (!beats.first)
        pthread_cond_signal(&beats.change);
    pthread_mutex_unlock(&beats.mutex);
    (void)!remove_lease(given->path, given->tag, &ignored);
    free_lease(given);
    *lease = NULL;
}
