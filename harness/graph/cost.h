/* Parameters and multiply-accumulates. */
#ifndef PB_GRAPH_COST_H
#define PB_GRAPH_COST_H

#include "graph/graph.h"

struct pb_cost {
    uint64_t params;
    uint64_t macs; /* convolution, linear, bilinear; FLOPs = 2·MACs */
};
/* Of one node, for one image. */
struct pb_cost pb_node_cost(const struct pb_graph *graph, uint32_t node);
struct pb_cost pb_graph_cost(const struct pb_graph *graph);
/* Parameters of the trunk and of the head. */
void pb_graph_split_params(const struct pb_graph *graph, uint64_t *trunk, uint64_t *head);

#endif
