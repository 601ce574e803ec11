/* prunebench worker: runs cells of a run that was prepared on this host or another one. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "coordinator/join.h"

/* Of the worker, and for each child: its pipe, its output, its log. */
enum { OPEN_FILES = 24, CHILD_OPEN_FILES = 3, EXIT_AGAIN = 75, GRACE_SECONDS = 100 };

static const struct pb_cli_option options[] = {
    {"jobs", 'j', "N", "cells at a time (default 1); the threads are divided among them"},
    {"threads", 0, "T", "threads in all (default: what the machine has, or the job was given)"},
    {"max-time", 0, "TIME", "leave after this time, as after SIGTERM: seconds, or [DAYS-]HOURS:MINUTES:SECONDS"},
    {"grace", 0, "TIME", "after SIGTERM, time for running epochs to end and be stored (default 100 seconds)"},
    {"cache", 0, "DIR",
     "keep decoded images in DIR, on a disk of this host, where all its workers share them (default: OUT/cache; in a "
     "Slurm job that has $SLURM_TMPDIR: there)"},
    {"one", 0, NULL, "run one cell, then leave"},
    {NULL, 0, NULL, NULL},
};

static void print_end(const struct pb_join_summary *summary, const char *out)
{
    printf("%u cells done, %u failed here; %u are run by other workers, %u wait", summary->done, summary->failed,
           summary->elsewhere, summary->waiting);
    if (summary->latencies)
        printf("; the latencies are measured");
    printf("; results in %s/cells\n", out);
}

/* Of the job that this process is part of, in bytes; 0: it is none, or has no limit. */
static uint64_t job_memory(void)
{
    const char *node = getenv("SLURM_MEM_PER_NODE"), *cpu = getenv("SLURM_MEM_PER_CPU"),
               *cpus = getenv("SLURM_CPUS_ON_NODE");
    size_t megabytes = 0, each = 0, count = 0;
    if (node && pb_parse_size(node, &megabytes))
        return (uint64_t)megabytes << 20;
    if (cpu && cpus && pb_parse_size(cpu, &each) && pb_parse_size(cpus, &count))
        return (uint64_t)each * count << 20;
    return 0;
}

/* *folder: from pb_calloc; NULL: the run's own. */
static enum pb_status find_cache(const struct pb_arguments *arguments, char **folder, struct pb_error *error)
{
    const char *local = getenv("SLURM_TMPDIR"), *stated = NULL;
    const enum pb_status status = pb_argument_folder(arguments, "cache", &stated, error);
    if (status != PB_OK || (!stated && !(local && local[0])))
        return status;
    *folder = stated ? pb_path_absolute(stated) : pb_path_join(local, "prunebench-cache");
    return *folder ? PB_OK : pb_fail_memory(error, 1);
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct pb_join_summary summary = {0};
    size_t jobs = 1, threads = 0;
    char *cache = NULL;
    struct pb_join_options join = {.out = arguments->words[0],
                                   .grace = GRACE_SECONDS,
                                   .memory = job_memory(),
                                   .one = pb_argument(arguments, "one") != NULL,
                                   .quiet = arguments->quiet};
    enum pb_status status = pb_argument_size(arguments, "jobs", 1, 1024, &jobs, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "threads", 1, 4096, &threads, error);
    if (status == PB_OK)
        status = pb_argument_duration(arguments, "max-time", &join.seconds, error);
    if (status == PB_OK)
        status = pb_argument_duration(arguments, "grace", &join.grace, error);
    if (status == PB_OK)
        status = pb_need_open_files(OPEN_FILES + CHILD_OPEN_FILES * (uint32_t)jobs, error);
    if (status != PB_OK)
        return status;
    join.jobs = (uint32_t)jobs;
    join.threads = (uint32_t)threads;
    status = find_cache(arguments, &cache, error);
    join.cache = cache;
    if (status == PB_OK)
        status = pb_run_join(&join, &summary, error);
    pb_free(cache);
    if (status != PB_OK)
        return status;
    if (!arguments->quiet)
        print_end(&summary, join.out);
    if (summary.signal && summary.waiting + summary.elsewhere > 0)
        *exit_code = EXIT_AGAIN;
    else if (summary.failed > 0)
        *exit_code = 1;
    return PB_OK;
}

const struct pb_command pb_command_worker = {
    .name = "worker",
    .usage = "OUT [-j N] [--threads T] [--max-time TIME] [--grace TIME] [--cache DIR] [--one]",
    .summary = "run cells of a run that another process has prepared, on this host or another one",
    .details =
        "Joins the run in OUT, a folder that its hosts share: claims one cell after the other, runs it as 'run' does, "
        "and\n"
        "leaves when no cell is left to claim. 'prunebench run MATRIX -o OUT' prepares the run, and may run cells at "
        "the\n"
        "same time; any number of workers may come and go. A worker that dies costs the running epochs of its cells:\n"
        "others take them over, on the same host at once, on others when its claims have not changed for 60 s.\n\n"
        "Start it once per node or share of a node: in a Slurm job, by GNU parallel, in a container. It must be the "
        "same\n"
        "program, with the same plugins, as planned the run; data sets must be where the matrix says.\n\n"
        "SIGTERM (preemption, a job's time limit) and --max-time let the cells end their running epochs and store "
        "them;\n"
        "the exit code is then 75: start the same command again.\n\n"
        "Exit code: 0 no cell is left to claim (other workers may still run some); 1 a cell failed here; 2 wrong usage "
        "or\n"
        "input; 75 it was ended early, and cells are left.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
