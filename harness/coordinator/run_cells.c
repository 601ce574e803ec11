/* Starting the cells that may start, and recording how they end. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "coordinator/run.h"
#include "coordinator/child_end.h"

#define FIXED_WORDS 18

static enum pb_status identify_document(const struct pb_run *run, uint32_t cell, struct pb_file_identity *identity,
                                        struct pb_error *error)
{
    struct stat info;
    char *path = pb_result_path(run->options->out, run->matrix->cells[cell]->id);
    if (!path)
        return pb_fail_memory(error, strlen(run->options->out));
    *identity = (struct pb_file_identity){0};
    if (stat(path, &info) == 0)
        *identity = (struct pb_file_identity){.inode = (uint64_t)info.st_ino,
                                              .bytes = (uint64_t)info.st_size,
                                              .seconds = (int64_t)info.st_ctim.tv_sec,
                                              .nanoseconds = (int64_t)info.st_ctim.tv_nsec};
    pb_free(path);
    return PB_OK;
}

/* What the child has written. */
static enum pb_status look(const struct pb_run *run, uint32_t cell, struct pb_stored_result *stored,
                           struct pb_error *error)
{
    const struct pb_expected expected = {.last_key = "", .inputs = run->cells[cell].inputs};
    return pb_outcome_look(run->options->out, run->matrix->cells[cell], &expected, run->schema, stored, error);
}

enum pb_status pb_run_find_document(struct pb_run *run, struct pb_slot *slot, struct pb_error *error)
{
    struct pb_file_identity now;
    struct pb_stored_result stored = {0};
    enum pb_status status = slot->wrote ? PB_OK : identify_document(run, slot->cell, &now, error);
    /* Documents are renamed into place: a new one is another file. */
    if (status != PB_OK || slot->wrote || now.inode == 0 || memcmp(&now, &slot->before, sizeof now) == 0)
        return status;
    status = look(run, slot->cell, &stored, error);
    if (status == PB_OK)
        slot->wrote = stored.outcome != PB_OUTCOME_MISSING && stored.outcome != PB_OUTCOME_CHANGED;
    pb_stored_result_free(&stored);
    return status;
}

enum pb_status pb_run_start_child(struct pb_run *run, struct pb_slot *slot, uint32_t cell, uint32_t latency_threads,
                                  struct pb_error *error)
{
    const struct pb_cell_config *config = run->matrix->cells[cell];
    char each[16], latency[16], plan[32];
    size_t count = 0, files = 0;
    while (run->options->plugin_files && run->options->plugin_files[files])
        files++;
    const char **words = pb_calloc(FIXED_WORDS + 2 * files + 1, sizeof *words);
    char *log = pb_log_path(run->options->out, config->id);
    enum pb_status status = identify_document(run, cell, &slot->before, error);
    if (status != PB_OK) {
        pb_free(log);
        pb_free(words);
        return status;
    }
    if (!words || !log) {
        status = pb_fail_memory(error, FIXED_WORDS * sizeof *words);
    } else {
        snprintf(each, sizeof each, "%u", run->threads_each);
        snprintf(latency, sizeof latency, "%u", latency_threads);
        snprintf(plan, sizeof plan, "%zu", run->cells[cell].plan);
        const char *const fixed[] = {"cell",       run->matrix_path,
                                     config->id,   PB_CHILD_PIPE_OPTION,
                                     "-o",         run->options->out,
                                     "--threads",  each,
                                     "--planned",  run->index_path,
                                     "--plans",    run->plans_path,
                                     "--plans-at", plan};
        memcpy(words, fixed, sizeof fixed);
        count = sizeof fixed / sizeof *fixed;
        if (latency_threads) {
            words[count++] = "--latency";
            words[count++] = latency;
        }
        for (size_t i = 0; i < files; i++) {
            words[count++] = "--plugin-file";
            words[count++] = run->options->plugin_files[i];
        }
        const struct pb_child_spec spec = {.program = run->program,
                                           .arguments = words,
                                           .log = log,
                                           .threads = latency_threads ? latency_threads : run->threads_each,
                                           .time_limit = config->time_limit,
                                           .memory_limit = config->memory_limit};
        status = pb_run_log_begin(run, cell, latency_threads > 0, error);
        if (status == PB_OK)
            status = pb_child_start(&spec, &slot->child, error);
    }
    if (status == PB_OK) {
        slot->run = run;
        slot->cell = cell;
        slot->share = 0;
        slot->wrote = slot->said_stopped = false;
        snprintf(slot->what, sizeof slot->what, "%s", config->id);
    }
    pb_free(log);
    pb_free(words);
    return status;
}

