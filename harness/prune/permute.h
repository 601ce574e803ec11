/* The random control of a ranking: as many channels of each layer, drawn. */
#ifndef PB_PRUNE_PERMUTE_H
#define PB_PRUNE_PERMUTE_H

#include "prune/prune.h"

/* Fills keep with kept[g] channels of every group, which the ranking's seed and draw choose. */
PB_MUST_CHECK enum pb_status pb_permute_keep(const struct pb_network *network, const struct pb_channel_groups *groups,
                                             const struct pb_ranking *ranking, const uint32_t *kept,
                                             struct pb_keep *keep, struct pb_error *error);

#endif
