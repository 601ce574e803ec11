/* Masks on single weights. */
#include "graph/network.h"

#include <string.h>

#include "base/memory.h"

bool pb_can_be_masked(const struct pb_parameter *parameter)
{
    return parameter->role == PB_ROLE_WEIGHT;
}

const unsigned char *pb_weight_mask(const struct pb_network *network, uint32_t parameter)
{
    return network->masks ? network->masks[parameter] : NULL;
}

size_t pb_weight_mask_bytes(const struct pb_parameter *parameter)
{
    return (parameter->count + 7) / 8;
}

bool pb_network_has_masks(const struct pb_network *network)
{
    for (uint32_t p = 0; p < network->graph->parameter_count; p++)
        if (pb_weight_mask(network, p))
            return true;
    return false;
}

enum pb_status pb_network_need_mask(struct pb_network *network, uint32_t parameter, unsigned char **mask,
                                    struct pb_error *error)
{
    const struct pb_graph *graph = network->graph;
    const size_t bytes = pb_weight_mask_bytes(&graph->parameters[parameter]);
    if (!network->masks)
        network->masks = pb_calloc(graph->parameter_count, sizeof *network->masks);
    if (network->masks && !network->masks[parameter])
        network->masks[parameter] = pb_calloc(bytes, 1);
    if (!network->masks || !network->masks[parameter])
        return pb_fail_memory(error, bytes);
    *mask = network->masks[parameter];
    return PB_OK;
}

void pb_network_apply_masks(struct pb_network *network)
{
    for (uint32_t p = 0; network->masks && p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        for (size_t i = 0; network->masks[p] && i < parameter->count; i++) {
            if (!pb_mask_has(network->masks[p], i))
                continue;
            network->values[parameter->offset + i] = 0;
            if (network->velocity)
                network->velocity[parameter->offset + i] = 0;
        }
    }
}

enum pb_status pb_network_copy_masks(const struct pb_network *from, struct pb_network *to, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t p = 0; p < from->graph->parameter_count && status == PB_OK; p++) {
        const unsigned char *mask = pb_weight_mask(from, p);
        unsigned char *copy = NULL;
        if (!mask)
            continue;
        status = pb_network_need_mask(to, p, &copy, error);
        if (status == PB_OK)
            memcpy(copy, mask, pb_weight_mask_bytes(&from->graph->parameters[p]));
    }
    return status;
}

uint64_t pb_masked_weights(const struct pb_network *network, uint32_t parameter)
{
    const unsigned char *mask = pb_weight_mask(network, parameter);
    const size_t bytes = mask ? pb_weight_mask_bytes(&network->graph->parameters[parameter]) : 0;
    uint64_t masked = 0;
    for (size_t i = 0; i < bytes; i++)
        masked += (uint64_t)__builtin_popcount(mask[i]);
    return masked;
}

/* Each weight of a node is used equally often: a convolution's once for each position, a linear layer's once. */
struct pb_cost pb_nonzero_cost(const struct pb_network *network)
{
    const struct pb_graph *graph = network->graph;
    const struct pb_cost dense = pb_graph_cost(graph);
    struct pb_cost left = {.params = dense.params, .macs = dense.macs};
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const uint64_t masked = pb_masked_weights(network, p);
        left.params -= masked;
        if (masked)
            left.macs -= masked * (pb_node_cost(graph, graph->parameters[p].node).macs / graph->parameters[p].count);
    }
    return left;
}
