/* Passes over the calibration batches, forward or backward from the criterion's objective. */
#ifndef PB_PRUNE_PASSES_H
#define PB_PRUNE_PASSES_H

#include "prune/criterion_run.h"

/* One of the calibration batches. */
struct pb_calibration_batch {
    struct pb_batch examples;
    uint32_t index, count; /* of the batches */
};

/* Calls step for every calibration batch, with run->engine ready for its size and run->point's values in it. */
typedef enum pb_status pb_pass_step(struct pb_criterion_run *run, const struct pb_calibration_batch *batch,
                                    void *context);
PB_MUST_CHECK enum pb_status pb_pass(struct pb_criterion_run *run, pb_pass_step *step, void *context);

PB_MUST_CHECK enum pb_status pb_pass_forward(struct pb_criterion_run *run, const struct pb_calibration_batch *batch);
/* Forward, and backward from the mean objective of the batch. */
PB_MUST_CHECK enum pb_status pb_pass_backward(struct pb_criterion_run *run, const struct pb_calibration_batch *batch);

/* From now on the engine computes with the values of point, a network of the same graph, which must outlive that. */
PB_MUST_CHECK enum pb_status pb_pass_move(struct pb_criterion_run *run, const struct pb_network *point);

#endif
