/* What whoever runs a cell gives it, and is told by it. */
#ifndef PB_EXPERIMENT_RUN_OPTIONS_H
#define PB_EXPERIMENT_RUN_OPTIONS_H

#include "planning/cell_plan.h"

/* Where a running cell is. */
struct pb_progress {
    double share; /* of the cell's work, 0 … 1 */
    uint32_t stages_done; /* of the plan's stages, in its order: stages 0 … stages_done − 1 are stored */
    const char *what; /* "retrain-40: epoch 3 of 30" */
};

struct pb_cell_run_options {
    const char *out; /* stages are in out/stages */
    const char *cache; /* folder of the decoded images, which runs may share; NULL: out/cache */
    void (*progress)(void *argument, const struct pb_progress *progress); /* may be NULL */
    void *argument;
    /* What the cell will do, as it was planned (the caller's). NULL, or without stages: the session plans it. */
    const struct pb_cell_plan *plan;
    bool *
        unsuitable; /* set where this host cannot run what the plan says: other images, kernels or weights, or none; may be NULL */
    /*
     * How many cells of the matrix have a stage of this key in their plans. When the cell is done, stages that no other
     * cell has planned are removed, but for the last. NULL: every stage stays.
     */
    uint32_t (*planned_by)(void *argument, const char *key);
    void *planned_argument;
};

#endif
