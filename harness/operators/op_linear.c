/* The linear layer. */
#include <math.h>

#include "engine/engine_operator.h"
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
    const uint32_t input = graph->nodes[weight->node].inputs[0];
    const struct pb_shape in = graph->nodes[input].shape;
    axes->height = in.height;
    axes->width = in.width;
    axes->channels = in.channels;
    axes->columns_of = input;
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

static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    asked->kind = PB_OPERATOR_LINEAR;
    asked->outputs = engine->graph->nodes[i].shape.channels;
}

static struct pb_linear_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const uint32_t input = engine->graph->nodes[i].inputs[0];
    return (struct pb_linear_arguments){.size = sizeof(struct pb_linear_arguments),
                                        .batch = engine->options.batch,
                                        .in = pb_shape_count(engine->graph->nodes[input].shape),
                                        .out = engine->graph->nodes[i].shape.channels,
                                        .x = pb_value_view(engine, input),
                                        .w = pb_parameter_view(engine, engine->values, i, PB_ROLE_WEIGHT),
                                        .bias = pb_parameter_view(engine, engine->values, i, PB_ROLE_BIAS),
                                        .y = pb_value_view(engine, i),
                                        .dy = pb_gradient_view(engine, i),
                                        .dw = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_WEIGHT),
                                        .dbias = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BIAS)};
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_linear_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(linear_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_linear_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(linear_backward_data, &arguments);
}

static enum pb_status backward_weights(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_linear_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(linear_backward_weights, &arguments);
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
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .ask = ask,
            .forward = forward,
            .backward = backward,
            .backward_weights = backward_weights,
            .reads_input = true,
        },
};
