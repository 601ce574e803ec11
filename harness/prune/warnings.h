/* What is likely to be wrong with a ranking: raw scores of unlike layers compared, layers that are nearly emptied. */
#ifndef PB_PRUNE_WARNINGS_H
#define PB_PRUNE_WARNINGS_H

#include "base/text.h"
#include "prune/prune.h"

/* Whether scores are compared across layers as they are of a criterion that does not declare that they compare. */
bool pb_ranking_compares_unlike(const struct pb_ranking *ranking, const struct pb_criterion *criterion);

/*
 * Appends a line for each warning about one pruning. Raw scores: where the ranking compares unlike layers
 * (pb_ranking_compares_unlike) and the medians of two are more than 10 times apart. Layers: those that keep under 5 % of their
 * unpruned channels while the network keeps more.
 */
PB_MUST_CHECK enum pb_status pb_pruning_warnings(const struct pb_network *network,
                                                 const struct pb_channel_groups *groups, const struct pb_scores *scores,
                                                 const struct pb_ranking *ranking, const struct pb_plugin *criterion,
                                                 const struct pb_pruning *pruning, struct pb_text *lines,
                                                 struct pb_error *error);

#endif
