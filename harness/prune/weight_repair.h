/* A criterion rewrites what a masking left of the layers that lost weights. */
#ifndef PB_PRUNE_WEIGHT_REPAIR_H
#define PB_PRUNE_WEIGHT_REPAIR_H

#include "prune/criterion_run.h"
#include "prune/masking.h"

/* run: the scoring of weights that network, a copy of run->network, was masked by. masking: what pb_mask_weights did; it gets the
 * changes. */
PB_MUST_CHECK enum pb_status pb_repair_weights(struct pb_criterion_run *run, struct pb_network *network,
                                               struct pb_masking *masking);

#endif
