/* Criteria that look at weights: one masks and repairs single ones, one watches a descent. Both keep what they saw, and compare. */
#include <prunebench/criterion.h>

#include "expect.h"

enum { LAYERS = 16, WEIGHTS = 8192 };
static const double RATE = 0.01;

static size_t weights_of(const struct pb_layer_view *layer)
{
    return (size_t)layer->channels * layer->kernel_height * layer->kernel_width * layer->input_channels;
}

struct state {
    const struct pb_host *host;
    const struct pb_network_view *network;
    uint32_t scored, observed, asked; /* calls of the hooks */
    float first[LAYERS][WEIGHTS]; /* the weights as they were before the descent */
    float expected[LAYERS][WEIGHTS]; /* and as they must be in the next batch */
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

static void destroy(void *self)
{
    const struct state *state = self;
    state->host->free(state->host, self);
}

/* Every convolution and linear layer, the classifier last. */
static enum pb_status prepare_weights(void *self, const struct pb_network_view *network)
{
    struct state *state = self;
    EXPECT(state->host, network->layer_count > 1 && network->layer_count <= LAYERS);
    EXPECT(state->host, network->layer(network, network->layer_count - 1)->channels == network->classes);
    state->network = network;
    return PB_OK;
}

/* What the repairs of this process left of each layer; none yet where there are no weights. */
static float repaired[LAYERS][WEIGHTS];
static size_t repaired_count[LAYERS];

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    const size_t count = weights_of(layer);
    EXPECT(host, layer->index == state->scored++ && layer->layers == state->network->layer_count && count <= WEIGHTS);
    EXPECT(host, repaired_count[layer->index] == 0 || repaired_count[layer->index] == count);
    for (size_t i = 0; i < count; i++) {
        EXPECT(host, repaired_count[layer->index] == 0 || layer->weight[i] == repaired[layer->index][i]);
        scores[i] = fabs((double)layer->weight[i]);
    }
    return PB_OK;
}

/* Doubles what is left. What it writes into masked places is to have no effect. */
static enum pb_status repair_weights(void *self, const struct pb_layer_view *layer, const unsigned char *masked,
                                     float *weight)
{
    const struct state *state = self;
    const struct pb_host *host = state->host;
    double largest_masked = 0, smallest_left = INFINITY;
    EXPECT(host, state->scored == layer->layers && layer->network == state->network);
    for (size_t i = 0; i < weights_of(layer); i++) {
        const double size = fabs((double)layer->weight[i]);
        EXPECT(host, masked[i] <= 1 && weight[i] == (masked[i] ? 0 : layer->weight[i]));
        largest_masked = masked[i] ? fmax(largest_masked, size) : largest_masked;
        smallest_left = masked[i] ? smallest_left : fmin(smallest_left, size);
        weight[i] = masked[i] ? 7 : 2 * weight[i];
        repaired[layer->index][i] = masked[i] ? 0 : weight[i];
    }
    repaired_count[layer->index] = weights_of(layer);
    EXPECT(host, largest_masked <= smallest_left);
    return PB_OK;
}

static double descent(void *self)
{
    struct state *state = self;
    state->asked++;
    return RATE;
}

/* Every batch finds the weights a step of descent behind those of the batch before. */
static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    float *expected = state->expected[layer->index];
    EXPECT(host, state->asked == 1 && weights_of(layer) <= WEIGHTS && layer->layers <= LAYERS);
    for (size_t i = 0; i < weights_of(layer); i++) {
        EXPECT(host, layer->batch_index == 0 || layer->weight[i] == expected[i]);
        if (layer->batch_index == 0)
            state->first[layer->index][i] = layer->weight[i];
        expected[i] = (float)((double)layer->weight[i] - RATE * (double)layer->weight_grad[i]);
    }
    state->observed++;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct state *state = self;
    double moved = 0;
    EXPECT(state->host, state->observed == 2 * layer->layers);
    for (size_t i = 0; i < weights_of(layer); i++) {
        EXPECT(state->host, layer->weight[i] == state->first[layer->index][i]);
        moved = fmax(moved, fabs((double)(state->expected[layer->index][i] - layer->weight[i])));
    }
    EXPECT(state->host, moved > 0);
    for (uint32_t k = 0; k < layer->channels; k++)
        scores[k] = fabs((double)layer->gamma[k]);
    return PB_OK;
}

static const struct pb_criterion masking = {.size = sizeof masking,
                                            .needs = PB_DATA_WEIGHTS,
                                            .normalise = PB_NORMALISE_NONE,
                                            .create = create,
                                            .prepare = prepare_weights,
                                            .score_weights = score_weights,
                                            .repair_weights = repair_weights,
                                            .destroy = destroy};
static const struct pb_criterion descending = {.size = sizeof descending,
                                               .needs = PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_GRADIENTS,
                                               .traits = PB_TRAIT_SCALES,
                                               .coupling = PB_COUPLE_MEAN,
                                               .normalise = PB_NORMALISE_MAX,
                                               .create = create,
                                               .observe = observe,
                                               .descent = descent,
                                               .score = score,
                                               .destroy = destroy};

#define PLUGIN(name_, summary_, criterion_)                                                                            \
    {                                                                                                                  \
        PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = (name_), .summary = (summary_), .version = "1.0.0",               \
                                             .criterion = (criterion_)                                                 \
    }
static const struct pb_plugin plugins[] = {
    PLUGIN("strict-masks", "masks the smallest weights and doubles the others", &masking),
    PLUGIN("strict-descends", "watches the weights of a descent", &descending)};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < sizeof plugins / sizeof *plugins ? &plugins[index] : NULL;
}
