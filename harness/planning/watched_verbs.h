/* A schedule's call: what it is given is read-only, and every verb that it calls is noted as the place where the cell is. */
#ifndef PB_PLANNING_WATCHED_VERBS_H
#define PB_PLANNING_WATCHED_VERBS_H

#include <prunebench/schedule.h>

#include "plugin/host.h"

/* One call of run. Must not be moved. */
struct pb_watched_run {
    struct pb_host_services *host; /* the schedule's */
    const struct pb_verbs *verbs; /* that do the work */
    struct pb_guarded table, task, rounds;
};

/* Calls the schedule's run; free with pb_watched_run_free. */
PB_MUST_CHECK enum pb_status pb_watched_run(struct pb_watched_run *run, const struct pb_schedule *schedule, void *self,
                                            const struct pb_schedule_task *task, struct pb_error *error);
void pb_watched_run_free(struct pb_watched_run *run);

#endif
