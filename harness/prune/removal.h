/* The order in which channels would go. */
#ifndef PB_PRUNE_REMOVAL_H
#define PB_PRUNE_REMOVAL_H

#include "prune/prune.h"

/* One channel in the order of removal. */
struct pb_candidate {
    double
        key; /* what the order is by: the normalised score (global), or the share of its layer gone with it (layer) */
    double score; /* normalised */
    double raw; /* as the criterion gave it */
    uint32_t group, channel;
    uint32_t rank; /* within its group, lowest score first */
    bool masked; /* goes before all that are not (struct pb_ranking) */
};

struct pb_removal_order {
    struct pb_candidate *candidates; /* first to go first */
    struct pb_candidate **layers; /* per group: its candidates by rank */
    uint32_t count;
    uint32_t group_count;
};

/* Masked channels first, then by score. Ties: lower layer, then lower raw score, then lower channel goes first. */
PB_MUST_CHECK enum pb_status pb_removal_order_create(const struct pb_network *network,
                                                     const struct pb_channel_groups *groups,
                                                     const struct pb_scores *scores, const struct pb_ranking *ranking,
                                                     struct pb_removal_order *order, struct pb_error *error);
void pb_removal_order_free(struct pb_removal_order *order);

#endif
