/* Removes what processes that died left below OUT. */
#include "coordinator/sweep.h"

#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/text.h"

struct sweep {
    uint32_t removed;
    bool alone; /* no cell is claimed, so that other hosts' processes have nothing to do here */
    struct timespec silent; /* what changed last before this moment of the file system's clock has no owner at work */
    struct pb_error *error;
};

/* What cannot be removed, another user's file for one, costs room but no result. */
static void sweep_away(struct sweep *sweep, const char *path)
{
    struct pb_error failure = {0};
    if (pb_remove_tree(path, &failure) == PB_OK)
        sweep->removed++;
    else
        pb_log(PB_LOG_WARNING, "%s; it was left by a process that has ended", failure.text);
}

/* Removes path unless somebody holds the lock: then it is being written. */
static void sweep_unless_locked(struct sweep *sweep, const char *path, const char *lock_path)
{
    struct pb_error held = {0};
    struct pb_lease *lock = NULL;
    if (pb_lease_try(lock_path, &lock, &held) != PB_OK || !lock)
        return;
    sweep_away(sweep, path);
    pb_lease_give(&lock);
}

/* FILE.part: the cache that FILE.lock's owner builds. */
static enum pb_status sweep_part(struct sweep *sweep, const char *path)
{
    char *lock = pb_strndup(path, strlen(path) - strlen(".part")),
         *lock_path = lock ? pb_format("%s.lock", lock) : NULL;
    const enum pb_status status = lock_path ? PB_OK : pb_fail_memory(sweep->error, strlen(path));
    if (status == PB_OK)
        sweep_unless_locked(sweep, path, lock_path);
    pb_free(lock_path);
    pb_free(lock);
    return status;
}

static enum pb_status sweep_folder(struct sweep *sweep, const char *folder);

/* STAGES/KEY.partial: of no use once the stage is complete; else what is half written in it goes. */
static enum pb_status sweep_partial(struct sweep *sweep, const char *stages, const char *path)
{
    const char *name = pb_path_name(path);
    const int length = (int)(strlen(name) - strlen(".partial"));
    char *facts = pb_format("%s/%.*s/stage.json", stages, length, name);
    char *lock_path = pb_format("%s/locks/%.*s", stages, length, name);
    enum pb_status status = facts && lock_path ? PB_OK : pb_fail_memory(sweep->error, strlen(path));
    if (status == PB_OK && pb_file_exists(facts))
        sweep_unless_locked(sweep, path, lock_path);
    else if (status == PB_OK)
        status = sweep_folder(sweep, path);
    pb_free(facts);
    pb_free(lock_path);
    return status;
}

/* What a process on another host left. */
static bool is_abandoned(const struct sweep *sweep, const char *path)
{
    struct stat info;
    return sweep->alone && lstat(path, &info) == 0 &&
           (info.st_ctim.tv_sec < sweep->silent.tv_sec ||
            (info.st_ctim.tv_sec == sweep->silent.tv_sec && info.st_ctim.tv_nsec < sweep->silent.tv_nsec));
}

static void sweep_lease(struct sweep *sweep, const char *path)
{
    if (pb_lease_sweep(path))
        sweep->removed++;
    else if (pb_lease_is_elsewhere(path) && is_abandoned(sweep, path))
        sweep_away(sweep, path);
}

static enum pb_status sweep_entry(struct sweep *sweep, const char *folder, const char *name)
{
    char *path = pb_path_join(folder, name);
    enum pb_status status = path ? PB_OK : pb_fail_memory(sweep->error, strlen(name));
    const enum pb_owner_state owner = pb_owner_of(name);
    if (status == PB_OK && (owner == PB_OWNER_GONE || (owner == PB_OWNER_ELSEWHERE && is_abandoned(sweep, path))))
        sweep_away(sweep, path);
    else if (status == PB_OK && (pb_ends_with(folder, "/locks") || pb_ends_with(name, "lock")))
        sweep_lease(sweep, path);
    else if (status == PB_OK && pb_ends_with(name, ".images.part"))
        status = sweep_part(sweep, path);
    else if (status == PB_OK && pb_ends_with(name, ".partial") && pb_is_dir(path))
        status = sweep_partial(sweep, folder, path);
    pb_free(path);
    return status;
}

static enum pb_status sweep_folder(struct sweep *sweep, const char *folder)
{
    char **names = NULL;
    size_t count = 0;
    if (!pb_is_dir(folder))
        return PB_OK;
    enum pb_status status = pb_list_dir(folder, &names, &count, sweep->error);
    for (size_t i = 0; i < count && status == PB_OK; i++)
        status = sweep_entry(sweep, folder, names[i]);
    pb_names_free(&names, count);
    return status;
}

/* Removes claims whose holders have ended; where one is left, other hosts may be at work. */
static enum pb_status sweep_claims(struct sweep *sweep, const char *out)
{
    char **names = NULL, *folder = pb_path_join(out, "queue");
    size_t count = 0, left = 0;
    if (!folder)
        return pb_fail_memory(sweep->error, strlen(out));
    const enum pb_status status = pb_is_dir(folder) ? pb_list_dir(folder, &names, &count, sweep->error) : PB_OK;
    for (size_t i = 0; i < count; i++) {
        char *path = pb_ends_with(names[i], ".claim") ? pb_path_join(folder, names[i]) : NULL;
        if (path)
            sweep_lease(sweep, path);
        left += path && pb_file_exists(path);
        pb_free(path);
    }
    sweep->alone = sweep->alone && left == 0;
    pb_names_free(&names, count);
    pb_free(folder);
    return status;
}

/* The file system's own clock, less three times that in which a lease expires: what it says of a file's last change may be a minute old. */
static enum pb_status find_silence(struct sweep *sweep, const char *out)
{
    struct stat info;
    char *tag = pb_owner_tag(), *path = tag ? pb_format("%s/clock.%s.tmp", out, tag) : NULL;
    const int file = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
    sweep->alone = file >= 0 && fstat(file, &info) == 0; /* else nothing can be said of others */
    if (sweep->alone)
        sweep->silent =
            (struct timespec){info.st_ctim.tv_sec - (time_t)ceil(3 * pb_lease_expiry()), info.st_ctim.tv_nsec};
    if (file >= 0) {
        close(file);
        (void)unlink(path);
    }
    pb_free(path);
    pb_free(tag);
    return path ? PB_OK : pb_fail_memory(sweep->error, strlen(out));
}

enum pb_status pb_sweep(const char *out, struct pb_error *error)
{
    /* Not each stage's own folder: what is added to a stage begins in the folder above. Locks before what they are of, which stays while
     * it is locked. */
    static const char *const folders[] = {"",
                                          "cells",
                                          "logs",
                                          "cache",
                                          "pretrained",
                                          "samples",
                                          "latency",
                                          "queue",
                                          "stages/locks",
                                          "stages",
                                          "report",
                                          "report/data",
                                          "report/figures",
                                          "report/tables",
                                          "report/cells",
                                          "report/samples"};
    struct sweep sweep = {.error = error};
    enum pb_status status = find_silence(&sweep, out);
    if (status == PB_OK)
        status = sweep_claims(&sweep, out);
    for (size_t i = 0; i < sizeof folders / sizeof *folders && status == PB_OK; i++) {
        char *folder = pb_path_join(out, folders[i]);
        status = folder ? sweep_folder(&sweep, folder) : pb_fail_memory(error, strlen(out));
        pb_free(folder);
    }
    if (sweep.removed > 0)
        pb_log(PB_LOG_INFO, "removed %u temporary files and folders of processes that have ended", sweep.removed);
    return status;
}
