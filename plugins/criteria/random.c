/* random: the control. score = U(0,1) for channels or single weights, from a stream that only seed, layer and width decide. */
#include <stdio.h>

#include <prunebench/criterion.h>

/* self is the host: there is nothing else to remember. */
static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    *self = (void *)host;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct pb_host *host = self;
    struct pb_rng rng;
    char stream[96];
    /* The width changes from round to round: each round of iterative pruning draws anew. */
    snprintf(stream, sizeof(stream), "%s/%u", layer->name, (unsigned)layer->channels);
    host->rng_init(host, &rng, stream);
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = pb_rng_uniform(&rng);
    return PB_OK;
}

/* The same scores in each round: the mask of a later one holds that of the round before. */
static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct pb_host *host = self;
    const size_t weights = (size_t)layer->channels * layer->kernel_height * layer->kernel_width * layer->input_channels;
    struct pb_rng rng;
    char stream[96];
    snprintf(stream, sizeof(stream), "%s/weights", layer->name);
    host->rng_init(host, &rng, stream);
    for (size_t i = 0; i < weights; i++)
        scores[i] = pb_rng_uniform(&rng);
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .traits = PB_TRAIT_RANDOM | PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_MEAN,
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .score = score,
    .score_weights = score_weights,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "random",
    .summary = "a uniformly drawn score: the control that every criterion has to beat",
    .version = "1.1.0",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
