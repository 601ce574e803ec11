/* The backward pass, node by node from the loss to the first layer. */
#include "engine/engine_internal.h"

/* Where the backward pass of a node with one input writes dx: in the input's gradient or, when others were there first or
 * nobody wants it, beside it. */
static struct pb_view target(const struct pb_engine *engine, uint32_t i)
{
    const struct pb_node_plan *planned = &engine->plan.nodes[i];
    if (planned->first[0])
        return pb_gradient_view(engine, engine->graph->nodes[i].inputs[0]);
    return planned->scratch != PB_NO_STORAGE ? pb_storage_view(engine, planned->scratch) : pb_gradient_view(engine, i);
}

static bool wants_gradient(const struct pb_engine *engine, uint32_t node)
{
    return engine->plan.nodes[node].gradient != PB_NO_STORAGE && !(engine->trunk_frozen && node < engine->plan.head);
}

static enum pb_status weights_backward(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_view x = pb_value_view(engine, node->inputs[0]), dy = pb_gradient_view(engine, i);
    const struct pb_view dw = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_WEIGHT);
    const struct pb_view dbias = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BIAS);
    if (node->op == PB_OP_CONV2D)
        return PB_OPERATE(conv_backward_weights, engine->convolutions[i], x, dy, dw, dbias,
                          (struct pb_view){.buffer = engine->workspace});
    if (node->op == PB_OP_LINEAR)
        return PB_OPERATE(linear_backward_weights, engine->options.batch,
                          pb_shape_count(engine->graph->nodes[node->inputs[0]].shape), node->shape.channels, x, dy, dw,
                          dbias);
    return PB_OK;
}

/* Computes γ's and β's gradients as well, so it runs even where nobody wants dx. */
static enum pb_status batch_norm_backward(struct pb_engine *engine, uint32_t i, struct pb_view dx,
                                          struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_node_plan *planned = &engine->plan.nodes[i];
    const struct pb_view x = pb_value_view(engine, node->inputs[0]), y = pb_value_view(engine, i);
    const struct pb_view gamma = pb_parameter_view(engine, engine->values, i, PB_ROLE_GAMMA);
    const struct pb_view dgamma = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_GAMMA);
    const struct pb_view dbeta = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BETA);
    const struct pb_view dy = pb_gradient_view(engine, i);
    const size_t rows = pb_row_count(engine, i);
    const bool statistics = pb_uses_batch_statistics(engine, i, engine->options.mode == PB_ENGINE_TRAIN);
    if (planned->pool != PB_NO_PARAMETER)
        return PB_OPERATE(bn_relu_pool_backward, &engine->pools[planned->pool], x, gamma,
                          pb_parameter_view(engine, engine->values, i, PB_ROLE_BETA),
                          pb_storage_view(engine, planned->saved[0]), pb_storage_view(engine, planned->saved[1]), dy,
                          dx, dgamma, dbeta);
    if (statistics && planned->with_relu && engine->device->ops.bn_relu_backward)
        return PB_OPERATE(bn_relu_backward, rows, node->shape.channels, x, gamma,
                          pb_parameter_view(engine, engine->values, i, PB_ROLE_BETA),
                          pb_storage_view(engine, planned->saved[0]), pb_storage_view(engine, planned->saved[1]), dy,
                          dx, dgamma, dbeta);
    if (statistics)
        return PB_OPERATE(bn_backward, rows, node->shape.channels, planned->with_relu, x, y, gamma,
                          pb_storage_view(engine, planned->saved[0]), pb_storage_view(engine, planned->saved[1]), dy,
                          dx, dgamma, dbeta);
    return PB_OPERATE(bn_evaluate_backward, rows, node->shape.channels, node->attributes.bn.eps, planned->with_relu, x,
                      y, gamma, pb_parameter_view(engine, engine->values, i, PB_ROLE_RUNNING_MEAN),
                      pb_parameter_view(engine, engine->values, i, PB_ROLE_RUNNING_VAR), dy, dx, dgamma, dbeta);
}

/* Both inputs of an addition receive its gradient; where one shares its memory, that one comes last. */
static enum pb_status add_backward(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_node_plan *nodes = engine->plan.nodes;
    const size_t count = pb_output_count(engine, i);
    for (uint32_t slot = 0; slot < 2; slot++) {
        const uint32_t input = node->inputs[slot];
        const struct pb_view gradient = pb_gradient_view(engine, input);
        if (!wants_gradient(engine, input) || nodes[input].gradient == nodes[i].gradient)
            continue;
        enum pb_status status = nodes[i].first[slot] ? PB_OPERATE(fill, gradient, 0, count) : PB_OK;
        if (!status)
            status = PB_OPERATE(accumulate, count, pb_gradient_view(engine, i), gradient);
        if (status)
            return status;
    }
    return PB_OK;
}

