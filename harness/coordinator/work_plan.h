/* The work of a whole matrix, cell by cell: what each does alone, which cells it waits for, and the longest path through them. */
#ifndef PB_COORDINATOR_WORK_PLAN_H
#define PB_COORDINATOR_WORK_PLAN_H

#include "coordinator/queue.h"

struct pb_work {
    uint64_t macs;
    double seconds;
};

struct pb_cell_work {
    struct pb_work own; /* its evaluations, and the stages that it is the first to pass through */
    uint32_t *depends; /* cells that are the first to pass through other stages of its path, in the matrix's order */
    uint32_t depend_count;
    struct pb_work end; /* all work on the longest path to its end, its own included */
    uint32_t after; /* the cell before it on that path; PB_NONE where it waits for none */
};

/* Each cell is one job, which begins when those that it depends on have ended and then makes what is left of its path. */
struct pb_work_plan {
    struct pb_cell_work *cells;
    uint32_t cell_count;
    uint32_t *passing; /* per stage: how many cells pass through it */
    uint32_t *longest; /* the cells on the longest path, in order; none where no cell has costs */
    uint32_t longest_count;
};

/*
 * stage_seconds: per stage of the queue. evaluations: per cell, what no other cell shares. by_seconds: the longest path is that of
 * most seconds, else of most MACs; of paths of the same length, the one whose last cell comes first in the matrix.
 */
PB_MUST_CHECK enum pb_status pb_work_plan_make(const struct pb_queue *queue, const double *stage_seconds,
                                               const struct pb_work *evaluations, bool by_seconds,
                                               struct pb_work_plan *plan, struct pb_error *error);
void pb_work_plan_free(struct pb_work_plan *plan);

#endif
