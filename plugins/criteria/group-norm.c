/*
 * group-norm: the norm of all that goes with a channel (DepGraph, Fang et al. 2023). score_k = √(Σ‖slice k‖²) over the group's
 * filters, the γ of the batch norms behind them, and the columns of the layers that read the channel. A layer that reads products of
 * channels loses every product with k. Biases and β do not count, as in the paper's code.
 */
#include <math.h>

#include "../group-squares.h"

/* self is the host: there is nothing else to remember. */
static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    *self = (void *)host;
    return PB_OK;
}

/* Every layer of a group has the score of the whole group. */
static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct pb_network_view *network = layer->network;
    const struct pb_group_view *group = network->group(network, layer->group);
    (void)self;
    if (!group)
        return PB_ERROR_MEMORY;
    const enum pb_status status = group_squares(network, layer->group, group, scores);
    if (status != PB_OK)
        return status;
    for (uint32_t k = 0; k < group->channels; k++)
        scores[k] = sqrt(scores[k]);
    for (uint32_t k = group->channels; k < layer->channels; k++)
        scores[k] = scores[k - group->channels];
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
    .reference_code = "Torch-Pruning averages the squared norms of the parts of a group and takes no root, so that "
                      "groups with a different number of parts compare differently.",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
