/* Convolution, alone or together with the batch norm and the pooling behind it. */
#include <math.h>

#include "engine/engine_operator.h"
#include "graph/cost.h"
#include "operators/op_batch_norm.h"
#include "operators/op_conv2d.h"
#include "operators/pooling.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "channels", channels),
                                                 PB_ATTRIBUTE(PAIR, "kernel", conv.kernel),
                                                 PB_ATTRIBUTE(PAIR, "stride", conv.stride),
                                                 PB_ATTRIBUTE(PAIR, "pad", conv.pad),
                                                 PB_ATTRIBUTE(PAIR, "dilation", conv.dilation),
                                                 PB_ATTRIBUTE(COUNT, "groups", conv.groups),
                                                 PB_ATTRIBUTE(FLAG, "depthwise", conv.depthwise),
                                                 PB_ATTRIBUTE(MARK, "grouped", conv.grouped),
                                                 PB_ATTRIBUTE(FLAG, "bias", bias),
                                                 {0}};

static enum pb_status infer_attributes(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    struct pb_conv_attributes *conv = &addition->node.attributes.conv;
    const uint32_t channels = addition->in[0].channels, filters = asked->channels;
    *conv = asked->conv;
    for (int side = 0; side < 2; side++) {
        conv->stride[side] = conv->stride[side] ? conv->stride[side] : 1;
        conv->dilation[side] = conv->dilation[side] ? conv->dilation[side] : 1;
        if (!conv->kernel[side])
            return pb_refuse(addition, "the kernel's sides must be at least 1");
    }
    conv->groups = conv->groups ? conv->groups : 1;
    if (!filters)
        return pb_refuse(addition, "needs at least one filter");
    if (channels % conv->groups || filters % conv->groups)
        return pb_refuse(addition, "input channels and filters must be multiples of the groups");
    const bool per_channel = conv->groups == channels && conv->groups == filters;
    if (conv->depthwise && !per_channel)
        return pb_refuse(addition, "a depthwise convolution has as many groups and filters as input channels");
    conv->depthwise = conv->depthwise || (per_channel && conv->groups > 1 && !conv->grouped);
    conv->grouped = conv->groups > 1 && !conv->depthwise;
    return PB_OK;
}

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    const struct pb_conv_attributes *conv = &addition->node.attributes.conv;
    const struct pb_shape in = addition->in[0];
    struct pb_shape *out = &addition->node.shape;
    enum pb_status status = infer_attributes(addition, asked);
    if (status != PB_OK)
        return status;
    out->channels = asked->channels;
    if (!pb_window_output(in.height, conv->kernel[0], conv->stride[0], conv->pad[0], conv->dilation[0], &out->height) ||
        !pb_window_output(in.width, conv->kernel[1], conv->stride[1], conv->pad[1], conv->dilation[1], &out->width))
        return pb_refuse(addition, "the kernel is larger than the padded input; use larger images");
    const size_t dims[] = {asked->channels, conv->kernel[0], conv->kernel[1], in.channels / conv->groups};
    status = pb_add_parameter(addition, PB_ROLE_WEIGHT, 4, dims);
    return status != PB_OK || !asked->bias ? status : pb_add_parameter(addition, PB_ROLE_BIAS, 1, dims);
}

static void describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->conv = node->attributes.conv;
}

static enum pb_channel_rule channels_of(const struct pb_node *node)
{
    const struct pb_conv_attributes *conv = &node->attributes.conv;
    return conv->depthwise ? PB_CHANNELS_IDENTITY : conv->grouped ? PB_CHANNELS_GROUPED : PB_CHANNELS_NEW;
}

static void resize(struct pb_graph_node *description, uint32_t filters)
{
    description->channels = filters;
    if (description->conv.depthwise)
        description->conv.groups = filters;
}

static void axes(const struct pb_graph *graph, const struct pb_parameter *weight, struct pb_weight_axes *axes)
{
    axes->height = (uint32_t)weight->dims[1];
    axes->width = (uint32_t)weight->dims[2];
    axes->channels = (uint32_t)weight->dims[3];
    const struct pb_node *node = &graph->nodes[weight->node];
    if (!node->attributes.conv.depthwise)
        axes->columns_of = node->inputs[0];
}

static struct pb_conv_attributes window(const struct pb_graph *graph, const struct pb_node *node)
{
    (void)graph;
    return node->attributes.conv;
}

