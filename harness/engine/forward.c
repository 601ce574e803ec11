/* The forward pass, node by node. */
#include "engine/engine_internal.h"

#include <stdio.h>

#include "base/rng.h"

static enum pb_status run_batch_norm(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_node_plan *planned = &engine->plan.nodes[i];
    const struct pb_view x = pb_value_view(engine, node->inputs[0]), y = pb_value_view(engine, i);
    const struct pb_view gamma = pb_parameter_view(engine, engine->values, i, PB_ROLE_GAMMA);
    const struct pb_view beta = pb_parameter_view(engine, engine->values, i, PB_ROLE_BETA);
    const struct pb_view mean = pb_parameter_view(engine, engine->values, i, PB_ROLE_RUNNING_MEAN);
    const struct pb_view variance = pb_parameter_view(engine, engine->values, i, PB_ROLE_RUNNING_VAR);
    const double eps = node->attributes.bn.eps;
    if (pb_uses_batch_statistics(engine, i, training))
        return PB_OPERATE(bn_forward, pb_row_count(engine, i), node->shape.channels, eps, node->attributes.bn.momentum,
                          planned->with_relu, x, gamma, beta, mean, variance,
                          pb_storage_view(engine, planned->saved[0]), pb_storage_view(engine, planned->saved[1]), y);
    return PB_OPERATE(bn_evaluate, pb_row_count(engine, i), node->shape.channels, eps, planned->with_relu, x, gamma,
                      beta, mean, variance, y);
}

/* A convolution and the batch norm that is computed with it. */
static enum pb_status run_normalised_convolution(struct pb_engine *engine, uint32_t i, bool training,
                                                 struct pb_error *error)
{
    const uint32_t norm = engine->plan.nodes[i].norm;
    const struct pb_node_plan *planned = &engine->plan.nodes[norm];
    const bool pools = planned->pool != PB_NO_PARAMETER;
    const struct pb_view x = pb_value_view(engine, engine->graph->nodes[i].inputs[0]);
    const struct pb_view y = pb_value_view(engine, pools ? planned->pool : norm);
    const struct pb_view w = pb_filters_view(engine, i), workspace = {.buffer = engine->workspace};
    const struct pb_view bias = pb_parameter_view(engine, engine->values, i, PB_ROLE_BIAS);
    const struct pb_conv_norm arguments = {
        .size = sizeof arguments,
        .eps = engine->graph->nodes[norm].attributes.bn.eps,
        .momentum = engine->graph->nodes[norm].attributes.bn.momentum,
        .relu = planned->with_relu,
        .gamma = pb_parameter_view(engine, engine->values, norm, PB_ROLE_GAMMA),
        .beta = pb_parameter_view(engine, engine->values, norm, PB_ROLE_BETA),
        .running_mean = pb_parameter_view(engine, engine->values, norm, PB_ROLE_RUNNING_MEAN),
        .running_var = pb_parameter_view(engine, engine->values, norm, PB_ROLE_RUNNING_VAR),
        .saved_mean = pb_storage_view(engine, planned->saved[0]),
        .saved_inv_std = pb_storage_view(engine, planned->saved[1]),
        .convolved = pb_value_view(engine, i),
        .pool = pools ? &engine->pools[planned->pool] : NULL};
    const bool statistics = pb_uses_batch_statistics(engine, norm, training);
    if (statistics && engine->device->ops.conv_norm_forward)
        return PB_OPERATE(conv_norm_forward, engine->convolutions[i], x, w, bias, &arguments, y, workspace);
    if (!statistics && engine->device->ops.conv_norm_evaluate)
        return PB_OPERATE(conv_norm_evaluate, engine->convolutions[i], x, w, bias, &arguments, y, workspace);
    const enum pb_status status =
        PB_OPERATE(conv_forward, engine->convolutions[i], x, w, bias, arguments.convolved, workspace);
    return status ? status : run_batch_norm(engine, norm, training, error);
}

static enum pb_status run_convolution(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    if (engine->plan.nodes[i].norm != PB_NO_PARAMETER)
        return run_normalised_convolution(engine, i, training, error);
    return PB_OPERATE(conv_forward, engine->convolutions[i], pb_value_view(engine, engine->graph->nodes[i].inputs[0]),
                      pb_filters_view(engine, i), pb_parameter_view(engine, engine->values, i, PB_ROLE_BIAS),
                      pb_value_view(engine, i), (struct pb_view){.buffer = engine->workspace});
}

