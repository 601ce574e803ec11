/* prunebench cell: runs one cell of a matrix. What workers run; useful by hand to look at one cell. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "matrix/outcome.h"
#include "matrix/planning.h"
#include "results/result.h"

static const struct pb_cli_option options[] = {
    {"output", 'o', "OUT", "folder of the run"},
    {"threads", 0, "T", "threads that the cell may use (default 1)"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {"shared", 0, "FILE", "keep only these of the cell's stages and its last (default: keep all)"},
    {"latency", 0, "N", "do not run the cell: measure the latency of its networks on N threads"},
    {"report-to", 0, "FD",
     "write a line for every step to this descriptor, and end with the process that started this"},
    {"plan", 0, "costs|keys", "do not run anything: write every cell's stages for the coordinator"},
    {"first", 0, "I", "with --plan: begin with this cell"},
    {"skip", 0, "LABEL", "with --plan: no stages for this schedule's cells; may be given several times"},
    {NULL, 0, NULL, NULL},
};

/* A started cell. */
struct job {
    struct pb_registry registry;
    struct pb_matrix *matrix;
    const struct pb_cell_config *cell;
    const char *out;
    uint32_t stages_done;
    int report_to; /* the coordinator's pipe; −1: none */
};

/* A worker must not outlive its coordinator, whose next run would start the same cell again. */
static enum pb_status meet_coordinator(struct job *job, const struct pb_arguments *arguments, struct pb_error *error)
{
    size_t descriptor = 0;
    const pid_t parent = getppid();
    job->report_to = -1;
    if (!pb_argument(arguments, "report-to"))
        return PB_OK;
    const enum pb_status status = pb_argument_size(arguments, "report-to", 0, 1024, &descriptor, error);
    if (status != PB_OK)
        return status;
    if (fcntl((int)descriptor, F_SETFD, FD_CLOEXEC) != 0)
        return pb_fail_errno(error, "--report-to %zu", descriptor);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return pb_fail(error, PB_ERROR_RUN, "cell: the process that started this one is gone");
    job->report_to = (int)descriptor;
    return PB_OK;
}

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
    job->stages_done = progress->stages_done;
    snprintf(line, sizeof line, "progress %.6f %u %s\n", progress->share, progress->stages_done, progress->what);
    if (job->report_to >= 0)
        say(job, line);
    else
        pb_log(PB_LOG_INFO, "%3.0f %%  %s", 100 * progress->share, progress->what);
}

/* The first word of every line that is not a comment. */
static enum pb_status read_shared(const char *path, char (**keys)[65], size_t *count, struct pb_error *error)
{
    struct pb_lines lines;
    enum pb_status status = pb_lines_open(path, &lines, error);
    if (status != PB_OK)
        return status;
    for (char *line = pb_lines_next(&lines); line && status == PB_OK; line = pb_lines_next(&lines)) {
        const size_t length = strcspn(line, " ");
        if (line[0] == '#' || length == 0)
            continue;
        char(*grown)[65] = length < sizeof *grown ? pb_realloc(*keys, *count, *count + 1, sizeof *grown) : NULL;
        if (!grown) {
            status = pb_fail_at(error, PB_ERROR_INPUT, path, lines.number,
                                "not a list of stages; run again to have it "
                                "written anew");
            break;
        }
        memcpy(grown[*count], line, length);
        *keys = grown;
        (*count)++;
    }
    pb_lines_close(&lines);
    return status;
}

/* What tells a later run whose result this is: the last stage when all went well, the failed one else. */
static enum pb_status add_identity(const struct job *job, struct pb_record *record, struct pb_error *error)
{
    struct pb_planner *planner = NULL;
    struct pb_cell_plan plan = {0};
    struct pb_error planning = {0};
    char digest[65];
    enum pb_status status = PB_OK;
    if (!pb_record_find(record->provenance, record->provenance_count, PB_KEY_CONFIG)) {
        status = pb_cell_digest(job->cell, digest, error);
        if (status == PB_OK)
            status = pb_record_provenance(record, PB_KEY_CONFIG, digest, error);
    }
    if (status == PB_OK)
        status = pb_planner_create(false, &planner, error);
    if (status != PB_OK)
        return status;
    /* A cell that cannot be planned has just said so itself. */
    if (pb_cell_plan(planner, job->cell, &plan, &planning) == PB_OK) {
        if (record->status == PB_CELL_OK && plan.stage_count)
            status = pb_record_provenance(record, PB_KEY_LAST_STAGE, plan.stages[plan.stage_count - 1].key, error);
        else if (job->stages_done < plan.stage_count)
            status = pb_record_provenance(record, PB_KEY_FAILED_STAGE, plan.stages[job->stages_done].key, error);
    }
    pb_cell_plan_free(&plan);
    pb_planner_free(&planner);
    return status;
}

static enum pb_status write_result(const struct job *job, const struct pb_record *record, struct pb_error *error)
{
    char *path = pb_result_path(job->out, job->cell->id);
    enum pb_status status = path ? pb_result_write(path, record, error) : pb_fail_memory(error, strlen(job->out));
    pb_free(path);
    if (status == PB_OK)
        say(job, "result\n");
    return status;
}

