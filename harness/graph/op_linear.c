/* The linear layer. */
#include <math.h>

#include "graph/cost.h"
#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {
    PB_ATTRIBUTE(COUNT, "channels", channels), PB_ATTRIBUTE(FLAG, "bias", bias), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (!asked->channels)
        return pb_refuse(addition, "needs at least one output");
    addition->node.shape = (struct pb_shape){1, 1, asked->channels};
    const size_t dims[] = {asked->channels, pb_shape_count(addition->in[0])};
    const enum pb_status status = pb_add_parameter(addition, PB_ROLE_WEIGHT, 2, dims);
    return status != PB_OK || !asked->bias ? status : pb_add_parameter(addition, PB_ROLE_BIAS, 1, dims);
}

/* out × H·W × C */
static void axes(const struct pb_graph *graph, const struct pb_parameter *weight, struct pb_weight_axes *axes)
{
    const struct pb_shape in = graph->nodes[graph->nodes[weight->node].inputs[0]].shape;
    axes->height = in.height;
    axes->width = in.width;
    axes->channels = in.channels;
    axes->of_input = true;
}

/* A convolution whose kernel is as large as the image. */
static struct pb_conv_attributes window(const struct pb_graph *graph, const struct pb_node *node)
{
    const struct pb_shape in = graph->nodes[node->inputs[0]].shape;
    return (struct pb_conv_attributes){
        .kernel = {in.height, in.width}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
}

static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    cost->macs = (uint64_t)pb_shape_count(graph->nodes[node->inputs[0]].shape) * pb_shape_count(node->shape);
}

static void resize(struct pb_graph_node *description, uint32_t outputs)
{
    description->channels = outputs;
}

/* U(±1/√in), the bias too. */
static void initialise(const struct pb_graph *graph, const struct pb_parameter *parameter, float *values,
                       struct pb_rng *rng)
{
    const size_t in = pb_shape_count(graph->nodes[graph->nodes[parameter->node].inputs[0]].shape);
    const double bound = 1 / sqrt((double)in);
    for (size_t i = 0; i < parameter->count; i++)
        values[i] = (float)(bound * (2 * pb_rng_uniform(rng) - 1));
}

const struct pb_graph_operator pb_op_linear = {
    .slot = "linear_forward",
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .channels = PB_CHANNELS_NEW,
    .resize = resize,
    .axes = axes,
    .window = window,
    .cost = cost,
    .initialise = initialise,
};
