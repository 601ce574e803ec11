/*
 * Criteria that ask for everything a criterion can be shown of a batch, and compare it with what they compute from the rest of it. They
 * differ in what gradients are of, and in whether they score channels or select them.
 */
#include <prunebench/criterion.h>

#include "expect.h"

enum { LAYERS = 16, PRODUCTS = 2, ROWS = 3 };
#define STEP 0.01

struct state {
    const struct pb_host *host;
    const struct pb_network_view *network;
    enum pb_objective objective;
    uint32_t seeded, observed, batches, directed, multiplied, scored; /* calls of the hooks */
    uint64_t examples;
    double *weight_sums[LAYERS]; /* over batches: examples × weight_grad */
    float *gamma_products[LAYERS]; /* of the first Hessian product */
    float first_logit; /* of the batch, where the objective is given */
    bool ruled;
};

static enum pb_status create(const struct pb_host *host, enum pb_objective objective, void **self)
{
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .objective = objective};
    *self = state;
    return PB_OK;
}

static enum pb_status create_of_loss(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    return create(host, PB_OBJECTIVE_LOSS, self);
}

static enum pb_status create_of_logit(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    return create(host, PB_OBJECTIVE_TRUE_LOGIT, self);
}

static enum pb_status create_given(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    return create(host, PB_OBJECTIVE_GIVEN, self);
}

static void destroy(void *self)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    for (int i = 0; i < LAYERS; i++) {
        host->free(host, state->weight_sums[i]);
        host->free(host, state->gamma_products[i]);
    }
    host->free(host, state);
}

static size_t weights_of(const struct pb_layer_view *layer)
{
    return (size_t)layer->channels * layer->kernel_height * layer->kernel_width * layer->input_channels;
}

/* The one prunable layer of that name; NULL: none has it. */
static const struct pb_layer_view *layer_named(const struct pb_network_view *network, const char *name)
{
    for (uint32_t i = 0; i < network->layer_count; i++)
        if (strcmp(network->layer(network, i)->name, name) == 0)
            return network->layer(network, i);
    return NULL;
}

/* In a network without branches every group has one layer, and what reads it has every one of its channels. */
static enum pb_status check_group(const struct pb_host *host, const struct pb_network_view *network, uint32_t index)
{
    const struct pb_group_view *group = network->group(network, index);
    EXPECT(host, group && group->size >= sizeof *group && group->producer_count == 1 && group->consumer_count == 1);
    const struct pb_layer_view *layer = network->layer(network, group->producers[0]);
    const struct pb_consumer_view *consumer = network->consumer(network, index, 0);
    EXPECT(host, layer->group == index && layer->channels == group->channels && strcmp(layer->name, group->id) == 0);
    EXPECT(host, consumer && consumer->size >= sizeof *consumer && consumer->first == 0 && consumer->outputs > 0);
    EXPECT(host, consumer->weight && !network->consumer(network, index, 1) && !network->rows(network, index, 0));
    const uint32_t read = consumer->pairs ? group->channels * group->channels : group->channels;
    EXPECT(host, consumer->input_channels == read);
    const struct pb_layer_view *reader = layer_named(network, consumer->name);
    EXPECT(host, consumer->pairs == !reader); /* the classifier behind bilinear pooling */
    if (!reader)
        return PB_OK;
    EXPECT(host, reader->channels == consumer->outputs && reader->kernel_width == consumer->kernel_width);
    EXPECT(host, memcmp(reader->weight, consumer->weight, weights_of(reader) * sizeof(float)) == 0);
    EXPECT(host, !reader->bias == !consumer->bias);
    const uint64_t own = layer->macs / layer->channels, in_reader = reader->macs / reader->input_channels;
    EXPECT(host, group->channels == 1 ? group->channel_macs == 0 : group->channel_macs == own + in_reader);
    return PB_OK;
}

