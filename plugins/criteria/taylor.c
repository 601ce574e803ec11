/*
 * taylor: the loss's first-order change when a channel's activation a is set to 0 (Molchanov et al. 2016), with the absolute value
 * taken at one of three places. g = ∂L_n/∂a of each example's own loss; means are over the calibration images n and positions hw:
 *   abs=image     (1/N)·Σ_n |mean_hw(a·g)|, the paper's formula;
 *   abs=position  (1/N)·Σ_n mean_hw |a·g|, as NVlabs' released code computes it;
 *   abs=batch     Σ_b (N_b/N)·|mean of a·g over batch b|, as widely copied code does: examples of different signs cancel, and
 *                 the score depends on how large batches are.
 * The paper divides each layer's scores by their Euclidean norm (normalise="l2", the default).
 */
#include <math.h>

#include "gradient-rows.h"

enum place { IMAGE, POSITION, BATCH };
static const char *const places[] = {"image", "position", "batch", NULL};

struct taylor_options {
    int32_t abs;
};

static const struct pb_option options[] = {
    {.name = "abs",
     .help = "of what the absolute value is taken: image = of each image's mean over positions (the paper); position = "
             "of each "
             "position; batch = of the mean over a batch",
     .type = PB_OPTION_ENUM,
     .default_text = "image",
     .choices = places,
     .offset = offsetof(struct taylor_options, abs)},
};

struct state {
    const struct pb_host *host;
    struct gradient_rows rows; /* of each layer K sums, then K of the current batch and K of the current image */
    enum place abs;
    uint64_t examples;
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct taylor_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .abs = (enum place)given->abs};
    *self = state;
    return PB_OK;
}

/* Σ_hw of a·g or |a·g|; values: H×W×K. */
static void sum_positions(bool absolute, const struct pb_layer_view *layer, const float *activation,
                          const float *gradient, double *sums)
{
    const size_t positions = (size_t)layer->activation_height * layer->activation_width;
    for (uint32_t c = 0; c < layer->channels; c++)
        sums[c] = 0;
    for (size_t i = 0; i < positions; i++)
        for (uint32_t c = 0; c < layer->channels; c++) {
            const double change =
                (double)activation[i * layer->channels + c] * (double)gradient[i * layer->channels + c];
            sums[c] += absolute ? fabs(change) : change;
        }
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const size_t channels = layer->channels;
    const size_t positions = (size_t)layer->activation_height * layer->activation_width;
    double *sums = gradient_row(state->host, &state->rows, layer, 3 * channels);
    if (!sums)
        return PB_ERROR_MEMORY;
    double *batch = sums + channels, *image = batch + channels;
    for (size_t c = 0; c < channels; c++)
        batch[c] = 0;
    for (size_t n = 0; n < layer->batch; n++) {
        const size_t first = n * positions * channels;
        sum_positions(state->abs == POSITION, layer, layer->activation + first, layer->activation_grad + first, image);
        for (size_t c = 0; c < channels; c++)
            batch[c] += state->abs == IMAGE ? fabs(image[c]) : image[c];
    }
    for (size_t c = 0; c < channels;
         c++) /* the gradient is that of the batch's mean: N_b times as large for one example */
        sums[c] += layer->batch * fabs(batch[c]) / (double)positions;
    state->examples += layer->index == 0 ? layer->batch : 0;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const double *sums = gradient_row(state->host, &state->rows, layer, 3 * (size_t)layer->channels);
    if (!sums)
        return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = sums[c] / (double)state->examples;
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    gradient_rows_free(state->host, &state->rows);
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_ACTIVATIONS | PB_DATA_ACTIVATION_GRADIENTS,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_L2,
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "taylor",
    .summary = "mean of |activation · its gradient|: the loss's first-order change without the channel",
    .version = "1.0.0",
    .reference = "P. Molchanov et al., Pruning Convolutional Neural Networks for Resource Efficient Inference, 2016, "
                 "arXiv:1611.06440",
    .reference_code = "Three codings of it disagree: the paper's (abs=image), NVlabs' absolute value of each position "
                      "(abs=position), and the absolute value of a batch's sum in jacobgil/pytorch-pruning and "
                      "LRP_pruning (abs=batch), where examples of different signs cancel.",
    PB_OPTIONS(options, struct taylor_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
