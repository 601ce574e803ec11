/*
 * obs: the loss's second-order change without a weight, when all other weights of its layer make up for it (Hassibi and Stork 1993).
 * score = ½·w_q²/[H⁻¹]_qq, where H is the layer's block of the Hessian, estimated as
 *   estimator=fisher  the paper's mean of outer products, (1/N)·Σ_n g_n·g_nᵀ with the gradients g_n of single examples: see random-signs.h. It
 *                     resembles the Hessian near a minimum only, and has at most one dimension for each calibration batch: damping does the rest
 *   estimator=exact   the Hessian of the mean loss over all calibration images: central differences of gradients along unit vectors,
 *                     symmetrised, ½·(H + Hᵀ). Away from a minimum it is often not positive definite
 * and damping · the mean of the diagonal's absolute values is added to the diagonal. A layer whose H is then not positive definite is
 * refused. A weight that is 0, as a masked one, does not make up for another.
 * Then the weights that are left, S, adapt to those that were masked, Q (update=true): the loss's second-order change ½·δwᵀHδw with
 * δw_Q = −w_Q is smallest for δw_S = H_SS⁻¹·H_SQ·w_Q, which for a single weight q is the paper's δw = −w_q/[H⁻¹]_qq·H⁻¹e_q. The paper
 * removes one weight after the other; with the same H that ends at the same weights.
 */
#include "gradient-rows.h"
#include "linear.h"
#include "random-signs.h"
#include "unit-directions.h"

enum { MOST_PRODUCTS = 20000, MOST_OF_LAYER = 4096 };
enum estimator { FISHER, EXACT };
static const char *const estimators[] = {"fisher", "exact", NULL};

struct obs_options {
    int32_t estimator;
    double damping;
    bool update;
};

static const struct pb_option options[] = {
    {.name = "estimator",
     .help = "of the Hessian: fisher = mean of outer products of the examples' gradients; exact = one Hessian product "
             "for each weight",
     .type = PB_OPTION_ENUM,
     .default_text = "fisher",
     .choices = estimators,
     .offset = offsetof(struct obs_options, estimator)},
    {.name = "damping",
     .help = "added to the Hessian's diagonal, as a share of the mean of its absolute values; 0: nothing",
     .type = PB_OPTION_REAL,
     .default_text = "0.01",
     .min = 0,
     .max = 1e6,
     .offset = offsetof(struct obs_options, damping)},
    {.name = "update",
     .help = "the weights that are left in a layer adapt to those that were masked; false: they stay as they are",
     .type = PB_OPTION_BOOL,
     .default_text = "true",
     .offset = offsetof(struct obs_options, update)},
};

struct state {
    const struct pb_host *host;
    enum estimator estimator;
    double damping;
    uint32_t products;
    bool update;
    bool observed; /* the pass that shows gradients of batches is over */
    uint64_t examples;
    /* n×n of each layer of n weights: H; for fisher the sum over examples, lower triangle. After score_weights: L of H = L·Lᵀ in the
     * lower triangle, diagonal included, and H above the diagonal. */
    struct gradient_rows blocks;
    struct gradient_rows diagonals; /* n of each layer: that of H, after score_weights */
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct obs_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host,
                            .estimator = (enum estimator)given->estimator,
                            .damping = given->damping,
                            .update = given->update};
    *self = state;
    return PB_OK;
}

static enum pb_status prepare(void *self, const struct pb_network_view *network)
{
    struct state *state = self;
    size_t weights;
    const enum pb_status status = weights_in_front(network, network->layer_count, &weights);
    if (status != PB_OK)
        return status;
    for (uint32_t l = 0; l < network->layer_count; l++) {
        const struct pb_layer_view *layer = network->layer(network, l);
        if (!layer)
            return PB_ERROR_MEMORY;
        if (weights_of_layer(layer) > MOST_OF_LAYER)
            return state->host->fail(state->host, PB_ERROR_INPUT,
                                     "layer '%s' has %zu weights, and the Hessian of at most %d is inverted; choose a "
                                     "smaller model or another criterion",
                                     layer->name, weights_of_layer(layer), MOST_OF_LAYER);
    }
    if (state->estimator != EXACT)
        return PB_OK;
    if (weights > MOST_PRODUCTS)
        return state->host->fail(
            state->host, PB_ERROR_INPUT,
            "estimator 'exact' needs a Hessian product for each of %zu weights, and at most %d are computed; choose "
            "estimator 'fisher' or a smaller model",
            weights, MOST_PRODUCTS);
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
    double *block = gradient_row(state->host, &state->blocks, layer, count * count);
    if (!block)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j <= i; j++) /* weight_grad: (1/N)·Σ r_n·g_n of the batch */
            block[i * count + j] += (double)layer->batch * (double)layer->batch * (double)layer->weight_grad[i] *
                                    (double)layer->weight_grad[j];
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
    (void)self;
    return unit_direction(layer, product, written);
}

static enum pb_status observe_product(void *self, const struct pb_layer_view *layer,
                                      const struct pb_product_view *product)
{
    struct state *state = self;
    const size_t count = weights_of_layer(layer);
    size_t weight;
    bool own;
    double *block = gradient_row(state->host, &state->blocks, layer, count * count);
    const enum pb_status status = unit_of_layer(layer, product->product, &weight, &own);
    if (!block)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count && status == PB_OK && own; i++)
        block[weight * count + i] = (double)product->weight_product[i];
    return status;
}

/* From sums to the lower triangle of H, damped. A weight that is 0 does not adapt: its row is that of the identity. false: all
 * of the others is 0, so that no weight matters. */
