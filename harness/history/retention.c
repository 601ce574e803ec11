/* Removes result documents of old runs, but for those that a change is compared by. */
#include "history/retention.h"

#include <string.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/memory.h"
#include "history/trend.h"

enum { NEAR = 2 }; /* runs on each side of a change */

const char *const pb_kept_names[] = {"numbers", "newest", "first", "last-good", "known", "change", NULL};

static void keep(enum pb_kept *kept, uint32_t count, uint32_t run, enum pb_kept why)
{
    if (run < count && kept[run] == PB_KEPT_NOT)
        kept[run] = why;
}

static enum pb_status keep_changes(const struct pb_history *history, enum pb_kept *kept, struct pb_error *error)
{
    struct pb_trend trend = {0};
    const enum pb_status status = pb_trend_find(history, &(struct pb_trend_options){0}, &trend, error);
    for (uint32_t i = 0; i < trend.change_count; i++)
        for (uint32_t k = 0; k < NEAR; k++) {
            keep(kept, history->run_count, trend.changes[i].run + k, PB_KEPT_CHANGE);
            if (trend.changes[i].previous >= k)
                keep(kept, history->run_count, trend.changes[i].previous - k, PB_KEPT_CHANGE);
        }
    pb_trend_free(&trend);
    return status;
}

static enum pb_status choose(const struct pb_history *history, uint32_t newest, enum pb_kept *kept,
                             struct pb_error *error)
{
    const uint32_t count = history->run_count;
    const struct pb_history_run *good = NULL;
    struct pb_error none = {0};
    for (uint32_t i = 0; i < count && i < newest; i++)
        kept[count - 1 - i] = PB_KEPT_NEWEST;
    if (count > 0)
        keep(kept, count, 0, PB_KEPT_FIRST);
    if (pb_history_find(history, "last-good", &good, &none) == PB_OK)
        keep(kept, count, (uint32_t)(good - history->runs), PB_KEPT_GOOD);
    for (uint32_t i = 0; i < count; i++)
        if (history->runs[i].known)
            keep(kept, count, i, PB_KEPT_KNOWN);
    return keep_changes(history, kept, error);
}

/* Writes the run's file anew without its documents. */
static enum pb_status strip(const struct pb_history *history, const struct pb_history_run *run, bool dry,
                            uint64_t *freed, struct pb_error *error)
{
    char *data[PB_HISTORY_PARTS] = {NULL}, *path = pb_path_join(history->folder, run->file);
    size_t lengths[PB_HISTORY_PARTS] = {0};
    struct pb_bytes parts[PB_HISTORY_PARTS] = {{0}};
    enum pb_status status = path ? PB_OK : pb_fail_memory(error, strlen(run->file));
    for (int i = 0; status == PB_OK && i < PB_HISTORY_PARTS; i++) {
        status = pb_history_file_read(path, (enum pb_history_part)i, &data[i], lengths, error);
        parts[i] = (struct pb_bytes){data[i], lengths[i]};
    }
    if (status == PB_OK) {
        *freed += parts[PB_PART_CELLS].length;
        parts[PB_PART_CELLS] = (struct pb_bytes){0};
        status = dry ? PB_OK : pb_history_file_write(path, parts, error);
    }
    for (int i = 0; i < PB_HISTORY_PARTS; i++)
        pb_free(data[i]);
    pb_free(path);
    return status;
}

static enum pb_status strip_all(const struct pb_history *history, const enum pb_kept *kept, bool dry, uint64_t *freed,
                                struct pb_error *error)
{
    for (uint32_t i = 0; i < history->run_count; i++) {
        struct pb_error why = {0};
        if (kept[i] != PB_KEPT_NOT || !history->runs[i].whole)
            continue;
        const enum pb_status status = strip(history, &history->runs[i], dry, freed, &why);
        if (status == PB_ERROR_INPUT) {
            pb_log(PB_LOG_WARNING, "%s (left as it is)", why.text);
        } else if (status != PB_OK) {
            *error = why;
            return status;
        }
    }
    return PB_OK;
}

enum pb_status pb_history_prune(const char *folder, const struct pb_retention *retention, struct pb_history *history,
                                enum pb_kept **kept, uint64_t *freed, struct pb_error *error)
{
    struct pb_lease *lock = NULL;
    struct pb_history made = {0};
    enum pb_kept *chosen = NULL;
    *freed = 0;
    enum pb_status status = pb_history_lock(folder, &lock, error);
    if (status == PB_OK)
        status = pb_history_open(folder, &made, error);
    if (status == PB_OK) {
        chosen = pb_calloc((size_t)made.run_count + 1, sizeof *chosen);
        status = chosen ? choose(&made, retention->newest, chosen, error) : pb_fail_memory(error, made.run_count);
    }
    if (status == PB_OK)
        status = strip_all(&made, chosen, retention->dry, freed, error);
    pb_lease_give(&lock);
    if (status == PB_OK) {
        *history = made;
        *kept = chosen;
    } else {
        pb_history_close(&made);
        pb_free(chosen);
    }
    return status;
}