/* A document for a cell that will not be run, and the user's line. */
static enum pb_status block_cell(struct pb_run *run, uint32_t cell, uint32_t stage, struct pb_error *error)
{
    const struct pb_shared_stage *failed = &run->queue.stages[stage];
    const char *owner = failed->owner == PB_NONE ? "another cell" : run->matrix->cells[failed->owner]->id;
    const char *why = failed->owner == PB_NONE ? NULL : run->cells[failed->owner].message;
    char *message =
        pb_format("its stage '%s' failed in cell '%s'%s%s", failed->name, owner, why ? ": " : "", why ? why : "");
    if (!message)
        return pb_fail_memory(error, strlen(owner));
    enum pb_status status = pb_outcome_write(run->options->out, run->matrix->cells[cell],
                                             &(struct pb_failure){.status = PB_CELL_BLOCKED,
                                                                  .message = message,
                                                                  .inputs = run->cells[cell].inputs,
                                                                  .failed_stage = failed->key},
                                             error);
    if (status == PB_OK)
        status = pb_run_log_blocked(run, cell, message, error);
    if (status == PB_OK) {
        const char *id = run->matrix->cells[cell]->id, *out = run->options->out;
        run->cells[cell].state = PB_RUN_BLOCKED;
        run->cells[cell].status = PB_CELL_BLOCKED;
        pb_display_say(&run->display, PB_LOG_ERROR, "%s: blocked: %s (%s/cells/%s.xml, %s/logs/%s.log)", id, message,
                       out, id, out, id);
        pb_free(run->cells[cell].message);
        run->cells[cell].message = message;
    } else {
        pb_free(message);
    }
    return status;
}

/* The next cell that may start; PB_NONE when none may now. Cells behind a failed stage are blocked on the way. */
static enum pb_status next_cell(struct pb_run *run, uint32_t *next, struct pb_error *error)
{
    *next = PB_NONE;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++) {
        uint32_t stage = PB_NONE;
        if (run->cells[i].state != PB_RUN_WAITING)
            continue;
        const enum pb_stage_state state = pb_queue_ask(&run->queue, i, &stage);
        if (state == PB_STAGE_FAILED) {
            const enum pb_status status = block_cell(run, i, stage, error);
            if (status != PB_OK)
                return status;
        } else if (state != PB_STAGE_MAKING && *next == PB_NONE) {
            *next = i;
        }
    }
    return PB_OK;
}

enum pb_status pb_run_start_cells(struct pb_run *run, bool *busy, struct pb_error *error)
{
    *busy = false;
    for (uint32_t i = 0; i < run->slot_count; i++) {
        uint32_t next = PB_NONE;
        enum pb_status status = PB_OK;
        if (run->slots[i].child.pid == 0) {
            status = next_cell(run, &next, error);
            if (status == PB_OK && next != PB_NONE)
                status = pb_run_start_child(run, &run->slots[i], next, 0, error);
            if (status != PB_OK)
                return status;
            if (next != PB_NONE) {
                run->cells[next].state = PB_RUN_RUNNING;
                run->cells[next].ran = true;
                pb_queue_start(&run->queue, next);
            }
        }
        *busy = *busy || run->slots[i].child.pid;
    }
    return PB_OK;
}

/* The child wrote the document: what does it say? */
static enum pb_status read_end(struct pb_run *run, struct pb_slot *slot, enum pb_cell_end *end, struct pb_error *error)
{
    struct pb_run_cell *cell = &run->cells[slot->cell];
    struct pb_stored_result stored = {0};
    char left_out[PB_LEFT_OUT_TEXT];
    enum pb_status status = PB_OK;
    pb_describe_left_out(&slot->child, left_out);
    if (left_out[0])
        status = pb_outcome_add_left_out(run->options->out, run->matrix->cells[slot->cell], left_out, error);
    if (status == PB_OK)
        status = look(run, slot->cell, &stored, error);
    if (status != PB_OK)
        return status;
    const bool ok = stored.outcome == PB_OUTCOME_OK;
    *end = ok ? PB_END_OK : stored.failed_stage[0] ? PB_END_STAGE_FAILED : PB_END_ALONE;
    cell->measured = stored.measured;
    cell->status = ok || stored.status != PB_CELL_OK ? stored.status : PB_CELL_FAILED;
    cell->headline = stored.headline;
    pb_free(cell->message);
    cell->message = stored.message;
    stored.message = NULL;
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

enum pb_status pb_run_finish_cell(struct pb_run *run, struct pb_slot *slot, struct pb_error *error)
{
    struct pb_run_cell *cell = &run->cells[slot->cell];
    enum pb_cell_end end = pb_child_ended_in_schedule(&slot->child) ? PB_END_ALONE : PB_END_STAGE_FAILED;
    if (slot->child.stop == PB_CHILD_INTERRUPTED) {
        cell->state = PB_RUN_WAITING;
        return PB_OK;
    }
    enum pb_status status = pb_run_find_document(run, slot, error);
    if (status == PB_OK && slot->wrote)
        status = read_end(run, slot, &end, error);
    if (status != PB_OK)
        return status;
    const uint32_t stage = pb_queue_end(&run->queue, slot->cell, end);
    if (!slot->wrote)
        status = record_end(run, slot, stage == PB_NONE ? NULL : run->queue.stages[stage].key, error);
    if (status != PB_OK)
        return pb_fail_context(error, "the result of cell '%s' cannot be written; make room and run again",
                               run->matrix->cells[slot->cell]->id);
    cell->state = end == PB_END_OK ? PB_RUN_OK : PB_RUN_FAILED;
    pb_run_say_end(run, slot, pb_cell_status_name(cell->status), end == PB_END_OK ? NULL : cell->message);
    return PB_OK;
}
