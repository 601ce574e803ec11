/* prunebench cell: runs one cell of a matrix. What 'run' starts for each cell; useful by hand to look at one cell. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/stop.h"
#include "cli/child_arguments.h"
#include "coordinator/outcome.h"
#include "coordinator/plan_process.h"
#include "coordinator/plan_lines.h"
#include "coordinator/stage_index.h"
#include "results/result.h"

static const struct pb_cli_option options[] = {
    {"output", 'o', "OUT", "folder of the run"},
    {"cache", 0, "DIR",
     "keep decoded images in DIR, on a disk of this host; cells, runs and their users may share it (default: "
     "OUT/cache)"},
    {"threads", 0, "T", "threads that the cell may use (default 1)"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {"plugin-file", 0, "FILE",
     "load the plugins of this object, which the caller has loaded, and of no others; may be given several times"},
    {"planned", 0, "FILE",
     "remove the cell's stages that no other cell of the run has planned, as FILE says (default: keep all)"},
    {"plans", 0, "FILE", "the cell's plan is in FILE, as 'run' made it (default: plan it first)"},
    {"plans-at", 0, "BYTE", "with --plans: where in FILE it begins"},
    {"claim", 0, "FILE", "write no result unless this lease (base/lease.h) still has the tag of --claim-tag"},
    {"claim-tag", 0, "TAG", "with --claim: the tag of whoever started this"},
    {"latency", 0, "N", "do not run the cell: measure the latency of its networks on N threads"},
    PB_CHILD_OPTIONS,
    {"plan", 0, NULL, "do not run anything: write every cell's stages and what they cost for the coordinator"},
    {"first", 0, "I", "with --plan: begin with this cell"},
    {"skip", 0, "LABEL", "with --plan: no stages for this schedule's cells; may be given several times"},
    {"costs-of", 0, "GLOB", "with --plan: costs for cells whose id matches only; may be given several times"},
    {"without-costs", 0, "DATASET/BACKEND", "with --plan: no costs for cells with both; may be given several times"},
    {NULL, 0, NULL, NULL},
};

/* A started cell. */
struct job {
    struct pb_registry registry;
    struct pb_matrix *matrix;
    const struct pb_cell_config *cell;
    const char *out, *cache; /* cache: NULL for that of out */
    const char *claim, *claim_tag; /* the coordinator's; NULL: none */
    int report_to; /* the coordinator's pipe; −1: none */
};

static void say(const struct job *job, const char *line)
{
    if (job->report_to < 0)
        return;
    const ssize_t wrote = write(job->report_to, line, strlen(line));
    if (wrote < 0)
        pb_log(PB_LOG_DEBUG, "the coordinator does not listen: %s", strerror(errno));
}

static void on_progress(void *argument, const struct pb_progress *progress)
{
    struct job *job = argument;
    char line[512];
    snprintf(line, sizeof line, "progress %.6f %u %s\n", progress->share, progress->stages_done, progress->what);
    if (job->report_to >= 0)
        say(job, line);
    else
        pb_log(PB_LOG_INFO, "%3.0f %%  %s", 100 * progress->share, progress->what);
}

static uint32_t planned_by(void *argument, const char *key)
{
    const int *index = argument;
    return pb_stage_index_cells(*index, key);
}

