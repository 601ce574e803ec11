/* OUT/running.json, as the coordinator writes it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/text.h"
#include "coordinator/run.h"

#define EVERY_SECONDS 1.0

static void count_cells(const struct pb_run *run, struct pb_run_status *status)
{
    status->total = run->matrix->cell_count;
    for (uint32_t i = 0; i < status->total; i++) {
        const struct pb_run_cell *cell = &run->cells[i];
        status->ok += cell->state == PB_RUN_OK;
        status->before += cell->state == PB_RUN_OK && !cell->ran;
        status->failed += cell->state == PB_RUN_FAILED;
        status->blocked += cell->state == PB_RUN_BLOCKED;
        status->running += cell->state == PB_RUN_RUNNING || cell->state == PB_RUN_ELSEWHERE;
        status->waiting += cell->state == PB_RUN_WAITING || cell->state == PB_RUN_LEFT_OUT;
        status->left_out += cell->state == PB_RUN_LEFT_OUT;
    }
}

static enum pb_status add_running(const struct pb_run *run, struct pb_run_status *status, struct pb_error *error)
{
    for (uint32_t i = 0; i < run->slot_count; i++) {
        const struct pb_slot *slot = &run->slots[i];
        if (slot->child.pid == 0)
            continue;
        const char *id = run->matrix->cells[slot->cell]->id;
        const bool reported = strcmp(slot->what, id) != 0;
        struct pb_status_cell *cell = pb_run_status_add(status, id, "running", reported ? slot->what : "", error);
        if (!cell)
            return PB_ERROR_MEMORY;
        cell->seconds = pb_clock() - slot->child.started;
        if (run->phase == PB_PHASE_LATENCY)
            continue;
        cell->share = slot->share;
        cell->left = pb_time_left(slot->share, cell->seconds);
    }
    return PB_OK;
}

/* Of the cells that other processes have claimed it is known who they are, once their claims have been looked at. */
static enum pb_status add_elsewhere(const struct pb_run *run, struct pb_run_status *status, struct pb_error *error)
{
    const uint32_t most = status->cell_count + PB_STATUS_CELLS;
    for (uint32_t i = 0; i < run->matrix->cell_count && status->cell_count < most; i++) {
        char holder[PB_LEASE_HOLDER] = "";
        if (run->cells[i].state != PB_RUN_ELSEWHERE)
            continue;
        if (run->cells[i].watch)
            pb_lease_holder(run->cells[i].watch, holder);
        struct pb_status_cell *cell = pb_run_status_add(status, run->matrix->cells[i]->id, "running", "", error);
        if (!cell || (holder[0] && pb_run_status_text(&cell->where, holder, error) != PB_OK))
            return PB_ERROR_MEMORY;
        cell->seconds = cell->left = cell->share = NAN;
    }
    return PB_OK;
}

static enum pb_status add_failed(const struct pb_run *run, struct pb_run_status *status, struct pb_error *error)
{
    const uint32_t most = status->cell_count + PB_STATUS_CELLS;
    for (uint32_t i = 0; i < run->matrix->cell_count && status->cell_count < most; i++) {
        const struct pb_run_cell *cell = &run->cells[i];
        if (cell->state != PB_RUN_FAILED && cell->state != PB_RUN_BLOCKED)
            continue;
        if (!pb_run_status_add(status, run->matrix->cells[i]->id, pb_cell_status_name(cell->status),
                               cell->message ? cell->message : "", error))
            return PB_ERROR_MEMORY;
    }
    return PB_OK;
}

/* Everything but the lists. */
static enum pb_status fill(const struct pb_run *run, struct pb_run_status *status, struct pb_error *error)
{
    char host[256] = "", now[32];
    (void)gethostname(host, sizeof host - 1);
    pb_utc_now(now);
    const struct pb_run_standing standing = pb_run_look(run);
    const bool known = run->phase == PB_PHASE_CELLS;
    status->phase = run->phase;
    status->process = (uint32_t)getpid();
    status->planned = run->planned;
    status->share = known ? standing.share : NAN;
    status->seconds = pb_clock() - run->begun_at;
    status->left = known ? pb_time_left(standing.share, pb_clock() - run->started) : NAN;
    count_cells(run, status);
    enum pb_status good = pb_run_status_text(&status->owner, run->owner, error);
    if (good == PB_OK)
        good = pb_run_status_text(&status->host, host, error);
    if (good == PB_OK)
        good = pb_run_status_text(&status->started, run->begun, error);
    if (good == PB_OK)
        good = pb_run_status_text(&status->updated, now, error);
    if (good == PB_OK)
        good = pb_run_status_text(&status->folder, run->folder, error);
    if (good == PB_OK && run->options->command)
        good = pb_run_status_text(&status->command, run->options->command, error);
    return good;
}

/* A run does not end because nobody can see how far it is. */
static void publish(struct pb_run *run, uint32_t signal)
{
    struct pb_run_status status = {0};
    struct pb_error error = {0};
    if (run->published < 0 || !run->owner || !run->folder)
        return;
    enum pb_status good = fill(run, &status, &error);
    if (signal) {
        status.phase = PB_PHASE_INTERRUPTED;
        status.signal = signal;
        status.waiting += status.running;
        status.running = 0;
    }
    if (good == PB_OK)
        good = add_running(run, &status, &error);
    if (good == PB_OK)
        good = add_elsewhere(run, &status, &error);
    if (good == PB_OK)
        good = add_failed(run, &status, &error);
    if (good == PB_OK)
        good = pb_run_status_write(run->options->out, &status, &error);
    run->published = good == PB_OK ? pb_clock() : -1;
    if (good != PB_OK)
        pb_log(PB_LOG_WARNING, "%s; 'prunebench status' cannot tell how far this run is", error.text);
    pb_run_status_free(&status);
}

void pb_run_publish_begin(struct pb_run *run)
{
    char *folder = getcwd(NULL, 0);
    run->owner = pb_owner_tag();
    run->folder = pb_strdup(folder ? folder : "");
    free(folder);
    pb_utc_now(run->begun);
    run->begun_at = pb_clock();
    publish(run, 0);
}

void pb_run_publish(struct pb_run *run)
{
    if (pb_clock() - run->published >= EVERY_SECONDS)
        publish(run, 0);
}

void pb_run_publish_end(struct pb_run *run)
{
    if (run->signals)
        publish(run, (uint32_t)run->signal);
    else if (run->owner)
        pb_run_status_remove(run->options->out);
}
