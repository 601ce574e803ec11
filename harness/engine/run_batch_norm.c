/* Batch normalisation, with the ReLU behind it where the two are computed together. */
#include "engine/run_batch_norm.h"

#include "engine/run_table.h"

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
                                    .dbeta = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BETA)};
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

const struct pb_engine_operator pb_run_batch_norm = {
    .phases = {PB_PHASE_NORM, PB_PHASE_NORM, PB_PHASE_NORM},
    .ask = ask,
    .forward = pb_batch_norm_forward,
    .backward = backward,
    .reads_input = true,
    .always_backward = true,
    .in_place = PB_IN_PLACE_INFERRING,
    .gradient_in_place = true,
    .saved = saved,
};
