/* Leases between processes, on one host or on many. */
#include "base/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lease_parts.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/stop.h"
#include "base/text.h"

static const double FIRST_PAUSE = 0.01, LAST_PAUSE = 1;

/* HOST PID JOB, from pb_calloc; NULL when memory is out. */
static char *describe_holder(void)
{
    struct utsname system;
    const char *job = getenv("SLURM_JOB_ID");
    return pb_format("%.64s %ld %.32s", uname(&system) == 0 ? system.nodename : "?", (long)getpid(), job ? job : "-");
}

/* What earlier versions left, which locked by flock: nothing, or the number of a process. */
static bool is_former(const char *content)
{
    return content[strspn(content, "0123456789\n")] == '\0';
}

/* By the tag, which is all before the first blank. */
static enum pb_owner_state owner_of(const char *content)
{
    char tag[PB_LEASE_CONTENT];
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

static void free_lease(struct pb_lease *lease)
{
    if (lease->fd >= 0)
        close(lease->fd);
    pb_free(lease->path);
    pb_free(lease->tag);
    pb_free(lease->holder);
    pb_free(lease);
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
    enum pb_status status = made->path && made->tag && made->holder ? PB_OK : pb_fail_memory(error, strlen(path));
    if (status == PB_OK)
        status = pb_lease_create(made, &taken, error);
    if (status == PB_OK && taken) {
        struct pb_error ignored;
        status = pb_lease_keep(made, error);
        if (status != PB_OK)
            (void)!pb_lease_remove(path, made->tag, false, &removed, &ignored);
    }
    if (status == PB_OK && taken)
        *lease = made;
    else
        free_lease(made);
    return status;
}

/* Of a process on this host the kernel says whether it exists: one that is stopped for hours keeps its lease. */
enum pb_status pb_lease_look(const char *path, struct pb_lease_watch *watch, bool *free, struct pb_error *error)
{
    char content[PB_LEASE_CONTENT];
    bool there, removed;
    const enum pb_status status = pb_lease_read(path, content, &there, error);
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
    return *free ? pb_lease_remove(path, content, true, &removed, error) : PB_OK;
}

static void pause_for(double seconds)
{
    const struct timespec time = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

bool pb_lease_sweep(const char *path)
{
    struct pb_error ignored;
    char content[PB_LEASE_CONTENT];
    bool there, removed = false;
    if (pb_lease_read(path, content, &there, &ignored) != PB_OK || !there)
        return false;
    if (owner_of(content) == PB_OWNER_GONE || is_former(content))
        (void)!pb_lease_remove(path, content, true, &removed, &ignored);
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
    char content[PB_LEASE_CONTENT];
    bool there;
    if (pb_lease_read(path, content, &there, &ignored) != PB_OK)
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
    char content[PB_LEASE_CONTENT];
    bool there;
    return pb_lease_read(path, content, &there, &ignored) == PB_OK && there && owner_of(content) == PB_OWNER_ELSEWHERE;
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
        pause_for(pause);
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
    pb_lease_rest(given);
    if (pb_lease_remove(given->path, given->tag, false, &removed, &error) != PB_OK)
        pb_log(PB_LOG_WARNING, "%s; it is free when this process has ended", error.text);
    free_lease(given);
    *lease = NULL;
}
