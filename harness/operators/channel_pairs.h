/* What operators share that pool the products of all pairs of channels over the positions. */
#ifndef PB_OPERATORS_CHANNEL_PAIRS_H
#define PB_OPERATORS_CHANNEL_PAIRS_H

#include "engine/engine_operator.h"

PB_MUST_CHECK enum pb_status pb_infer_pairs(struct pb_addition *addition, const struct pb_graph_node *asked);
void pb_cost_pairs(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost);
void pb_ask_pairs(const struct pb_engine *engine, uint32_t node, struct pb_operator *asked);
/* Pooling of x, which has the input's shape, into the node's output. */
struct pb_bilinear_arguments pb_pairs_arguments(const struct pb_engine *engine, uint32_t node, struct pb_view x);

#endif
