/* Scores, ranking, and the choice of the channels that stay. */
#ifndef PB_PRUNE_PRUNE_H
#define PB_PRUNE_PRUNE_H

#include <prunebench/criterion.h>
#include <prunebench/schedule.h>

#include "data/data.h"
#include "engine/engine.h"
#include "graph/channels.h"

/* One score per channel of every group, after coupling; higher stays. */
struct pb_scores {
    double **values; /* per group */
    uint32_t *channels;
    uint32_t group_count;
};
void pb_scores_free(struct pb_scores *scores);

/* Which draw of the random streams a scoring and its ranking take: that of an epoch of soft pruning (its stage's depth in the
 * chain and the epoch, both counted from 1), so that each epoch draws anew; all zero: the first. */
struct pb_draw {
    uint32_t depth, epoch;
};
/* What a draw adds to the name of a stream: "" for the first. */
void pb_draw_name(struct pb_draw draw, char name[32]);

/* How long a scoring took, in seconds of a clock that is given. */
struct pb_hook_seconds {
    double batches, after; /* the criterion's hooks for a layer: while it is shown batches, and afterwards */
};
struct pb_scoring_times {
    double (*clock)(void);
    /* Over the batches: forward, backward, what is computed of them, and the criterion's hooks. Of several batches without the first,
     * which touches fresh memory. */
    double passes;
    struct pb_hook_seconds *nodes; /* one for every node of the graph; of a group with select, at its first layer */
};

/* Where calibration batches come from; batches may be NULL for criteria that need neither gradients nor activations. */
struct pb_calibration {
    struct pb_device *device;
    struct pb_batches *batches; /* over the training split, unaugmented */
    uint32_t batch, batch_count;
    uint64_t seed;
    uint32_t threads;
    struct pb_draw draw; /* of the criterion's random streams */
    struct pb_scoring_times *times; /* NULL: it is not timed. Times are added */
};

/* Runs one criterion over a network: creates it, observes, scores, couples. Non-finite scores are PB_ERROR_RUN naming layer and channel. */
PB_MUST_CHECK enum pb_status pb_score_network(const struct pb_loaded *criterion, const struct pb_options *options,
                                              const struct pb_network *network, const struct pb_channel_groups *groups,
                                              enum pb_coupling coupling, const struct pb_calibration *calibration,
                                              struct pb_scores *scores, struct pb_error *error);

struct pb_pruning;
/*
 * For a criterion with select: it chooses the channels in place of the scores. pruning is what pb_rank found for scores that are all
 * alike: how many of each group stay. masked: as in struct pb_ranking. Indices that are out of range, or there twice, are PB_ERROR_RUN
 * naming the group.
 */
PB_MUST_CHECK enum pb_status pb_select_channels(const struct pb_loaded *criterion, const struct pb_options *options,
                                                const struct pb_network *network,
                                                const struct pb_channel_groups *groups,
                                                const struct pb_calibration *calibration, const struct pb_keep *masked,
                                                struct pb_pruning *pruning, struct pb_error *error);

enum pb_count_rule {
    PB_COUNT_EXACT, /* round(N·p) channels go; ties by layer, then channel (the lower index goes first) */
    PB_COUNT_THRESHOLD, /* threshold = sorted[int(N·p)], only strictly greater stay */
};

/* How many of each layer go, where the scores of all layers do not decide it. */
enum pb_allocation {
    PB_ALLOCATION_SCOPE, /* as the scope says */
    PB_ALLOCATION_UNIFORM, /* the same share of every layer */
    PB_ALLOCATION_UNIFORM_PLUS, /* the same, but nothing of the first convolution and at most 80 % of the classifier's weights */
    PB_ALLOCATION_ERK, /* Erdős–Rényi kernels: layers with many weights keep a smaller share */
};
extern const char *const pb_allocation_names[]; /* enum pb_allocation; NULL-terminated */

struct pb_ranking {
    enum pb_scope scope;
    enum pb_allocation allocation; /* all but PB_ALLOCATION_SCOPE have the scope of a layer */
    enum pb_normalise normalise;
    enum pb_count_rule count;
    uint32_t floor; /* channels that every layer keeps; at least 1 */
    /* Kept channels per layer become multiples of this (rounded up, capped at the width); 1. With a global scope the
     * search continues until the target is met all the same. */
    uint32_t round_to;
    bool permute; /* control: each layer's keep mask permuted (random with the same layer proportions) */
    uint64_t seed; /* for permute */
    struct pb_draw draw; /* for permute */
    /* Channels that it does not keep go first, whatever they score: those that soft pruning has zeroed. NULL: none. */
    const struct pb_keep *masked;
    bool redraw; /* random scores and permutations are drawn anew for every epoch of soft pruning, not once for all */
};

/* What one ranking did to a layer. */
struct pb_layer_pruning {
    uint32_t before, after;
    uint32_t floored; /* channels that the floor saved */
    uint32_t ties; /* channels whose score equals the threshold */
    /* Normalised score of the last channel to go, up to which the others went, but for masked ones; NaN where none was to go. */
    double threshold;
};
struct pb_pruning {
    struct pb_keep keep;
    struct pb_layer_pruning *layers; /* per group */
    uint32_t group_count;
    double threshold; /* highest normalised score at which a layer was cut; 0 where nothing goes. Always finite */
    double requested,
        achieved; /* shares of the *unpruned* network's measure; requested: NaN where it was a threshold */
    uint32_t floored;
};

/*
 * Chooses what stays. target counts against the unpruned network: original_cost and original_channels say how large
 * that was. Parameters and MACs are met by the largest keep set that does not exceed what the target leaves
 * (bisection over the global order, exact costs of the compacted graph).
 */
struct pb_original {
    uint64_t channels, params, macs;
};
PB_MUST_CHECK enum pb_status pb_rank(const struct pb_network *network, const struct pb_channel_groups *groups,
                                     const struct pb_scores *scores, const struct pb_ranking *ranking,
                                     struct pb_target target, const struct pb_original *original,
                                     struct pb_pruning *pruning, struct pb_error *error);
/* The same with the channels that every group keeps given, count of them; the ranking's floor and multiples do not apply. requested
 * is the share of channels that this is. */
PB_MUST_CHECK enum pb_status pb_rank_to(const struct pb_network *network, const struct pb_channel_groups *groups,
                                        const struct pb_scores *scores, const struct pb_ranking *ranking,
                                        const uint32_t *channels, uint32_t count, const struct pb_original *original,
                                        struct pb_pruning *pruning, struct pb_error *error);
void pb_pruning_free(struct pb_pruning *pruning);

#endif
