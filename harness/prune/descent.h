/* Gradient descent over the calibration batches, on a copy of the network, for criteria that watch a training. */
#ifndef PB_PRUNE_DESCENT_H
#define PB_PRUNE_DESCENT_H

#include "prune/criterion_run.h"

/* {0} is none. */
struct pb_descent {
    struct pb_network *point; /* where it has come to */
    float *gradient; /* of one parameter */
    double rate;
};

/* Asks the criterion for the rate, and moves the run to a copy of its network. Close it also after a failure. */
PB_MUST_CHECK enum pb_status pb_descent_open(struct pb_descent *descent, struct pb_criterion_run *run);
/* One step by the gradients that the run's engine has computed. */
PB_MUST_CHECK enum pb_status pb_descent_step(struct pb_descent *descent, struct pb_criterion_run *run, uint32_t batch);
/* The run is back at its network. */
void pb_descent_close(struct pb_descent *descent, struct pb_criterion_run *run);

#endif
