/*
 * lamp: the share that a weight has of what is left of its layer when all smaller weights are gone (Lee et al. 2021).
 * score_i = w_i² / Σ_j w_j² over i itself and all j that come after it in ascending order of w². Filters: the same with Σw² over
 * the filter in place of w². Equal values are in the order of their indices, so that of two equal ones the first has the lower score and
 * no two scores of a layer are the same but zeros. A layer of zeros has the scores 0.
 */
#include <stdlib.h>

#include "weights-layer.h"

/* self is the host: there is nothing else to remember. */
static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    *self = (void *)host;
    return PB_OK;
}

struct entry {
    double square;
    size_t index;
};

static int ascending(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->square < y->square || x->square > y->square)
        return x->square < y->square ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* From squares to scores, in place. The tail is summed from the largest down. */
static enum pb_status divide_by_tails(const struct pb_host *host, double *values, size_t count)
{
    struct entry *entries = host->alloc(host, count * sizeof *entries);
    double tail = 0;
    if (!entries)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){.square = values[i], .index = i};
    qsort(entries, count, sizeof *entries, ascending);
    for (size_t i = count; i-- > 0;) {
        tail += entries[i].square;
        values[entries[i].index] = tail == 0 ? 0 : entries[i].square / tail;
    }
    host->free(host, entries);
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const size_t filter = weights_of_filter(layer);
    for (uint32_t c = 0; c < layer->channels; c++) {
        scores[c] = 0;
        for (size_t i = 0; i < filter; i++)
            scores[c] += (double)layer->weight[c * filter + i] * (double)layer->weight[c * filter + i];
    }
    return divide_by_tails(self, scores, layer->channels);
}

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    const size_t count = weights_of_layer(layer);
    for (size_t i = 0; i < count; i++)
        scores[i] = (double)layer->weight[i] * (double)layer->weight[i];
    return divide_by_tails(self, scores, count);
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE, /* it is a normalisation */
    .create = create,
    .score = score,
    .score_weights = score_weights,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "lamp",
    .summary =
        "w² as a share of the w² of all that are no smaller in the layer; single weights, or filters by their Σw²",
    .version = "1.0.0",
    .reference = "J. Lee et al., Layer-adaptive Sparsity for the Magnitude-based Pruning, 2021, arXiv:2010.07611",
    .reference_code = "The authors' code keeps at least one weight in every layer. Torch-Pruning scores filters by the "
                      "sum of squares, and splits ties by the order in which its sort leaves them.",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
