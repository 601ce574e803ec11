/*
 * obd: the loss's second-order change without a weight, from the Hessian's diagonal alone (LeCun et al. 1990).
 * score = ½·h_kk·w_k². A channel's score is the sum over its filter's weights. The diagonal is estimated as
 *   estimator=fisher      the empirical Fisher information, h = (1/N)·Σ_n g_n² with the gradients g_n of single examples. It
 *                         resembles the Hessian near a minimum only. With one image per calibration batch it is exact. In larger
 *                         batches each example's loss has a random sign r_n, for which E[(Σ r_n·g_n)²] = Σ g_n²: an estimate without bias.
 *   estimator=hutchinson  E[v⊙(Hv)] over `probes` random vectors of ±1, H being the Hessian of the mean loss
 *   estimator=exact       Hv for a unit vector v of every weight, for small networks
 * Hv are central differences of gradients. A negative curvature gives a negative score.
 */
#include "gradient-rows.h"
#include "random-signs.h"
#include "unit-directions.h"

enum { MOST_PRODUCTS = 20000 };
enum estimator { FISHER, HUTCHINSON, EXACT };
static const char *const estimators[] = {"fisher", "hutchinson", "exact", NULL};

struct obd_options {
    int32_t estimator;
    int64_t probes;
};

static const struct pb_option options[] = {
    {.name = "estimator",
     .help = "of the Hessian's diagonal: fisher = mean of the examples' squared gradients (exact with calibration "
             "batches of one image, "
             "else estimated without bias); hutchinson = mean over random probes; exact = one Hessian product for each "
             "weight",
     .type = PB_OPTION_ENUM,
     .default_text = "fisher",
     .choices = estimators,
     .offset = offsetof(struct obd_options, estimator)},
    {.name = "probes",
     .help = "random vectors of estimator hutchinson",
     .type = PB_OPTION_INT,
     .default_text = "16",
     .min = 1,
     .max = MOST_PRODUCTS,
     .offset = offsetof(struct obd_options, probes)},
};

struct state {
    const struct pb_host *host;
    enum estimator estimator;
    uint32_t products;
    bool observed; /* the pass that shows gradients of batches is over */
    uint64_t examples;
    struct gradient_rows diagonals; /* of each layer's weights; for fisher the sum over examples */
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct obd_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .estimator = (enum estimator)given->estimator};
    state->products = state->estimator == HUTCHINSON ? (uint32_t)given->probes : 0;
    *self = state;
    return PB_OK;
}

static enum pb_status prepare(void *self, const struct pb_network_view *network)
{
    struct state *state = self;
    size_t weights;
    if (state->estimator != EXACT)
        return PB_OK;
    const enum pb_status status = weights_in_front(network, network->layer_count, &weights);
    if (status != PB_OK)
        return status;
    if (weights > MOST_PRODUCTS)
        return state->host->fail(
            state->host, PB_ERROR_INPUT,
            "estimator 'exact' needs a Hessian product for each of %llu weights, and at most %d are "
            "computed; choose estimator 'hutchinson' or a smaller model",
            (unsigned long long)weights, MOST_PRODUCTS);
    state->products = (uint32_t)weights;
    return PB_OK;
}

static enum pb_status objective_grad(void *self, const struct pb_logits_view *batch, float *derivative)
{
    const struct state *state = self;
    return gradient_with_signs(state->host, batch, !state->observed, derivative);
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const size_t count = weights_of_layer(layer);
    if (state->estimator != FISHER)
        return PB_OK;
    double *sums = gradient_row(state->host, &state->diagonals, layer, count);
    if (!sums)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const double sum = layer->batch * (double)layer->weight_grad[i]; /* of the batch's Σ r_n·g_n */
        sums[i] += sum * sum;
    }
    state->examples += layer->index == 0 ? layer->batch : 0;
    return PB_OK;
}

static uint32_t products(void *self)
{
    struct state *state = self;
    state->observed = true;
    return state->products;
}

static enum pb_status direction(void *self, const struct pb_layer_view *layer, uint32_t product,
                                struct pb_direction *written)
{
    const struct state *state = self;
    const size_t count = weights_of_layer(layer);
    if (state->estimator == HUTCHINSON) {
        struct pb_rng rng;
        char stream[96];
        snprintf(stream, sizeof stream, "probe/%u/%s", (unsigned)product, layer->name);
        state->host->rng_init(state->host, &rng, stream);
        for (size_t i = 0; i < count; i++)
            written->weight[i] = (float)draw_sign(&rng);
        return PB_OK;
    }
    return unit_direction(layer, product, written);
}

static enum pb_status observe_product(void *self, const struct pb_layer_view *layer,
                                      const struct pb_product_view *product)
{
    struct state *state = self;
    const size_t count = weights_of_layer(layer);
    const double share = state->estimator == HUTCHINSON ? 1.0 / product->products : 1;
    double *diagonal = gradient_row(state->host, &state->diagonals, layer, count);
    if (!diagonal)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        diagonal[i] += share * (double)product->weight_direction[i] * (double)product->weight_product[i];
    return PB_OK;
}

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const size_t count = weights_of_layer(layer);
    const double *diagonal = gradient_row(state->host, &state->diagonals, layer, count);
    const double divisor = state->estimator == FISHER ? (double)state->examples : 1;
    if (!diagonal)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        scores[i] = 0.5 * diagonal[i] / divisor * (double)layer->weight[i] * (double)layer->weight[i];
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    double *single = state->host->alloc(state->host, weights_of_layer(layer) * sizeof *single);
    if (!single)
        return PB_ERROR_MEMORY;
    const enum pb_status status = score_weights(self, layer, single);
    if (status == PB_OK)
        sum_filters(layer, single, scores);
    state->host->free(state->host, single);
    return status;
}

static void destroy(void *self)
{
    struct state *state = self;
    gradient_rows_free(state->host, &state->diagonals);
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS | PB_DATA_GRADIENTS | PB_DATA_HESSIAN_PRODUCTS,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .objective = PB_OBJECTIVE_GIVEN,
    .hessian_step = 0.003,
    .create = create,
    .prepare = prepare,
    .objective_grad = objective_grad,
    .observe = observe,
    .products = products,
    .direction = direction,
    .observe_product = observe_product,
    .score = score,
    .score_weights = score_weights,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "obd",
    .summary =
        "½ · Hessian's diagonal · weight²: the loss's second-order change; single weights, or summed over a filter",
    .version = "1.0.0",
    .reference = "Y. LeCun et al., Optimal Brain Damage, 1990, Advances in Neural Information Processing Systems 2",
    .reference_code =
        "Torch-Pruning leaves out the factor 1/2 and squares the gradients of batches, not of examples. What NVlabs' "
        "Taylor_pruning calls OBD is the weight times the curvature, neither squared nor halved.",
    PB_OPTIONS(options, struct obd_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
