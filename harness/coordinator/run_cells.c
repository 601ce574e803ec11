/* Starting the cells that may start, and recording how they end. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "coordinator/run.h"
#include "coordinator/child_end.h"

#define FIXED_WORDS 24
static const double FRESH = 1; /* seconds for which a listing of claims is good enough to claim a cell by */
enum { STOPS = 3 }; /* times in a row that a cell's process may be ended by others before the cell counts as failed */

/* Whether this process's limit on a cell's memory applies: the smaller one does, of the matrix's and its own. */
static bool is_job_memory(const struct pb_run *run, const struct pb_cell_config *config)
{
    const uint64_t own = run->options->memory, stated = config->memory_limit;
    return own > 0 && (stated == 0 || own <= stated);
}

/* The words of a child's command line; its numbers as text are kept here. */
struct words {
    const char **list; /* from pb_calloc */
    size_t count;
    char each[16], latency[16], plan[32];
};

static void add_word(struct words *words, const char *option, const char *value)
{
    words->list[words->count++] = option;
    words->list[words->count++] = value;
}

static enum pb_status make_words(const struct pb_run *run, const struct pb_slot *slot, uint32_t cell,
                                 uint32_t latency_threads, struct words *words, struct pb_error *error)
{
    const struct pb_run_options *options = run->options;
    const struct pb_lease *claim = latency_threads ? run->latency_claim : slot->claim;
    size_t files = 0;
    while (options->plugin_files && options->plugin_files[files])
        files++;
    words->list = pb_calloc(FIXED_WORDS + 2 * files + 1, sizeof *words->list);
    if (!words->list)
        return pb_fail_memory(error, FIXED_WORDS * sizeof *words->list);
    snprintf(words->each, sizeof words->each, "%u", run->threads_each);
    snprintf(words->latency, sizeof words->latency, "%u", latency_threads);
    snprintf(words->plan, sizeof words->plan, "%zu", run->cells[cell].plan);
    const char *const fixed[] = {"cell",
                                 run->matrix_path,
                                 run->matrix->cells[cell]->id,
                                 PB_CHILD_PIPE_OPTION,
                                 "-o",
                                 options->out,
                                 "--threads",
                                 words->each,
                                 "--planned",
                                 run->index_path,
                                 "--plans",
                                 run->plans_path,
                                 "--plans-at",
                                 words->plan};
    memcpy(words->list, fixed, sizeof fixed);
    words->count = sizeof fixed / sizeof *fixed;
    if (options->cache)
        add_word(words, "--cache", options->cache);
    if (claim) {
        add_word(words, "--claim", pb_lease_path(claim));
        add_word(words, "--claim-tag", pb_lease_tag(claim));
    }
    if (latency_threads)
        add_word(words, "--latency", words->latency);
    for (size_t i = 0; i < files; i++)
        add_word(words, "--plugin-file", options->plugin_files[i]);
    return PB_OK;
}

static enum pb_status start_process(struct pb_run *run, struct pb_slot *slot, uint32_t cell, uint32_t latency_threads,
                                    const char *log, struct pb_error *error)
{
    const struct pb_cell_config *config = run->matrix->cells[cell];
    const bool job_memory = is_job_memory(run, config);
    struct words words = {0};
    enum pb_status status = make_words(run, slot, cell, latency_threads, &words, error);
    const struct pb_child_spec spec = {.program = run->program,
                                       .arguments = words.list,
                                       .log = log,
                                       .threads = latency_threads ? latency_threads : run->threads_each,
                                       .time_limit = config->time_limit,
                                       .memory_limit = job_memory ? run->options->memory : config->memory_limit,
                                       .job_memory = job_memory,
                                       .grace = run->options->grace > 0 ? run->options->grace : PB_RUN_GRACE};
    if (status == PB_OK)
        status = pb_run_log_begin(run, cell, latency_threads > 0, error);
    if (status == PB_OK)
        status = pb_child_start(&spec, &slot->child, error);
    pb_free(words.list);
    return status;
}

enum pb_status pb_run_start_child(struct pb_run *run, struct pb_slot *slot, uint32_t cell, uint32_t latency_threads,
                                  struct pb_error *error)
{
    const char *id = run->matrix->cells[cell]->id;
    char *log = pb_log_path(run->options->out, id);
    enum pb_status status = log ? PB_OK : pb_fail_memory(error, strlen(id));
    if (status == PB_OK)
        status = pb_run_identify_document(run, cell, &slot->before, error);
    if (status == PB_OK)
        status = start_process(run, slot, cell, latency_threads, log, error);
    if (status == PB_OK) {
        slot->run = run;
        slot->cell = cell;
        slot->share = 0;
        slot->wrote = slot->stale = slot->said_stopped = false;
        slot->unsuitable[0] = '\0';
        snprintf(slot->what, sizeof slot->what, "%s", id);
    }
    pb_free(log);
    return status;
}

