/* Convolution, alone or together with the batch norm and the pooling behind it. */
#include "engine/run_table.h"
#include "engine/run_batch_norm.h"

enum { ALIGNED_FLOATS = 16 }; /* views are aligned to 64 bytes */

static struct pb_conv_shape conv_shape(const struct pb_engine *engine, uint32_t i)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_conv_attributes *conv = &node->attributes.conv;
    const struct pb_shape in = engine->graph->nodes[node->inputs[0]].shape;
    return (struct pb_conv_shape){.size = sizeof(struct pb_conv_shape),
                                  .batch = engine->options.batch,
                                  .height = in.height,
                                  .width = in.width,
                                  .channels = in.channels,
                                  .filters = node->shape.channels,
                                  .kernel_height = conv->kernel[0],
                                  .kernel_width = conv->kernel[1],
                                  .stride_height = conv->stride[0],
                                  .stride_width = conv->stride[1],
                                  .pad_height = conv->pad[0],
                                  .pad_width = conv->pad[1],
                                  .dilation_height = conv->dilation[0],
                                  .dilation_width = conv->dilation[1],
                                  .groups = conv->groups,
                                  .output_height = node->shape.height,
                                  .output_width = node->shape.width,
                                  .training = engine->options.mode != PB_ENGINE_INFER};
}

static enum pb_status prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_conv_shape shape = conv_shape(engine, i);
    struct pb_device *device = engine->device;
    if (PB_OPERATE(conv_plan_create, &shape, &engine->convolutions[i]))
        return pb_fail_context(error, "node '%s'", engine->graph->nodes[i].name);
    const size_t floats = PB_CALL(device, conv_workspace, engine->convolutions[i]);
    if (floats > engine->workspace_floats)
        engine->workspace_floats = floats;
    if (shape.training || !device->ops.conv_filter_floats.call)
        return PB_OK;
    struct pb_filters *filters = &engine->filters[i];
    filters->offset = engine->transformed_floats;
    filters->floats = PB_CALL(device, conv_filter_floats, engine->convolutions[i]);
    engine->transformed_floats += (filters->floats + ALIGNED_FLOATS - 1) / ALIGNED_FLOATS * ALIGNED_FLOATS;
    return PB_OK;
}

static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    asked->kind = PB_OPERATOR_CONV;
    asked->conv = engine->convolutions[i];
}

static struct pb_view transformed(const struct pb_engine *engine, uint32_t i)
{
    return (struct pb_view){.buffer = engine->transformed, .offset = engine->filters[i].offset};
}

/* The filters that a convolution's forward pass takes. */
static struct pb_view filters(const struct pb_engine *engine, uint32_t i)
{
    return engine->filters[i].floats ? transformed(engine, i)
                                     : pb_parameter_view(engine, engine->values, i, PB_ROLE_WEIGHT);
}

static struct pb_conv_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    return (struct pb_conv_arguments){.size = sizeof(struct pb_conv_arguments),
                                      .plan = engine->convolutions[i],
                                      .x = pb_value_view(engine, engine->graph->nodes[i].inputs[0]),
                                      .w = pb_parameter_view(engine, engine->values, i, PB_ROLE_WEIGHT),
                                      .bias = pb_parameter_view(engine, engine->values, i, PB_ROLE_BIAS),
                                      .y = pb_value_view(engine, i),
                                      .dy = pb_gradient_view(engine, i),
                                      .dw = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_WEIGHT),
                                      .dbias = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BIAS),
                                      .workspace = {.buffer = engine->workspace}};
}

enum pb_status pb_filters_update(struct pb_engine *engine, struct pb_error *error)
{
    for (uint32_t i = 0; engine->transformed_stale && i < engine->graph->node_count; i++) {
        if (!engine->filters[i].floats)
            continue;
        struct pb_conv_arguments arguments = arguments_of(engine, i);
        arguments.filters = transformed(engine, i);
        if (PB_OPERATE(conv_filter_transform, &arguments))
            return pb_fail_context(error, "node '%s'", engine->graph->nodes[i].name);
    }
    engine->transformed_stale = false;
    return PB_OK;
}

/* A convolution, the batch norm behind it, and the pooling behind that where it is computed with them. */
static enum pb_status forward_normalised(struct pb_engine *engine, uint32_t i, const struct pb_conv_arguments *conv,
                                         bool training, struct pb_error *error)
{
    const uint32_t norm = engine->layout.nodes[i].norm, pool = engine->layout.nodes[norm].pool;
    const struct pb_bn_arguments bn = pb_batch_norm_arguments(engine, norm);
    struct pb_pool_arguments pooling = {.size = sizeof pooling, .x = bn.y};
    if (pool != PB_NO_PARAMETER) {
        pooling.shape = &engine->pools[pool];
        pooling.y = pb_value_view(engine, pool);
    }
    const struct pb_conv_norm_arguments arguments = {
        .size = sizeof arguments, .conv = conv, .norm = &bn, .pool = pooling.shape ? &pooling : NULL};
    const bool statistics = pb_uses_batch_statistics(engine, norm, training);
    if (statistics && engine->device->ops.conv_norm_forward.call)
        return PB_OPERATE(conv_norm_forward, &arguments);
    if (!statistics && engine->device->ops.conv_norm_evaluate.call)
        return PB_OPERATE(conv_norm_evaluate, &arguments);
    const enum pb_status status = PB_OPERATE(conv_forward, conv);
    return status ? status : pb_batch_norm_forward(engine, norm, training, error);
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    struct pb_conv_arguments arguments = arguments_of(engine, i);
    arguments.w = filters(engine, i);
    if (engine->layout.nodes[i].norm != PB_NO_PARAMETER)
        return forward_normalised(engine, i, &arguments, training, error);
    return PB_OPERATE(conv_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_conv_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(conv_backward_data, &arguments);
}

static enum pb_status backward_weights(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_conv_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(conv_backward_weights, &arguments);
}

const struct pb_engine_operator pb_run_conv2d = {
    .phases = {PB_PHASE_CONV_FORWARD, PB_PHASE_CONV_BACKWARD_DATA, PB_PHASE_CONV_BACKWARD_WEIGHTS},
    .prepare = prepare,
    .ask = ask,
    .forward = forward,
    .backward = backward,
    .backward_weights = backward_weights,
    .reads_input = true,
};
