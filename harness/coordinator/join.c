/* A worker: runs cells of a run that was prepared on this host or another one. */
#include "coordinator/join.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/version.h"
#include "cell/latency_store.h"
#include "coordinator/plan_lines.h"
#include "coordinator/run.h"

enum { TRIES = 30 }; /* seconds that files of two states may be there when no process prepares the run */

/* What a worker has open of the run that it has joined. */
struct joined {
    const struct pb_join_options *options;
    char *out; /* an absolute path */
    double leave_at; /* when it stops; 0: at no time */
    struct pb_work_list list;
    struct pb_registry registry;
    const char **plugin_files;
    struct pb_matrix *matrix;
    struct pb_run_options run_options;
    struct pb_run run;
};

static enum pb_status check_program(const struct joined *joined, struct pb_error *error)
{
    const struct pb_work_list *list = &joined->list;
    if (strcmp(list->version, pb_version) == 0 && strcmp(list->git, pb_git) == 0 &&
        strcmp(list->numerics, pb_numerics) == 0)
        return PB_OK;
    return pb_fail(error, PB_ERROR_INPUT,
                   "this is prunebench %s (%s, numerics %.12s), and the run in '%s' was planned by %s (%s, numerics "
                   "%.12s): results of two programs are not mixed; start the same one on every host",
                   pb_version, pb_git, pb_numerics, joined->out, list->version, list->git, list->numerics);
}

static enum pb_status check_plugin(const struct pb_work_plugin *plugin, struct pb_error *error)
{
    char sha256[65];
    if (!pb_file_exists(plugin->file))
        return pb_fail(error, PB_ERROR_INPUT,
                       "the run loads the plugin object '%s', which is not on this host; install it under this path",
                       plugin->file);
    const enum pb_status status = pb_sha256_file(plugin->file, sha256, error);
    if (status == PB_OK && strcmp(sha256, plugin->sha256) != 0)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "the plugin object '%s' is another one on this host than the run was planned with (SHA-256 %.12s, "
            "there %.12s); install the same one",
            plugin->file, sha256, plugin->sha256);
    return status;
}

/* Only what the run loads: a plugin that others put beside it changes nothing. */
static enum pb_status open_plugins(struct joined *joined, struct pb_error *error)
{
    const struct pb_work_list *list = &joined->list;
    enum pb_status status = PB_OK;
    joined->plugin_files = pb_calloc(list->plugin_count + 1, sizeof *joined->plugin_files);
    if (!joined->plugin_files)
        return pb_fail_memory(error, list->plugin_count * sizeof *joined->plugin_files);
    for (size_t i = 0; i < list->plugin_count && status == PB_OK; i++) {
        joined->plugin_files[i] = list->plugins[i].file;
        status = check_plugin(&list->plugins[i], error);
    }
    return status == PB_OK ? pb_registry_open_files(joined->plugin_files, &joined->registry, error) : status;
}

static enum pb_status move_to_folder(const struct joined *joined, struct pb_error *error)
{
    if (chdir(joined->list.folder) == 0)
        return PB_OK;
    return pb_fail(error, PB_ERROR_INPUT,
                   "the run was started in the folder '%s', where relative paths of its matrix begin; this host cannot "
                   "change to it: %s",
                   joined->list.folder, strerror(errno));
}

/* A plan's lines, into the queue and the cell that they are of. */
static enum pb_status take_plan(struct pb_run *run, uint32_t cell, const struct pb_cell_plan *plan,
                                struct pb_error *error)
{
    enum pb_status status = PB_OK;
    run->cells[cell].open = plan->open;
    memcpy(run->cells[cell].inputs, plan->inputs, sizeof run->cells[cell].inputs);
    for (uint32_t i = 0; i < plan->stage_count && status == PB_OK; i++)
        status = pb_queue_add(&run->queue, cell, &plan->stages[i], error);
    return status;
}

