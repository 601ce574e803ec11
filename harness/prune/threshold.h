/* Targets by threshold: the scores alone say how many channels go. */
#ifndef PB_PRUNE_THRESHOLD_H
#define PB_PRUNE_THRESHOLD_H

#include "prune/removal.h"

/* PB_MEASURE_THRESHOLD or PB_MEASURE_GAP. */
bool pb_is_threshold(uint32_t measure);

/*
 * How many channels of each group have normalised scores below the target's threshold. Of PB_MEASURE_GAP it is found in the histogram
 * of all scores, or of each group's (ranking->scope), whose bins are amount wide from 0 on: it is the lower edge of the first bin that has
 * no more channels than the bin before it and the bin behind it, as in the published code of polarization (Zhuang et al. 2020), and
 * like there at most ten bins from 0. PB_ERROR_RUN where there is no such bin, no channel below, or, of
 * PB_MEASURE_GAP, a negative score; it names layer and channel.
 */
PB_MUST_CHECK enum pb_status pb_threshold_counts(const struct pb_removal_order *order, const struct pb_network *network,
                                                 const struct pb_channel_groups *groups,
                                                 const struct pb_ranking *ranking, struct pb_target target,
                                                 uint32_t *counts, struct pb_error *error);

#endif
