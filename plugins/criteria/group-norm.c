/*
 * group-norm: the norm of all that goes with a channel (DepGraph, Fang et al. 2023). score_k = √(Σ‖slice k‖²) over the group's
 * filters, the γ of the batch norms behind them, and the columns of the layers that read the channel. A layer that reads products of
 * channels loses every product with k. Biases and β do not count, as in the paper's code.
 */
#include <math.h>

#include "weights-layer.h"

/* self is the host: there is nothing else to remember. */
static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    *self = (void *)host;
    return PB_OK;
}

static double square(float value)
{
    return (double)value * (double)value;
}

static void add_filters(const struct pb_layer_view *layer, double *sums)
{
    const size_t filter = weights_of_filter(layer);
    for (uint32_t k = 0; k < layer->channels; k++) {
        for (size_t i = 0; i < filter; i++)
            sums[k] += square(layer->weight[k * filter + i]);
        sums[k] += layer->gamma ? square(layer->gamma[k]) : 0;
    }
}

static void add_columns(const struct pb_consumer_view *consumer, uint32_t channels, double *sums)
{
    const size_t rows = (size_t)consumer->outputs * consumer->kernel_height * consumer->kernel_width;
    for (size_t row = 0; row < rows; row++) {
        const float *weight = consumer->weight + row * consumer->input_channels + consumer->first;
        for (uint32_t i = 0; i < channels; i++) {
            if (!consumer->pairs) {
                sums[i] += square(weight[i]);
                continue;
            }
            for (uint32_t j = 0; j < channels; j++) { /* the product of i and j goes with either */
                const double pair = square(weight[(size_t)i * channels + j]);
                sums[i] += pair;
                sums[j] += i == j ? 0 : pair;
            }
        }
    }
}

/* Every layer of a group has the score of the whole group. */
static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct pb_network_view *network = layer->network;
    const struct pb_group_view *group = network->group(network, layer->group);
    (void)self;
    if (!group)
        return PB_ERROR_MEMORY;
    for (uint32_t k = 0; k < group->channels; k++)
        scores[k] = 0;
    for (uint32_t p = 0; p < group->producer_count; p++) {
        const struct pb_layer_view *producer = network->layer(network, group->producers[p]);
        if (!producer)
            return PB_ERROR_MEMORY;
        add_filters(producer, scores);
    }
    for (uint32_t i = 0; i < group->consumer_count; i++) {
        const struct pb_consumer_view *consumer = network->consumer(network, layer->group, i);
        if (!consumer)
            return PB_ERROR_MEMORY;
        add_columns(consumer, group->channels, scores);
    }
    for (uint32_t k = 0; k < group->channels; k++)
        scores[k] = sqrt(scores[k]);
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS | PB_DATA_CONSUMERS,
    .uses = PB_DATA_NORM,
    .coupling = PB_COUPLE_MAX, /* a group's layers have equal scores */
    .normalise = PB_NORMALISE_MEAN,
    .create = create,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "group-norm",
    .summary = "Euclidean norm of all that goes with a channel: filters, γ, and the weights that read it",
    .version = "1.0.0",
    .reference = "G. Fang et al., DepGraph: Towards Any Structural Pruning, 2023, arXiv:2301.12900",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
