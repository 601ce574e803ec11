/* Division of every image's values by their Euclidean norm. */
#include <math.h>

#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(REAL, "eps", eps), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (!(asked->eps >= 0) || !isfinite(asked->eps))
        return pb_refuse(addition, "eps must be at least 0");
    addition->node.shape = addition->in[0];
    addition->node.attributes.eps = asked->eps;
    return PB_OK;
}

static void describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->eps = node->attributes.eps;
}

const struct pb_graph_operator pb_op_l2_norm = {
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .describe = describe,
    .channels = PB_CHANNELS_IDENTITY,
};