static bool complete(const struct state *state, const struct pb_layer_view *layer, double *block)
{
    const size_t count = weights_of_layer(layer);
    const double examples = state->estimator == EXACT ? 1 : (double)state->examples;
    double diagonal = 0, whole = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j <= i; j++) {
            const bool adapt = layer->weight[i] != 0 && layer->weight[j] != 0;
            const double other = state->estimator == EXACT ? block[j * count + i] : block[i * count + j];
            block[i * count + j] = adapt ? (block[i * count + j] + other) / (2 * examples) : 0;
            whole += fabs(block[i * count + j]);
        }
        diagonal += fabs(block[i * count + i]);
    }
    for (size_t i = 0; i < count; i++)
        block[i * count + i] =
            layer->weight[i] == 0 ? 1 : block[i * count + i] + state->damping * diagonal / (double)count;
    return whole != 0;
}

static enum pb_status refuse(const struct state *state, const struct pb_layer_view *layer, size_t weight)
{
    return state->host->fail(
        state->host, PB_ERROR_RUN,
        "layer '%s', channel %zu: its Hessian with damping %g is not positive definite or not finite "
        "from weight %zu of the channel's filter on; set a larger damping",
        layer->name, weight / weights_of_filter(layer), state->damping, weight % weights_of_filter(layer));
}

/* From the lower triangle of H to its factor there, and H beside it. Returns as linear_factored. */
static size_t factor(size_t count, double *block, double *diagonal)
{
    for (size_t i = 0; i < count; i++) {
        diagonal[i] = block[i * count + i];
        for (size_t j = 0; j < i; j++)
            block[j * count + i] = block[i * count + j];
    }
    return linear_factored(count, block);
}

static enum pb_status score_weights(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    const size_t count = weights_of_layer(layer);
    double *block = gradient_row(host, &state->blocks, layer, count * count);
    double *diagonal = gradient_row(host, &state->diagonals, layer, count);
    double *column = host->alloc(host, count * sizeof *column);
    enum pb_status status = block && diagonal && column ? PB_OK : PB_ERROR_MEMORY;
    memset(scores, 0, count * sizeof *scores);
    const bool matters = status == PB_OK && complete(state, layer, block);
    const size_t regular = matters ? factor(count, block, diagonal) : count;
    if (regular < count)
        status = refuse(state, layer, regular);
    for (size_t q = 0; q < count && matters && status == PB_OK; q++)
        scores[q] = 0.5 * (double)layer->weight[q] * (double)layer->weight[q] /
                    linear_inverse_diagonal(count, block, q, column);
    if (block && !(matters && state->update))
        gradient_row_free(host, &state->blocks, layer);
    host->free(host, column);
    return status;
}

/* The weights that are left: S. */
struct left {
    size_t count;
    size_t *places; /* among the layer's n */
    double *system; /* H_SS, lower triangle */
    double *change; /* δw_S */
};

/* H_SS and H_SQ·w_Q from H beside its factor. */
static void fill_system(const struct pb_layer_view *layer, const unsigned char *masked, const double *block,
                        const double *diagonal, const struct left *left)
{
    const size_t count = weights_of_layer(layer);
    for (size_t a = 0; a < left->count; a++) {
        const size_t i = left->places[a];
        double *row = left->system + a * left->count, force = 0;
        for (size_t b = 0; b < a; b++)
            row[b] = block[left->places[b] * count + i];
        row[a] = diagonal[i];
        for (size_t q = 0; q < count; q++)
            if (masked[q])
                force += (q < i ? block[q * count + i] : block[i * count + q]) * (double)layer->weight[q];
        left->change[a] = force;
    }
}

static enum pb_status repair_weights(void *self, const struct pb_layer_view *layer, const unsigned char *masked,
                                     float *weight)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    const size_t count = weights_of_layer(layer);
    if (!state->blocks.rows[layer->index]) /* no weight matters, or none is to adapt */
        return PB_OK;
    struct left left = {.places = host->alloc(host, count * sizeof *left.places),
                        .change = host->alloc(host, count * sizeof *left.change)};
    for (size_t i = 0; i < count && left.places; i++)
        if (!masked[i])
            left.places[left.count++] = i;
    left.system = host->alloc(host, left.count * left.count * sizeof *left.system);
    enum pb_status status = left.places && left.change && left.system ? PB_OK : PB_ERROR_MEMORY;
    if (status == PB_OK) {
        fill_system(layer, masked, state->blocks.rows[layer->index], state->diagonals.rows[layer->index], &left);
        const size_t regular = linear_factored(left.count, left.system);
        if (regular < left.count)
            status = refuse(state, layer, left.places[regular]);
        else
            linear_solve(left.count, left.system, left.change);
    }
    for (size_t a = 0; a < left.count && status == PB_OK; a++)
        weight[left.places[a]] = (float)((double)weight[left.places[a]] + left.change[a]);
    host->free(host, left.places);
    host->free(host, left.change);
    host->free(host, left.system);
    return status;
}

static void destroy(void *self)
{
    struct state *state = self;
    gradient_rows_free(state->host, &state->blocks);
    gradient_rows_free(state->host, &state->diagonals);
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS | PB_DATA_GRADIENTS | PB_DATA_HESSIAN_PRODUCTS,
    .traits = PB_TRAIT_COMPARABLE,
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
    .score_weights = score_weights,
    .repair_weights = repair_weights,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "obs",
    .summary = "½ · weight² / diagonal of the layer's inverse Hessian: the loss's change when its other weights adapt, "
               "as they then do",
    .version = "1.0.0",
    .reference = "B. Hassibi and D. Stork, Second order derivatives for network pruning: Optimal Brain Surgeon, 1993, "
                 "Advances in Neural Information Processing Systems 5",
    .reference_code = "EigenDamage's channel OBS adds the terms of single weights as if they were independent, and "
                      "draws the labels of its Fisher information from the model.",
    PB_OPTIONS(options, struct obs_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