static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    const struct pb_conv_attributes *conv = &node->attributes.conv;
    cost->macs = (uint64_t)conv->kernel[0] * conv->kernel[1] *
                 (graph->nodes[node->inputs[0]].shape.channels / conv->groups) * pb_shape_count(node->shape);
}

/* K. He et al. 2015: variance 2 over the number of outputs that one input reaches. */
static void initialise(const struct pb_graph *graph, const struct pb_parameter *parameter, float *values,
                       struct pb_rng *rng)
{
    if (parameter->role != PB_ROLE_WEIGHT)
        return;
    const size_t filters = parameter->dims[0] / graph->nodes[parameter->node].attributes.conv.groups;
    const double fan_out = (double)filters * (double)parameter->dims[1] * (double)parameter->dims[2];
    const double deviation = sqrt(2 / fan_out);
    for (size_t i = 0; i < parameter->count; i++)
        values[i] = (float)(deviation * pb_rng_normal(rng));
}

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

enum pb_status pb_convolution_prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_conv_shape shape = conv_shape(engine, i);
    struct pb_device *device = engine->device;
    if (PB_OPERATE(conv_plan_create, &shape, &engine->convolutions[i]))
        return pb_fail_context(error, "node '%s'", engine->graph->nodes[i].name);
    pb_need_workspace(engine, PB_CALL(device, conv_workspace, engine->convolutions[i]));
    if (shape.training || !device->ops.conv_filter_floats.call)
        return PB_OK;
    struct pb_filters *filters = &engine->filters[i];
    filters->offset = engine->transformed_floats;
    filters->floats = PB_CALL(device, conv_filter_floats, engine->convolutions[i]);
    engine->transformed_floats += (filters->floats + ALIGNED_FLOATS - 1) / ALIGNED_FLOATS * ALIGNED_FLOATS;
    return PB_OK;
}

void pb_convolution_ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    asked->kind = PB_OPERATOR_CONV;
    asked->conv = engine->convolutions[i];
}

static struct pb_view transformed(const struct pb_engine *engine, uint32_t i)
{
    return (struct pb_view){.buffer = engine->transformed, .offset = engine->filters[i].offset};
}

/* Learnt, or drawn once. */
static struct pb_view filters(const struct pb_engine *engine, uint32_t i)
{
    const bool learnt = engine->graph->nodes[i].op == PB_OP_CONV2D;
    return pb_parameter_view(engine, engine->values, i, learnt ? PB_ROLE_WEIGHT : PB_ROLE_HASH);
}

static struct pb_conv_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    return (struct pb_conv_arguments){.size = sizeof(struct pb_conv_arguments),
                                      .plan = engine->convolutions[i],
                                      .x = pb_value_view(engine, engine->graph->nodes[i].inputs[0]),
                                      .w = filters(engine, i),
                                      .bias = pb_parameter_view(engine, engine->values, i, PB_ROLE_BIAS),
                                      .y = pb_value_view(engine, i),
                                      .dy = pb_gradient_view(engine, i),
                                      .dw = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_WEIGHT),
                                      .dbias = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BIAS),
                                      .workspace = {.buffer = engine->workspace}};
}

enum pb_status pb_convolution_refresh(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    if (!engine->filters[i].floats)
        return PB_OK;
    struct pb_conv_arguments arguments = arguments_of(engine, i);
    arguments.filters = transformed(engine, i);
    return PB_OPERATE(conv_filter_transform, &arguments);
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

enum pb_status pb_convolution_forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    struct pb_conv_arguments arguments = arguments_of(engine, i);
    if (engine->filters[i].floats)
        arguments.w = transformed(engine, i);
    if (engine->layout.nodes[i].norm != PB_NO_PARAMETER)
        return forward_normalised(engine, i, &arguments, training, error);
    return PB_OPERATE(conv_forward, &arguments);
}

enum pb_status pb_convolution_backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
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

const struct pb_graph_operator pb_op_conv2d = {
    .slot = "conv_forward",
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .describe = describe,
    .channels_of = channels_of,
    .resize = resize,
    .axes = axes,
    .window = window,
    .slides = true,
    .cost = cost,
    .initialise = initialise,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_CONV_FORWARD, PB_PHASE_CONV_BACKWARD_DATA, PB_PHASE_CONV_BACKWARD_WEIGHTS},
            .prepare = pb_convolution_prepare,
            .refresh = pb_convolution_refresh,
            .ask = pb_convolution_ask,
            .forward = pb_convolution_forward,
            .backward = pb_convolution_backward,
            .backward_weights = backward_weights,
            .reads_input = true,
        },
};
