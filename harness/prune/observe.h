/* What a criterion is shown of the calibration batches. */
#ifndef PB_PRUNE_OBSERVE_H
#define PB_PRUNE_OBSERVE_H

#include "prune/criterion_run.h"

/* Shows it the batches, with relevance, accumulates mean gradients, and computes Hessian products: each where it asks for it. */
PB_MUST_CHECK enum pb_status pb_criterion_observe(struct pb_criterion_run *run);

#endif
