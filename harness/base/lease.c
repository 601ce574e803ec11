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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/stop.h"
#include "base/text.h"

enum { CONTENT = PB_LEASE_CONTENT, LINK_TRIES = 5 };
static const double FIRST_PAUSE = 0.01, LAST_PAUSE = 1;

struct pb_lease {
    char *path, *tag; /* tag: of the process, and of this lease alone */
    char *holder; /* for people: HOST PID JOB */
    int fd;
    uint64_t beats;
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

enum pb_status pb_lease_times_from_environment(struct pb_error *error)
{
    double beat = 0, expiry = 0;
    const char *text = getenv("PRUNEBENCH_LEASE");
    int used = 0;
    if (!text || !text[0])
        return PB_OK;
    if (sscanf(text, "%lf %lf%n", &beat, &expiry, &used) != 2 || text[used] || // NOLINT(cert-err34-c)
        !(beat > 0 && expiry >= 3 * beat && expiry < 1e6))
        return pb_fail(error, PB_ERROR_INPUT,
                       "$PRUNEBENCH_LEASE is '%s'; it must be two numbers of seconds, \"BEAT EXPIRY\", the second at "
                       "least three times the first",
                       text);
    pb_lease_times(beat, expiry);
    return PB_OK;
}

/* HOST PID JOB, from pb_calloc; NULL when memory is out. */
static char *describe_holder(void)
{
    struct utsname system;
    const char *job = getenv("SLURM_JOB_ID");
    return pb_format("%.64s %ld %.32s", uname(&system) == 0 ? system.nodename : "?", (long)getpid(), job ? job : "-");
}

/* TAG BEATS HOLDER: always the same number of bytes, so that the beats are overwritten in place. */
static bool write_content(const struct pb_lease *lease)
{
    char content[CONTENT];
    const int length =
        snprintf(content, sizeof content, "%s %020" PRIu64 " %s\n", lease->tag, lease->beats, lease->holder);
    return pwrite(lease->fd, content, (size_t)length, 0) == length;
}

/* What fails now may succeed the next time, before others have waited long enough. A lease that was lost is a file without a name. */
static void beat(struct pb_lease *lease)
{
    lease->beats++;
    const int copy = write_content(lease) ? fcntl(lease->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy >= 0)
        close(copy); /* by which a network file system sends what was written */
}

static struct timespec after(double seconds)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
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
        if (pthread_cond_clockwait(&beats.change, &beats.mutex, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
            for (struct pb_lease *lease = beats.first; lease; lease = lease->next)
                beat(lease);
    }
    beats.running = false;
    pthread_mutex_unlock(&beats.mutex);
    return nothing;
}

static void before_fork(void)
{
    pthread_mutex_lock(&beats.mutex);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&beats.mutex);
}

/* The thread and the leases are the parent's. */
static void after_fork_in_child(void)
{
    pthread_mutex_init(&beats.mutex, NULL);
    pthread_cond_init(&beats.change, NULL);
    beats.first = NULL;
    beats.running = false;
}

