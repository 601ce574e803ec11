/*
 * apoz: a channel that ReLU mostly sets to zero does not matter (average percentage of zeros). score = −(zeros / values) over all
 * calibration images and positions; a zero is exactly 0, not what is below some ε. The paper compares channels within a layer.
 * A dead channel scores −1, one that is never zero 0. Equal scores, as of several dead channels, are tied: the host's ranking removes
 * the one of lower index first.
 */
#include "activation-layers.h"

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct activation_layers *all = host->alloc(host, sizeof(*all));
    (void)options;
    if (!all)
        return PB_ERROR_MEMORY;
    all->host = host;
    *self = all;
    return PB_OK;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct activation_layers *all = self;
    struct activation_layer *own = activation_layer_of(all, layer, 1);
    if (!own)
        return PB_ERROR_MEMORY;
    const size_t places = layer->batch * activation_places(layer), channels = layer->channels;
    for (size_t i = 0; i < places; i++)
        for (size_t c = 0; c < channels; c++)
            own->sums[c] += layer->activation[i * channels + c] == 0 ? 1 : 0;
    own->images += layer->batch;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct activation_layer *own = activation_layer_of(self, layer, 1);
    if (!own)
        return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = 0 - own->sums[c] / ((double)own->images * (double)activation_places(layer));
    return PB_OK;
}

static void destroy(void *self)
{
    struct activation_layers *all = self;
    activation_layers_free(all);
    all->host->free(all->host, all);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_ACTIVATIONS,
    .traits = PB_TRAIT_COMPARABLE, /* shares */
    .scope = PB_SCOPE_LAYER,
    .coupling = PB_COUPLE_MEAN,
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "apoz",
    .summary = "minus the share of exact zeros in a channel's activations after ReLU, over all images and positions",
    .version = "1.0.0",
    .reference = "H. Hu et al., Network Trimming: A Data-Driven Neuron Pruning Approach towards Efficient Deep "
                 "Architectures, 2016, arXiv:1607.03250",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
