/*
 * Projection of every position's channels onto fixed random signs, as random Maclaurin features multiply two of (P. Kar, H. Karnick 2012):
 * y[k] = Σ w[k,c]·x[c], w = ±1. It computes what a 1×1 convolution would, but nothing learns: w is drawn once, and has the role of a hash,
 * so that the optimiser, penalties, masks and criteria leave it alone. A removed channel takes its column along.
 */
#include <math.h>

#include "engine/engine_operator.h"
#include "graph/cost.h"
#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "channels", channels), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (!asked->channels)
        return pb_refuse(addition, "needs at least one output");
    addition->node.shape = (struct pb_shape){addition->in[0].height, addition->in[0].width, asked->channels};
    const size_t dims[] = {asked->channels, addition->in[0].channels};
    return pb_add_parameter(addition, PB_ROLE_HASH, 2, dims);
}

static void axes(const struct pb_graph *graph, const struct pb_parameter *signs, struct pb_weight_axes *axes)
{
    axes->channels = (uint32_t)signs->dims[1];
    axes->columns_of = graph->nodes[signs->node].inputs[0];
}

static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    cost->macs = graph->nodes[node->inputs[0]].shape.channels * (uint64_t)pb_shape_count(node->shape);
}

static void initialise(const struct pb_graph *graph, const struct pb_parameter *parameter, float *values,
                       struct pb_rng *rng)
{
    (void)graph;
    for (size_t i = 0; i < parameter->count; i++)
        values[i] = pb_rng_below(rng, 2) ? 1 : -1;
}

static bool fits(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *values)
{
    (void)graph;
    size_t i = 0;
    while (i < parameter->count && fabsf(values[i]) == 1)
        i++;
    return i == parameter->count;
}

/* To a backend each position is one row of a linear layer. */
static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    asked->kind = PB_OPERATOR_LINEAR;
    asked->batch = (uint32_t)pb_row_count(engine, i);
    asked->positions = 1;
    asked->outputs = engine->graph->nodes[i].shape.channels;
}

static struct pb_linear_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const uint32_t input = engine->graph->nodes[i].inputs[0];
    return (struct pb_linear_arguments){.size = sizeof(struct pb_linear_arguments),
                                        .batch = (uint32_t)pb_row_count(engine, i),
                                        .in = engine->graph->nodes[input].shape.channels,
                                        .out = engine->graph->nodes[i].shape.channels,
                                        .x = pb_value_view(engine, input),
                                        .w = pb_parameter_view(engine, engine->values, i, PB_ROLE_HASH),
                                        .y = pb_value_view(engine, i),
                                        .dy = pb_gradient_view(engine, i)};
}

/* The rows of a whole batch are a number of 32 bits. */
static enum pb_status prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    if (pb_row_count(engine, i) <= UINT32_MAX)
        return PB_OK;
    return pb_fail(error, PB_ERROR_INPUT, "node '%s': a batch of %u has too many positions; use a smaller one",
                   engine->graph->nodes[i].name, engine->options.batch);
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

const struct pb_graph_operator pb_op_sign_projection = {
    .slot = "linear_forward",
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .channels = PB_CHANNELS_FIXED,
    .axes = axes,
    .cost = cost,
    .initialise = initialise,
    .fits = fits,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .prepare = prepare,
            .ask = ask,
            .forward = forward,
            .backward = backward,
        },
};
