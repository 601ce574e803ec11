/* The options of 'run' that say who runs the cells, and what a job of a batch system is given. */
#ifndef PB_CLI_RUN_JOBS_H
#define PB_CLI_RUN_JOBS_H

#include "cli/cli.h"
#include "coordinator/executor.h"

/* Their rows for the command's own table. */
#define PB_EXECUTOR_OPTIONS                                                                                            \
    {"executor", 0, "NAME",                                                                                            \
     "who runs the cells: local, this process, or slurm, jobs that it submits (default local)"},                       \
        {"workers", 0, "N", "slurm: jobs at a time (default: one per -j cells, 100 at most)"},                         \
        {"partition", 0, "NAME", "slurm: partition of the jobs"},                                                      \
        {"account", 0, "NAME", "slurm: account of the jobs"},                                                          \
        {"constraint", 0, "FEATURES", "slurm: features that the nodes must have: one kind of processor"},              \
        {"exclusive", 0, NULL, "slurm: whole nodes"},                                                                  \
        {"time", 0, "TIME",                                                                                            \
         "slurm: time limit of a job: seconds, or [DAYS-]HOURS:MINUTES:SECONDS (default: by the plan)"},               \
    {                                                                                                                  \
        "sbatch", 0, "OPTION", "slurm: a further option of sbatch, such as --qos=long; may be given several times"     \
    }

/*
 * Fills job, whose jobs and threads are the caller's. *executor: NULL for this process, where options of jobs are refused. For others it is
 * tried before anything is planned whether they take what is asked for; the matrix is planned and timed for that.
 */
PB_MUST_CHECK enum pb_status pb_run_jobs(const struct pb_arguments *arguments, struct pb_job_options *job,
                                         const struct pb_executor **executor, struct pb_error *error);

#endif
