/* Bilinear pooling: the mean over all positions of the products of all pairs of channels. */
#include "graph/cost.h"
#include "graph/op_table.h"

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    (void)asked;
    const uint64_t pairs = (uint64_t)addition->in[0].channels * addition->in[0].channels;
    if (pairs > UINT32_MAX)
        return pb_refuse(addition, "has more channel pairs than can be counted");
    addition->node.shape = (struct pb_shape){1, 1, (uint32_t)pairs};
    return PB_OK;
}

static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    const struct pb_shape in = graph->nodes[node->inputs[0]].shape;
    cost->macs = (uint64_t)pb_shape_count(node->shape) * in.height * in.width;
}

const struct pb_graph_operator pb_op_bilinear_pool = {
    .slot = "bilinear_forward",
    .inputs = 1,
    .infer = infer,
    .channels = PB_CHANNELS_PAIRS,
    .cost = cost,
};