/* A document for a cell that will not be run, and the user's line. */
static enum pb_status write_blocked(struct pb_run *run, uint32_t index, uint32_t stage, struct pb_error *error)
{
    struct pb_run_cell *cell = &run->cells[index];
    const struct pb_shared_stage *failed = &run->queue.stages[stage];
    const char *owner = failed->owner == PB_NONE ? "another cell" : run->matrix->cells[failed->owner]->id;
    const char *why = failed->owner == PB_NONE ? NULL : run->cells[failed->owner].message;
    char *message =
        pb_format("its stage '%s' failed in cell '%s'%s%s", failed->name, owner, why ? ": " : "", why ? why : "");
    if (!message)
        return pb_fail_memory(error, strlen(owner));
    enum pb_status status = pb_outcome_write(
        run->options->out, run->matrix->cells[index],
        &(struct pb_failure){
            .status = PB_CELL_BLOCKED, .message = message, .inputs = cell->inputs, .failed_stage = failed->key},
        error);
    if (status == PB_OK)
        status = pb_run_log_blocked(run, index, message, error);
    if (status == PB_OK)
        status = pb_claims_mark(&run->claims, run->matrix->cells[index]->id, false, error);
    if (status != PB_OK) {
        pb_free(message);
        return status;
    }
    const char *id = run->matrix->cells[index]->id, *out = run->options->out;
    cell->state = PB_RUN_BLOCKED;
    cell->status = PB_CELL_BLOCKED;
    pb_display_say(&run->display, PB_LOG_ERROR, "%s: blocked: %s (%s/cells/%s.xml, %s/logs/%s.log)", id, message, out,
                   id, out, id);
    pb_free(cell->message);
    cell->message = message;
    return PB_OK;
}

/*
 * Claims the cell. *claim: NULL where another process has it, or it has ended meanwhile, or the run was prepared anew: its state says
 * so.
 */
static enum pb_status claim_cell(struct pb_run *run, uint32_t index, struct pb_lease **claim, struct pb_error *error)
{
    const char *id = run->matrix->cells[index]->id;
    bool ended = false;
    enum pb_status status = pb_claims_take(&run->claims, id, claim, error);
    if (status == PB_OK && !*claim) {
        run->cells[index].state = PB_RUN_ELSEWHERE;
        pb_queue_start(&run->queue, index);
        return PB_OK;
    }
    if (status == PB_OK)
        status = pb_run_has_ended(run, index, &ended, error);
    if (status == PB_OK && ended)
        status = pb_claims_mark(&run->claims, id, run->cells[index].state == PB_RUN_OK, error);
    if (status == PB_OK)
        pb_run_check_list(run);
    if (status != PB_OK || ended || run->superseded)
        pb_lease_give(claim);
    return status;
}

static enum pb_status block_cell(struct pb_run *run, uint32_t cell, uint32_t stage, struct pb_error *error)
{
    struct pb_lease *claim = NULL;
    enum pb_status status = claim_cell(run, cell, &claim, error);
    if (status == PB_OK && claim)
        status = write_blocked(run, cell, stage, error);
    pb_lease_give(&claim);
    return status;
}

/* Every cell that waits behind a failed stage. */
static enum pb_status block_cells(struct pb_run *run, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < run->matrix->cell_count && status == PB_OK && !run->superseded; i++) {
        uint32_t stage = PB_NONE;
        if (run->cells[i].state == PB_RUN_WAITING && pb_queue_ask(&run->queue, i, &stage) == PB_STAGE_FAILED)
            status = block_cell(run, i, stage, error);
    }
    return status;
}

/* Whether this process may claim another cell. */
static bool may_claim(const struct pb_run *run)
{
    return !run->superseded && !run->refused[0] && !(run->options->one && run->started_cells > 0);
}

/* Claims the cell and starts it in the slot, if nobody else has it. */
static enum pb_status try_cell(struct pb_run *run, struct pb_slot *slot, uint32_t cell, struct pb_error *error)
{
    struct pb_lease *claim = NULL;
    enum pb_status status = claim_cell(run, cell, &claim, error);
    if (status != PB_OK || !claim)
        return status;
    slot->claim = claim;
    status = pb_run_start_child(run, slot, cell, 0, error);
    if (status != PB_OK) {
        pb_lease_give(&slot->claim);
        return status;
    }
    run->cells[cell].state = PB_RUN_RUNNING;
    run->cells[cell].ran = true;
    run->started_cells++;
    run->looks.busy = pb_clock();
    pb_queue_start(&run->queue, cell);
    return PB_OK;
}

