/* What a run does before its first cell: it looks at what is there, plans the cells, and writes down what is to be done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/version.h"
#include "coordinator/only.h"
#include "coordinator/plan_lines.h"
#include "coordinator/plan_process.h"
#include "coordinator/run.h"
#include "coordinator/stage_index.h"
#include "results/cell_list.h"

/* States by --only. */
static enum pb_status select_cells(struct pb_run *run, struct pb_error *error)
{
    const char *const *only = run->options->only;
    const enum pb_status status = pb_only_check(only, run->matrix, error);
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (pb_only_names(only, run->matrix->cells[i]->id))
            run->cells[i].state = PB_RUN_WAITING;
    return status;
}

/* Takes what earlier runs left for one cell. A cell that is left out is only listed; its document says what it works on where that
 * was not opened. */
static enum pb_status look_at_cell(struct pb_run *run, uint32_t index, struct pb_error *error)
{
    struct pb_run_cell *cell = &run->cells[index];
    struct pb_stored_result stored = {0};
    if (cell->state == PB_RUN_LEFT_OUT && cell->inputs[0])
        return pb_cell_digest(run->matrix->cells[index], cell->inputs, cell->digest, error);
    /* what an adaptive schedule does last follows only when it runs */
    const struct pb_expected expected = {.last_key = cell->open ? "" : pb_queue_last_key(&run->queue, index),
                                         .inputs = cell->inputs};
    /* before the look: what a worker of an earlier list writes from here on counts */
    enum pb_status status = pb_run_document_digest(run, index, cell->document, error);
    if (status == PB_OK)
        status = pb_outcome_look(run->options->out, run->matrix->cells[index], &expected, run->schema, &stored, error);
    if (status != PB_OK)
        return status;
    memcpy(cell->digest, stored.digest, sizeof cell->digest);
    const bool failed = stored.outcome == PB_OUTCOME_FAILED || stored.outcome == PB_OUTCOME_BLOCKED;
    if (cell->state == PB_RUN_LEFT_OUT) {
        pb_stored_result_free(&stored);
        return PB_OK;
    }
    cell->found = stored.outcome;
    cell->status = stored.status;
    cell->headline = stored.headline;
    cell->why = stored.why;
    stored.why = NULL;
    if (stored.outcome == PB_OUTCOME_OK) {
        cell->state = PB_RUN_OK;
        cell->measured = pb_run_is_measured(run, index, &stored);
    } else if (failed && !run->options->retry) {
        cell->state = stored.outcome == PB_OUTCOME_BLOCKED ? PB_RUN_BLOCKED : PB_RUN_FAILED;
        cell->message = stored.message;
        stored.message = NULL;
        if (stored.failed_stage[0])
            pb_queue_fail(&run->queue, index, stored.failed_stage);
    }
    pb_stored_result_free(&stored);
    return PB_OK;
}

/* Before anything is trained: are the files of cells that must run there? */
static enum pb_status check_files(const struct pb_run *run, struct pb_error *error)
{
    bool *asked = pb_calloc(run->matrix->cell_count, sizeof *asked);
    if (!asked)
        return pb_fail_memory(error, run->matrix->cell_count);
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        asked[i] = run->cells[i].state == PB_RUN_WAITING;
    const enum pb_status status = pb_matrix_check_files(run->matrix, asked, error);
    pb_free(asked);
    return status;
}

