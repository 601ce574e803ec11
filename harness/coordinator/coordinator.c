/* Runs what is missing of a matrix: looks at what is there, plans, then keeps children busy until nothing is left. */
#include "base/resources.h"
#include "coordinator/coordinator.h"

#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "coordinator/plan_process.h"
#include "coordinator/only.h"
#include "coordinator/plan_lines.h"
#include "coordinator/run.h"
#include "coordinator/stage_index.h"
#include "coordinator/sweep.h"
#include "results/cell_list.h"
#include "results/schema.h"
#include "stages/stage_format.h"

static enum pb_status make_folders(const char *out, struct pb_error *error)
{
    static const char *const names[] = {"cells", "logs", "stages"};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == PB_OK; i++) {
        char *folder = pb_path_join(out, names[i]);
        status = folder ? pb_make_dirs(folder, error) : pb_fail_memory(error, strlen(out));
        pb_free(folder);
    }
    return status;
}

/* Stages under keys of an earlier version will not be found: they make room for those that are. */
static enum pb_status set_aside_old_stages(const char *out, struct pb_error *error)
{
    bool other = false;
    char *folder = pb_path_join(out, "stages"), *unused = pb_path_join(out, "stages-unused");
    for (unsigned n = 2; unused && pb_file_exists(unused); n++) {
        pb_free(unused);
        unused = pb_format("%s/stages-unused-%u", out, n);
    }
    enum pb_status status =
        folder && unused ? pb_stage_format_claim(folder, &other, error) : pb_fail_memory(error, strlen(out));
    if (status == PB_OK && other)
        status = pb_file_move(folder, unused, error);
    if (status == PB_OK && other) {
        pb_log(PB_LOG_WARNING,
               "the stages in '%s' were stored by an earlier version under other keys: they are not used and are now "
               "in '%s', which you may remove",
               folder, unused);
        status = make_folders(out, error);
    }
    pb_free(folder);
    pb_free(unused);
    return status;
}

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
    const enum pb_status status =
        pb_outcome_look(run->options->out, run->matrix->cells[index], &expected, run->schema, &stored, error);
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
                                            .matrix_path = run->matrix_path,
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
    pb_text_free(&run->plans);
    if (status == PB_OK)
        status = pb_stage_index_write(run->index_path, &run->queue, error);
    return status;
}

/* Writes the resolved matrix, plans all cells and, while the next one is planned, looks at what is there of each. */
static enum pb_status prepare(struct pb_run *run, struct pb_error *error)
{
    enum pb_status status =
        pb_file_write_atomic(run->matrix_path, run->matrix->written, strlen(run->matrix->written), error);
    if (status == PB_OK)
        status = plan_cells(run, error);
    if (status == PB_OK)
        status = check_files(run, error);
    if (status == PB_OK)
        status = list_cells(run, error);
    if (status == PB_OK)
        status = pb_run_say_reruns(run, error);
    return status == PB_OK ? write_plans(run, error) : status;
}

static enum pb_status run_cells(struct pb_run *run, struct pb_error *error)
{
    bool busy = true;
    bool *ended = pb_calloc(run->slot_count, sizeof *ended);
    enum pb_status status = PB_OK;
    if (!ended)
        return pb_fail_memory(error, run->slot_count);
    while (status == PB_OK && run->signals == 0) {
        status = pb_run_start_cells(run, &busy, error);
        if (status != PB_OK || !busy)
            break;
        pb_run_show(run);
        pb_run_publish(run);
        pb_run_wait(run, ended);
        for (uint32_t i = 0; i < run->slot_count && status == PB_OK; i++)
            if (ended[i])
                status = pb_run_finish_cell(run, &run->slots[i], error);
    }
    pb_run_stop(run);
    pb_free(ended);
    return status;
}

static const char *end_of(const struct pb_run_cell *cell)
{
    const bool waiting = cell->state == PB_RUN_WAITING || cell->state == PB_RUN_RUNNING;
    return cell->state == PB_RUN_LEFT_OUT ? "left-out" : waiting ? "waiting" : pb_cell_status_name(cell->status);
}

static enum pb_status sum_up(struct pb_run *run, struct pb_run_summary *summary, struct pb_error *error)
{
    const uint32_t count = run->matrix->cell_count;
    summary->cells = pb_calloc(count, sizeof *summary->cells);
    if (!summary->cells)
        return pb_fail_memory(error, count * sizeof *summary->cells);
    summary->cell_count = count;
    summary->seconds = pb_clock() - run->begun_at;
    summary->signal = run->signals ? run->signal : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct pb_run_cell *cell = &run->cells[i];
        summary->cells[i] = (struct pb_run_ended){.id = run->matrix->cells[i]->id,
                                                  .status = end_of(cell),
                                                  .ran = cell->ran,
                                                  .headline = cell->headline,
                                                  .message = cell->message};
        cell->message = NULL;
        summary->done += cell->state == PB_RUN_OK && cell->ran;
        summary->skipped += cell->state == PB_RUN_OK && !cell->ran;
        summary->failed += cell->state == PB_RUN_FAILED;
        summary->blocked += cell->state == PB_RUN_BLOCKED;
    }
    return PB_OK;
}