static enum pb_status prepare(void *self, const struct pb_network_view *network)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    uint64_t macs = 0, params = 0;
    EXPECT(host, !state->network && network->size >= sizeof *network && network->classes == 2);
    EXPECT(host, network->layer_count > 1 && network->layer_count <= LAYERS);
    EXPECT(host, network->group_count == network->layer_count);
    EXPECT(host, !network->layer(network, network->layer_count) && !network->group(network, network->group_count));
    EXPECT(host, !network->consumer(network, network->group_count, 0));
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct pb_layer_view *layer = network->layer(network, i);
        EXPECT(host, layer->size >= sizeof *layer && layer->index == i && layer->layers == network->layer_count);
        EXPECT(host, layer->network == network && !layer->activation && !layer->weight_grad && layer->batch == 0);
        EXPECT(host, layer->macs == weights_of(layer) * layer->output_height * layer->output_width);
        macs += layer->macs;
        params += weights_of(layer) + (layer->bias ? 3 : 2) * layer->channels; /* with γ and β */
    }
    for (uint32_t i = 0; i < network->group_count; i++)
        TRY(check_group(host, network, i));
    EXPECT(host, network->macs > macs && network->params > params);
    state->network = network;
    return PB_OK;
}

static enum pb_status relevance_rule(void *self, struct pb_relevance_rule *rule)
{
    struct state *state = self;
    EXPECT(state->host, rule->size >= sizeof *rule && rule->kind == 0 && rule->epsilon == 0 && !state->ruled);
    rule->kind = PB_RELEVANCE_EPSILON;
    rule->epsilon = 0.01;
    state->ruled = true;
    return PB_OK;
}

/* f = ½·Σz². */
static enum pb_status objective_grad(void *self, const struct pb_logits_view *batch, float *derivative)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    EXPECT(host, batch->size >= sizeof *batch && batch->batch > 0 && batch->classes == state->network->classes);
    EXPECT(host, batch->batch_index < batch->batch_count);
    for (uint32_t n = 0; n < batch->batch; n++)
        EXPECT(host, batch->labels[n] < batch->classes);
    for (uint32_t i = 0; i < batch->batch * batch->classes; i++)
        derivative[i] = batch->logits[i];
    state->first_logit = batch->logits[0];
    state->seeded++;
    return PB_OK;
}

/* The norm, the ReLU and their derivatives, from the convolution's output on. */
static enum pb_status check_channel(const struct pb_host *host, const struct pb_layer_view *layer, uint32_t k)
{
    const size_t places = (size_t)layer->batch * layer->output_height * layer->output_width;
    const double inverse = 1 / sqrt((double)layer->running_var[k] + layer->norm_eps), gamma = (double)layer->gamma[k];
    double of_gamma = 0, of_beta = 0, of_bias = 0, gamma_size = 0, beta_size = 0;
    for (size_t i = 0; i < places; i++) {
        const size_t at = i * layer->channels + k;
        const double scaled = ((double)layer->convolved[at] - (double)layer->running_mean[k]) * inverse,
                     normalised = (double)layer->normalised[at], slope = (double)layer->normalised_grad[at];
        EXPECT(host, near(normalised, gamma * scaled + (double)layer->beta[k], fabs(gamma * scaled) + 1));
        EXPECT(host, near((double)layer->activation[at], normalised > 0 ? normalised : 0, 0));
        EXPECT(host, near(slope, normalised > 0 ? (double)layer->activation_grad[at] : 0, 0));
        EXPECT(host, near((double)layer->convolved_grad[at], gamma * inverse * slope, 0));
        of_gamma += slope * scaled;
        of_beta += slope;
        of_bias += (double)layer->convolved_grad[at];
        gamma_size += fabs(slope * scaled);
        beta_size += fabs(slope);
    }
    EXPECT(host, near((double)layer->gamma_grad[k], of_gamma, gamma_size));
    EXPECT(host, near((double)layer->beta_grad[k], of_beta, beta_size));
    EXPECT(host, !layer->bias == !layer->bias_grad);
    EXPECT(host, !layer->bias || near((double)layer->bias_grad[k], of_bias, beta_size * fabs(gamma * inverse)));
    return PB_OK;
}