/* dx of an operator with one input. */
static enum pb_status input_backward(struct pb_engine *engine, uint32_t i, struct pb_view dx, struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_shape in = engine->graph->nodes[node->inputs[0]].shape;
    const struct pb_view x = pb_value_view(engine, node->inputs[0]), y = pb_value_view(engine, i);
    const struct pb_view dy = pb_gradient_view(engine, i);
    const struct pb_view w = pb_parameter_view(engine, engine->values, i, PB_ROLE_WEIGHT);
    const struct pb_view saved = pb_storage_view(engine, engine->plan.nodes[i].saved[0]);
    const uint32_t batch = engine->options.batch;
    switch (node->op) {
    case PB_OP_CONV2D:
        return PB_OPERATE(conv_backward_data, engine->convolutions[i], dy, w, dx,
                          (struct pb_view){.buffer = engine->workspace});
    case PB_OP_BATCH_NORM:
        return batch_norm_backward(engine, i, dx, error);
    case PB_OP_RELU:
        return PB_OPERATE(relu_backward, pb_output_count(engine, i), y, dy, dx);
    case PB_OP_MAX_POOL:
        return PB_OPERATE(max_pool_backward, &engine->pools[i], x, y, dy, dx);
    case PB_OP_AVG_POOL:
        return PB_OPERATE(avg_pool_backward, &engine->pools[i], dy, dx);
    case PB_OP_BILINEAR_POOL:
        return PB_OPERATE(bilinear_backward, batch, (size_t)in.height * in.width, in.channels, x, dy, dx);
    case PB_OP_SIGNED_SQRT:
        return PB_OPERATE(signed_sqrt_backward, pb_output_count(engine, i), node->attributes.eps, x, dy, dx);
    case PB_OP_L2_NORM:
        return PB_OPERATE(l2_norm_backward, batch, pb_shape_count(node->shape), y, saved, dy, dx);
    case PB_OP_LINEAR:
        return PB_OPERATE(linear_backward_data, batch, pb_shape_count(in), node->shape.channels, dy, w, dx);
    case PB_OP_DROPOUT:
        return PB_OPERATE(multiply, pb_output_count(engine, i), dy, saved, dx);
    case PB_OP_INPUT:
    case PB_OP_ADD:
        break;
    }
    return pb_fail(error, PB_ERROR_UNSUPPORTED, "operator %d has no backward pass", (int)node->op);
}

static enum pb_status data_backward(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const uint32_t input = node->inputs[0];
    if (node->op == PB_OP_ADD)
        return add_backward(engine, i, error);
    if (engine->plan.nodes[i].skipped || (node->op != PB_OP_BATCH_NORM && !wants_gradient(engine, input)))
        return PB_OK;
    const enum pb_status status = input_backward(engine, i, target(engine, i), error);
    if (status || engine->plan.nodes[i].first[0] || !wants_gradient(engine, input))
        return status;
    return PB_OPERATE(accumulate, pb_output_count(engine, input), target(engine, i), pb_gradient_view(engine, input));
}

static enum pb_status timed(struct pb_engine *engine, uint32_t i, enum pb_pass pass, struct pb_error *error)
{
    const double start = pb_clock();
    pb_place_node(engine->device->host.name, engine->graph->nodes[i].name, start);
    enum pb_status status =
        pass == PB_PASS_BACKWARD_DATA ? data_backward(engine, i, error) : weights_backward(engine, i, error);
    if (!status)
        status = pb_engine_wait(engine, error);
    pb_engine_clock(engine, start, pb_node_phase(engine->graph->nodes[i].op, pass), i, pass);
    return status;
}

enum pb_status pb_run_backward(struct pb_engine *engine, struct pb_error *error)
{
    for (uint32_t i = engine->graph->node_count; i-- > 1;) {
        if (!wants_gradient(engine, i))
            continue;
        enum pb_status status = timed(engine, i, PB_PASS_BACKWARD_WEIGHTS, error);
        if (!status)
            status = timed(engine, i, PB_PASS_BACKWARD_DATA, error);
        if (status)
            return pb_fail_context(error, "node '%s'", engine->graph->nodes[i].name);
    }
    return PB_OK;
}
