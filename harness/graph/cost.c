/* Parameters and multiply-accumulates of each operator. */
#include "graph/cost.h"

static uint64_t node_params(const struct pb_graph *graph, const struct pb_node *node)
{
    uint64_t count = 0;
    for (uint32_t role = 0; role < 6; role++)
        if (node->parameters[role] != PB_NO_PARAMETER && graph->parameters[node->parameters[role]].trainable)
            count += graph->parameters[node->parameters[role]].count;
    return count;
}

/*
 * The thesis counted with ptflops (flops-counter.pytorch, 2019): convolutions with their biases, 2 per value of a batch
 * norm, 1 per value of a ReLU, 1 per *input* value of a pooling, linear layers without bias; functions that are not
 * modules (bilinear pooling, √, L2) were not seen.
 */
struct pb_cost pb_node_cost(const struct pb_graph *graph, uint32_t index)
{
    const struct pb_node *node = &graph->nodes[index];
    const uint64_t outputs = pb_shape_count(node->shape);
    const struct pb_shape in = node->input_count ? graph->nodes[node->inputs[0]].shape : (struct pb_shape){0, 0, 0};
    struct pb_cost cost = {.params = node_params(graph, node)};
    switch (node->op) {
    case PB_OP_CONV2D: {
        const struct pb_conv_attributes *conv = &node->attributes.conv;
        const bool bias = node->parameters[PB_ROLE_BIAS] != PB_NO_PARAMETER;
        cost.macs = (uint64_t)conv->kernel[0] * conv->kernel[1] * (in.channels / conv->groups) * outputs;
        cost.macs_thesis = cost.macs + (bias ? outputs : 0);
        break;
    }
    case PB_OP_LINEAR:
        cost.macs = cost.macs_thesis = pb_shape_count(in) * outputs;
        break;
    case PB_OP_BILINEAR_POOL:
        cost.macs = outputs * in.height * in.width;
        break;
    case PB_OP_BATCH_NORM:
        cost.macs_thesis = 2 * outputs;
        break;
    case PB_OP_RELU:
        cost.macs_thesis = outputs;
        break;
    case PB_OP_MAX_POOL:
    case PB_OP_AVG_POOL:
        cost.macs_thesis = pb_shape_count(in);
        break;
    default:
        break;
    }
    return cost;
}

struct pb_cost pb_graph_cost(const struct pb_graph *graph)
{
    struct pb_cost total = {0};
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_cost cost = pb_node_cost(graph, i);
        total.params += cost.params;
        total.macs += cost.macs;
        total.macs_thesis += cost.macs_thesis;
    }
    return total;
}

void pb_graph_split_params(const struct pb_graph *graph, uint64_t *trunk, uint64_t *head)
{
    uint64_t parts[2] = {0, 0};
    int part = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].op == PB_OP_BILINEAR_POOL || graph->nodes[i].op == PB_OP_LINEAR)
            part = 1;
        parts[part] += pb_node_cost(graph, i).params;
    }
    *trunk = parts[0];
    *head = parts[1];
}