/* A plan, or why there is none: such a cell fails in a child of its own, where that is recorded. */
static enum pb_status on_plan(void *argument, uint32_t cell, const struct pb_cell_plan *plan,
                              const struct pb_text *lines, const struct pb_error *failure, struct pb_error *error)
{
    struct pb_run *run = argument;
    struct pb_run_cell *planned = &run->cells[cell];
    enum pb_status status = PB_OK;
    planned->plan = run->plans.length;
    pb_text_append(&run->plans, PB_PLAN_ID "%s\n", run->matrix->cells[cell]->id);
    if (plan)
        pb_text_append_bytes(&run->plans, lines->data, lines->length);
    pb_text_append(&run->plans, PB_PLAN_END "\n");
    if (!plan && (!run->unplanned || strcmp(run->unplanned, failure->text) != 0)) {
        pb_free(run->unplanned);
        run->unplanned = pb_strdup(failure->text);
        pb_log(PB_LOG_WARNING, "cell '%s': %s; it shares no stage with others", run->matrix->cells[cell]->id,
               failure->text);
    }
    planned->open = plan && plan->open;
    planned->memory = plan ? plan->memory : 0;
    if (plan)
        memcpy(planned->inputs, plan->inputs, sizeof planned->inputs);
    for (uint32_t i = 0; plan && i < plan->stage_count && status == PB_OK; i++)
        status = pb_queue_add(&run->queue, cell, &plan->stages[i], error);
    run->planned = cell + 1;
    pb_run_publish(run);
    return status == PB_OK ? look_at_cell(run, cell, error) : status;
}

static enum pb_status plan_cells(struct pb_run *run, struct pb_error *error)
{
    char *log = pb_format("%s/logs/plan.log", run->options->out);
    const struct pb_plan_process process = {.program = run->program,
                                            .matrix_path = run->planned_path,
                                            .log = log,
                                            .plugin_files = run->options->plugin_files,
                                            .threads = run->threads_each,
                                            .costs_of = run->options->only};
    enum pb_status status = log ? pb_plans_request(run->matrix, &process, on_plan, run, error)
                                : pb_fail_memory(error, strlen(run->options->out));
    if (status == PB_OK && run->plans.failed)
        status = pb_fail_memory(error, run->plans.capacity);
    pb_free(log);
    return status;
}

/* From here on, reports take only results of these cells with these settings. */
static enum pb_status list_cells(const struct pb_run *run, struct pb_error *error)
{
    const uint32_t count = run->matrix->cell_count;
    struct pb_listed_cell *cells = pb_calloc(count, sizeof *cells);
    if (!cells)
        return pb_fail_memory(error, count * sizeof *cells);
    for (uint32_t i = 0; i < count; i++) {
        cells[i].id = run->matrix->cells[i]->id;
        memcpy(cells[i].digest, run->cells[i].digest, sizeof cells[i].digest);
    }
    const enum pb_status status = pb_cell_list_write(run->options->out, cells, count, error);
    pb_free(cells);
    return status;
}

/* The plans are handed to the children, which do not make them again. */
static enum pb_status write_plans(struct pb_run *run, struct pb_error *error)
{
    enum pb_status status = pb_file_write_atomic(run->plans_path, run->plans.data, run->plans.length, error);
    if (status == PB_OK)
        status = pb_stage_index_write(run->index_path, &run->queue, error);
    return status;
}

static enum pb_status list_plugins(const struct pb_run *run, struct pb_work_list *list, struct pb_error *error)
{
    const char *const *files = run->options->plugin_files;
    size_t count = 0;
    while (files && files[count])
        count++;
    list->plugins = pb_calloc(count + 1, sizeof *list->plugins);
    enum pb_status status = list->plugins ? PB_OK : pb_fail_memory(error, count * sizeof *list->plugins);
    for (size_t i = 0; i < count && status == PB_OK; i++) {
        list->plugins[list->plugin_count].file = files[i];
        status = pb_sha256_file(files[i], list->plugins[list->plugin_count++].sha256, error);
    }
    return status;
}

/* Cells behind a stage that failed before, and is not made again, are blocked by whoever claims them. */
static enum pb_status list_failures(const struct pb_run *run, struct pb_work_list *list, struct pb_error *error)
{
    const struct pb_queue *queue = &run->queue;
    list->failures = pb_calloc((size_t)queue->stage_count + 1, sizeof *list->failures);
    if (!list->failures)
        return pb_fail_memory(error, queue->stage_count * sizeof *list->failures);
    for (uint32_t i = 0; i < queue->stage_count; i++) {
        const struct pb_shared_stage *stage = &queue->stages[i];
        if (stage->state != PB_STAGE_FAILED || stage->owner == PB_NONE)
            continue;
        const char *message = run->cells[stage->owner].message;
        struct pb_work_failure *failure = &list->failures[list->failure_count++];
        memcpy(failure->stage, stage->key, sizeof failure->stage);
        failure->cell = run->matrix->cells[stage->owner]->id;
        failure->message = message ? message : "";
    }
    return PB_OK;
}