static void say_unsuitable(const struct job *job, const struct pb_error *reason)
{
    char line[600];
    snprintf(line, sizeof line, "unsuitable %.580s", reason->text);
    for (char *c = line; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    say(job, line);
    say(job, "\n");
}

static enum pb_status write_result(const struct job *job, const struct pb_record *record, struct pb_error *error)
{
    if (job->claim && job->claim_tag && !pb_lease_has_tag(job->claim, job->claim_tag))
        return pb_fail(error, PB_ERROR_STOPPED,
                       "cell '%s' was taken over by another process; this one's result is dropped", job->cell->id);
    char *path = pb_result_path(job->out, job->cell->id);
    enum pb_status status = path ? pb_result_write(path, record, error) : pb_fail_memory(error, strlen(job->out));
    pb_free(path);
    if (status == PB_OK)
        say(job, "result\n");
    return status;
}

static enum pb_status read_plan(const struct job *job, const struct pb_arguments *arguments, struct pb_cell_plan *plan,
                                struct pb_error *error)
{
    const struct pb_plan_of of = {.id = job->cell->id, .matrix = job->matrix->sha256};
    size_t offset = 0;
    const enum pb_status status = pb_argument_size(arguments, "plans-at", 0, SIZE_MAX, &offset, error);
    return status == PB_OK ? pb_plan_lines_read_file(pb_argument(arguments, "plans"), offset, &of, plan, error)
                           : status;
}

static enum pb_status run_cell(struct job *job, const struct pb_arguments *arguments, struct pb_error *error)
{
    struct pb_record record;
    struct pb_error running = {0};
    struct pb_cell_plan plan = {0};
    const char *planned = pb_argument(arguments, "planned");
    const bool handed = pb_argument(arguments, "plans") != NULL;
    bool unsuitable = false;
    int index = -1;
    pb_record_init(&record);
    enum pb_status status = handed ? read_plan(job, arguments, &plan, error) : PB_OK;
    if (status == PB_ERROR_STOPPED)
        say(job, "stale\n");
    if (status == PB_OK && planned)
        status = pb_stage_index_open(planned, &index, error);
    if (status != PB_OK) {
        pb_cell_plan_free(&plan);
        return status;
    }
    const struct pb_cell_run_options run = {.out = job->out,
                                            .cache = job->cache,
                                            .plan = handed ? &plan : NULL,
                                            .unsuitable = &unsuitable,
                                            .progress = on_progress,
                                            .argument = job,
                                            .planned_by = planned ? planned_by : NULL,
                                            .planned_argument = &index};
    const enum pb_status ran = pb_cell_run(job->cell, &run, &record, &running);
    if (unsuitable && job->report_to >= 0) /* the coordinator knows whether another host may run it */
        say_unsuitable(job, &running);
    else if (ran != PB_ERROR_STOPPED) /* such a cell has not ended */
        status = write_result(job, &record, error);
    if (status == PB_OK && ran != PB_OK) {
        *error = running;
        status = ran;
    }
    pb_record_free(&record);
    pb_stage_index_close(&index);
    pb_cell_plan_free(&plan);
    return status;
}

static void drop_latencies(struct pb_record *record)
{
    for (uint32_t i = 0; i < record->latency_count; i++)
        pb_free(record->latencies[i].stage);
    record->latency_count = 0;
}

static enum pb_status measure_latency(const struct job *job, uint32_t threads, struct pb_error *error)
{
    struct pb_record record;
    char *path = pb_result_path(job->out, job->cell->id);
    pb_record_init(&record);
    enum pb_status status = path ? pb_result_read(path, &record, error) : pb_fail_memory(error, strlen(job->out));
    if (status == PB_OK && record.status != PB_CELL_OK)
        status = pb_fail(error, PB_ERROR_INPUT, "%s: the cell is not ok; there is nothing to measure", path);
    if (status == PB_OK) {
        drop_latencies(&record);
        status = pb_cell_latency(job->cell, job->out, threads, &record, error);
    }
    if (status == PB_OK)
        status = write_result(job, &record, error);
    pb_record_free(&record);
    pb_free(path);
    return status;
}

/* The whole matrix is read only to suggest the closest name. */
static enum pb_status fail_unknown(struct job *job, const char *path, const char *id, struct pb_error *error)
{
    const char **ids = NULL;
    pb_matrix_free(&job->matrix);
    enum pb_status status = pb_matrix_read(path, &job->registry, &job->matrix, error);
    if (status == PB_OK && !(ids = pb_calloc(job->matrix->cell_count, sizeof *ids)))
        status = pb_fail_memory(error, job->matrix->cell_count * sizeof *ids);
    if (status != PB_OK)
        return status;
    for (uint32_t i = 0; i < job->matrix->cell_count; i++)
        ids[i] = job->matrix->cells[i]->id;
    const char *closest = pb_closest(id, ids, job->matrix->cell_count);
    status = closest ? pb_fail(error, PB_ERROR_INPUT, "%s has no cell '%s'; did you mean '%s'?", path, id, closest)
                     : pb_fail(error, PB_ERROR_INPUT, "%s has no cell '%s'; 'prunebench check' lists them", path, id);
    pb_free(ids);
    return status;
}

static enum pb_status read_cell(struct job *job, const struct pb_arguments *arguments, size_t threads,
                                struct pb_error *error)
{
    const char *path = arguments->words[0], *id = arguments->word_count > 1 ? arguments->words[1] : NULL;
    if (!id)
        return pb_fail(error, PB_ERROR_INPUT, "cell: which one? usage: prunebench cell MATRIX ID -o OUT");
    const enum pb_status status = pb_matrix_read_cell(path, &job->registry, id, &job->matrix, error);
    if (status != PB_OK)
        return status;
    if (job->matrix->cell_count == 0)
        return fail_unknown(job, path, id, error);
    job->matrix->cells[0]->threads = (uint32_t)threads;
    job->cell = job->matrix->cells[0];
    return PB_OK;
}

/* Reads the matrix as a cell's process does, for the size of its process: all cells of a large matrix take far more memory. */
static enum pb_status measure_child(struct job *job, const char *path, uint64_t *resident, struct pb_error *error)
{
    const enum pb_status status = pb_matrix_read_cell(path, &job->registry, "", &job->matrix, error);
    *resident = pb_resident_bytes();
    pb_matrix_free(&job->matrix);
    return status;
}

static enum pb_status plan_cells(struct job *job, const struct pb_arguments *arguments, size_t threads,
                                 struct pb_error *error)
{
    size_t first = 0;
    uint64_t resident = 0;
    enum pb_status status = measure_child(job, arguments->words[0], &resident, error);
    if (status == PB_OK)
        status = pb_matrix_read(arguments->words[0], &job->registry, &job->matrix, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "first", 0, job->matrix->cell_count, &first, error);
    if (status != PB_OK)
        return status;
    for (uint32_t i = 0; i < job->matrix->cell_count; i++)
        job->matrix->cells[i]->threads = (uint32_t)threads;
    const struct pb_plan_request request = {.first = (uint32_t)first,
                                            .costs_of = pb_argument_list(arguments, "costs-of"),
                                            .skipped = pb_argument_list(arguments, "skip"),
                                            .without_costs = pb_argument_list(arguments, "without-costs"),
                                            .resident = resident,
                                            .descriptor = job->report_to >= 0 ? job->report_to : STDOUT_FILENO};
    return pb_plans_answer(job->matrix, &request, error);
}

static enum pb_status do_job(struct job *job, const struct pb_arguments *arguments, struct pb_error *error)
{
    size_t threads = 1, latency = 0;
    enum pb_status status = pb_argument_size(arguments, "threads", 1, 4096, &threads, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "latency", 1, 4096, &latency, error);
    const char *const *files = pb_argument_list(arguments, "plugin-file");
    if (status == PB_OK)
        status = files ? pb_registry_open_files(files, &job->registry, error)
                       : pb_registry_open(pb_argument_list(arguments, "plugin-dir"), &job->registry, error);
    if (status == PB_OK && pb_argument(arguments, "plan"))
        return plan_cells(job, arguments, threads, error);
    if (status == PB_OK)
        status = read_cell(job, arguments, threads, error);
    if (status != PB_OK)
        return status;
    char *folder = pb_path_join(job->out, "cells");
    status = folder ? pb_make_dirs(folder, error) : pb_fail_memory(error, strlen(job->out));
    pb_free(folder);
    if (status == PB_OK)
        status = pb_stop_watch(job->report_to >= 0 ? getppid() : 0, error);
    if (status != PB_OK)
        return status;
    return latency ? measure_latency(job, (uint32_t)latency, error) : run_cell(job, arguments, error);
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    (void)exit_code;
    struct job job = {.out = pb_argument(arguments, "output"),
                      .claim = pb_argument(arguments, "claim"),
                      .claim_tag = pb_argument(arguments, "claim-tag")};
    if (!job.out && !pb_argument(arguments, "plan"))
        return pb_fail(error, PB_ERROR_INPUT, "cell: where to? usage: prunebench cell MATRIX ID -o OUT");
    enum pb_status status = pb_argument_coordinator(arguments, &job.report_to, error);
    if (status == PB_OK)
        status = pb_argument_folder(arguments, "cache", &job.cache, error);
    if (status == PB_OK)
        status = do_job(&job, arguments, error);
    pb_matrix_free(&job.matrix);
    pb_registry_close(&job.registry);
    return status;
}

const struct pb_command pb_command_cell = {
    .name = "cell",
    .usage = "MATRIX ID -o OUT [--threads T] [--latency N] [--cache DIR] [--plugin-dir DIR]…",
    .summary = "run one cell of a matrix (what 'run' starts for each cell)",
    .details =
        "Runs the cell called ID from what is stored in OUT/stages to its end and writes OUT/cells/ID.xml. A cell\n"
        "that was stopped resumes at the last epoch that it finished. 'prunebench check MATRIX' lists the ids.\n\n"
        "SIGTERM ends it in order: it finishes the epoch, the scoring or the pruning that it is at, stores it, and "
        "leaves\n"
        "with exit code 75 and without a document of the cell; the same command resumes there. A second SIGTERM ends "
        "it\n"
        "at once.\n\n"
        "With --latency, the cell's document gets the latencies of its networks. Each network is measured once for "
        "all\n"
        "cells in OUT and then taken from OUT/latency; after that folder is removed, it is measured anew, and "
        "'prunebench\n"
        "run' then fills all documents again.",
    .options = options,
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
