/* What a job of Slurm asks for, and its batch script. */
#ifndef PB_COORDINATOR_SLURM_JOB_H
#define PB_COORDINATOR_SLURM_JOB_H

#include "coordinator/run.h"

struct pb_slurm_script {
    const char *name; /* of the jobs */
    const char *path; /* of the script */
    const char *folder; /* OUT, from the root on */
    double allowed; /* seconds that the partition lets a job run; 0: no limit */
};

/* Memory and time follow from the plans of the run's cells and from its options. */
PB_MUST_CHECK enum pb_status pb_slurm_write_script(const struct pb_run *run, const struct pb_slurm_script *script,
                                                   struct pb_error *error);

#endif
