/* What is asked of Slurm: its limits, whether it would take a job, submitting, and which jobs it has. */
#ifndef PB_COORDINATOR_SLURM_COMMANDS_H
#define PB_COORDINATOR_SLURM_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* As `scontrol show config` states them. */
struct pb_slurm_limits {
    uint32_t array; /* tasks of one array: MaxArraySize; 0: arrays are off */
    uint32_t jobs; /* of the whole cluster: MaxJobCount */
};
PB_MUST_CHECK enum pb_status pb_slurm_limits(struct pb_slurm_limits *limits, struct pb_error *error);

/*
 * The partitions ("low,high"; NULL: the default one) exist; else PB_ERROR_INPUT names those that do. *seconds: how long a job may take in
 * any of them; 0: no limit.
 */
PB_MUST_CHECK enum pb_status pb_slurm_partition(const char *partitions, double *seconds, struct pb_error *error);
/* Would sbatch take the script, now or when other jobs have ended? PB_ERROR_INPUT with Slurm's reason. */
PB_MUST_CHECK enum pb_status pb_slurm_test(const char *script, struct pb_error *error);

/*
 * Submits an array of tasks (1: a job without an array). *taken false: a limit on how many jobs a user may have (MaxSubmitJobs of an
 * association, a QOS or the cluster) or on an array refused it; fewer may be taken, or as many later.
 */
PB_MUST_CHECK enum pb_status pb_slurm_submit(const char *script, uint32_t tasks, bool *taken, struct pb_error *error);

/* Jobs of a name, every task of an array counted. */
struct pb_slurm_jobs {
    uint32_t pending, running, other; /* other: completing, requeued, suspended */
    uint32_t
        held; /* by a user, an administrator, or because a node could not start it: it waits until somebody releases it */
    char reason[64]; /* why a pending one does not run: "Priority", "Resources"; "" */
};
PB_MUST_CHECK enum pb_status pb_slurm_jobs(const char *name, struct pb_slurm_jobs *jobs, struct pb_error *error);

#endif
