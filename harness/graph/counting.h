/* Work counted by a study's own convention: how many multiply-accumulates each operator is taken for. */
#ifndef PB_GRAPH_COUNTING_H
#define PB_GRAPH_COUNTING_H

#include "graph/graph.h"

/* Factors of what an operator has: its MACs, input values, output values, and output values that get a bias. */
struct pb_counting {
    struct pb_counting_factors {
        size_t macs, inputs, outputs, biases;
    } of[PB_OP_COUNT];
};

/*
 * Reads <counting> of <operator name="relu" outputs="1"/>, … (docs: studies/README.md). What is not named counts as 0; an
 * unknown operator or attribute, and a factor that is no whole number, are PB_ERROR_INPUT with file and line.
 */
PB_MUST_CHECK enum pb_status pb_counting_read(const char *path, struct pb_counting *counting, struct pb_error *error);

/* Of one node, and of the whole network, for one image. */
uint64_t pb_node_counted(const struct pb_graph *graph, uint32_t node, const struct pb_counting *counting);
uint64_t pb_graph_counted(const struct pb_graph *graph, const struct pb_counting *counting);

#endif