void pb_run_summary_free(struct pb_run_summary *summary)
{
    for (uint32_t i = 0; i < summary->cell_count; i++)
        pb_free(summary->cells[i].message);
    pb_free(summary->cells);
    *summary = (struct pb_run_summary){0};
}

static void free_cell(struct pb_run_cell *cell)
{
    pb_free(cell->message);
    pb_free(cell->why);
}

static void free_run(struct pb_run *run)
{
    for (uint32_t i = 0; run->cells && i < run->matrix->cell_count; i++)
        free_cell(&run->cells[i]);
    pb_queue_free(&run->queue);
    pb_xml_schema_free(&run->schema);
    pb_free(run->cells);
    pb_free(run->slots);
    pb_free(run->unplanned);
    pb_free(run->owner);
    pb_free(run->folder);
    pb_free(run->matrix_path);
    pb_free(run->index_path);
    pb_free(run->plans_path);
    pb_text_free(&run->plans);
}

static enum pb_status open_run(struct pb_run *run, struct pb_error *error)
{
    const struct pb_run_options *options = run->options;
    run->threads = options->threads ? options->threads : pb_machine_threads();
    run->slot_count = options->jobs ? options->jobs : 1;
    run->threads_each = run->threads > run->slot_count ? run->threads / run->slot_count : 1;
    run->cells = pb_calloc(run->matrix->cell_count, sizeof *run->cells);
    run->slots = pb_calloc(run->slot_count, sizeof *run->slots);
    run->matrix_path = pb_path_join(options->out, "matrix.xml");
    run->index_path = pb_path_join(options->out, "planned-stages.txt");
    run->plans_path = pb_path_join(options->out, "plans.txt");
    if (!run->cells || !run->slots || !run->matrix_path || !run->index_path || !run->plans_path)
        return pb_fail_memory(error, run->matrix->cell_count * sizeof *run->cells);
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        run->matrix->cells[i]->threads = run->threads_each;
    enum pb_status status = pb_schema_open(PB_RESULT_SCHEMA, &run->schema, error);
    if (status == PB_OK)
        status = pb_queue_create(run->matrix->cell_count, &run->queue, error);
    return status == PB_OK ? select_cells(run, error) : status;
}

/* All but the lock and the signals. */
static enum pb_status execute(struct pb_run *run, struct pb_run_summary *summary, struct pb_error *error)
{
    struct pb_run_summary counted = {0};
    pb_display_start(&run->display, run->options->quiet);
    pb_latency_place(run->options->out, run->threads, run->latency_place);
    pb_run_publish_begin(run);
    enum pb_status status = prepare(run, error);
    run->started = run->shown = pb_clock();
    run->phase = PB_PHASE_CELLS;
    pb_run_count_work(run);
    if (status == PB_OK)
        status = run_cells(run, error);
    run->phase = PB_PHASE_LATENCY;
    if (status == PB_OK && run->signals == 0)
        status = pb_run_latencies(run, &counted.unmeasured, error);
    pb_display_clear(&run->display);
    pb_run_publish_end(run);
    if (status == PB_OK)
        status = sum_up(run, &counted, error);
    if (status == PB_OK)
        *summary = counted;
    return status;
}

/* The folder is this process's. */
static enum pb_status run_in_folder(struct pb_matrix *matrix, const struct pb_run_options *options,
                                    struct pb_run_summary *summary, struct pb_error *error)
{
    struct pb_run run = {.matrix = matrix, .options = options, .signal_fd = -1};
    sigset_t signals, before;
    char *program = NULL;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    /* Before any thread is started that does not block them itself, so that all leave the signals to the descriptor. */
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    run.signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    enum pb_status status = run.signal_fd < 0 ? pb_fail_errno(error, "watch for signals") : open_run(&run, error);
    if (status == PB_OK && !options->program)
        status = pb_program_path(&program, error);
    run.program = options->program ? options->program : program;
    if (status == PB_OK)
        status = pb_sweep(options->out, error);
    if (status == PB_OK)
        status = set_aside_old_stages(options->out, error);
    if (status == PB_OK)
        status = execute(&run, summary, error);
    if (run.signal_fd >= 0)
        close(run.signal_fd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free_run(&run);
    pb_free(program);
    return status;
}

enum pb_status pb_run_matrix(struct pb_matrix *matrix, const struct pb_run_options *options,
                             struct pb_run_summary *summary, struct pb_error *error)
{
    struct pb_lease *lock = NULL;
    char *path = pb_path_join(options->out, "lock");
    enum pb_status status = path ? make_folders(options->out, error) : pb_fail_memory(error, strlen(options->out));
    if (status == PB_OK)
        status = pb_lease_take(path, PB_UNTIL_KNOWN, &lock, error);
    if (status == PB_OK)
        status = run_in_folder(matrix, options, summary, error);
    pb_lease_give(&lock);
    pb_free(path);
    return status;
}
