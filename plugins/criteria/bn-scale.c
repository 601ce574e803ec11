/* bn-scale: what batch norm scales down does not matter (Network Slimming). score = |γ|. */
#include <math.h>

#include <prunebench/criterion.h>

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
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = fabs((double)layer->gamma[c]);
    return PB_OK;
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_NORM,
    .traits = PB_TRAIT_SCALES | PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .score = score,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "bn-scale",
    .summary = "magnitude of the batch norm's scale",
    .version = "1.0.0",
    .reference =
        "Z. Liu et al., Learning Efficient Convolutional Networks through Network Slimming, 2017, arXiv:1708.06519",
    .reference_code = "The authors' code keeps the epoch with the best accuracy on the test images.",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
