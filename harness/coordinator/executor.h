/* Who runs the cells of a run: this process in child processes, or the jobs of a batch system. */
#ifndef PB_COORDINATOR_EXECUTOR_H
#define PB_COORDINATOR_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct pb_run;

struct pb_executor {
    const char *name;
    bool remote; /* cells run elsewhere: latencies are left to workers, and this process has no children */
    /* The work is written down; before the first step. *state is the executor's own, ended by close. */
    enum pb_status (*open)(struct pb_run *run, void **state, struct pb_error *error);
    /* Called several times a second: starts what may start. *busy false: nothing is left to do. */
    enum pb_status (*step)(struct pb_run *run, void *state, bool *busy, struct pb_error *error);
    /* The run has ended, or a signal ends it (run->signals). */
    void (*close)(struct pb_run *run, void *state);
};

extern const struct pb_executor pb_executor_local, pb_executor_slurm;

/* What a job asks the batch system for. */
struct pb_job_options {
    const char *partition, *account, *constraint; /* NULL: the cluster's default */
    bool exclusive; /* whole nodes */
    const char *const *lines; /* further options of sbatch, "--qos=long"; NULL-terminated; may be NULL */
    uint32_t workers; /* at a time; 0: as many as there are cells to run, 100 at most */
    uint32_t jobs; /* cells at a time of each worker */
    uint32_t threads; /* of each worker */
    double seconds; /* time limit of a job; 0: by the plan */
    double cell_seconds,
        epoch_seconds; /* the longest cell and epoch that are planned, as measured on this machine; 0: not known */
};

/* Before anything is planned: the programs are here, and what is asked for exists. */
PB_MUST_CHECK enum pb_status pb_slurm_check(const struct pb_job_options *options, struct pb_error *error);

#endif
