/* Whether what a schedule asks of a verb can be done at all; known before anything runs. */
#ifndef PB_PLANNING_VERB_CHECKS_H
#define PB_PLANNING_VERB_CHECKS_H

#include "planning/link.h"

/* The cell's criterion chooses channels. */
PB_MUST_CHECK enum pb_status pb_check_scores(const struct pb_cell_config *config, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_check_spec(const struct pb_train_spec *spec, struct pb_error *error);
/* Of a training with masked channels. */
PB_MUST_CHECK enum pb_status pb_check_soft(const struct pb_cell_config *config, const struct pb_train_spec *spec,
                                           struct pb_error *error);
/* before: the link that is pruned, or masked. */
PB_MUST_CHECK enum pb_status pb_check_target(const struct pb_cell_config *config, const struct pb_link *before,
                                             struct pb_target target, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_check_mask(const struct pb_cell_config *config, const struct pb_link *before,
                                           struct pb_target target, struct pb_error *error);

#endif
