/* What bilinear and covariance pooling share. */
#include "operators/channel_pairs.h"

#include "graph/cost.h"

enum pb_status pb_infer_pairs(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    (void)asked;
    const uint64_t pairs = (uint64_t)addition->in[0].channels * addition->in[0].channels;
    if (pairs > UINT32_MAX)
        return pb_refuse(addition, "has more channel pairs than can be counted");
    addition->node.shape = (struct pb_shape){1, 1, (uint32_t)pairs};
    return PB_OK;
}

void pb_cost_pairs(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    const struct pb_shape in = graph->nodes[node->inputs[0]].shape;
    cost->macs = (uint64_t)pb_shape_count(node->shape) * in.height * in.width;
}

void pb_ask_pairs(const struct pb_engine *engine, uint32_t node, struct pb_operator *asked)
{
    (void)engine, (void)node;
    asked->kind = PB_OPERATOR_BILINEAR_POOL;
}

struct pb_bilinear_arguments pb_pairs_arguments(const struct pb_engine *engine, uint32_t node, struct pb_view x)
{
    const struct pb_shape in = engine->graph->nodes[engine->graph->nodes[node].inputs[0]].shape;
    return (struct pb_bilinear_arguments){.size = sizeof(struct pb_bilinear_arguments),
                                          .batch = engine->options.batch,
                                          .channels = in.channels,
                                          .positions = (size_t)in.height * in.width,
                                          .x = x,
                                          .y = pb_value_view(engine, node),
                                          .dy = pb_gradient_view(engine, node)};
}