/* A thread that no signal interrupts; the mutex is held. */
static int start_thread(void)
{
    static bool forks_are_watched;
    sigset_t all, before;
    pthread_t thread;
    pthread_attr_t attributes;
    if (!forks_are_watched) {
        const int failed = pthread_atfork(before_fork, after_fork, after_fork_in_child);
        if (failed)
            return failed;
        forks_are_watched = true;
    }
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
static ssize_t read_once(const char *path, char content[CONTENT])
{
    struct stat info;
    const int fd = pb_open_to_read(path, O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    const bool regular = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    const ssize_t got = regular ? read(fd, content, CONTENT - 1) : -1;
    const int why = fd >= 0 && !regular ? EBADF : errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return got;
}

/* What a lease says of its holder and its beats. *there: false where there is none, or it went while it was read. */
static enum pb_status read_content(const char *path, char content[CONTENT], bool *there, struct pb_error *error)
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

/* "TAG BEATS HOST PID JOB" */
void pb_lease_holder(const struct pb_lease_watch *watch, char text[PB_LEASE_HOLDER])
{
    char host[65], pid[32], job[33];
    text[0] = '\0';
    if (sscanf(watch->content, "%*s %*s %64s %31s %32s", host, pid, job) == 3)
        snprintf(text, PB_LEASE_HOLDER, "host %s, process %s%s%s", host, pid, strcmp(job, "-") == 0 ? "" : ", job ",
                 strcmp(job, "-") == 0 ? "" : job);
}

static enum pb_status fail_held(const char *path, const char *content, struct pb_error *error)
{
    char host[65] = "?", pid[32] = "?";
    (void)sscanf(content, "%*s %*s %64s %31s", host, pid);
    return pb_fail(error, PB_ERROR_RUN, "'%s' is locked by process %s on host '%s'; wait for it or stop it", path, pid,
                   host);
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

/* Removes the lease if it still says what is expected: all of it, or how it begins. *removed: it did. */
static enum pb_status remove_lease(const char *path, const char *expected, bool whole, bool *removed,
                                   struct pb_error *error)
{
    char content[CONTENT];
    bool there;
    const int guard = begin_removal(path);
    enum pb_status status = read_content(path, content, &there, error);
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

static void free_lease(struct pb_lease *lease)
{
    if (lease->fd >= 0)
        close(lease->fd);
    pb_free(lease->path);
    pb_free(lease->tag);
    pb_free(lease->holder);
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
    bool taken = false, removed;
    *lease = NULL;
    struct pb_lease *made = pb_calloc(1, sizeof *made);
    if (!made)
        return pb_fail_memory(error, sizeof *made);
    *made = (struct pb_lease){.path = pb_strdup(path), .tag = pb_owner_tag(), .holder = describe_holder(), .fd = -1};
    char *candidate = made->tag ? pb_format("%s.%s.tmp", path, made->tag) : NULL;
    enum pb_status status = made->path && made->holder && candidate ? PB_OK : pb_fail_memory(error, strlen(path));
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
            (void)!remove_lease(path, made->tag, false, &removed, &ignored);
    }
    pb_free(candidate);
    if (status == PB_OK && taken)
        *lease = made;
    else
        free_lease(made);
    return status;
}

double pb_lease_expiry(void)
{
    pthread_mutex_lock(&beats.mutex);
    const double seconds = beats.expiry;
    pthread_mutex_unlock(&beats.mutex);
    return seconds;
}

/* Of a process on this host the kernel says whether it exists: one that is stopped for hours keeps its lease. */
enum pb_status pb_lease_look(const char *path, struct pb_lease_watch *watch, bool *free, struct pb_error *error)
{
    char content[CONTENT];
    bool there, removed;
    const enum pb_status status = read_content(path, content, &there, error);
    *free = !there;
    if (status != PB_OK || !there)
        return status;
    if (watch->changes == 0 || strcmp(content, watch->content) != 0) {
        memcpy(watch->content, content, sizeof content);
        watch->since = pb_clock();
        watch->changes++;
    }
    watch->owner = owner_of(content);
    if (watch->owner == PB_OWNER_NONE && !is_former(content))
        return pb_fail(error, PB_ERROR_RUN,
                       "'%s' is no lock file: it does not say which process holds it; move it away", path);
    const bool silent = watch->owner == PB_OWNER_ELSEWHERE && pb_clock() - watch->since >= pb_lease_expiry();
    *free = silent || watch->owner == PB_OWNER_GONE || watch->owner == PB_OWNER_NONE;
    return *free ? remove_lease(path, content, true, &removed, error) : PB_OK;
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
    bool there, removed = false;
    if (read_content(path, content, &there, &ignored) != PB_OK || !there)
        return false;
    if (owner_of(content) == PB_OWNER_GONE || is_former(content))
        (void)!remove_lease(path, content, true, &removed, &ignored);
    return removed;
}

const char *pb_lease_path(const struct pb_lease *lease)
{
    return lease->path;
}

const char *pb_lease_tag(const struct pb_lease *lease)
{
    return lease->tag;
}

bool pb_lease_has_tag(const char *path, const char *tag)
{
    struct pb_error ignored;
    char content[CONTENT];
    bool there;
    if (read_content(path, content, &there, &ignored) != PB_OK)
        return true;
    return there && pb_starts_with(content, tag);
}

bool pb_lease_is_kept(const struct pb_lease *lease)
{
    return pb_lease_has_tag(lease->path, lease->tag);
}

bool pb_lease_is_elsewhere(const char *path)
{
    struct pb_error ignored;
    char content[CONTENT];
    bool there;
    return read_content(path, content, &there, &ignored) == PB_OK && there && owner_of(content) == PB_OWNER_ELSEWHERE;
}

static bool is_over(const struct pb_lease_watch *watched, enum pb_patience patience)
{
    switch (patience) {
    case PB_UNTIL_KNOWN:
        return watched->owner == PB_OWNER_ALIVE || watched->changes > 1;
    case PB_UNTIL_FREE:
        break;
    }
    return false;
}

/* Until nobody holds it. */
static enum pb_status await(const char *path, enum pb_patience patience, struct pb_error *error)
{
    struct pb_lease_watch watched = {.since = pb_clock()};
    double pause = FIRST_PAUSE;
    for (bool said = false;;) {
        bool free;
        const enum pb_status status = pb_lease_look(path, &watched, &free, error);
        if (status != PB_OK || free)
            return status;
        if (is_over(&watched, patience))
            return fail_held(path, watched.content, error);
        if (!said && watched.owner == PB_OWNER_ELSEWHERE)
            pb_log(PB_LOG_INFO, "'%s' is held on another host; it is free when that has not worked for %.0f s", path,
                   pb_lease_expiry());
        said = true;
        const enum pb_status asked = pb_stop_check(error);
        if (asked != PB_OK)
            return asked;
        rest(pause);
        pause = pause * 1.5 < LAST_PAUSE ? pause * 1.5 : LAST_PAUSE;
    }
}

enum pb_status pb_lease_try(const char *path, struct pb_lease **lease, struct pb_error *error)
{
    struct pb_lease_watch watched = {.since = pb_clock()};
    bool free = false;
    enum pb_status status = attempt(path, lease, error);
    if (status == PB_OK && !*lease)
        status = pb_lease_look(path, &watched, &free, error);
    return status == PB_OK && free ? attempt(path, lease, error) : status;
}

enum pb_status pb_lease_take(const char *path, enum pb_patience patience, struct pb_lease **lease,
                             struct pb_error *error)
{
    enum pb_status status = attempt(path, lease, error);
    while (status == PB_OK && !*lease) {
        status = await(path, patience, error);
        if (status == PB_OK)
            status = attempt(path, lease, error);
    }
    return status;
}

void pb_lease_give(struct pb_lease **lease)
{
    struct pb_lease *given = *lease;
    struct pb_error error;
    bool removed;
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
    if (remove_lease(given->path, given->tag, false, &removed, &error) != PB_OK)
        pb_log(PB_LOG_WARNING, "%s; it is free when this process has ended", error.text);
    free_lease(given);
    *lease = NULL;
}
