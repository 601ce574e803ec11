/*
 * movement: whether a weight moves away from 0 while the network is trained (Sanh et al. 2020). S = −Σ_t η·w_t·∂L_t/∂w_t over the steps
 * of a short training; the largest are kept. A channel's score is the sum over its filter's weights, which is the movement of a score
 * that they share (Lagunas et al. 2021, blocks).
 * The training is plain gradient descent from the network as it is, one step for each calibration batch, on a copy: the weights that
 * are pruned are those in front of it. The paper accumulates over a whole fine-tuning with masks and a straight-through gradient, so
 * that masked weights may return; here masked weights are 0, do not move, and stay masked. S is the first-order estimate of its scores
 * with all weights unmasked.
 */
#include "gradient-rows.h"
#include "weights-layer.h"

struct movement_options {
    double rate;
};

static const struct pb_option options[] = {
    {.name = "rate",
     .help = "learning rate of the short training over the calibration batches, a step for each",
     .type = PB_OPTION_REAL,
     .default_text = "0.01",
     .min = 1e-9,
     .max = 1e3,
     .offset = offsetof(struct movement_options, rate)},
};

struct state {
    const struct pb_host *host;
    double rate;
    struct gradient_rows movements; /* S of each layer's weights */
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct movement_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .rate = given->rate};
    *self = state;
    return PB_OK;
}

static double descent(void *self)
{
    const struct state *state = self;
    return state->rate;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const size_t count = weights_of_layer(layer);
    double *movements = gradient_row(state->host, &state->movements, layer, count);
    if (!movements)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        movements[i] -= state->rate * (double)layer->weight[i] * (double)layer->weight_grad[i];
    return PB_OK;
}

/* Whether something moved in a layer; a NaN counts, for the host names its weight or channel. */
static enum pb_status check_movements(const struct state *state, const struct pb_layer_view *layer,
                                      const double *movements)
{
    bool zeros = true;
    for (size_t i = 0; i < weights_of_layer(layer); i++) {
        if (movements[i] != 0)
            return PB_OK;
        zeros = zeros && layer->weight[i] == 0;
    }
    return state->host->fail(
        state->host, PB_ERROR_RUN, "layer '%s': no weight moves, so all its scores would be 0; %s", layer->name,
        zeros ? "its weights are all 0: start from a network in which they are not"
              : "no gradient reaches a weight that is not 0: train the network, or use more calibration images");
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const double *movements = gradient_row(state->host, &state->movements, layer, weights_of_layer(layer));
    if (!movements)
        return PB_ERROR_MEMORY;
    sum_filters(layer, movements, scores);
    return check_movements(state, layer, movements);
}

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const double *movements = gradient_row(state->host, &state->movements, layer, weights_of_layer(layer));
    if (!movements)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < weights_of_layer(layer); i++)
        scores[i] = movements[i];
    return check_movements(state, layer, movements);
}

static void destroy(void *self)
{
    struct state *state = self;
    gradient_rows_free(state->host, &state->movements);
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS | PB_DATA_GRADIENTS,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .scope = PB_SCOPE_LAYER, /* the paper keeps the top share of every matrix */
    .create = create,
    .descent = descent,
    .observe = observe,
    .score = score,
    .score_weights = score_weights,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "movement",
    .summary = "−Σ_t η·w·∂L_t/∂w: how far a weight moves away from 0 in a short training; single weights, or summed "
               "over a filter",
    .version = "1.0.0",
    .reference = "V. Sanh et al., Movement Pruning: Adaptive Sparsity by Fine-Tuning, 2020, arXiv:2005.07683",
    .reference_code = "The paper and its code learn the scores while they fine-tune with masks and a straight-through "
                      "gradient, so that masked weights may return; NNI has Adam learn them, at a rate of 0.01, and a "
                      "share that grows along a cubic curve. Here all weights are unmasked while the scores are made.",
    PB_OPTIONS(options, struct movement_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
