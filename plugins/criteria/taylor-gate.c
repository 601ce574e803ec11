/*
 * taylor-gate: the loss's first-order change when a channel's gate is closed, that is γ and β set to 0.
 * score = Σ over batches of (γ·∂L/∂γ + β·∂L/∂β)².
 */
#include "gradient-rows.h"

struct state {
    const struct pb_host *host;
    struct gradient_rows sums; /* of each layer K */
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct state *state = host->alloc(host, sizeof(*state));
    (void)options;
    if (!state)
        return PB_ERROR_MEMORY;
    state->host = host;
    *self = state;
    return PB_OK;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    double *sums = gradient_row(state->host, &state->sums, layer, layer->channels);
    if (!sums)
        return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < layer->channels; c++) {
        const double change =
            (double)layer->gamma[c] * layer->gamma_grad[c] + (double)layer->beta[c] * layer->beta_grad[c];
        sums[c] += change * change;
    }
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const double *sums = gradient_row(state->host, &state->sums, layer, layer->channels);
    if (!sums)
        return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = sums[c];
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    gradient_rows_free(state->host, &state->sums);
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_NORM | PB_DATA_GRADIENTS,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "taylor-gate",
    .summary =
        "Σ over batches of (γ·∂L/∂γ + β·∂L/∂β)²: the loss's squared first-order change when a channel's gate is closed",
    .version = "1.0.0",
    .reference = "P. Molchanov et al., Importance Estimation for Neural Network Pruning, 2019, arXiv:1906.10771",
    .reference_code = "NVlabs' code also squares the change of a batch; it smooths it with a momentum of 0.9 and has "
                      "divisors for ResNet alone.",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
