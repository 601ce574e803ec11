/* A schedule's call: what it is given is read-only, and every verb that it calls is noted as the place where the cell is. */
#ifndef PB_PLANNING_WATCHED_VERBS_H
#define PB_PLANNING_WATCHED_VERBS_H

#include <prunebench/schedule.h>

#include "plugin/host.h"
#include "settings/config.h"

/* What a schedule sees: the verbs, the task, its training; per round of the cell: itself, its target, its retraining. */
enum pb_given {
    PB_GIVEN_VERBS,
    PB_GIVEN_TASK,
    PB_GIVEN_TRAINING,
    PB_GIVEN_ROUNDS,
    PB_GIVEN_TARGETS,
    PB_GIVEN_RETRAININGS,
    PB_GIVEN_COUNT
};

/* One call of run, one at a time in a process. Must not be moved. */
struct pb_watched_run {
    struct pb_host_services *host; /* the schedule's */
    const struct pb_verbs *verbs; /* that do the work; copy_spec and sizes are seen to here */
    const struct pb_cell_config *config;
    struct pb_guarded_part parts[PB_GIVEN_COUNT];
    struct pb_train_spec **copies;
    uint32_t copy_count;
};

/* Calls the schedule's run; free with pb_watched_run_free. */
PB_MUST_CHECK enum pb_status pb_watched_run(struct pb_watched_run *run, void *self, struct pb_error *error);
void pb_watched_run_free(struct pb_watched_run *run);

#endif
