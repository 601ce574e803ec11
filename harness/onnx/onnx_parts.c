/* Finding the parts of a graph, going back from its output. */
#include "onnx/onnx_parts.h"

#include "graph/build.h"
#include "graph/op_table.h"

static bool is_activation(const struct pb_node *node)
{
    return pb_graph_operator(node->op)->activation;
}

/* The layer that makes the classes; PB_NO_NODE: several do. */
static uint32_t find_classifier(const struct pb_graph *graph)
{
    uint32_t node = graph->node_count - 1;
    while (graph->nodes[node].input_count == 1 && !pb_mixes_channels(&graph->nodes[node]))
        node = graph->nodes[node].inputs[0];
    return graph->nodes[node].input_count == 1 ? node : PB_NO_NODE;
}

static bool may_be_in_head(const struct pb_graph *graph, uint32_t node)
{
    const enum pb_op op = graph->nodes[node].op;
    return op == PB_OP_MAX_POOL || op == PB_OP_AVG_POOL || op == PB_OP_DROPOUT || op == PB_OP_LINEAR ||
           node == graph->parts.classifier || is_activation(&graph->nodes[node]);
}

/* What is in the head follows its first node without a gap: a node between two of them would be read by the second one. */
static uint32_t find_head(const struct pb_graph *graph)
{
    uint32_t head = PB_NO_NODE;
    for (uint32_t node = graph->node_count - 1; may_be_in_head(graph, node); node = graph->nodes[node].inputs[0])
        if (!is_activation(&graph->nodes[node]))
            head = node;
    return head;
}

void pb_onnx_find_parts(struct pb_graph *graph)
{
    graph->parts.classifier = find_classifier(graph);
    graph->parts.head = find_head(graph);
    graph->parts.last_norm =
        pb_last_norm(graph, graph->parts.head == PB_NO_NODE ? graph->node_count : graph->parts.head);
}
