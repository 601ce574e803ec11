/* A process that is asked to end in order: by SIGTERM, which the scheduler of a cluster sends some time before SIGKILL. */
#ifndef PB_BASE_STOP_H
#define PB_BASE_STOP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * From now on SIGTERM asks this process to end in order, and a second one ends it at once. coordinator: the process that started this one
 * and can end it by SIGKILL; 0: none. Its signal is never the second one, because a scheduler signals every process of a job: then the
 * coordinator's follows for the same reason. What was asked before is forgotten.
 */
PB_MUST_CHECK enum pb_status pb_stop_watch(pid_t coordinator, struct pb_error *error);

/* PB_ERROR_STOPPED once the process has been asked to end. For moments at which all that is done is stored. */
PB_MUST_CHECK enum pb_status pb_stop_check(struct pb_error *error);

#endif
