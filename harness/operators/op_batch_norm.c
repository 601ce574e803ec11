/* Batch normalisation, with the ReLU or ReLU6 behind it where the two are computed together. */
#include "operators/op_batch_norm.h"

#include <math.h>

#include "engine/engine_operator.h"
#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {
    PB_ATTRIBUTE(REAL, "eps", eps), PB_ATTRIBUTE(REAL, "momentum", momentum), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    static const enum pb_role roles[] = {PB_ROLE_GAMMA, PB_ROLE_BETA, PB_ROLE_RUNNING_MEAN, PB_ROLE_RUNNING_VAR};
    if (!(asked->eps >= 0) || !isfinite(asked->eps) || !(asked->momentum >= 0 && asked->momentum <= 1))
        return pb_refuse(addition, "eps must be at least 0 and momentum from 0 to 1");
    addition->node.shape = addition->in[0];
    addition->node.attributes.bn = (struct pb_bn_attributes){.eps = asked->eps, .momentum = asked->momentum};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0] && status == PB_OK; i++)
        status = pb_add_parameter(addition, roles[i], 1, (const size_t[]){addition->in[0].channels});
    return status;
}

static void describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->eps = node->attributes.bn.eps;
    description->momentum = node->attributes.bn.momentum;
}

static void initialise(const struct pb_graph *graph, const struct pb_parameter *parameter, float *values,
                       struct pb_rng *rng)
{
    (void)graph, (void)rng;
    const bool one = parameter->role == PB_ROLE_GAMMA || parameter->role == PB_ROLE_RUNNING_VAR;
    for (size_t i = 0; i < parameter->count; i++)
        values[i] = one ? 1 : 0;
}

struct pb_bn_arguments pb_batch_norm_arguments(const struct pb_engine *engine, uint32_t i)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_node_layout *layout = &engine->layout.nodes[i];
    return (struct pb_bn_arguments){.size = sizeof(struct pb_bn_arguments),
                                    .rows = pb_row_count(engine, i),
                                    .channels = node->shape.channels,
                                    .relu = layout->with_relu,
                                    .eps = node->attributes.bn.eps,
                                    .momentum = node->attributes.bn.momentum,
                                    .x = pb_value_view(engine, node->inputs[0]),
                                    .gamma = pb_parameter_view(engine, engine->values, i, PB_ROLE_GAMMA),
                                    .beta = pb_parameter_view(engine, engine->values, i, PB_ROLE_BETA),
                                    .running_mean = pb_parameter_view(engine, engine->values, i, PB_ROLE_RUNNING_MEAN),
                                    .running_var = pb_parameter_view(engine, engine->values, i, PB_ROLE_RUNNING_VAR),
                                    .y = pb_value_view(engine, i),
                                    .saved_mean = pb_storage_view(engine, layout->saved[0]),
                                    .saved_inv_std = pb_storage_view(engine, layout->saved[1]),
                                    .dy = pb_gradient_view(engine, i),
                                    .dgamma = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_GAMMA),
                                    .dbeta = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BETA),
                                    .ceiling = layout->ceiling};
}

static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    (void)engine, (void)i;
    asked->kind = PB_OPERATOR_BATCH_NORM;
}

enum pb_status pb_batch_norm_forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    const struct pb_bn_arguments arguments = pb_batch_norm_arguments(engine, i);
    if (pb_uses_batch_statistics(engine, i, training))
        return PB_OPERATE(bn_forward, &arguments);
    return PB_OPERATE(bn_evaluate, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    const struct pb_node_layout *layout = &engine->layout.nodes[i];
    const bool statistics = pb_uses_batch_statistics(engine, i, engine->options.mode == PB_ENGINE_TRAIN);
    struct pb_bn_arguments arguments = pb_batch_norm_arguments(engine, i);
    arguments.dx = dx;
    if (layout->pool != PB_NO_PARAMETER) { /* its own gradient is the pooled one */
        const struct pb_pool_arguments pool = {
            .size = sizeof pool, .shape = &engine->pools[layout->pool], .dy = arguments.dy};
        return PB_OPERATE(bn_relu_pool_backward,
                          &(struct pb_norm_pool_arguments){
                              .size = sizeof(struct pb_norm_pool_arguments), .norm = &arguments, .pool = &pool});
    }
    if (statistics && layout->with_relu && engine->device->ops.bn_relu_backward.call)
        return PB_OPERATE(bn_relu_backward, &arguments);
    if (statistics)
        return PB_OPERATE(bn_backward, &arguments);
    return PB_OPERATE(bn_evaluate_backward, &arguments);
}

/* Mean and 1/σ of the batch. */
static void saved(const struct pb_graph *graph, uint32_t i, const struct pb_engine_options *options,
                  struct pb_saved *saved)
{
    if (options->mode == PB_ENGINE_TRAIN)
        saved->floats[0] = saved->floats[1] = graph->nodes[i].shape.channels;
}

const struct pb_graph_operator pb_op_batch_norm = {
    .slot = "bn_evaluate",
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .describe = describe,
    .channels = PB_CHANNELS_IDENTITY,
    .initialise = initialise,
    .norm = true,
    .before_activation = true,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_NORM, PB_PHASE_NORM, PB_PHASE_NORM},
            .ask = ask,
            .forward = pb_batch_norm_forward,
            .backward = backward,
            .reads_input = true,
            .always_backward = true,
            .in_place = PB_IN_PLACE_INFERRING,
            .gradient_in_place = true,
            .saved = saved,
        },
};