static enum pb_status check_gates(const struct pb_host *host, const struct pb_layer_view *layer)
{
    const size_t places = (size_t)layer->activation_height * layer->activation_width;
    for (size_t n = 0; n < layer->batch; n++)
        for (size_t k = 0; k < layer->channels; k++) {
            double sum = 0, size = 0;
            for (size_t i = 0; i < places; i++) {
                const size_t at = (n * places + i) * layer->channels + k;
                const double term = (double)layer->activation[at] * (double)layer->activation_grad[at];
                sum += term;
                size += fabs(term);
            }
            EXPECT(host,
                   near((double)layer->gate_grad[n * layer->channels + k], layer->batch * sum, layer->batch * size));
        }
    return PB_OK;
}

/* What the objective's seed is for one logit of an example, before it is divided by the batch. */
static double seed_of(const struct state *state, const float *logits, uint32_t classes, uint32_t class, uint32_t label)
{
    double sum = 0;
    if (state->objective == PB_OBJECTIVE_GIVEN)
        return (double)logits[class];
    if (state->objective == PB_OBJECTIVE_TRUE_LOGIT)
        return class == label;
    for (uint32_t c = 0; c < classes; c++)
        sum += exp((double)logits[c] - (double)logits[class]);
    return 1 / sum - (class == label);
}

/* Each output is the sum of its inputs' products; the classifier's are the logits. */
static enum pb_status check_rows(const struct state *state, const struct pb_layer_view *layer,
                                 const struct pb_rows_view **found)
{
    const struct pb_host *host = state->host;
    const struct pb_network_view *network = layer->network;
    const struct pb_consumer_view *consumer = network->consumer(network, layer->group, 0);
    const struct pb_rows_view *rows = network->rows(network, layer->group, 0);
    EXPECT(host, rows && rows->size >= sizeof *rows && rows->outputs == consumer->outputs);
    EXPECT(host, rows->width == consumer->kernel_height * consumer->kernel_width * consumer->input_channels);
    EXPECT(host, rows->rows == layer->batch * (rows->positions < ROWS ? rows->positions : ROWS));
    for (size_t i = 0; i < rows->rows; i++)
        for (size_t m = 0; m < rows->outputs; m++) {
            double sum = consumer->bias ? (double)consumer->bias[m] : 0, size = fabs(sum);
            for (size_t k = 0; k < rows->width; k++) {
                const double term =
                    (double)rows->input_rows[i * rows->width + k] * (double)consumer->weight[m * rows->width + k];
                sum += term;
                size += fabs(term);
            }
            EXPECT(host, near((double)rows->output_rows[i * rows->outputs + m], sum, size));
            EXPECT(host, isfinite(rows->output_grad_rows[i * rows->outputs + m]));
        }
    *found = rows;
    return PB_OK;
}

/* The classifier's rows are the logits: what the backward pass begins with, and what relevance is shares of. */
static enum pb_status check_logits(struct state *state, const struct pb_layer_view *layer,
                                   const struct pb_rows_view *rows)
{
    const struct pb_host *host = state->host;
    const uint32_t classes = rows->outputs;
    EXPECT(host, rows->positions == 1 && classes == layer->network->classes);
    EXPECT(host,
           state->objective != PB_OBJECTIVE_GIVEN || near((double)rows->output_rows[0], (double)state->first_logit, 0));
    for (uint32_t n = 0; n < layer->batch; n++) {
        const float *logits = rows->output_rows + (size_t)n * classes;
        for (uint32_t c = 0; c < classes; c++)
            EXPECT(host, near((double)rows->output_grad_rows[(size_t)n * classes + c],
                              seed_of(state, logits, classes, c, layer->labels[n]) / layer->batch, 0.01));
    }
    return PB_OK;
}

