/*
 * grasp: what a weight gives to the gradient's flow (Wang et al. 2020), meant for networks before training. Without weight θ the squared
 * norm of the gradient g changes by −2·θ·(Hg) to first order, H being the Hessian of the mean loss over all calibration batches.
 * The paper removes the weights with the highest −θ⊙(Hg); score = θ⊙(Hg), so that the same go first. A channel's score is the sum
 * over its filter's weights. Hg is a central difference of gradients along g, g being that of every parameter of the network.
 */
#include "gradient-objective.h"
#include "gradient-rows.h"
#include "weights-layer.h"

struct grasp_options {
    double temperature;
};

static const struct pb_option options[] = {
    {.name = "temperature",
     .help = "logits are divided by it in front of the softmax: 1 = the loss itself, 200 in the released code",
     .type = PB_OPTION_REAL,
     .default_text = "1",
     .min = 1e-3,
     .max = 1e6,
     .offset = offsetof(struct grasp_options, temperature)},
};

struct state {
    const struct pb_host *host;
    double temperature;
    struct gradient_rows effects; /* θ⊙(Hg) of each layer's weights */
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct grasp_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .temperature = given->temperature};
    *self = state;
    return PB_OK;
}

static enum pb_status objective_grad(void *self, const struct pb_logits_view *batch, float *derivative)
{
    const struct state *state = self;
    enum pb_status status = PB_OK;
    for (uint32_t n = 0; n < batch->batch && status == PB_OK; n++)
        status = gradient_of_cross_entropy(state->host, batch, n, state->temperature, 1, derivative);
    return status;
}

static enum pb_status observe_product(void *self, const struct pb_layer_view *layer,
                                      const struct pb_product_view *product)
{
    struct state *state = self;
    const size_t count = weights_of_layer(layer);
    double *effects = gradient_row(state->host, &state->effects, layer, count);
    if (!effects)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        effects[i] = (double)layer->weight[i] * (double)product->weight_product[i];
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const double *effects = gradient_row(state->host, &state->effects, layer, weights_of_layer(layer));
    if (!effects)
        return PB_ERROR_MEMORY;
    sum_filters(layer, effects, scores);
    return PB_OK;
}

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const double *effects = gradient_row(state->host, &state->effects, layer, weights_of_layer(layer));
    if (!effects)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < weights_of_layer(layer); i++)
        scores[i] = effects[i];
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    gradient_rows_free(state->host, &state->effects);
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS | PB_DATA_HESSIAN_PRODUCTS,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .objective = PB_OBJECTIVE_GIVEN,
    .hessian_step = 0.003,
    .create = create,
    .objective_grad = objective_grad,
    .observe_product = observe_product,
    .score = score,
    .score_weights = score_weights,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "grasp",
    .summary =
        "weight · (Hessian · gradient): what the gradient loses without it; single weights, or summed over a filter",
    .version = "1.0.0",
    .reference = "C. Wang et al., Picking Winning Tickets Before Training by Preserving Gradient Flow, 2020, "
                 "arXiv:2002.07376",
    .reference_code = "The authors' code divides the logits by 200 and draws 25 training images of each class; here "
                      "that is the option temperature and the matrix's calibration.",
    PB_OPTIONS(options, struct grasp_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