/* Fills the slot with the first of the next cells that nobody else has. */
static enum pb_status fill_slot(struct pb_run *run, struct pb_slot *slot, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    uint32_t next = 0;
    bool *waiting = pb_calloc(run->matrix->cell_count, sizeof *waiting);
    if (!waiting)
        return pb_fail_memory(error, run->matrix->cell_count);
    while (status == PB_OK && next != PB_NONE && slot->child.pid == 0 && may_claim(run)) {
        for (uint32_t i = 0; i < run->matrix->cell_count; i++)
            waiting[i] = run->cells[i].state == PB_RUN_WAITING;
        next = pb_queue_next(&run->queue, waiting);
        if (next != PB_NONE && pb_clock() - run->looks.listed >= FRESH)
            status = pb_run_list_others(run, error); /* cheaper than to try what others have claimed */
        else if (next != PB_NONE)
            status = try_cell(run, slot, next, error);
    }
    pb_free(waiting);
    return status;
}

/* Whether a cell may still need this process: one that waits, or, for whoever stays to the end, one that runs elsewhere. */
static bool any_left(const struct pb_run *run)
{
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (run->cells[i].state == PB_RUN_WAITING || (!run->joined && run->cells[i].state == PB_RUN_ELSEWHERE))
            return true;
    return false;
}

enum pb_status pb_run_start_cells(struct pb_run *run, bool *busy, struct pb_error *error)
{
    bool free = false;
    *busy = false;
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < run->slot_count; i++)
        free = free || run->slots[i].child.pid == 0;
    if (free && may_claim(run))
        status = block_cells(run, error);
    for (uint32_t i = 0; i < run->slot_count && status == PB_OK; i++) {
        if (run->slots[i].child.pid == 0)
            status = fill_slot(run, &run->slots[i], error);
        *busy = *busy || run->slots[i].child.pid;
        free = free || run->slots[i].child.pid == 0;
    }
    if (status == PB_OK && free)
        status = pb_run_watch_others(run, error);
    *busy = *busy || (may_claim(run) && any_left(run));
    if (status == PB_OK && !*busy && run->joined && may_claim(run))
        status = pb_run_look_before_leaving(run, busy, error);
    return status;
}

/* The child wrote the document: what does it say? */
static enum pb_status read_end(struct pb_run *run, struct pb_slot *slot, struct pb_error *error)
{
    struct pb_stored_result stored = {0};
    char left_out[PB_LEFT_OUT_TEXT];
    enum pb_status status = PB_OK;
    pb_describe_left_out(&slot->child, left_out);
    if (left_out[0])
        status = pb_outcome_add_left_out(run->options->out, run->matrix->cells[slot->cell], left_out, error);
    if (status == PB_OK)
        status = pb_run_look_at_document(run, slot->cell, &stored, error);
    if (status != PB_OK)
        return status;
    if (stored.failed_stage[0]) /* the one that it was at, also where its key was not known before */
        (void)pb_queue_end(&run->queue, slot->cell, PB_END_STAGE_FAILED);
    pb_run_take_end(run, slot->cell, &stored);
    pb_stored_result_free(&stored);
    return PB_OK;
}

/* Writes the document in the child's place. */
static enum pb_status record_end(struct pb_run *run, const struct pb_slot *slot, const char *failed_stage,
                                 struct pb_error *error)
{
    struct pb_run_cell *cell = &run->cells[slot->cell];
    struct pb_child_end ended;
    char left_out[PB_LEFT_OUT_TEXT];
    pb_child_describe_end(&slot->child, run->matrix->cells[slot->cell], &ended);
    if (slot->unsuitable[0]) {
        ended.status = PB_CELL_FAILED;
        snprintf(ended.message, sizeof ended.message, "%s", slot->unsuitable);
    }
    pb_describe_left_out(&slot->child, left_out);
    struct pb_failure failure = {.status = ended.status,
                                 .message = ended.message,
                                 .signal = ended.signal[0] ? ended.signal : NULL,
                                 .inputs = cell->inputs,
                                 .log_left_out = left_out[0] ? left_out : NULL,
                                 .failed_stage = failed_stage,
                                 .has_log = true,
                                 .log_start = slot->child.log_start,
                                 .seconds = pb_clock() - slot->child.started,
                                 .peak_memory = slot->child.peak_memory};
    pb_free(cell->message);
    cell->message = pb_strdup(ended.message);
    if (!cell->message)
        return pb_fail_memory(error, sizeof ended.message);
    cell->status = failure.status;
    const enum pb_status status = pb_outcome_write(run->options->out, run->matrix->cells[slot->cell], &failure, error);
    return status == PB_OK ? pb_run_log_end(run, slot, ended.message, error) : status;
}

