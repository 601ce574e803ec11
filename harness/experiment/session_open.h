/* The start of a running cell: everything that comes before a schedule's first verb. */
#ifndef PB_EXPERIMENT_SESSION_OPEN_H
#define PB_EXPERIMENT_SESSION_OPEN_H

#include "experiment/session.h"

/*
 * Takes the plan from options, or makes it. Opens data set, cache, backend and the initial network (pretraining it where the
 * cell asks for that), starts the chain and trains the baseline.
 */
PB_MUST_CHECK enum pb_status pb_session_open(struct pb_session *session, const struct pb_cell_config *config,
                                             const struct pb_cell_run_options *options, struct pb_error *error);

#endif
