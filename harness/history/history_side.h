/* A run of a history as one side of a comparison. */
#ifndef PB_HISTORY_HISTORY_SIDE_H
#define PB_HISTORY_HISTORY_SIDE_H

#include "compare/comparison.h"
#include "history/history.h"

/* A run whose documents were pruned is PB_ERROR_INPUT. Stored networks are compared where the run's folder still has them. */
PB_MUST_CHECK enum pb_status pb_history_side(const struct pb_history *history, const struct pb_history_run *run,
                                             struct pb_compared_side *side, struct pb_error *error);
/* Leaves of a folder's documents what a history keeps, so that they can be compared with those of a run in it. */
PB_MUST_CHECK enum pb_status pb_history_reduce_side(struct pb_compared_side *side, struct pb_error *error);

#endif
