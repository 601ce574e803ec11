/* ReLU. */
#include "graph/cost.h"
#include "graph/op_table.h"

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    (void)asked;
    addition->node.shape = addition->in;
    return PB_OK;
}

/* ptflops: 1 per value. */
static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    (void)graph;
    cost->macs_thesis = pb_shape_count(node->shape);
}

const struct pb_graph_operator pb_op_relu = {
    .inputs = 1,
    .infer = infer,
    .channels = PB_CHANNELS_IDENTITY,
    .cost = cost,
    .activation = true,
};