static enum pb_status run_cell(struct job *job, const char *shared, struct pb_error *error)
{
    struct pb_record record;
    char(*keys)[65] = NULL;
    size_t key_count = 0;
    struct pb_error running = {0};
    pb_record_init(&record);
    enum pb_status status = shared ? read_shared(shared, &keys, &key_count, error) : PB_OK;
    if (status != PB_OK)
        goto cleanup;
    const struct pb_cell_run_options run = {.out = job->out,
                                            .progress = on_progress,
                                            .argument = job,
                                            .shared = (const char(*)[65])keys,
                                            .shared_count = key_count,
                                            .keep_all = !shared || job->cell->keep_stages};
    const enum pb_status ran = pb_cell_run(job->cell, &run, &record, &running);
    status = add_identity(job, &record, error);
    if (status == PB_OK)
        status = write_result(job, &record, error);
    if (status == PB_OK && ran != PB_OK) {
        *error = running;
        status = ran;
    }
cleanup:
    pb_record_free(&record);
    pb_free(keys);
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
        status = pb_cell_latency(job->cell, threads, &record, error);
    }
    if (status == PB_OK)
        status = write_result(job, &record, error);
    pb_record_free(&record);
    pb_free(path);
    return status;
}

static enum pb_status find_cell(struct job *job, const struct pb_arguments *arguments, size_t threads,
                                struct pb_error *error)
{
    const char *id = arguments->word_count > 1 ? arguments->words[1] : NULL;
    if (!id)
        return pb_fail(error, PB_ERROR_INPUT, "cell: which one? usage: prunebench cell MATRIX ID -o OUT");
    for (uint32_t i = 0; i < job->matrix->cell_count; i++)
        job->matrix->cells[i]->threads = (uint32_t)threads;
    job->cell = pb_matrix_find(job->matrix, id);
    if (job->cell)
        return PB_OK;
    const char **ids = pb_calloc(job->matrix->cell_count, sizeof *ids);
    if (!ids)
        return pb_fail_memory(error, job->matrix->cell_count * sizeof *ids);
    for (uint32_t i = 0; i < job->matrix->cell_count; i++)
        ids[i] = job->matrix->cells[i]->id;
    const char *closest = pb_closest(id, ids, job->matrix->cell_count);
    const enum pb_status status =
        closest
            ? pb_fail(error, PB_ERROR_INPUT, "%s has no cell '%s'; did you mean '%s'?", job->matrix->path, id, closest)
            : pb_fail(error, PB_ERROR_INPUT, "%s has no cell '%s'; 'prunebench check' lists them", job->matrix->path,
                      id);
    pb_free(ids);
    return status;
}

static enum pb_status plan_cells(const struct job *job, const struct pb_arguments *arguments, size_t threads,
                                 struct pb_error *error)
{
    const char *kind = pb_argument(arguments, "plan");
    size_t first = 0;
    if (strcmp(kind, "costs") != 0 && strcmp(kind, "keys") != 0)
        return pb_fail(error, PB_ERROR_INPUT, "--plan: '%s' is neither 'costs' nor 'keys'", kind);
    const enum pb_status status = pb_argument_size(arguments, "first", 0, job->matrix->cell_count, &first, error);
    if (status != PB_OK)
        return status;
    for (uint32_t i = 0; i < job->matrix->cell_count; i++)
        job->matrix->cells[i]->threads = (uint32_t)threads;
    const struct pb_plan_child child = {.first = (uint32_t)first,
                                        .costs = strcmp(kind, "costs") == 0,
                                        .skipped = pb_argument_list(arguments, "skip"),
                                        .descriptor = job->report_to >= 0 ? job->report_to : STDOUT_FILENO};
    return pb_plan_child(job->matrix, &child, error);
}

static enum pb_status do_job(struct job *job, const struct pb_arguments *arguments, struct pb_error *error)
{
    size_t threads = 1, latency = 0;
    enum pb_status status = pb_argument_size(arguments, "threads", 1, 4096, &threads, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "latency", 1, 4096, &latency, error);
    if (status == PB_OK)
        status = pb_registry_open(pb_argument_list(arguments, "plugin-dir"), &job->registry, error);
    if (status == PB_OK)
        status = pb_matrix_read(arguments->words[0], &job->registry, &job->matrix, error);
    if (status != PB_OK)
        return status;
    if (pb_argument(arguments, "plan"))
        return plan_cells(job, arguments, threads, error);
    status = find_cell(job, arguments, threads, error);
    if (status != PB_OK)
        return status;
    char *folder = pb_path_join(job->out, "cells");
    status = folder ? pb_make_dirs(folder, error) : pb_fail_memory(error, strlen(job->out));
    pb_free(folder);
    if (status != PB_OK)
        return status;
    return latency ? measure_latency(job, (uint32_t)latency, error)
                   : run_cell(job, pb_argument(arguments, "shared"), error);
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    (void)exit_code;
    struct job job = {.out = pb_argument(arguments, "output")};
    if (!job.out)
        return pb_fail(error, PB_ERROR_INPUT, "cell: where to? usage: prunebench cell MATRIX ID -o OUT");
    enum pb_status status = meet_coordinator(&job, arguments, error);
    if (status == PB_OK)
        status = do_job(&job, arguments, error);
    pb_matrix_free(&job.matrix);
    pb_registry_close(&job.registry);
    return status;
}

const struct pb_command pb_command_cell = {
    .name = "cell",
    .usage = "MATRIX ID -o OUT [--threads T] [--latency N] [--plugin-dir DIR]…",
    .summary = "run one cell of a matrix (what the workers of 'run' do)",
    .details =
        "Runs the cell called ID from what is stored in OUT/stages to its end and writes OUT/cells/ID.xml. A cell\n"
        "that was stopped goes on at the last epoch that it finished. 'prunebench check MATRIX' lists the ids.",
    .options = options,
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
