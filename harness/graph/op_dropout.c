/* Dropout. */
#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(REAL, "share", dropout), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (!(asked->dropout >= 0 && asked->dropout < 1))
        return pb_refuse(addition, "the share of dropped values must be at least 0 and below 1");
    addition->node.shape = addition->in[0];
    addition->node.attributes.dropout = asked->dropout;
    return PB_OK;
}

static void describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->dropout = node->attributes.dropout;
}

const struct pb_graph_operator pb_op_dropout = {
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .describe = describe,
    .channels = PB_CHANNELS_IDENTITY,
};