/* Over every cut through the network, relevance adds up to the logits of the labels. */
static enum pb_status check_relevance(const struct state *state, const struct pb_layer_view *layer)
{
    const struct pb_network_view *network = layer->network;
    const struct pb_rows_view *rows = network->rows(network, network->group_count - 1, 0);
    const size_t places = (size_t)layer->activation_height * layer->activation_width * layer->channels;
    for (uint32_t n = 0; n < layer->batch; n++) {
        double sum = 0, size = 0;
        for (size_t i = 0; i < places; i++) {
            sum += (double)layer->relevance[n * places + i];
            size += fabs((double)layer->relevance[n * places + i]);
        }
        EXPECT(state->host, near(sum, (double)rows->output_rows[n * rows->outputs + layer->labels[n]], 10 * size));
    }
    return PB_OK;
}

static enum pb_status add_gradients(struct state *state, const struct pb_layer_view *layer)
{
    const struct pb_host *host = state->host;
    double **sums = &state->weight_sums[layer->index];
    if (!*sums && !(*sums = host->alloc(host, weights_of(layer) * sizeof **sums)))
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < weights_of(layer); i++)
        (*sums)[i] += layer->batch * (double)layer->weight_grad[i];
    if (layer->index == 0)
        state->examples += layer->batch;
    return PB_OK;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    const struct pb_rows_view *rows = NULL;
    EXPECT(host, layer->size >= sizeof *layer && layer->network == state->network && state->ruled);
    EXPECT(host, layer->index == state->observed % layer->layers);
    EXPECT(host, layer->batch_index == state->observed / layer->layers && layer->batch_index < layer->batch_count);
    EXPECT(host, layer->activation_height == layer->output_height && layer->activation_width == layer->output_width);
    for (uint32_t n = 0; n < layer->batch; n++)
        EXPECT(host, layer->labels[n] < state->network->classes);
    for (uint32_t k = 0; k < layer->channels; k++)
        TRY(check_channel(host, layer, k));
    TRY(check_gates(host, layer));
    TRY(check_rows(state, layer, &rows));
    if (layer->index == layer->layers - 1)
        TRY(check_logits(state, layer, rows));
    TRY(check_relevance(state, layer));
    TRY(add_gradients(state, layer));
    state->batches = layer->batch_count;
    state->observed++;
    return PB_OK;
}

/* After the last batch: of the mean over all examples. */
static enum pb_status check_mean_gradients(const struct state *state, const struct pb_layer_view *layer)
{
    const double *sums = state->weight_sums[layer->index];
    double size = 0;
    EXPECT(state->host, state->observed == state->batches * state->network->layer_count && layer->weight_grad);
    for (size_t i = 0; i < weights_of(layer); i++)
        size = fmax(size, fabs(sums[i]) / (double)state->examples);
    for (size_t i = 0; i < weights_of(layer); i++)
        EXPECT(state->host, near((double)layer->weight_grad[i], sums[i] / (double)state->examples, size));
    return PB_OK;
}

static uint32_t products(void *self)
{
    (void)self;
    return PRODUCTS;
}

/* Only scales move; the second direction is twice the first. */
static double direction_of(uint32_t product, uint32_t channel)
{
    return (product + 1) * (channel + 1.0);
}

static enum pb_status direction(void *self, const struct pb_layer_view *layer, uint32_t product,
                                struct pb_direction *given)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    EXPECT(host, given->size >= sizeof *given && product == state->directed / layer->layers);
    EXPECT(host, given->weight && given->gamma && given->beta && !given->bias == !layer->bias);
    for (size_t i = 0; i < weights_of(layer); i++)
        EXPECT(host, given->weight[i] == 0);
    TRY(check_mean_gradients(state, layer));
    for (uint32_t k = 0; k < layer->channels; k++) {
        EXPECT(host, given->gamma[k] == 0 && given->beta[k] == 0);
        given->gamma[k] = (float)direction_of(product, k);
    }
    state->directed++;
    return PB_OK;
}

/* hessian_step · ‖γ‖/‖v‖ over all layers. */
static double expected_step(const struct pb_network_view *network, uint32_t product)
{
    double scales = 0, moved = 0;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct pb_layer_view *layer = network->layer(network, i);
        for (uint32_t k = 0; k < layer->channels; k++) {
            scales += (double)layer->gamma[k] * (double)layer->gamma[k];
            moved += direction_of(product, k) * direction_of(product, k);
        }
    }
    return STEP * sqrt(scales / moved);
}