/* Somebody else than this run has asked its process to end. */
static bool may_resume(const struct pb_slot *slot)
{
    return slot->child.stop == PB_CHILD_ON_ITS_OWN && pb_child_has_stopped(&slot->child) &&
           slot->run->cells[slot->cell].stops < STOPS;
}

/* The cell has not ended: what it was making is missing, and it is started again. */
static enum pb_status wait_again(struct pb_run *run, const struct pb_slot *slot, struct pb_error *error)
{
    struct pb_child_end ended;
    pb_child_describe_end(&slot->child, run->matrix->cells[slot->cell], &ended);
    run->cells[slot->cell].state = PB_RUN_WAITING;
    (void)pb_queue_end(&run->queue, slot->cell, PB_END_ALONE);
    pb_display_say(&run->display, PB_LOG_WARNING, "%s: %s; it is started again", run->matrix->cells[slot->cell]->id,
                   ended.message);
    return pb_run_log_end(run, slot, ended.message, error);
}

/* The child ended without a document. */
static enum pb_status record_failure(struct pb_run *run, const struct pb_slot *slot, struct pb_error *error)
{
    const enum pb_cell_end end = pb_child_ended_in_schedule(&slot->child) ? PB_END_ALONE : PB_END_STAGE_FAILED;
    const uint32_t stage = pb_queue_end(&run->queue, slot->cell, end);
    run->cells[slot->cell].state = PB_RUN_FAILED;
    return record_end(run, slot, stage == PB_NONE ? NULL : run->queue.stages[stage].key, error);
}

static enum pb_status finish(struct pb_run *run, struct pb_slot *slot, struct pb_error *error)
{
    const char *id = run->matrix->cells[slot->cell]->id;
    enum pb_status status = pb_run_find_document(run, slot, error);
    if (status == PB_OK && !slot->wrote && may_resume(slot)) {
        run->cells[slot->cell].stops++;
        return wait_again(run, slot, error);
    }
    if (status == PB_OK)
        status = slot->wrote ? read_end(run, slot, error) : record_failure(run, slot, error);
    if (status == PB_OK)
        status = pb_claims_mark(&run->claims, id, run->cells[slot->cell].state == PB_RUN_OK, error);
    if (status != PB_OK)
        return pb_fail_context(error, "the result of cell '%s' cannot be written; make room and run again", id);
    pb_run_say_end(run, slot->cell, slot);
    return PB_OK;
}

/* Whether the child of a worker may have failed because the run is being prepared anew: its files change one after the other. */
static bool is_of_another_state(struct pb_run *run, const struct pb_slot *slot)
{
    struct pb_error unread;
    char sha256[65];
    if (!run->joined || slot->wrote)
        return false;
    if (!slot->stale)
        pb_run_check_list(run);
    return slot->stale || run->superseded || pb_sha256_file(run->matrix_path, sha256, &unread) != PB_OK ||
           strcmp(sha256, run->matrix_sha256) != 0;
}

enum pb_status pb_run_finish_cell(struct pb_run *run, struct pb_slot *slot, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    const bool unsuitable = run->joined && slot->unsuitable[0];
    run->looks.busy = pb_clock();
    if (unsuitable)
        memcpy(run->refused, slot->unsuitable, sizeof run->refused);
    run->superseded = run->superseded || is_of_another_state(run, slot);
    const bool lost = !pb_lease_is_kept(slot->claim);
    if (lost)
        pb_display_say(
            &run->display, PB_LOG_WARNING,
            "%s: this process did not work for so long that another one has taken it over; what it has made of it "
            "does not count",
            run->matrix->cells[slot->cell]->id);
    if (lost || slot->child.stop == PB_CHILD_INTERRUPTED || unsuitable || (run->superseded && !slot->wrote)) {
        run->cells[slot->cell].state = PB_RUN_WAITING;
        run->cells[slot->cell].ran = !lost; /* else whoever has taken it over counts it */
        (void)pb_queue_end(&run->queue, slot->cell, PB_END_ALONE);
    } else {
        status = finish(run, slot, error);
    }
    pb_lease_give(&slot->claim);
    return status;
}