static enum pb_status make_id(struct pb_work_list *list, struct pb_error *error)
{
    unsigned char noise[(sizeof list->id - 1) / 2];
    if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
        return pb_fail_errno(error, "make an id for the list of work");
    for (size_t i = 0; i < sizeof noise; i++)
        snprintf(list->id + 2 * i, 3, "%02x", noise[i]);
    return PB_OK;
}

static enum pb_status list_work(struct pb_run *run, struct pb_work_list *list, struct pb_error *error)
{
    list->cells = pb_calloc(run->matrix->cell_count, sizeof *list->cells);
    enum pb_status status = list->cells ? PB_OK : pb_fail_memory(error, run->matrix->cell_count);
    for (uint32_t i = 0; i < run->matrix->cell_count && status == PB_OK; i++) {
        if (run->cells[i].state != PB_RUN_WAITING)
            continue;
        struct pb_work_item *item = &list->cells[list->cell_count++];
        item->id = run->matrix->cells[i]->id;
        memcpy(item->document, run->cells[i].document, sizeof item->document);
    }
    if (status == PB_OK)
        status = make_id(list, error);
    if (status == PB_OK)
        status = list_failures(run, list, error);
    return status == PB_OK ? list_plugins(run, list, error) : status;
}

/* What is to be done; whoever joins the run reads it. */
static enum pb_status write_work(struct pb_run *run, struct pb_error *error)
{
    char *folder = getcwd(NULL, 0);
    struct pb_work_list list = {.version = pb_version,
                                .git = pb_git,
                                .numerics = pb_numerics,
                                .folder = folder,
                                .workers_measure = run->executor->remote};
    memcpy(list.matrix, run->matrix_sha256, sizeof list.matrix);
    pb_sha256_of(run->plans.data, run->plans.length, list.plans);
    enum pb_status status = folder ? list_work(run, &list, error) : pb_fail_errno(error, "find the working folder");
    if (status == PB_OK)
        status = pb_work_list_write(run->options->out, &list, error);
    if (status == PB_OK)
        status = pb_claims_open(run->options->out, list.id, &run->claims, error);
    if (status == PB_OK)
        status = pb_claims_clear(&run->claims, error);
    run->list = pb_work_list_look(run->options->out);
    pb_text_free(&run->plans);
    pb_work_list_free(&list);
    free(folder);
    return status;
}

/*
 * Plans all cells and, while the next one is planned, looks at what is there of each. That may take minutes, in which workers of an earlier
 * state still read its files: the new ones take their place one right after the other.
 */
enum pb_status pb_run_prepare(struct pb_run *run, struct pb_error *error)
{
    const char *matrix = run->matrix->written;
    enum pb_status status = select_cells(run, error);
    pb_sha256_of(matrix, strlen(matrix), run->matrix_sha256);
    if (status == PB_OK)
        status = pb_file_write_atomic(run->planned_path, matrix, strlen(matrix), error);
    pb_text_append(&run->plans, PB_PLAN_MATRIX "%s\n", run->matrix_sha256);
    if (status == PB_OK)
        status = plan_cells(run, error);
    if (status == PB_OK)
        status = check_files(run, error);
    if (status == PB_OK)
        status = list_cells(run, error);
    if (status == PB_OK)
        status = pb_run_say_reruns(run, error);
    if (status == PB_OK)
        status = pb_file_move(run->planned_path, run->matrix_path, error);
    if (status == PB_OK)
        status = write_plans(run, error);
    if (status == PB_OK)
        status = write_work(run, error);
    (void)unlink(run->planned_path); /* where something failed */
    return status;
}
