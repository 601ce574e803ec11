/* A schedule's call: what it is given is read-only, and every verb that it calls is noted as the place where the cell is. */
#ifndef PB_PLANNING_WATCHED_VERBS_H
#define PB_PLANNING_WATCHED_VERBS_H

#include <prunebench/schedule.h>

#include "plugin/host.h"
#include "settings/config.h"

/* One call of run. Must not be moved. */
struct pb_watched_run {
    struct pb_host_services *host; /* the schedule's */
    const struct pb_verbs *verbs; /* that do the work; copy_spec and sizes are seen to here */
    const struct pb_cell_config *config;
    /* What the schedule sees: the verbs, the task, its training; per round of the cell: itself, its target, its retraining. */
    struct pb_guarded table, task, training, rounds, targets, retrainings;
    struct pb_train_spec **copies;
    uint32_t copy_count;
};

/* Calls the schedule's run; free with pb_watched_run_free. */
PB_MUST_CHECK enum pb_status pb_watched_run(struct pb_watched_run *run, void *self, struct pb_error *error);
void pb_watched_run_free(struct pb_watched_run *run);

#endif
