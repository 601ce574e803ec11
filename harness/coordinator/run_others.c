/*
 * What other processes do with the cells of a run: learnt from OUT/queue and OUT/stages, with few looks (coordinator/looks.h): many workers
 * share one server.
 */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "coordinator/looks.h"
#include "coordinator/run.h"

static const double SAVED =
    10; /* looks that may come sooner, after as many seconds without one: many waits are short */
static const double APART = 0.25; /* seconds between two looks, at least */
static const double LISTS = 0.75; /* and between two listings */
enum { LIST_FAILURES = 10 }; /* listings that may fail in a row */

static void set_waiting(struct pb_run *run, uint32_t cell)
{
    run->cells[cell].state = PB_RUN_WAITING;
    (void)pb_queue_end(&run->queue, cell, PB_END_ALONE);
}

static void forget_claim(struct pb_run_cell *cell)
{
    pb_free(cell->watch);
    cell->watch = NULL;
}

/* The document of the cell says how it has ended, if it does. */
static enum pb_status take_document(struct pb_run *run, uint32_t index, bool *ended, struct pb_error *error)
{
    struct pb_stored_result stored = {0};
    const enum pb_status status = pb_run_look_at_document(run, index, &stored, error);
    if (status != PB_OK)
        return status;
    *ended = stored.outcome != PB_OUTCOME_MISSING && stored.outcome != PB_OUTCOME_CHANGED;
    if (*ended) {
        pb_run_take_end(run, index, &stored);
        run->cells[index].ran = !run->joined;
    }
    if (*ended && !run->joined) {
        run->looks.busy = pb_clock();
        pb_run_say_end(run, index, NULL);
    }
    pb_stored_result_free(&stored);
    return PB_OK;
}

enum pb_status pb_run_has_ended(struct pb_run *run, uint32_t cell, bool *ended, struct pb_error *error)
{
    char sha256[65];
    *ended = false;
    const enum pb_status status = pb_run_document_digest(run, cell, sha256, error);
    const bool is_new = status == PB_OK && sha256[0] && strcmp(sha256, run->cells[cell].document) != 0;
    return is_new ? take_document(run, cell, ended, error) : status;
}

/* What one listing shows. */
struct seen {
    struct pb_run *run;
    bool *claimed; /* per cell */
    bool *ok, *failed;
};

static void on_entry(void *argument, const char *id, enum pb_claim_kind kind)
{
    const struct seen *seen = argument;
    const uint32_t cell = pb_name_index_find(&seen->run->ids, id);
    if (cell == PB_NO_ROW) /* of another state of the matrix */
        return;
    bool *const marks[] = {[PB_CLAIM_HELD] = seen->claimed, [PB_CLAIM_OK] = seen->ok, [PB_CLAIM_FAILED] = seen->failed};
    marks[kind][cell] = true;
}

/*
 * A mark says that another process has ended it. Only a coordinator, which shows all results, reads the documents of those that are ok. A
 * worker of an earlier list may set a mark late: a document that does not count does not because of it.
 */
static enum pb_status take_mark(struct pb_run *run, uint32_t index, bool ok, struct pb_error *error)
{
    struct pb_run_cell *cell = &run->cells[index];
    bool ended = ok && run->joined;
    if (ended) {
        cell->state = PB_RUN_OK;
        pb_queue_progress(&run->queue, index, UINT32_MAX);
    } else {
        const enum pb_status status = pb_run_has_ended(run, index, &ended, error);
        if (status != PB_OK)
            return status;
    }
    if (!ended) /* the mark came before its document, as far as this host sees; the next listing shows it again */
        set_waiting(run, index);
    forget_claim(cell);
    return PB_OK;
}

static enum pb_status take_cell(struct pb_run *run, const struct seen *seen, uint32_t index, struct pb_error *error)
{
    struct pb_run_cell *cell = &run->cells[index];
    if (cell->state != PB_RUN_WAITING && cell->state != PB_RUN_ELSEWHERE)
        return PB_OK;
    if (seen->ok[index] || seen->failed[index])
        return take_mark(run, index, seen->ok[index], error);
    if (seen->claimed[index] && cell->state == PB_RUN_WAITING) {
        cell->state = PB_RUN_ELSEWHERE;
        pb_queue_start(&run->queue, index);
    } else if (!seen->claimed[index] && cell->state == PB_RUN_ELSEWHERE) {
        run->looks.returned++;
        set_waiting(run, index);
        forget_claim(cell);
    }
    return PB_OK;
}

enum pb_status pb_run_list_others(struct pb_run *run, struct pb_error *error)
{
    const uint32_t count = run->matrix->cell_count;
    size_t entries = 0;
    bool *marks = pb_calloc(3 * (size_t)count, sizeof *marks);
    if (!marks)
        return pb_fail_memory(error, 3 * (size_t)count);
    struct seen seen = {.run = run, .claimed = marks, .ok = marks + count, .failed = marks + 2 * (size_t)count};
    struct pb_error unread = {0};
    enum pb_status status = PB_OK;
    const bool listed = pb_claims_list(&run->claims, on_entry, &seen, &entries, &unread) == PB_OK;
    run->looks.failures = listed ? 0 : run->looks.failures + 1;
    if (run->looks.failures >= LIST_FAILURES) {
        *error = unread;
        status = unread.status;
    }
    for (uint32_t i = 0; listed && i < count && status == PB_OK; i++)
        status = take_cell(run, &seen, i, error);
    pb_free(marks);
    run->looks.listed = pb_clock();
    run->looks.cost = 1 + pb_looks_of_listing(entries); /* with the look at the list of work */
    run->looks.others = 0;
    return status;
}

