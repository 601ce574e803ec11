/* Allocations: how much each layer keeps, before scores choose within it. */
#ifndef PB_PRUNE_ALLOCATION_H
#define PB_PRUNE_ALLOCATION_H

#include "prune/prune.h"

/* One layer, of channels or of single weights. */
struct pb_allotment {
    const char *layer; /* its name in the graph */
    double share; /* layers keep in proportion to these, as far as they can */
    uint64_t least, most; /* that it keeps, whatever its share */
    uint64_t kept; /* what pb_allot gives it */
};

/* Of every group. The shares are those of the unpruned network, so that a later round never asks for more of a layer than an earlier. */
void pb_allotments_of_groups(const struct pb_ranking *ranking, const struct pb_network *network,
                             const struct pb_channel_groups *groups, struct pb_allotment *layers);
/* Of the single weights of one layer, so many of which are not masked yet. */
struct pb_allotment pb_allotment_of_weights(const struct pb_ranking *ranking, const struct pb_graph *graph,
                                            const struct pb_parameter *weights, uint64_t unmasked);

/*
 * Divides total: kept = the nearest whole number to ε·share, from least to most, with the one ε for all layers at which they sum to
 * total (the divisor method of Webster and Sainte-Laguë; of equal claims the last layer's is met first). No layer gets less of a
 * larger total. A total below the sum of least, or above that of most, gives every layer its least, or its most.
 */
void pb_allot(struct pb_allotment *layers, uint32_t count, uint64_t total);

/* PB_ERROR_INPUT where a layer keeps nothing, or where they keep too much (not met). what: "channels". */
PB_MUST_CHECK enum pb_status pb_allotments_check(const struct pb_ranking *ranking, const struct pb_allotment *layers,
                                                 uint32_t count, bool met, const char *what, struct pb_error *error);

#endif