/* The plans in the matrix's order, which is the queue's. */
static enum pb_status read_plans(struct pb_run *run, char *text, struct pb_error *error)
{
    struct pb_cell_plan plan = {0};
    struct pb_error failure = {0};
    uint32_t cell = PB_NO_ROW;
    enum pb_status status = PB_OK;
    char *next;
    for (char *line = text; *line && status == PB_OK; line = next) {
        char *end = strchr(line, '\n');
        next = end ? end + 1 : line + strlen(line);
        if (end)
            *end = '\0';
        if (pb_starts_with(line, PB_PLAN_ID)) {
            cell = pb_name_index_find(&run->ids, line + strlen(PB_PLAN_ID));
            if (cell != PB_NO_ROW)
                run->cells[cell].plan = (size_t)(line - text);
        } else if (strcmp(line, PB_PLAN_END) == 0) {
            if (cell != PB_NO_ROW)
                status = take_plan(run, cell, &plan, error);
            pb_cell_plan_free(&plan);
        } else {
            status = pb_plan_lines_read(line, &plan, &failure, error);
        }
    }
    pb_cell_plan_free(&plan);
    return status;
}

/* *whole: the files are those that the list names. */
static enum pb_status read_files(struct joined *joined, char **plans, bool *whole, struct pb_error *error)
{
    struct pb_run *run = &joined->run;
    char sha256[65];
    size_t length = 0;
    *whole = false;
    enum pb_status status = pb_sha256_file(run->matrix_path, run->matrix_sha256, error);
    if (status == PB_OK)
        status = pb_file_read(run->plans_path, 0, plans, &length, error);
    if (status != PB_OK)
        return status;
    pb_sha256_of(*plans, length, sha256);
    *whole = strcmp(sha256, joined->list.plans) == 0 && strcmp(run->matrix_sha256, joined->list.matrix) == 0;
    return PB_OK;
}

static void rest(void)
{
    const struct timespec second = {.tv_sec = 1};
    nanosleep(&second, NULL);
}

/* More than once is fine. */
static void close_round(struct joined *joined)
{
    pb_run_close(&joined->run);
    joined->run = (struct pb_run){.signal_fd = -1};
    pb_matrix_free(&joined->matrix);
    pb_registry_close(&joined->registry);
    pb_free(joined->plugin_files);
    joined->plugin_files = NULL;
    pb_work_list_free(&joined->list);
}

/* A stage that an earlier run could not make. */
static enum pb_status take_failure(struct pb_run *run, const struct pb_work_failure *failure, struct pb_error *error)
{
    const uint32_t cell = pb_name_index_find(&run->ids, failure->cell);
    if (cell == PB_NO_ROW)
        return PB_OK;
    pb_free(run->cells[cell].message);
    run->cells[cell].message = pb_strdup(failure->message);
    pb_queue_fail(&run->queue, cell, failure->stage);
    return run->cells[cell].message ? PB_OK : pb_fail_memory(error, strlen(failure->message));
}

/* Which cells are to be run, which of their documents do not count, and which stages cannot be made. */
static enum pb_status take_list(struct joined *joined, struct pb_error *error)
{
    struct pb_run *run = &joined->run;
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < joined->list.failure_count && status == PB_OK; i++)
        status = take_failure(run, &joined->list.failures[i], error);
    for (size_t i = 0; i < joined->list.cell_count; i++) {
        const struct pb_work_item *item = &joined->list.cells[i];
        const uint32_t cell = pb_name_index_find(&run->ids, item->id);
        if (cell == PB_NO_ROW)
            continue;
        run->cells[cell].state = PB_RUN_WAITING;
        memcpy(run->cells[cell].document, item->document, sizeof item->document);
    }
    return status;
}

/* The matrix is read after the list, and the plans after the matrix: a run that is prepared meanwhile has other files then. */
static enum pb_status open_matrix(struct joined *joined, bool *whole, struct pb_error *error)
{
    struct pb_run *run = &joined->run;
    char *plans = NULL, *matrix_path = pb_path_join(joined->out, "matrix.xml");
    enum pb_status status = matrix_path ? PB_OK : pb_fail_memory(error, strlen(joined->out));
    if (status == PB_OK)
        status = pb_matrix_read(matrix_path, &joined->registry, &joined->matrix, error);
    pb_free(matrix_path);
    if (status != PB_OK)
        return status;
    run->matrix = joined->matrix;
    status = pb_run_open(run, error);
    if (status == PB_OK)
        status = read_files(joined, &plans, whole, error);
    if (status == PB_OK && *whole)
        status = read_plans(run, plans, error);
    if (status == PB_OK && *whole)
        status = pb_claims_open(joined->out, joined->list.id, &run->claims, error);
    if (status == PB_OK && *whole)
        status = take_list(joined, error);
    pb_free(plans);
    return status;
}

