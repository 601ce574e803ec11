/* Hessian times direction: (g(w + ε·v) − g(w − ε·v)) / (2ε). */
#include "prune/products.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "prune/finite.h"
#include "prune/gradient_sum.h"
#include "prune/passes.h"

enum { PARTS = 4 };
static const enum pb_role roles[PARTS] = {PB_ROLE_WEIGHT, PB_ROLE_BIAS, PB_ROLE_GAMMA, PB_ROLE_BETA};
static const char *const part_names[PARTS] = {"weight", "bias", "gamma", "beta"};

/* One product. Arrays of all parameters are at the parameters' offsets. */
struct product {
    uint32_t index, count;
    float *direction, *result;
    double step; /* ε */
    struct pb_network *point; /* w ± ε·v */
    double sign; /* of the current pass */
    uint64_t examples; /* of both passes */
    struct pb_gradient_sum sum;
    struct pb_guarded parts[2 * PARTS], view; /* what the hooks are given */
};

static enum pb_status open_product(const struct pb_criterion_run *run, struct product *product)
{
    const size_t count = run->network->graph->value_count;
    product->direction = pb_calloc(count, sizeof *product->direction);
    product->result = pb_calloc(count, sizeof *product->result);
    if (!product->direction || !product->result)
        return pb_fail_memory(run->error, count * sizeof *product->result);
    const enum pb_status status = pb_gradient_sum_open(&product->sum, run->network->graph, run->error);
    return status ? status : pb_network_copy(run->network, &product->point, run->error);
}

static void close_product(struct product *product)
{
    pb_free(product->direction);
    pb_free(product->result);
    pb_network_free(&product->point);
    pb_gradient_sum_free(&product->sum);
    for (size_t i = 0; i < 2 * PARTS; i++)
        pb_guarded_free(&product->parts[i]);
    pb_guarded_free(&product->view);
}

static uint32_t part_parameter(const struct pb_criterion_run *run, uint32_t layer, size_t part)
{
    const struct pb_prunable_layer *described = &run->layers.layers[layer];
    const uint32_t node = part < 2 ? described->node : described->norm;
    return node == UINT32_MAX ? PB_NO_PARAMETER : run->network->graph->nodes[node].parameters[roles[part]];
}

/* What the criterion wrote for a layer becomes part of the direction. */
static enum pb_status take_direction(struct pb_criterion_run *run, struct product *product, uint32_t layer,
                                     float *const written[PARTS])
{
    const char *name = pb_layer_name(run->network, &run->layers.layers[layer]);
    char where[96];
    snprintf(where, sizeof where, "layer '%s' in direction", name);
    for (size_t k = 0; k < PARTS; k++) {
        if (!written[k])
            continue;
        const struct pb_parameter *parameter = &run->network->graph->parameters[part_parameter(run, layer, k)];
        const enum pb_status status = pb_criterion_check_beside(run, &product->parts[k], where);
        if (status != PB_OK)
            return status;
        for (size_t i = 0; i < parameter->count; i++)
            if (!isfinite(written[k][i]))
                return pb_fail(run->error, PB_ERROR_RUN,
                               "criterion '%s' gave direction %u a %s of %g in layer '%s'; directions must be finite",
                               run->name, product->index, part_names[k], (double)written[k][i], name);
        memcpy(product->direction + parameter->offset, written[k], parameter->count * sizeof(float));
    }
    return PB_OK;
}

static enum pb_status call_direction(struct pb_criterion_run *run, struct product *product, uint32_t layer)
{
    const struct pb_layer_view view = pb_criterion_layer(run, layer), *shown = NULL;
    float *written[PARTS] = {NULL};
    for (size_t k = 0; k < PARTS; k++) {
        const uint32_t parameter = part_parameter(run, layer, k);
        if (parameter == PB_NO_PARAMETER)
            continue;
        const size_t count = run->network->graph->parameters[parameter].count;
        written[k] = pb_guarded_open(&product->parts[k], part_names[k], count, sizeof(float));
        if (!written[k])
            return pb_fail_memory(run->error, count * sizeof(float));
        memset(written[k], 0, count * sizeof(float));
    }
    struct pb_direction direction = {
        .size = sizeof direction, .weight = written[0], .bias = written[1], .gamma = written[2], .beta = written[3]};
    enum pb_status status = pb_criterion_enter(run, "direction", &view, &shown);
    if (status == PB_OK)
        status = pb_criterion_leave(run, run->criterion->direction(run->self, shown, product->index, &direction));
    return status == PB_OK ? take_direction(run, product, layer, written) : status;
}

static enum pb_status make_direction(struct pb_criterion_run *run, struct product *product)
{
    enum pb_status status = PB_OK;
    if (!run->criterion->direction)
        memcpy(product->direction, run->mean_gradients, run->network->graph->value_count * sizeof(float));
    else
        memset(product->direction, 0, run->network->graph->value_count * sizeof(float));
    for (uint32_t i = 0; run->criterion->direction && i < run->layers.count && status == PB_OK; i++)
        status = call_direction(run, product, i);
    return status;
}

static double squares(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i] * (double)values[i];
    return sum;
}

/* ε = hessian_step · ‖w‖/‖v‖, over the parameter arrays in which v is not zero. */
static enum pb_status choose_step(const struct pb_criterion_run *run, struct product *product)
{
    const struct pb_graph *graph = run->network->graph;
    double length = 0, moved = 0;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        const double part = squares(product->direction + parameter->offset, parameter->count);
        length += part;
        moved += part > 0 ? squares(run->network->values + parameter->offset, parameter->count) : 0;
    }
    product->step = run->criterion->hessian_step * sqrt(moved / length);
    if (product->step > 0 && isfinite(product->step))
        return PB_OK;
    return pb_fail(
        run->error, PB_ERROR_RUN,
        "criterion '%s': direction %u has a length of %g and the parameters that it moves one of %g; both must "
        "be finite and above 0",
        run->name, product->index, sqrt(length), sqrt(moved));
}

