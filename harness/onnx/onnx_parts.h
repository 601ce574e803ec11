/* The parts of a graph that nobody stated, by the rule in onnx.h. */
#ifndef PB_ONNX_ONNX_PARTS_H
#define PB_ONNX_ONNX_PARTS_H

#include "graph/graph.h"

void pb_onnx_find_parts(struct pb_graph *graph);

#endif
