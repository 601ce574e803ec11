/* The verb repair: a criterion rewrites the layers that lost inputs. */
#ifndef PB_PRUNE_REPAIR_H
#define PB_PRUNE_REPAIR_H

#include "prune/prune.h"

/* What one layer's repair changed: ‖outputs − outputs before the pruning‖ as a share of the latter, over rows. */
struct pb_repaired {
    char name[64];
    uint32_t rows;
    double error_before, error_after;
    bool without_bias; /* the rule moves biases, and the layer has none: it was left as it was */
};

/*
 * Lets the criterion repair network, in place, against `before`, the network that was pruned (with all parameters of nodes of the same
 * names). calibration has batches. *repaired: count rows from pb_calloc, also when no layer lost inputs (then count is 0).
 */
PB_MUST_CHECK enum pb_status pb_repair_network(const struct pb_loaded *criterion, const struct pb_options *options,
                                               const struct pb_network *before, struct pb_network *network,
                                               const struct pb_calibration *calibration, struct pb_repaired **repaired,
                                               uint32_t *count, struct pb_error *error);

#endif
