/*
 * activation: a channel that is hardly active does not matter. score, over the values a of the channel after ReLU, on all calibration
 * images and positions together: mean = Σa/n, rms = √(Σa²/n), or std = √(Σ(a − mean)²/n).
 * The paper divides the scores of a layer by their L2 norm. Distiller's pruner of mean activations removes the highest; here, as in the
 * paper, the lowest are removed.
 */
#include "activation-layers.h"

enum statistic { MEAN, RMS, STD };
static const char *const statistics[] = {"mean", "rms", "std", NULL};

struct activation_options {
    int32_t statistic;
};

static const struct pb_option options[] = {
    {.name = "statistic",
     .help =
         "what is computed of a channel's activations: their mean, the root of their mean square, or their standard "
         "deviation (divided by their number)",
     .type = PB_OPTION_ENUM,
     .default_text = "mean",
     .choices = statistics,
     .offset = offsetof(struct activation_options, statistic)},
};

struct state {
    struct activation_layers all;
    enum statistic statistic;
};

/* The sums of a layer: K of each. Those of one batch are merged into those of all. */
struct moments {
    double *mean, *squares; /* squares: Σ(a − mean)² */
    double *batch_mean, *batch_squares;
};
enum { SUMS = 4 };

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    struct state *state = host->alloc(host, sizeof(*state));
    if (!state)
        return PB_ERROR_MEMORY;
    const struct activation_options *given = chosen;
    state->all.host = host;
    state->statistic = (enum statistic)given->statistic;
    *self = state;
    return PB_OK;
}

static struct moments moments_of(const struct activation_layer *own, size_t channels)
{
    return (struct moments){own->sums, own->sums + channels, own->sums + 2 * channels, own->sums + 3 * channels};
}

/* In two passes, so that nothing cancels. */
static void measure_batch(const struct pb_layer_view *layer, const struct moments *moments)
{
    const size_t places = layer->batch * activation_places(layer), channels = layer->channels;
    for (size_t c = 0; c < channels; c++)
        moments->batch_mean[c] = moments->batch_squares[c] = 0;
    for (size_t i = 0; i < places; i++)
        for (size_t c = 0; c < channels; c++)
            moments->batch_mean[c] += (double)layer->activation[i * channels + c];
    for (size_t c = 0; c < channels; c++)
        moments->batch_mean[c] /= (double)places;
    for (size_t i = 0; i < places; i++)
        for (size_t c = 0; c < channels; c++) {
            const double difference = (double)layer->activation[i * channels + c] - moments->batch_mean[c];
            moments->batch_squares[c] += difference * difference;
        }
}

/* T. Chan, G. Golub, R. LeVeque, Algorithms for Computing the Sample Variance, 1983. before, added: how many values. */
static void merge(const struct moments *moments, size_t channels, double before, double added)
{
    const double all = before + added;
    for (size_t c = 0; c < channels; c++) {
        const double shift = moments->batch_mean[c] - moments->mean[c];
        moments->mean[c] += shift * (added / all);
        moments->squares[c] += moments->batch_squares[c] + shift * shift * (before * added / all);
    }
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    struct activation_layer *own = activation_layer_of(&state->all, layer, SUMS);
    if (!own)
        return PB_ERROR_MEMORY;
    const struct moments moments = moments_of(own, layer->channels);
    const double places = (double)activation_places(layer);
    measure_batch(layer, &moments);
    merge(&moments, layer->channels, (double)own->images * places, layer->batch * places);
    own->images += layer->batch;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const struct activation_layer *own = activation_layer_of(&state->all, layer, SUMS);
    if (!own)
        return PB_ERROR_MEMORY;
    const struct moments moments = moments_of(own, layer->channels);
    const double count = (double)own->images * (double)activation_places(layer);
    for (uint32_t c = 0; c < layer->channels; c++) {
        const double mean = moments.mean[c], variance = moments.squares[c] / count;
        switch (state->statistic) {
        case MEAN:
            scores[c] = mean;
            break;
        case RMS:
            scores[c] = sqrt(mean * mean + variance);
            break;
        case STD:
            scores[c] = sqrt(variance);
            break;
        }
    }
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    const struct pb_host *host = state->all.host;
    activation_layers_free(&state->all);
    host->free(host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_ACTIVATIONS,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_L2, /* the scale of activations differs from layer to layer; the paper's rule */
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "activation",
    .summary = "mean, root mean square or standard deviation of a channel's activations after ReLU, over all images "
               "and positions",
    .version = "1.0.0",
    .reference = "P. Molchanov et al., Pruning Convolutional Neural Networks for Resource Efficient Inference, 2016, "
                 "arXiv:1611.06440",
    .reference_code = "Distiller's pruner of mean activations removes the most active channels: its ranking is the one "
                      "of its APoZ pruner, where a high value is bad.",
    PB_OPTIONS(options, struct activation_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