/* A mask of this step: seed, step and node decide it, so that a stopped training goes on with the same ones. */
static enum pb_status draw_mask(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const size_t count = pb_output_count(engine, i);
    const double drop = node->attributes.dropout;
    const float kept = (float)(1 / (1 - drop));
    char name[96];
    struct pb_rng rng;
    snprintf(name, sizeof name, "dropout/%s/%llu", node->name, (unsigned long long)engine->step);
    pb_rng_init(&rng, engine->options.seed, name);
    for (size_t k = 0; k < count; k++)
        engine->staging[k] = pb_rng_uniform(&rng) < drop ? 0 : kept;
    return PB_OPERATE(upload, pb_storage_view(engine, engine->plan.nodes[i].saved[0]), engine->staging, count);
}

static enum pb_status run_dropout(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    const struct pb_node_plan *planned = &engine->plan.nodes[i];
    const struct pb_view mask = pb_storage_view(engine, planned->saved[0]);
    enum pb_status status;
    if (pb_uses_batch_statistics(engine, i, training))
        status = draw_mask(engine, i, error);
    else if (planned->in_place)
        return PB_OK;
    else
        status = PB_OPERATE(fill, mask, 1, pb_output_count(engine, i));
    if (status)
        return status;
    return PB_OPERATE(multiply, pb_output_count(engine, i), pb_value_view(engine, engine->graph->nodes[i].inputs[0]),
                      mask, pb_value_view(engine, i));
}

static enum pb_status run_node(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_shape in = engine->graph->nodes[node->inputs[0]].shape;
    const struct pb_view x = pb_value_view(engine, node->inputs[0]), y = pb_value_view(engine, i);
    const uint32_t batch = engine->options.batch;
    switch (node->op) {
    case PB_OP_INPUT:
        return PB_OK;
    case PB_OP_CONV2D:
        return run_convolution(engine, i, training, error);
    case PB_OP_BATCH_NORM:
        return engine->plan.nodes[i].with_convolution ? PB_OK : run_batch_norm(engine, i, training, error);
    case PB_OP_RELU:
        return engine->plan.nodes[i].skipped ? PB_OK : PB_OPERATE(relu_forward, pb_output_count(engine, i), x, y);
    case PB_OP_MAX_POOL:
        return engine->plan.nodes[i].skipped ? PB_OK : PB_OPERATE(max_pool_forward, &engine->pools[i], x, y);
    case PB_OP_AVG_POOL:
        return PB_OPERATE(avg_pool_forward, &engine->pools[i], x, y);
    case PB_OP_ADD:
        return PB_OPERATE(add_forward, pb_output_count(engine, i), x, pb_value_view(engine, node->inputs[1]), y);
    case PB_OP_BILINEAR_POOL:
        return PB_OPERATE(bilinear_forward, batch, (size_t)in.height * in.width, in.channels, x, y);
    case PB_OP_SIGNED_SQRT:
        return PB_OPERATE(signed_sqrt_forward, pb_output_count(engine, i), node->attributes.eps, x, y);
    case PB_OP_L2_NORM:
        return PB_OPERATE(l2_norm_forward, batch, pb_shape_count(node->shape), x, y,
                          pb_storage_view(engine, engine->plan.nodes[i].saved[0]));
    case PB_OP_LINEAR:
        return PB_OPERATE(linear_forward, batch, pb_shape_count(in), node->shape.channels, x,
                          pb_parameter_view(engine, engine->values, i, PB_ROLE_WEIGHT),
                          pb_parameter_view(engine, engine->values, i, PB_ROLE_BIAS), y);
    case PB_OP_DROPOUT:
        return run_dropout(engine, i, training, error);
    }
    return pb_fail(error, PB_ERROR_UNSUPPORTED, "operator %d cannot be run", (int)node->op);
}

enum pb_status pb_run_forward_node(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    const double start = pb_clock();
    pb_place_node(engine->device->host.name, engine->graph->nodes[i].name, start);
    enum pb_status status = run_node(engine, i, training, error);
    if (!status)
        status = pb_engine_wait(engine, error);
    if (status)
        return pb_fail_context(error, "node '%s'", engine->graph->nodes[i].name);
    pb_engine_clock(engine, start, pb_node_phase(engine->graph->nodes[i].op, PB_PASS_FORWARD), i, PB_PASS_FORWARD);
    return PB_OK;
}

enum pb_status pb_run_forward(struct pb_engine *engine, bool training, struct pb_error *error)
{
    enum pb_status status = pb_filters_update(engine, error);
    for (uint32_t i = 0; i < engine->graph->node_count && !status; i++)
        status = pb_run_forward_node(engine, i, training, error);
    return status;
}
