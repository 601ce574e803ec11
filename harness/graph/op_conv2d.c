/* Convolution. */
#include <math.h>

#include "graph/cost.h"
#include "graph/op_window.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "channels", channels),
                                                 PB_ATTRIBUTE(PAIR, "kernel", conv.kernel),
                                                 PB_ATTRIBUTE(PAIR, "stride", conv.stride),
                                                 PB_ATTRIBUTE(PAIR, "pad", conv.pad),
                                                 PB_ATTRIBUTE(PAIR, "dilation", conv.dilation),
                                                 PB_ATTRIBUTE(COUNT, "groups", conv.groups),
                                                 PB_ATTRIBUTE(FLAG, "depthwise", conv.depthwise),
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
    conv->depthwise = conv->depthwise || (per_channel && conv->groups > 1);
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
    return conv->depthwise ? PB_CHANNELS_IDENTITY : conv->groups > 1 ? PB_CHANNELS_FIXED_BOTH : PB_CHANNELS_NEW;
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
    axes->of_input = graph->nodes[weight->node].attributes.conv.groups == 1;
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
};
