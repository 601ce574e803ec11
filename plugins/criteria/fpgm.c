/*
 * fpgm: a filter near the geometric median of its layer can be replaced by the others (He et al. 2019).
 * score_i = Σ_j d(w_i, w_j) over all filters j of the layer. d is the Euclidean distance, the sum of absolute differences, or 1 − cos;
 * the cosine with a filter of zeros is 0. The distances are those of the weights as they are, all in double precision.
 */
#include <math.h>

#include "weights-layer.h"

enum distance { L2, L1, COSINE };
static const char *const distances[] = {"l2", "l1", "cosine", NULL};

struct fpgm_options {
    int32_t distance;
};

static const struct pb_option options[] = {
    {.name = "distance",
     .help =
         "between two filters: l2 = ‖a − b‖₂, as in the paper's experiments; l1 = Σ|a − b|; cosine = 1 − a·b/(‖a‖‖b‖)",
     .type = PB_OPTION_ENUM,
     .default_text = "l2",
     .choices = distances,
     .offset = offsetof(struct fpgm_options, distance)},
};

struct state {
    const struct pb_host *host;
    enum distance distance;
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct fpgm_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .distance = (enum distance)given->distance};
    *self = state;
    return PB_OK;
}

static double between(enum distance distance, const float *a, const float *b, size_t count)
{
    double sum = 0, squares[2] = {0};
    for (size_t i = 0; i < count; i++) {
        const double x = (double)a[i], y = (double)b[i];
        switch (distance) {
        case L2:
            sum += (x - y) * (x - y);
            break;
        case L1:
            sum += fabs(x - y);
            break;
        case COSINE:
            sum += x * y;
            squares[0] += x * x;
            squares[1] += y * y;
        }
    }
    if (distance == COSINE) {
        const double lengths = sqrt(squares[0]) * sqrt(squares[1]);
        return lengths == 0 ? 1 : 1 - sum / lengths;
    }
    return distance == L2 ? sqrt(sum) : sum;
}

struct job {
    enum distance distance;
    const struct pb_layer_view *layer;
    double *scores;
};

static void sum_distances(void *argument, size_t begin, size_t end)
{
    const struct job *job = argument;
    const size_t filter = weights_of_filter(job->layer);
    const float *weight = job->layer->weight;
    for (size_t i = begin; i < end; i++) {
        job->scores[i] = 0;
        for (size_t j = 0; j < job->layer->channels; j++)
            if (j != i)
                job->scores[i] += between(job->distance, weight + i * filter, weight + j * filter, filter);
    }
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct state *state = self;
    struct job job = {.distance = state->distance, .layer = layer, .scores = scores};
    state->host->parallel_for(state->host, layer->channels, 1, sum_distances, &job);
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS,
    .scope = PB_SCOPE_LAYER,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_MEAN, /* layers differ in the number and length of their filters */
    .create = create,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "fpgm",
    .summary = "sum of a filter's distances to all filters of its layer: small near their geometric median",
    .version = "1.0.0",
    .reference = "Y. He et al., Filter Pruning via Geometric Median for Deep Convolutional Neural Networks "
                 "Acceleration, 2019, arXiv:1811.00250",
    .reference_code = "The authors' code computes Euclidean distances whatever distance is asked for, because its "
                      "condition is always true. Torch-Pruning measures distances between squared weights: of the "
                      "filters -2, 1 and 2 it keeps the second, which is nearest to the others.",
    PB_OPTIONS(options, struct fpgm_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
