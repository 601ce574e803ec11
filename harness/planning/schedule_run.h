/* One run of a cell's schedule. */
#ifndef PB_PLANNING_SCHEDULE_RUN_H
#define PB_PLANNING_SCHEDULE_RUN_H

#include <prunebench/schedule.h>

#include "settings/config.h"

/* Creates the cell's schedule, lets it run over verbs, destroys it. A verb's own failure is left in verb_error; it wins. */
PB_MUST_CHECK enum pb_status pb_schedule_execute(const struct pb_cell_config *config, const struct pb_verbs *verbs,
                                                 const struct pb_error *verb_error, struct pb_error *error);

#endif
