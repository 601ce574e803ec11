/* ReLU that stops at 6 (A. Krizhevsky 2010). */
#include "graph/cost.h"
#include "graph/op_table.h"

/* ptflops: 1 per value. */
static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    (void)graph;
    cost->macs_thesis = pb_shape_count(node->shape);
}

const struct pb_graph_operator pb_op_relu6 = {
    .inputs = 1,
    .infer = pb_infer_elementwise,
    .channels = PB_CHANNELS_IDENTITY,
    .cost = cost,
    .activation = true,
};
