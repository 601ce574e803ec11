/* Addition of two inputs of one shape. */
#include "graph/op_table.h"

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    (void)asked;
    addition->node.shape = addition->in;
    return PB_OK;
}

const struct pb_graph_operator pb_op_add = {
    .inputs = 2,
    .infer = infer,
    .channels = PB_CHANNELS_IDENTITY,
    .before_activation = true,
};