static enum pb_status observe_product(void *self, const struct pb_layer_view *layer,
                                      const struct pb_product_view *product)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    float **first = &state->gamma_products[layer->index];
    double size = 0;
    EXPECT(host, product->size >= sizeof *product && product->products == PRODUCTS);
    EXPECT(host, product->product == state->multiplied / layer->layers);
    EXPECT(host, near(product->step, expected_step(layer->network, product->product), 0));
    EXPECT(host, product->weight_product && product->beta_product && product->beta_direction);
    EXPECT(host, !product->bias_direction == !layer->bias && !product->bias_product == !layer->bias);
    for (size_t i = 0; i < weights_of(layer); i++)
        EXPECT(host, product->weight_direction[i] == 0 && isfinite(product->weight_product[i]));
    if (!*first && !(*first = host->alloc(host, layer->channels * sizeof **first)))
        return PB_ERROR_MEMORY;
    for (uint32_t k = 0; k < layer->channels && product->product == 0; k++)
        (*first)[k] = product->gamma_product[k];
    for (uint32_t k = 0; k < layer->channels; k++)
        size = fmax(size, fabs((double)(*first)[k]));
    for (uint32_t k = 0; k < layer->channels; k++) {
        EXPECT(host, (double)product->gamma_direction[k] == direction_of(product->product, k));
        EXPECT(host, near((double)product->gamma_product[k], (product->product + 1) * (double)(*first)[k], 100 * size));
    }
    state->multiplied++;
    return PB_OK;
}

/* The flow adds up to the same in every layer of a network without branches. */
static enum pb_status check_flow(const struct pb_host *host, const struct pb_layer_view *layer)
{
    const struct pb_layer_view *first = layer->network->layer(layer->network, 0);
    double own = 0, of_first = 0;
    for (size_t i = 0; i < weights_of(layer); i++)
        own += layer->weight_flow[i];
    for (size_t i = 0; i < weights_of(first); i++)
        of_first += first->weight_flow[i];
    EXPECT(host, own > 0 && fabs(own - of_first) <= 1e-9 * own);
    return PB_OK;
}

/* Everything was called as often as the order of calls says. */
static enum pb_status check_calls(const struct state *state)
{
    const uint32_t layers = state->network->layer_count;
    EXPECT(state->host, state->batches == 2 && state->directed == PRODUCTS * layers);
    EXPECT(state->host, state->multiplied == PRODUCTS * layers && state->ruled);
    EXPECT(state->host, state->objective != PB_OBJECTIVE_GIVEN || state->seeded == state->batches * (1 + 2 * PRODUCTS));
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    EXPECT(state->host, layer->index == state->scored++ && !layer->activation);
    TRY(check_calls(state));
    TRY(check_mean_gradients(state, layer));
    TRY(check_flow(state->host, layer));
    for (uint32_t k = 0; k < layer->channels; k++)
        scores[k] = fabs((double)layer->gamma_grad[k]);
    return PB_OK;
}

/* Removes the first channels. */
static enum pb_status select_channels(void *self, const struct pb_network_view *network, uint32_t group,
                                      uint32_t remove, uint32_t *removed)
{
    struct state *state = self;
    const struct pb_group_view *view = network->group(network, group);
    EXPECT(state->host, network == state->network && remove >= 1 && remove < view->channels);
    TRY(check_calls(state));
    TRY(check_mean_gradients(state, network->layer(network, view->producers[0])));
    for (uint32_t i = 0; i < remove; i++)
        removed[i] = i;
    return PB_OK;
}

/* Of the network as it is now: the one consumer of that name. */
static const struct pb_consumer_view *consumer_named(const struct pb_network_view *network, const char *name)
{
    for (uint32_t g = 0; g < network->group_count; g++)
        if (strcmp(network->consumer(network, g, 0)->name, name) == 0)
            return network->consumer(network, g, 0);
    return NULL;
}

