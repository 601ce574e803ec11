/* Runs what is missing of a matrix: looks at what is there, plans, then keeps children busy until nothing is left. */
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
#include "base/resources.h"
#include "base/store_probe.h"
#include "coordinator/run.h"
#include "coordinator/sweep.h"
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

static enum pb_status step_local(struct pb_run *run, void *state, bool *busy, struct pb_error *error)
{
    (void)state;
    return pb_run_start_cells(run, busy, error);
}

const struct pb_executor pb_executor_local = {.name = "local", .step = step_local};

enum pb_status pb_run_cells(struct pb_run *run, struct pb_error *error)
{
    const struct pb_executor *executor = run->executor;
    void *state = NULL;
    bool busy = true;
    bool *ended = pb_calloc(run->slot_count, sizeof *ended);
    if (!ended)
        return pb_fail_memory(error, run->slot_count);
    run->looks.busy = run->looks.at = pb_clock();
    enum pb_status status = executor->open ? executor->open(run, &state, error) : PB_OK;
    while (status == PB_OK && run->signals == 0) {
        status = executor->step(run, state, &busy, error);
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
    if (executor->close)
        executor->close(run, state);
    pb_free(ended);
    return status;
}

static const char *end_of(const struct pb_run_cell *cell)
{
    const bool waiting =
        cell->state == PB_RUN_WAITING || cell->state == PB_RUN_RUNNING || cell->state == PB_RUN_ELSEWHERE;
    return cell->state == PB_RUN_LEFT_OUT ? "left-out" : waiting ? "waiting" : pb_cell_status_name(cell->status);
}

enum pb_status pb_run_sum_up(struct pb_run *run, struct pb_run_summary *summary, struct pb_error *error)
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
    pb_free(cell->watch);
}

void pb_run_close(struct pb_run *run)
{
    for (uint32_t i = 0; run->cells && i < run->matrix->cell_count; i++)
        free_cell(&run->cells[i]);
    for (uint32_t i = 0; run->slots && i < run->slot_count; i++)
        pb_lease_give(&run->slots[i].claim);
    if (run->signal_fd >= 0)
        close(run->signal_fd);
    pb_claims_close(&run->claims);
    pb_name_index_free(&run->ids);
    pb_queue_free(&run->queue);
    pb_xml_schema_free(&run->schema);
    pb_free(run->program);
    pb_free(run->cells);
    pb_free(run->slots);
    pb_free(run->unplanned);
    pb_free(run->owner);
    pb_free(run->folder);
    pb_free(run->matrix_path);
    pb_free(run->planned_path);
    pb_free(run->index_path);
    pb_free(run->plans_path);
    pb_text_free(&run->plans);
}

enum pb_status pb_run_open(struct pb_run *run, struct pb_error *error)
{
    const struct pb_run_options *options = run->options;
    run->executor = options->executor ? options->executor : &pb_executor_local;
    run->threads = options->threads ? options->threads : pb_machine_threads();
    run->slot_count = options->jobs ? options->jobs : 1;
    run->threads_each = run->threads > run->slot_count ? run->threads / run->slot_count : 1;
    run->program = options->program ? pb_strdup(options->program) : NULL;
    if (!options->program && pb_program_path(&run->program, error) != PB_OK)
        return error->status;
    run->cells = pb_calloc(run->matrix->cell_count, sizeof *run->cells);
    run->slots = pb_calloc(run->slot_count, sizeof *run->slots);
    run->matrix_path = pb_path_join(options->out, "matrix.xml");
    char *tag = pb_owner_tag();
    run->planned_path = tag ? pb_format("%s/matrix.xml.%s.tmp", options->out, tag) : NULL;
    pb_free(tag);
    run->index_path = pb_path_join(options->out, "planned-stages.txt");
    run->plans_path = pb_path_join(options->out, "plans.txt");
    if (!run->program || !run->cells || !run->slots || !run->matrix_path || !run->planned_path || !run->index_path ||
        !run->plans_path)
        return pb_fail_memory(error, run->matrix->cell_count * sizeof *run->cells);
    enum pb_status status = pb_schema_open(PB_RESULT_SCHEMA, &run->schema, error);
    if (status == PB_OK)
        status = pb_queue_create(run->matrix->cell_count, &run->queue, error);
    for (uint32_t i = 0; i < run->matrix->cell_count && status == PB_OK; i++) {
        run->matrix->cells[i]->threads = run->threads_each;
        status = pb_name_index_add(&run->ids, run->matrix->cells[i]->id, i, error);
    }
    return status;
}

/* All but the lock and the signals. */
static enum pb_status execute(struct pb_run *run, struct pb_run_summary *summary, struct pb_error *error)
{
    struct pb_run_summary counted = {0};
    pb_display_start(&run->display, run->options->quiet);
    pb_latency_place(run->options->out, run->threads, run->latency_place);
    pb_run_publish_begin(run);
    enum pb_status status = pb_run_prepare(run, error);
    run->started = run->shown = pb_clock();
    run->phase = PB_PHASE_CELLS;
    pb_run_count_work(run);
    if (status == PB_OK)
        status = pb_run_cells(run, error);
    run->phase = PB_PHASE_LATENCY;
    if (status == PB_OK && run->signals == 0)
        status = run->executor->remote ? pb_run_count_unmeasured(run, &counted.unmeasured, error)
                                       : pb_run_latencies(run, &counted.unmeasured, error);
    if (status == PB_OK && run->signals == 0) /* what workers left that died on other hosts */
        status = pb_sweep(run->options->out, error);
    pb_display_clear(&run->display);
    pb_run_publish_end(run);
    if (status == PB_OK)
        status = pb_run_sum_up(run, &counted, error);
    if (status == PB_OK)
        *summary = counted;
    return status;
}

void pb_run_signals(sigset_t *signals)
{
    struct sigaction hangup;
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    /* what nohup starts ignores it, and outlives its terminal; a descriptor would receive it all the same */
    if (sigaction(SIGHUP, NULL, &hangup) != 0 || hangup.sa_handler != SIG_IGN)
        sigaddset(signals, SIGHUP);
}

enum pb_status pb_run_watch_signals(struct pb_run *run, sigset_t *before, struct pb_error *error)
{
    sigset_t signals;
    pb_run_signals(&signals);
    /* Before any thread is started that does not block them itself, so that all leave the signals to the descriptor. */
    pthread_sigmask(SIG_BLOCK, &signals, before);
    run->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    return run->signal_fd < 0 ? pb_fail_errno(error, "watch for signals") : PB_OK;
}

/* The folder is this process's. */
static enum pb_status run_in_folder(struct pb_matrix *matrix, const struct pb_run_options *options,
                                    struct pb_run_summary *summary, struct pb_error *error)
{
    struct pb_run run = {.matrix = matrix, .options = options, .signal_fd = -1};
    sigset_t before;
    enum pb_status status = pb_run_watch_signals(&run, &before, error);
    if (status == PB_OK)
        status = pb_run_open(&run, error);
    if (status == PB_OK)
        status = pb_store_require(options->out, error);
    if (status == PB_OK)
        status = pb_sweep(options->out, error);
    if (status == PB_OK)
        status = set_aside_old_stages(options->out, error);
    if (status == PB_OK)
        status = execute(&run, summary, error);
    pb_run_close(&run);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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
