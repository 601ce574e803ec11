/*
 * Projection of every position's channels onto fixed random signs, as random Maclaurin features multiply two of (P. Kar, H. Karnick 2012):
 * y[k] = Σ w[k,c]·x[c], w = ±1. A backend computes it as a 1×1 convolution, but nothing learns: w is drawn once, and has the role of a
 * hash, so that the optimiser, penalties, masks and criteria leave it alone. A removed channel takes its column along.
 */
#include <math.h>

#include "graph/cost.h"
#include "graph/op_table.h"
#include "operators/op_conv2d.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "channels", channels), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (!asked->channels)
        return pb_refuse(addition, "needs at least one output");
    addition->node.shape = (struct pb_shape){addition->in[0].height, addition->in[0].width, asked->channels};
    addition->node.attributes.conv = (struct pb_conv_attributes){{1, 1}, {1, 1}, {0}, {1, 1}, .groups = 1};
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

const struct pb_graph_operator pb_op_sign_projection = {
    .slot = "conv_forward",
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
            .prepare = pb_convolution_prepare,
            .refresh = pb_convolution_refresh,
            .ask = pb_convolution_ask,
            .forward = pb_convolution_forward,
            .backward = pb_convolution_backward,
        },
};
