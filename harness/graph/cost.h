/* Parameters and multiply-accumulates, also in the thesis's (ptflops') counting. */
#ifndef PB_GRAPH_COST_H
#define PB_GRAPH_COST_H

#include "graph/graph.h"

struct pb_cost {
    uint64_t params;
    uint64_t macs; /* convolution, linear, bilinear; FLOPs = 2·MACs */
    /*
     * As the thesis counted, with ptflops (flops-counter.pytorch, 2019): convolutions with their biases, 2 per value of a
     * batch norm, 1 per value of a ReLU, 1 per *input* value of a pooling, linear layers without bias; functions that are not
     * modules (bilinear pooling, √, L2) were not seen.
     */
    uint64_t macs_thesis;
};
/* Of one node, for one image. */
struct pb_cost pb_node_cost(const struct pb_graph *graph, uint32_t node);
struct pb_cost pb_graph_cost(const struct pb_graph *graph);
/* Parameters of the trunk and of the head. */
void pb_graph_split_params(const struct pb_graph *graph, uint64_t *trunk, uint64_t *head);

#endif
