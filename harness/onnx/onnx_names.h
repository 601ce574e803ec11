/* What a file's nodes are called in the graph: letters, digits, '.', '-' and '_', at most 31 of them, no name twice. */
#ifndef PB_ONNX_ONNX_NAMES_H
#define PB_ONNX_ONNX_NAMES_H

#include "graph/graph.h"
#include "onnx/onnx_file.h"

#define PB_ONNX_NAME sizeof(((struct pb_node *)0)->name)

/*
 * Of a layer, which has weights, the name of its module, where the weight is called "MODULE.weight". Else the node's own name, its
 * parts joined by dots, without a part that the next one repeats: "/layer1/layer1.0/Add" is "layer1.0.Add"; of a layer also without
 * the operator: "/layer1/layer1.0/conv1/Conv" is "layer1.0.conv1". A node without a name is called like its operator.
 * Of a name that is too long, its last parts are kept; one that another node has gets a number: "relu_2".
 */
void pb_onnx_name(const struct pb_graph *graph, const Onnx__NodeProto *node, bool layer, char name[PB_ONNX_NAME]);

/* The model's name: "onnx-" and the file's. */
void pb_onnx_model_name(const char *path, char name[PB_ONNX_NAME]);

#endif
