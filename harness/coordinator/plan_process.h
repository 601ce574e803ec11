/* Plans of all cells, made by a child process: a schedule that crashes, hangs or exits must not take the caller with it. */
#ifndef PB_COORDINATOR_PLAN_PROCESS_H
#define PB_COORDINATOR_PLAN_PROCESS_H

#include "base/text.h"
#include "matrix/matrix.h"
#include "planning/cell_plan.h"

/* How the child process is started. */
struct pb_plan_process {
    const char *program; /* prunebench */
    const char *matrix_path; /* as the child will read it */
    const char *log; /* file that gets what the child and the plugins print; NULL: standard error */
    const char *const *plugin_files; /* objects that the child loads (pb_registry_asked_files); NULL: all */
    uint32_t threads; /* of a child */
    const char *const *costs_of; /* globs over ids: cells whose costs are needed, NULL-terminated; NULL: all */
};

/*
 * Gets the plan of one cell, and its lines as plan_lines.h has them; or NULL and the reason why there is none. Cells come in the
 * matrix's order. What it returns ends the planning when it is not PB_OK.
 */
typedef enum pb_status pb_plan_function(void *argument, uint32_t cell, const struct pb_cell_plan *plan,
                                        const struct pb_text *lines, const struct pb_error *failure,
                                        struct pb_error *error);

/*
 * Has a child process plan every cell. A child that dies, or whose plugin does not return within $PRUNEBENCH_PLAN_SECONDS (default
 * 20), is started again behind what it failed at: cells of that schedule get no plan; where a data set or backend was to blame, cells
 * with both get one without costs. A child that somebody killed is started again at the same cell, once.
 */
PB_MUST_CHECK enum pb_status pb_plans_request(const struct pb_matrix *matrix, const struct pb_plan_process *process,
                                              pb_plan_function *on_plan, void *argument, struct pb_error *error);

/* The child's work: plans the cells from number first on and writes lines (plan_lines.h) for the parent to the descriptor. */
struct pb_plan_request {
    uint32_t first;
    const char *const *costs_of; /* as in struct pb_plan_process */
    const char *const *skipped; /* labels of schedules that cannot be planned; NULL-terminated; may be NULL */
    const char *const *without_costs; /* "DATASET/BACKEND", labels that cannot be estimated together; as skipped */
    uint64_t resident; /* bytes of a child's process before its cell opens anything */
    int descriptor;
};
PB_MUST_CHECK enum pb_status pb_plans_answer(const struct pb_matrix *matrix, const struct pb_plan_request *request,
                                             struct pb_error *error);

#endif