/* The first stage of the cell's path that it makes and others wait for; NULL where there is none. */
static const struct pb_shared_stage *awaited_stage(const struct pb_run *run, uint32_t cell, uint32_t *number)
{
    for (uint32_t i = 0; i < run->queue.path_length[cell]; i++) {
        const struct pb_shared_stage *stage = &run->queue.stages[run->queue.path[cell][i]];
        if (stage->state == PB_STAGE_MAKING && stage->owner == cell) {
            *number = i;
            return stage->users > 1 ? stage : NULL;
        }
    }
    return NULL;
}

/* Whether another process has stored the stage meanwhile. */
static enum pb_status look_at_stage(struct pb_run *run, uint32_t cell, const struct pb_shared_stage *stage,
                                    uint32_t number, struct pb_error *error)
{
    char *path = pb_format("%s/stages/%s/stage.json", run->options->out, stage->key);
    if (!path)
        return pb_fail_memory(error, strlen(run->options->out));
    if (pb_file_exists(path))
        pb_queue_progress(&run->queue, cell, number + 1);
    pb_free(path);
    return PB_OK;
}

/* Whether whoever has claimed the cell still works: a claim without an owner is removed. */
static enum pb_status look_at_claim(struct pb_run *run, uint32_t index, bool *free, struct pb_error *error)
{
    struct pb_run_cell *cell = &run->cells[index];
    if (!cell->watch && !(cell->watch = pb_calloc(1, sizeof *cell->watch)))
        return pb_fail_memory(error, sizeof *cell->watch);
    return pb_claims_look(&run->claims, run->matrix->cells[index]->id, cell->watch, free, error);
}

/* The next cell that another process has; false where there is none. */
static bool next_elsewhere(struct pb_run *run, uint32_t *cell)
{
    const uint32_t count = run->matrix->cell_count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = (run->looks.cell + i) % count;
        if (run->cells[index].state == PB_RUN_ELSEWHERE) {
            *cell = index;
            return true;
        }
    }
    return false;
}

static enum pb_status look(struct pb_run *run, uint32_t cell, struct pb_error *error)
{
    uint32_t number = 0;
    bool free = false;
    const struct pb_shared_stage *stage = awaited_stage(run, cell, &number);
    const bool claim = run->looks.claim || !stage;
    run->looks.saved -= 1;
    run->looks.others += 1;
    if (claim) {
        run->looks.cell = cell + 1;
        run->looks.claim = false;
        const enum pb_status status = look_at_claim(run, cell, &free, error);
        if (status == PB_OK &&
            free) { /* given back, or its owner died: the mark, if there is one, is in the next listing */
            run->looks.listed = 0;
            run->looks.others = run->looks.cost;
        }
        return status;
    }
    run->looks.claim = true;
    return look_at_stage(run, cell, stage, number, error);
}

void pb_run_check_list(struct pb_run *run)
{
    const struct pb_work_list_identity now = pb_work_list_look(run->options->out);
    run->superseded = run->joined && memcmp(&now, &run->list, sizeof now) != 0;
}

enum pb_status pb_run_look_before_leaving(struct pb_run *run, bool *any, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    *any = false;
    pb_run_check_list(run);
    for (uint32_t i = 0; i < run->matrix->cell_count && status == PB_OK && !run->superseded; i++) {
        bool free = false;
        if (run->cells[i].state == PB_RUN_ELSEWHERE)
            status = look_at_claim(run, i, &free, error);
        if (!free)
            continue;
        set_waiting(run, i);
        forget_claim(&run->cells[i]);
        *any = true;
    }
    return status;
}

enum pb_status pb_run_watch_others(struct pb_run *run, struct pb_error *error)
{
    const double now = pb_clock();
    uint32_t cell = 0;
    /* there is only one coordinator, and it shows what happens */
    const double waited = run->joined ? now - run->looks.busy : 0;
    run->looks.saved += pb_looks_per_second(waited) * (now - run->looks.at);
    run->looks.saved = run->looks.saved < SAVED ? run->looks.saved : SAVED;
    run->looks.at = now;
    if (run->looks.saved < 1 || now - run->looks.last < APART)
        return PB_OK;
    run->looks.last = now;
    const bool any = next_elsewhere(run, &cell);
    /* half of all looks are for listings */
    if (now - run->looks.listed >= LISTS && (!any || run->looks.others >= run->looks.cost)) {
        pb_run_check_list(run);
        const enum pb_status status = pb_run_list_others(run, error);
        run->looks.saved -= run->looks.cost;
        return status;
    }
    return any ? look(run, cell, error) : PB_OK;
}
