/*
 * hrank: a channel whose feature maps have a low rank does not matter. score = the mean over all calibration images of the rank of the
 * channel's H×W activations after ReLU: the number of singular values above tolerance · the largest.
 * The default tolerance, max(H, W)·2⁻²³, is that of numpy's and torch's matrix_rank for float32. A map of zeros has rank 0.
 * The paper compares channels within a layer: a rank is at most min(H, W).
 */
#include <float.h>

#include "activation-layers.h"
#include "eigen-rank.h"

struct hrank_options {
    double tolerance;
};

static const struct pb_option options[] = {
    {.name = "tolerance",
     .help = "singular values up to this share of the map's largest count as zero; 0 means max(H, W)·2⁻²³, the "
             "default of torch.matrix_rank for float32",
     .type = PB_OPTION_REAL,
     .default_text = "0",
     .min = 0,
     .max = 1,
     .offset = offsetof(struct hrank_options, tolerance)},
};

struct state {
    struct activation_layers all;
    double tolerance; /* 0: by the size of the map */
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct hrank_options *given = chosen;
    struct state *state = host->alloc(host, sizeof(*state));
    if (!state)
        return PB_ERROR_MEMORY;
    state->all.host = host;
    state->tolerance = given->tolerance;
    *self = state;
    return PB_OK;
}

static bool rank_channels(const void *criterion, const struct pb_layer_view *layer, const float *image, double *room,
                          double *ranks)
{
    const struct state *state = criterion;
    const size_t height = layer->activation_height, width = layer->activation_width, channels = layer->channels;
    const size_t longer = height > width ? height : width, shorter = height + width - longer;
    const double tolerance = state->tolerance > 0 ? state->tolerance : (double)longer * (double)FLT_EPSILON;
    for (size_t c = 0; c < channels; c++) {
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++)
                room[height >= width ? y * width + x : x * height + y] = (double)image[(y * width + x) * channels + c];
        ranks[c] = (double)eigen_rank(longer, shorter, room, tolerance);
    }
    return true;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const size_t height = layer->activation_height, width = layer->activation_width;
    return activation_observe_images(&state->all, layer, rank_channels, state,
                                     eigen_rank_room(height > width ? height : width, height < width ? height : width));
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    return activation_mean_over_images(&state->all, layer, scores);
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
    .scope = PB_SCOPE_LAYER,
    .coupling = PB_COUPLE_MEAN,
    .normalise = PB_NORMALISE_MAX, /* a rank is at most min(H, W), which falls from layer to layer */
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "hrank",
    .summary = "rank of a channel's feature map after ReLU, averaged over the images",
    .version = "1.0.0",
    .reference = "M. Lin et al., HRank: Filter Pruning using High-Rank Feature Map, 2020, arXiv:2002.10179",
    .reference_code = "The authors' code ranks training images with the default tolerance, reads the last 12 channels "
                      "alone of GoogLeNet's layers, and keeps the epoch with the best accuracy on the test images.",
    PB_OPTIONS(options, struct hrank_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
