/* Plans of all cells, made by a child process: a schedule that crashes or hangs must not take the coordinator with it. */
#ifndef PB_MATRIX_PLANNING_H
#define PB_MATRIX_PLANNING_H

#include "matrix/matrix.h"
#include "matrix/queue.h"

struct pb_planning {
    const char *program;
    const char *matrix_path; /* as workers will read it */
    const char *out;
    const char *const *plugin_dirs; /* NULL-terminated; may be NULL */
    uint32_t threads; /* of a worker */
};

/* Fills queue. A cell whose schedule cannot be planned stays without a path: it then fails in a worker of its own, where
 * that is recorded. */
PB_MUST_CHECK enum pb_status pb_plan_cells(const struct pb_matrix *matrix, const struct pb_planning *planning,
                                           struct pb_queue *queue, struct pb_error *error);

/* The child's work: plans the cells from number first on and writes lines for the parent to the descriptor. */
struct pb_plan_child {
    uint32_t first;
    bool costs; /* with MACs, which opens data sets and backends */
    const char *const
        *skipped; /* labels of schedules that are known not to be plannable; NULL-terminated; may be NULL */
    int descriptor;
};
PB_MUST_CHECK enum pb_status pb_plan_child(const struct pb_matrix *matrix, const struct pb_plan_child *child,
                                           struct pb_error *error);

#endif