/* Opens the run as it is now. *whole false: it is being prepared. */
static enum pb_status open_round(struct joined *joined, bool *whole, struct pb_error *error)
{
    *whole = false;
    joined->run = (struct pb_run){.options = &joined->run_options, .joined = true, .signal_fd = -1};
    joined->run.list = pb_work_list_look(joined->out);
    enum pb_status status = pb_work_list_read(joined->out, &joined->list, error);
    if (status == PB_OK)
        status = check_program(joined, error);
    if (status == PB_OK)
        status = move_to_folder(joined, error);
    if (status == PB_OK)
        status = open_plugins(joined, error);
    joined->run_options.plugin_files = joined->plugin_files;
    return status == PB_OK ? open_matrix(joined, whole, error) : status;
}

/* Whether a process has the run: from its first changed file to its list of work it may take minutes, because it plans. */
static bool is_held(const struct joined *joined)
{
    struct pb_lease_watch watch = {0};
    struct pb_error unread = {0};
    bool free = true;
    char *lock = pb_path_join(joined->out, "lock");
    const bool held = lock && pb_lease_look(lock, &watch, &free, &unread) == PB_OK && !free;
    pb_free(lock);
    return held;
}

/* Between two states of the run nobody else looks at the clock, or at signals, which are blocked from the first state on. */
static bool must_leave(const struct joined *joined)
{
    const struct timespec at_once = {0};
    sigset_t signals;
    pb_run_signals(&signals);
    return (joined->leave_at > 0 && pb_clock() >= joined->leave_at) || sigtimedwait(&signals, NULL, &at_once) > 0;
}

static enum pb_status open_whole(struct joined *joined, struct pb_error *error)
{
    for (unsigned tries = 0; tries < TRIES; tries += !is_held(joined)) {
        bool whole = false;
        const enum pb_status status = open_round(joined, &whole, error);
        if (status != PB_OK || whole)
            return status;
        close_round(joined);
        if (must_leave(joined))
            return pb_fail(error, PB_ERROR_STOPPED, "this worker was asked to end while the run in '%s' was prepared",
                           joined->out);
        rest();
    }
    return pb_fail(
        error, PB_ERROR_RUN,
        "'%s/work-list.json' is of another state of the run than matrix.xml and plans.txt there; 'prunebench "
        "run' writes them anew",
        joined->out);
}

static bool is_over(const struct pb_run *run)
{
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (run->cells[i].state == PB_RUN_WAITING || run->cells[i].state == PB_RUN_ELSEWHERE)
            return false;
    return true;
}

static bool asks_latency(const struct pb_run *run)
{
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (run->matrix->cells[i]->latency_runs > 0)
            return true;
    return false;
}

/* All cells of the matrix, also those that had ended before the run was prepared. */
static enum pb_status look_at_all(struct pb_run *run, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < run->matrix->cell_count && status == PB_OK; i++) {
        struct pb_stored_result stored = {0};
        status = pb_run_look_at_document(run, i, &stored, error);
        if (status == PB_OK && stored.outcome == PB_OUTCOME_OK) {
            run->cells[i].state = PB_RUN_OK;
            run->cells[i].measured = pb_run_is_measured(run, i, &stored);
        }
        pb_stored_result_free(&stored);
    }
    return status;
}

