/*
 * synflow: how much of the flow through the network of magnitudes passes a weight (Tanaka et al. 2020), without any image. score =
 * |θ ⊙ ∂R/∂θ|, R = 1ᵀ(Π|θ|)1 with an input of ones, in double precision. A channel's score is the sum over its filter's weights. Scores
 * add up to R in every layer that all paths pass, so that a layer with few weights left has large ones and is not emptied: meant for
 * many rounds on the untrained network, (1 − s)^(k/n) of it left after round k (schedule prune-at-init with rounds=100).
 * The authors' code computes in single precision, which the products of bilinear pooling overflow, and keeps biases and running
 * statistics, with magnitudes in place of the means; here R has weights alone. How bilinear pooling is passed: struct pb_layer_view.
 */
#include "weights-layer.h"

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    sum_filters(layer, layer->weight_flow, scores);
    return PB_OK;
}

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    for (size_t i = 0; i < weights_of_layer(layer); i++)
        scores[i] = layer->weight_flow[i];
    return PB_OK;
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_SYNAPTIC_FLOW,
    .traits = PB_TRAIT_COMPARABLE, /* every layer's scores add up to the same */
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .scope = PB_SCOPE_GLOBAL,
    .create = create,
    .score = score,
    .score_weights = score_weights,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "synflow",
    .summary =
        "|θ·∂R/∂θ|, R = 1ᵀ(Π|θ|)1: the part of the flow through the network of |weights| that passes a weight, without "
        "images; single weights, or summed over a filter",
    .version = "1.0.0",
    .reference = "H. Tanaka et al., Pruning neural networks without any data by iteratively conserving synaptic flow, "
                 "2020, arXiv:2006.05467",
    .reference_code = "The authors' code computes in single precision, which the products of bilinear pooling "
                      "overflow (its line for double precision is commented out), and takes the magnitudes of running "
                      "statistics too. Its control of shuffled scores shuffles nothing.",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