/* Moves what is missing into the bias. */
static enum pb_status repair(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    const struct state *state = self;
    const struct pb_host *host = state->host;
    const struct pb_consumer_view *now = consumer_named(state->network, layer->name);
    const size_t width = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    EXPECT(host, layer->size >= sizeof *layer && now && layer->outputs == now->outputs && layer->rows % ROWS == 0);
    EXPECT(host, layer->input_channels == now->input_channels && layer->kernel_height == now->kernel_height);
    EXPECT(host, layer->kernel_width == now->kernel_width && !bias == !now->bias);
    EXPECT(host, memcmp(weight, now->weight, layer->outputs * width * sizeof *weight) == 0);
    for (size_t m = 0; m < layer->outputs; m++) {
        double missing = 0;
        for (size_t i = 0; i < layer->rows; i++) {
            double sum = bias ? (double)bias[m] : 0;
            for (size_t k = 0; k < width; k++)
                sum += (double)weight[m * width + k] * (double)layer->inputs[i * width + k];
            missing += (double)layer->outputs_before[i * layer->outputs + m] - sum;
        }
        EXPECT(host, isfinite(missing));
        if (bias)
            bias[m] += (float)(missing / layer->rows);
    }
    return PB_OK;
}

#define EVERYTHING                                                                                                     \
    (PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_GRADIENTS | PB_DATA_ACTIVATIONS | PB_DATA_ACTIVATION_GRADIENTS |         \
     PB_DATA_CONVOLVED | PB_DATA_LABELS | PB_DATA_CONSUMERS | PB_DATA_CONVOLVED_GRADIENTS | PB_DATA_NORMALISED |       \
     PB_DATA_NORMALISED_GRADIENTS | PB_DATA_GATE_GRADIENTS | PB_DATA_CONSUMER_ROWS | PB_DATA_MEAN_GRADIENTS |          \
     PB_DATA_HESSIAN_PRODUCTS | PB_DATA_RELEVANCE | PB_DATA_CONSUMER_GRADIENTS | PB_DATA_SYNAPTIC_FLOW)
#define CRITERION(create_, ...)                                                                                        \
    {                                                                                                                  \
        .size = sizeof(struct pb_criterion), .needs = EVERYTHING & ~PB_DATA_NORM, .uses = PB_DATA_NORM,                \
        .traits = PB_TRAIT_COMPARABLE, .coupling = PB_COUPLE_MAX, .normalise = PB_NORMALISE_L2, .consumer_rows = ROWS, \
        .hessian_step = STEP, .create = (create_), .prepare = prepare, .observe = observe, .destroy = destroy,         \
        .products = products, .direction = direction, .observe_product = observe_product,                              \
        .relevance_rule = relevance_rule, __VA_ARGS__                                                                  \
    }
static const struct pb_criterion of_loss = CRITERION(create_of_loss, .objective = PB_OBJECTIVE_LOSS, .score = score);
static const struct pb_criterion of_logit =
    CRITERION(create_of_logit, .objective = PB_OBJECTIVE_TRUE_LOGIT, .score = score);
static const struct pb_criterion given =
    CRITERION(create_given, .objective = PB_OBJECTIVE_GIVEN, .objective_grad = objective_grad, .score = score);
static const struct pb_criterion selecting = CRITERION(create_of_loss, .select = select_channels,
                                                       .scope = PB_SCOPE_LAYER, .repair = repair, .repair_rows = ROWS);

#define PLUGIN(name_, criterion_)                                                                                      \
    {                                                                                                                  \
        PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = (name_), .summary = "compares all that it is shown",              \
                                             .version = "1.0.0", .reference = "none", .reference_code = "none",        \
                                             .criterion = (criterion_)                                                 \
    }
static const struct pb_plugin plugins[] = {PLUGIN("strict-loss", &of_loss), PLUGIN("strict-logit", &of_logit),
                                           PLUGIN("strict-given", &given), PLUGIN("strict-selects", &selecting)};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < sizeof plugins / sizeof *plugins ? &plugins[index] : NULL;
}
