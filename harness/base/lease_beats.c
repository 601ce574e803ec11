/* The counters of this process's leases, which a thread raises so that others see that their holder works. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/lease_parts.h"

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

double pb_lease_expiry(void)
{
    pthread_mutex_lock(&beats.mutex);
    const double seconds = beats.expiry;
    pthread_mutex_unlock(&beats.mutex);
    return seconds;
}

/* What fails now may succeed the next time, before others have waited long enough. A lease that was lost is a file without a name. */
static void beat(struct pb_lease *lease)
{
    lease->beats++;
    const int copy = pb_lease_write(lease) ? fcntl(lease->fd, F_DUPFD_CLOEXEC, 0) : -1;
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

enum pb_status pb_lease_keep(struct pb_lease *lease, struct pb_error *error)
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

void pb_lease_rest(struct pb_lease *lease)
{
    pthread_mutex_lock(&beats.mutex);
    struct pb_lease **place = &beats.first;
    while (*place != lease)
        place = &(*place)->next;
    *place = lease->next;
    if (!beats.first)
        pthread_cond_signal(&beats.change);
    pthread_mutex_unlock(&beats.mutex);
}
