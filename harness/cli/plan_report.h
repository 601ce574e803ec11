/* The plan of a matrix, for people and for programs. */
#ifndef PB_CLI_PLAN_REPORT_H
#define PB_CLI_PLAN_REPORT_H

#include "cli/plan_simulation.h"
#include "coordinator/work_plan.h"

struct pb_matrix_plan {
    const struct check *check; /* the cells that were asked for, planned */
    struct pb_work_plan work;
    const bool *stored; /* per stage of the queue: the folder of results has it; NULL: no folder was given */
    struct pb_plan_simulation simulation;
};

PB_MUST_CHECK enum pb_status pb_plan_print_text(const struct pb_matrix_plan *plan, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_plan_print_json(const struct pb_matrix_plan *plan, struct pb_error *error);

#endif
