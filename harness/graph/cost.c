/* Parameters and multiply-accumulates of networks. */
#include "graph/cost.h"

#include "graph/op_table.h"

static uint64_t node_params(const struct pb_graph *graph, const struct pb_node *node)
{
    uint64_t count = 0;
    for (uint32_t role = 0; role < PB_ROLE_COUNT; role++)
        if (node->parameters[role] != PB_NO_PARAMETER && graph->parameters[node->parameters[role]].trainable)
            count += graph->parameters[node->parameters[role]].count;
    return count;
}

struct pb_cost pb_node_cost(const struct pb_graph *graph, uint32_t index)
{
    const struct pb_node *node = &graph->nodes[index];
    struct pb_cost cost = {0};
    if (pb_graph_operator(node->op)->cost)
        pb_graph_operator(node->op)->cost(graph, node, &cost);
    cost.params = node_params(graph, node);
    return cost;
}

struct pb_cost pb_graph_cost(const struct pb_graph *graph)
{
    struct pb_cost total = {0};
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_cost cost = pb_node_cost(graph, i);
        total.params += cost.params;
        total.macs += cost.macs;
    }
    return total;
}

void pb_graph_split_params(const struct pb_graph *graph, uint64_t *trunk, uint64_t *head)
{
    uint64_t parts[2] = {0, 0};
    for (uint32_t i = 0; i < graph->node_count; i++)
        parts[i >= graph->parts.head] += pb_node_cost(graph, i).params;
    *trunk = parts[0];
    *head = parts[1];
}