static enum pb_status add_batch(struct pb_criterion_run *run, const struct pb_calibration_batch *batch, void *context)
{
    struct product *product = context;
    const enum pb_status status = pb_pass_backward(run, batch);
    product->examples += batch->examples.count;
    return status ? status
                  : pb_gradient_sum_add(&product->sum, run->engine, product->sign * batch->examples.count, run->error);
}

/* Gradients at w + sign·ε·v, added with that sign. */
static enum pb_status pass_beside(struct pb_criterion_run *run, struct product *product, double sign)
{
    product->sign = sign;
    for (size_t i = 0; i < run->network->graph->value_count; i++)
        if (product->direction[i] != 0) /* running statistics and what does not move keep their bits */
            product->point->values[i] =
                (float)((double)run->network->values[i] + sign * product->step * (double)product->direction[i]);
    const enum pb_status status = pb_pass_move(run, product->point);
    return status ? status : pb_pass(run, add_batch, product);
}

static enum pb_status differentiate(struct pb_criterion_run *run, struct product *product)
{
    product->examples = 0;
    memset(product->sum.sum, 0, run->network->graph->value_count * sizeof *product->sum.sum);
    enum pb_status status = pass_beside(run, product, 1);
    if (status == PB_OK)
        status = pass_beside(run, product, -1);
    if (status == PB_OK)
        status = pb_pass_move(run, run->network);
    if (status == PB_OK) /* examples: of both passes */
        pb_gradient_sum_divide(&product->sum, product->step * (double)product->examples, product->result);
    if (status == PB_OK && pb_check_finite_parameters(run->network->graph, product->result, "the Hessian product with ",
                                                      run->error) != PB_OK)
        status = pb_fail_context(run->error, "criterion '%s'", run->name);
    return status;
}

static enum pb_status show_product(struct pb_criterion_run *run, struct product *product, uint32_t layer)
{
    const struct pb_layer_view view = pb_criterion_layer(run, layer), *shown = NULL;
    const float *parts[2 * PARTS] = {NULL};
    for (size_t k = 0; k < 2 * PARTS; k++) {
        const uint32_t number = part_parameter(run, layer, k % PARTS);
        if (number == PB_NO_PARAMETER)
            continue;
        const struct pb_parameter *parameter = &run->network->graph->parameters[number];
        parts[k] = pb_guarded_copy(&product->parts[k], part_names[k % PARTS],
                                   (k < PARTS ? product->direction : product->result) + parameter->offset,
                                   parameter->count, sizeof(float));
        if (!parts[k])
            return pb_fail_memory(run->error, parameter->count * sizeof(float));
    }
    const struct pb_product_view result = {.size = sizeof result,
                                           .product = product->index,
                                           .products = product->count,
                                           .step = product->step,
                                           .weight_direction = parts[0],
                                           .bias_direction = parts[1],
                                           .gamma_direction = parts[2],
                                           .beta_direction = parts[3],
                                           .weight_product = parts[4],
                                           .bias_product = parts[5],
                                           .gamma_product = parts[6],
                                           .beta_product = parts[7]};
    const struct pb_product_view *given = pb_guarded_copy(&product->view, "the product", &result, 1, sizeof result);
    if (!given)
        return pb_fail_memory(run->error, sizeof result);
    const enum pb_status status = pb_criterion_enter(run, "observe_product", &view, &shown);
    return status ? status : pb_criterion_leave(run, run->criterion->observe_product(run->self, shown, given));
}

static uint32_t count_products(struct pb_criterion_run *run)
{
    if (!run->criterion->products)
        return 1;
    pb_place_enter(run->host.name, "products");
    const uint32_t count = run->criterion->products(run->self);
    pb_place_leave();
    return count;
}

enum pb_status pb_criterion_products(struct pb_criterion_run *run)
{
    struct product product = {.count = count_products(run)};
    enum pb_status status = open_product(run, &product);
    for (; product.index < product.count && status == PB_OK; product.index++) {
        status = make_direction(run, &product);
        if (status == PB_OK)
            status = choose_step(run, &product);
        if (status == PB_OK)
            status = differentiate(run, &product);
        for (uint32_t i = 0; i < run->layers.count && status == PB_OK; i++)
            status = show_product(run, &product, i);
    }
    run->point = run->network; /* also after a failure: point is freed */
    close_product(&product);
    return status;
}

enum pb_status pb_criterion_count_products(const struct pb_loaded *loaded, const struct pb_options *options,
                                           const struct pb_network *network, bool weights, uint32_t *count,
                                           struct pb_error *error)
{
    struct pb_criterion_run run;
    struct pb_channel_groups groups = {0};
    uint32_t found = 0;
    if (!(pb_criterion_asks(loaded->plugin->criterion) & PB_DATA_HESSIAN_PRODUCTS)) {
        *count = 0;
        return PB_OK;
    }
    enum pb_status status = pb_channel_groups_find(network->graph, &groups, error);
    if (status != PB_OK)
        return status;
    status = pb_criterion_open_unobserved(&run, loaded, options, network, &groups, weights, error);
    if (status == PB_OK)
        found = count_products(&run);
    status = pb_criterion_close(&run, status);
    pb_channel_groups_free(&groups);
    if (status == PB_OK)
        *count = found;
    return status;
}
