/* prunebench run: what is missing of a matrix, cell by cell in child processes. */
#include <stdio.h>

#include "base/machine.h"
#include "base/memory.h"
#include "cli/arguments.h"
#include "cli/command_check.h"
#include "cli/run_jobs.h"
#include "cli/run_json.h"
#include "report/report.h"

/* Of the coordinator, and for each child: its pipe, its output, its log. */
enum { OPEN_FILES = 24, CHILD_OPEN_FILES = 3 };

static const struct pb_cli_option options[] = {
    {"output", 'o', "OUT", "folder for results, logs and stages; the same one resumes where it was"},
    {"cache", 0, "DIR",
     "keep decoded images in DIR, on a disk of this host; cells, runs and their users may share it (default: "
     "OUT/cache)"},
    {"jobs", 'j', "N", "cells at a time (default 1); the threads are divided among them"},
    {"threads", 0, "T", "threads in all (default: what the machine has)"},
    PB_EXECUTOR_OPTIONS,
    {"only", 0, "GLOB", "only cells whose id matches; may be given several times"},
    {"retry", 0, NULL, "run failed and blocked cells again, and measure noisy latencies again"},
    {"dry-run", 0, NULL,
     "run nothing and write nothing: print what would be run anew, resumed and kept, why, and how long"},
    {"json", 0, NULL, "print one JSON object at the end instead of the table: counts, and every cell's end"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {NULL, 0, NULL, NULL},
};

/* The results, and in one line how the cells ended. */
static enum pb_status print_results(const struct pb_run_options *run, const struct pb_run_summary *summary,
                                    struct pb_error *error)
{
    struct pb_text table = {0};
    const enum pb_status status = pb_report_console(run->out, &table, error);
    if (status == PB_OK && table.data)
        fputs(table.data, stdout);
    pb_text_free(&table);
    printf("%u done, %u were done before, %u failed, %u blocked", summary->done, summary->skipped, summary->failed,
           summary->blocked);
    if (summary->unmeasured)
        printf(", %u without latency", summary->unmeasured);
    printf("; results in %s/cells\n", run->out);
    return status;
}

static void print_failures(const struct pb_run_options *run, const struct pb_run_summary *summary)
{
    if (summary->failed + summary->blocked > 0)
        fprintf(stderr, "prunebench: %u cells failed or are blocked: see %s/logs; 'run … --retry' runs them again\n",
                summary->failed + summary->blocked, run->out);
}

/* What the run has found, and the exit code that says so. */
static enum pb_status print_end(const struct pb_run_options *run, const struct pb_run_summary *summary, bool json,
                                int *exit_code, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    if (summary->signal)
        *exit_code = 128 + summary->signal;
    else if (summary->failed + summary->blocked + summary->unmeasured > 0)
        *exit_code = 1;
    if (json)
        status = pb_run_print_json(run->out, summary, *exit_code, error);
    else if (!run->quiet && !summary->signal)
        status = print_results(run, summary, error);
    if (summary->signal)
        fprintf(stderr,
                "prunebench: interrupted: what is finished is kept in '%s' (%u cells this time); the same command "
                "resumes\n",
                run->out, summary->done);
    else if (status == PB_OK)
        print_failures(run, summary);
    return status;
}

static enum pb_status run_matrix(const struct pb_arguments *arguments, struct pb_matrix *matrix,
                                 struct pb_run_options *run, int *exit_code, struct pb_error *error)
{
    struct pb_run_summary summary = {0};
    char *line = pb_command_line("run", arguments);
    if (!line)
        return pb_fail_memory(error, 1);
    run->command = line;
    enum pb_status status = pb_run_matrix(matrix, run, &summary, error);
    if (status == PB_OK)
        status = print_end(run, &summary, pb_argument(arguments, "json") != NULL, exit_code, error);
    pb_run_summary_free(&summary);
    pb_free(line);
    return status;
}

/* What the run would do, as 'check --diff' finds it, and how long it would take. */
static enum pb_status dry_run(const struct pb_arguments *arguments, const struct pb_run_options *run, int *exit_code,
                              struct pb_error *error)
{
    struct check check = {.timed = true};
    const struct pb_diff_options diff = {
        .out = run->out, .only = run->only, .retry = run->retry, .json = pb_argument(arguments, "json") != NULL};
    enum pb_status status = pb_check_matrix(&check, arguments, error);
    if (status == PB_OK && (diff.json || !arguments->quiet))
        status = pb_check_print_diff(&check, &diff, error);
    if (status == PB_OK)
        *exit_code = pb_check_print_failures(&check);
    pb_check_free(&check);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct pb_registry registry = {0};
    struct pb_matrix *matrix = NULL;
    const char **files = NULL;
    struct pb_job_options job = {0};
    size_t jobs = 1, threads = 0;
    struct pb_run_options run = {.out = pb_argument(arguments, "output"),
                                 .only = pb_argument_list(arguments, "only"),
                                 .retry = pb_argument(arguments, "retry") != NULL,
                                 .quiet = arguments->quiet};
    if (!run.out || !run.out[0])
        return pb_fail(error, PB_ERROR_INPUT, "run: where to? usage: prunebench run MATRIX -o OUT");
    if (pb_argument(arguments, "dry-run"))
        return dry_run(arguments, &run, exit_code, error);
    enum pb_status status = pb_argument_folder(arguments, "cache", &run.cache, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "jobs", 1, 1024, &jobs, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "threads", 1, 4096, &threads, error);
    if (status == PB_OK)
        status = pb_need_open_files(OPEN_FILES + CHILD_OPEN_FILES * (uint32_t)jobs, error);
    job.jobs = (uint32_t)jobs;
    job.threads = threads ? (uint32_t)threads : pb_machine_threads();
    if (status == PB_OK)
        status = pb_run_jobs(arguments, &job, &run.executor, error);
    run.job = &job;
    if (status == PB_OK)
        status = pb_registry_open(pb_argument_list(arguments, "plugin-dir"), &registry, error);
    if (status == PB_OK)
        status = pb_matrix_read(arguments->words[0], &registry, &matrix, error);
    if (status == PB_OK)
        status = pb_registry_asked_files(&registry, &files, error);
    if (status == PB_OK) {
        run.plugin_files = files;
        run.jobs = (uint32_t)jobs;
        run.threads = (uint32_t)threads;
        status = run_matrix(arguments, matrix, &run, exit_code, error);
    }
    pb_free(files);
    pb_matrix_free(&matrix);
    pb_registry_close(&registry);
    return status;
}

const struct pb_command pb_command_run = {
    .name = "run",
    .usage = "MATRIX -o OUT [-j N] [--threads T] [--executor NAME] [--only GLOB]… [--retry] [--cache DIR] [--dry-run] "
             "[--json] "
             "[--plugin-dir DIR]…",
    .summary = "run what is missing of a matrix",
    .details =
        "Trains, prunes, retrains and measures every cell of the matrix, each in a process of its own, and writes one\n"
        "result document per cell to OUT/cells. Cells that share a beginning train it once.\n\n"
        "The same command again resumes where it was: finished cells are skipped, a changed matrix runs what changed,\n"
        "failed cells are run again with --retry. A crash costs one cell's last epoch. The run tells which cells are "
        "run\n"
        "again and why. Results in OUT that are not of this matrix, or of an earlier state of it, are kept, are named, "
        "and\n"
        "are in no table. --dry-run tells all of that beforehand, writes nothing to OUT, and needs no lock: it also "
        "works\n"
        "while a run is under way. Stored files that were damaged are set aside (*.damaged-*) and made again.\n\n"
        "The line of a finished cell has the top-1 accuracy of its last network on the test images, in brackets the "
        "change\n"
        "against the unpruned network in points, and the share of MACs that was removed. 'prunebench status OUT' tells "
        "another\n"
        "terminal how far the run is.\n\n"
        "--executor slurm runs the cells on a cluster: it submits jobs, each a 'prunebench worker OUT' with -j cells "
        "at a "
        "time\n"
        "on --threads threads, and follows them. OUT must be a folder that all nodes share. What a job asks for "
        "follows from "
        "the\n"
        "plan: memory, and twice the time that the longest cell takes on this machine. A job whose time ends, or that "
        "is\n"
        "preempted, stores its running epoch and is queued again. Ctrl-C leaves the jobs; the same command attaches "
        "again.\n\n"
        "OUT/logs has a log per cell. A cell adds at most 4 MiB to it, and a plugin at most 1 MiB of host->log lines;\n"
        "the log's last lines and the document (log-left-out) tell what was left out. --quiet prints failures only.\n\n"
        "Exit code: 0 all cells are ok; 1 a cell failed; 2 wrong usage or input; 128 + the signal's number (130, 143, "
        "129)\n"
        "when SIGINT, SIGTERM or SIGHUP ended the run. --dry-run: as 'check'.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
