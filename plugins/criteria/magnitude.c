/* magnitude: a single weight is as important as it is large. score = |w| */
#include <math.h>

#include <prunebench/criterion.h>

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    const size_t filter = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    (void)self;
    for (size_t i = 0; i < layer->channels * filter; i++)
        scores[i] = fabs((double)layer->weight[i]);
    return PB_OK;
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS,
    .traits = PB_TRAIT_COMPARABLE, /* the size of what is removed: the least goes of all weights together */
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .score_weights = score_weights,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "magnitude",
    .summary = "magnitude of a single weight; for targets with measure=\"weights\"",
    .version = "1.0.0",
    .reference =
        "S. Han et al., Learning both Weights and Connections for Efficient Neural Networks, 2015, arXiv:1506.02626",
    .reference_code =
        "open_lth keeps what is above the threshold and not what is equal to it, so that it removes one weight more "
        "than asked. Here the number is exact, and equal weights are removed in the order of their indices.",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
