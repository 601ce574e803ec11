/* What a training that diverged is reported as: when, at which rate, in which layer. */
#ifndef PB_TRAINING_DIVERGED_H
#define PB_TRAINING_DIVERGED_H

#include "data/data.h"
#include "engine/engine.h"

/* Where in a training something was seen; both count from 1. */
struct pb_moment {
    uint32_t epoch, step;
    double lr; /* of that step */
};

/* PB_ERROR_RUN: the loss of this batch is not finite. Names the layer in which the first such value is. */
PB_MUST_CHECK enum pb_status pb_fail_diverged(struct pb_engine *engine, const struct pb_batch *batch, double loss,
                                              const struct pb_moment *moment, struct pb_error *error);
/* PB_ERROR_RUN when a parameter or its momentum is not finite after an epoch: such a state is neither scored nor kept. */
PB_MUST_CHECK enum pb_status pb_check_parameters(const struct pb_network *network, const struct pb_moment *moment,
                                                 struct pb_error *error);
/* Puts the moment in front of the message of an evaluation that failed. */
enum pb_status pb_fail_behind(const struct pb_moment *moment, struct pb_error *error);

#endif
