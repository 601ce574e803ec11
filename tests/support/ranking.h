/* Small networks with given scores, ranked, for the tests of ranking. */
#ifndef PB_TEST_RANKING_H
#define PB_TEST_RANKING_H

#include "prune/prune.h"

/* input 2×2×1 → 1×1 convolutions without bias, called conv0, conv1, … → gap → fc (2 classes). */
struct ranked {
    struct pb_network *network;
    struct pb_channel_groups groups;
    struct pb_scores scores;
    struct pb_original original;
};
/* scores: all layers' behind one another. */
struct ranked ranked_create(const uint32_t *widths, uint32_t layers, const double *scores);
void ranked_free(struct ranked *ranked);

/* Ranks; fails the test on an error. Give back with pb_pruning_free. */
struct pb_pruning ranked_rank(const struct ranked *ranked, struct pb_ranking ranking, struct pb_target target);

/* Cuts what pruning says; original stays what it was, scores are those of the survivors. */
void ranked_cut(struct ranked *ranked, const struct pb_pruning *pruning);

/* "101 010": a digit per channel, 1 where it stays, layers apart. */
void assert_kept(const struct ranked *ranked, const struct pb_pruning *pruning, const char *expected);

#endif
