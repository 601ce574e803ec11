/*
 * A network that was trained elsewhere, from an ONNX file, as a network of ours that can be pruned and trained. docs/onnx.md says
 * which operators, attributes and files are covered; whatever is not is refused by name.
 *
 * Nodes are named after their modules there ("layer1.0.conv1"), see onnx_names.h. The model is called "onnx-" and the file's name, so
 * that it is never taken for a named model.
 *
 * The parts of the graph: going back from the output, through nodes with one input,
 * - the first linear layer or convolution that mixes channels is the classifier;
 * - the head is the pools, dropouts, activations and linear layers at the end, and the classifier. Activations at its
 *   front belong to the trunk, which they end;
 * - the last batch norm before the head is the trunk's last.
 * A network that ends otherwise, as in the sum of two layers, has no head or classifier.
 */
#ifndef PB_ONNX_ONNX_H
#define PB_ONNX_ONNX_H

#include "base/text.h"
#include "graph/network.h"

/* What became of a file's tensors and nodes. Start it zeroed. */
struct pb_onnx_report {
    struct pb_text mapping; /* "conv1.weight -> conv1.weight", a line for each tensor that became a parameter */
    struct pb_text unused; /* initializers that no node reads, separated by blanks */
    struct pb_text left_out; /* nodes that the network does not have, a line each: "Softmax '/Softmax'" */
    uint32_t mapped; /* tensors */
    int64_t opset; /* of the default domain */
};
void pb_onnx_report_free(struct pb_onnx_report *report);

/*
 * A file that cannot be read, or a network that is not covered, is PB_ERROR_INPUT with the node or tensor and the reason; network,
 * graph and report are written only on success. report may be NULL.
 */
PB_MUST_CHECK enum pb_status pb_onnx_read(const char *path, struct pb_network **network, struct pb_onnx_report *report,
                                          struct pb_error *error);
/* The graph alone: weights in other files are not opened. */
PB_MUST_CHECK enum pb_status pb_onnx_read_graph(const char *path, struct pb_graph **graph,
                                                struct pb_onnx_report *report, struct pb_error *error);

#endif
