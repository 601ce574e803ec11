/* Masking single weights: their scores, and the choice of those that are masked. */
#ifndef PB_PRUNE_MASKING_H
#define PB_PRUNE_MASKING_H

#include "prune/prune.h"

/* One score per weight of every layer that can be masked, those of masked weights left out; higher stays. */
struct pb_weight_layer {
    uint32_t parameter; /* the layer's weights in the graph */
    double *scores; /* of its unmasked weights, in their order */
    size_t count; /* of them */
};
struct pb_weight_scores {
    struct pb_weight_layer *layers;
    uint32_t count;
};
void pb_weight_scores_free(struct pb_weight_scores *scores);

/* Runs one criterion with score_weights over a network. Non-finite scores are PB_ERROR_RUN naming layer and weight. */
PB_MUST_CHECK enum pb_status pb_score_weights(const struct pb_loaded *criterion, const struct pb_options *options,
                                              const struct pb_network *network, const struct pb_channel_groups *groups,
                                              const struct pb_calibration *calibration, struct pb_weight_scores *scores,
                                              struct pb_error *error);

/* What one masking did to a layer, and to the network. */
struct pb_masked_layer {
    uint32_t parameter;
    uint64_t weights, masked; /* masked: afterwards */
    /* By the criterion's repair, as a share of the weights that are left (both as lengths); NaN: there was none. */
    double change;
};
struct pb_masking {
    struct pb_masked_layer *layers;
    uint32_t count;
    uint64_t weights, masked;
    double requested, achieved; /* shares of the weights */
};
/*
 * Masks weights of network until round(share × weights) of them are: the lowest normalised scores of all layers, or as many of each
 * (ranking->scope), or as many as an allocation leaves (ranking->allocation, whose layers of no weights are PB_ERROR_INPUT); of equal
 * ones the first layer's and the first weight. Masked ones stay. Every layer keeps ranking->floor weights, at least 1. permute: as many of each layer, but which ones is drawn. The scores are normalised in place.
 */
PB_MUST_CHECK enum pb_status pb_mask_weights(struct pb_network *network, const struct pb_weight_scores *scores,
                                             const struct pb_ranking *ranking, double share, struct pb_masking *masking,
                                             struct pb_error *error);
void pb_masking_free(struct pb_masking *masking);

struct pb_mask_task {
    const struct pb_loaded *criterion;
    const struct pb_options *options;
    const struct pb_channel_groups *groups;
    const struct pb_calibration *calibration;
    const struct pb_ranking *ranking;
    double share;
};
/*
 * Masks network, a copy of before, by the criterion's scores of `before`. A criterion with repair_weights then repairs each layer
 * that lost weights.
 */
PB_MUST_CHECK enum pb_status pb_mask_network(const struct pb_mask_task *task, const struct pb_network *before,
                                             struct pb_network *network, struct pb_masking *masking,
                                             struct pb_error *error);

#endif
