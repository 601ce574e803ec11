/*
 * snip: the share that a weight has of all first-order effects on the loss (Lee et al. 2019), meant for networks before training.
 * score = |w·g| / Σ|w·g|, g = ∂L/∂w of the mean loss over all calibration batches, the sum over every layer that is scored. A
 * channel's score is the sum over its filter's weights. Where w·g is 0 everywhere, so are the scores.
 */
#include <math.h>

#include "weights-layer.h"

struct state {
    const struct pb_host *host;
    double divisor; /* 0 until it is known */
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct state *state = host->alloc(host, sizeof *state);
    (void)options;
    if (!state)
        return PB_ERROR_MEMORY;
    state->host = host;
    *self = state;
    return PB_OK;
}

static double effect(const struct pb_layer_view *layer, size_t weight)
{
    return fabs((double)layer->weight[weight] * (double)layer->weight_grad[weight]);
}

/* What scores are divided by. 1 where the total is 0 or not finite: in the latter case the host names the weight. */
static enum pb_status find_divisor(struct state *state, const struct pb_network_view *network)
{
    double sum = 0;
    if (state->divisor > 0)
        return PB_OK;
    for (uint32_t l = 0; l < network->layer_count; l++) {
        const struct pb_layer_view *layer = network->layer(network, l);
        if (!layer)
            return PB_ERROR_MEMORY;
        for (size_t i = 0; i < weights_of_layer(layer); i++)
            sum += effect(layer, i);
    }
    state->divisor = isfinite(sum) && sum > 0 ? sum : 1;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const size_t filter = weights_of_filter(layer);
    const enum pb_status status = find_divisor(state, layer->network);
    for (size_t c = 0; c < layer->channels && status == PB_OK; c++) {
        double sum = 0;
        for (size_t i = 0; i < filter; i++)
            sum += effect(layer, c * filter + i);
        scores[c] = sum / state->divisor;
    }
    return status;
}

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const enum pb_status status = find_divisor(state, layer->network);
    for (size_t i = 0; i < weights_of_layer(layer) && status == PB_OK; i++)
        scores[i] = effect(layer, i) / state->divisor;
    return status;
}

static void destroy(void *self)
{
    struct state *state = self;
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS | PB_DATA_MEAN_GRADIENTS,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .score = score,
    .score_weights = score_weights,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "snip",
    .summary = "|weight · its gradient| as a share of the network's; single weights, or summed over a filter",
    .version = "1.0.0",
    .reference = "N. Lee et al., SNIP: Single-shot Network Pruning based on Connection Sensitivity, 2019, "
                 "arXiv:1810.02340",
    .reference_code = "The authors' code takes the gradient of one batch; here it is that of all calibration images.",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