/* One worker, when no cell is left. */
static enum pb_status measure(struct joined *joined, struct pb_join_summary *summary, struct pb_error *error)
{
    struct pb_run *run = &joined->run;
    uint32_t unmeasured = 0;
    if (!joined->list.workers_measure || joined->options->one || run->signals || !asks_latency(run))
        return PB_OK;
    enum pb_status status = pb_run_list_others(run, error); /* others may have ended at the same time */
    if (status != PB_OK || !is_over(run))
        return status;
    status = pb_claims_take(&run->claims, PB_CLAIM_LATENCY, &run->latency_claim, error);
    if (status == PB_OK && run->latency_claim && !pb_claims_is_marked(&run->claims, PB_CLAIM_LATENCY)) {
        pb_latency_place(joined->out, run->threads, run->latency_place);
        run->phase = PB_PHASE_LATENCY;
        status = look_at_all(run, error);
        if (status == PB_OK)
            status = pb_run_latencies(run, &unmeasured, error);
        if (status == PB_OK && run->signals == 0)
            status = pb_claims_mark(&run->claims, PB_CLAIM_LATENCY, unmeasured == 0, error);
        summary->latencies = status == PB_OK && run->signals == 0;
    }
    pb_lease_give(&run->latency_claim);
    return status;
}

static void count_cells(const struct pb_run *run, struct pb_join_summary *summary)
{
    summary->elsewhere = summary->waiting = 0;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++) {
        const struct pb_run_cell *cell = &run->cells[i];
        summary->done += cell->ran && cell->state == PB_RUN_OK;
        summary->failed += cell->ran && cell->state == PB_RUN_FAILED;
        summary->elsewhere += cell->state == PB_RUN_ELSEWHERE;
        summary->waiting += cell->state == PB_RUN_WAITING || cell->state == PB_RUN_RUNNING;
    }
    summary->signal = run->signals ? run->signal : 0;
}

/* Until nothing is left to claim, or the run is prepared anew. */
static enum pb_status work(struct joined *joined, struct pb_join_summary *summary, struct pb_error *error)
{
    struct pb_run *run = &joined->run;
    pb_display_start(&run->display, joined->options->quiet);
    run->begun_at = run->started = run->shown = pb_clock();
    run->published = -1; /* OUT/running.json is the coordinator's */
    run->phase = PB_PHASE_CELLS;
    pb_run_count_work(run);
    enum pb_status status = pb_run_list_others(run, error);
    if (status == PB_OK)
        status = pb_run_cells(run, error);
    if (status == PB_OK && run->refused[0])
        status = pb_fail(error, PB_ERROR_INPUT, "this host cannot run the cells of '%s' as they were planned: %s",
                         joined->out, run->refused);
    if (status == PB_OK && !run->superseded)
        status = measure(joined, summary, error);
    pb_display_clear(&run->display);
    if (status == PB_OK)
        count_cells(run, summary);
    return status;
}

/* A cell that takes more than its part ends, with a reason; else the batch system would end the whole job without one. */
static uint64_t memory_of_cell(const struct pb_join_options *options)
{
    const uint64_t own = 64u << 20, jobs = options->jobs ? options->jobs : 1;
    return options->memory > 2 * own ? (options->memory - own) / jobs : 0;
}

enum pb_status pb_run_join(const struct pb_join_options *options, struct pb_join_summary *summary,
                           struct pb_error *error)
{
    struct joined joined = {.options = options, .leave_at = options->seconds > 0 ? pb_clock() + options->seconds : 0};
    bool again = true;
    sigset_t signals, before;
    char *out = realpath(options->out, NULL);
    *summary = (struct pb_join_summary){0};
    if (!out)
        return pb_fail(error, PB_ERROR_INPUT,
                       "the run's folder '%s': %s; if another host has it, this one does not see it", options->out,
                       strerror(errno));
    joined.out = out;
    joined.run_options = (struct pb_run_options){.out = out,
                                                 .jobs = options->jobs,
                                                 .threads = options->threads,
                                                 .quiet = options->quiet,
                                                 .grace = options->grace,
                                                 .cache = options->cache,
                                                 .memory = memory_of_cell(options),
                                                 .one = options->one,
                                                 .program = options->program};
    pb_run_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, &before); /* also while it waits for a run to be prepared */
    enum pb_status status = PB_OK;
    while (again && status == PB_OK) {
        sigset_t ignored;
        status = open_whole(&joined, error);
        joined.run.leave_at = joined.leave_at;
        if (status == PB_OK)
            status = pb_run_watch_signals(&joined.run, &ignored, error);
        if (status == PB_OK)
            status = work(&joined, summary, error);
        again = joined.run.superseded && joined.run.signals == 0;
        close_round(&joined);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(out);
    return status;
}
