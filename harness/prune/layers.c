/* The prunable layers of a network as criteria see them. */
#include "prune/layers.h"

#include "base/memory.h"
#include "graph/cost.h"
#include "graph/op_table.h"

static void add_producers(const struct pb_channel_groups *groups, uint32_t node, struct pb_prunable_layers *layers)
{
    const uint32_t index = pb_node_group(groups, node);
    if (index == PB_NO_GROUP)
        return;
    const struct pb_channel_group *group = &groups->groups[index];
    for (uint32_t p = 0; p < group->producer_count; p++)
        if (group->producers[p] == node)
            layers->layers[layers->count++] = (struct pb_prunable_layer){
                .node = node, .norm = group->norms[p], .activation = group->activations[p], .group = index};
}

enum pb_status pb_prunable_layers_find(const struct pb_network *network, const struct pb_channel_groups *groups,
                                       struct pb_prunable_layers *layers, struct pb_error *error)
{
    const uint32_t nodes = network->graph->node_count;
    struct pb_prunable_layers found = {.layers = pb_calloc(nodes, sizeof(*found.layers))};
    if (!found.layers)
        return pb_fail_memory(error, nodes * sizeof(*found.layers));
    for (uint32_t node = 0; node < nodes; node++)
        add_producers(groups, node, &found);
    *layers = found;
    return PB_OK;
}

static bool has_weights(const struct pb_graph *graph, uint32_t node)
{
    const uint32_t weight = graph->nodes[node].parameters[PB_ROLE_WEIGHT];
    return weight != PB_NO_PARAMETER && pb_can_be_masked(&graph->parameters[weight]);
}

enum pb_status pb_weight_layers_find(const struct pb_network *network, const struct pb_channel_groups *groups,
                                     struct pb_prunable_layers *layers, struct pb_error *error)
{
    const uint32_t nodes = network->graph->node_count;
    struct pb_prunable_layers found = {.layers = pb_calloc(nodes, sizeof(*found.layers))};
    if (!found.layers)
        return pb_fail_memory(error, nodes * sizeof(*found.layers));
    for (uint32_t node = 0; node < nodes; node++) {
        const uint32_t before = found.count;
        if (!has_weights(network->graph, node))
            continue;
        add_producers(groups, node, &found);
        if (found.count == before)
            found.layers[found.count++] =
                (struct pb_prunable_layer){.node = node, .norm = UINT32_MAX, .activation = node, .group = PB_NO_GROUP};
    }
    *layers = found;
    return PB_OK;
}

void pb_prunable_layers_free(struct pb_prunable_layers *layers)
{
    pb_free(layers->layers);
    *layers = (struct pb_prunable_layers){0};
}

const char *pb_layer_name(const struct pb_network *network, const struct pb_prunable_layer *layer)
{
    return network->graph->nodes[layer->node].name;
}

const float *pb_layer_part(const struct pb_network *network, const struct pb_prunable_layer *layer, enum pb_role role,
                           const float *values)
{
    const uint32_t node = role == PB_ROLE_WEIGHT || role == PB_ROLE_BIAS ? layer->node : layer->norm;
    const uint32_t parameter = node == UINT32_MAX ? PB_NO_PARAMETER : network->graph->nodes[node].parameters[role];
    return parameter == PB_NO_PARAMETER ? NULL : values + network->graph->parameters[parameter].offset;
}

struct pb_layer_view pb_layer_view_of(const struct pb_network *network, const struct pb_prunable_layers *layers,
                                      uint32_t index, uint32_t data, const float *gradients, const double *flow)
{
    const struct pb_prunable_layer *layer = &layers->layers[index];
    const struct pb_node *node = &network->graph->nodes[layer->node];
    const struct pb_weight_axes axes =
        pb_weight_axes_of(network->graph, &network->graph->parameters[node->parameters[PB_ROLE_WEIGHT]]);
    const struct pb_shape activation = network->graph->nodes[layer->activation].shape;
    struct pb_layer_view view = {
        .size = sizeof(view),
        .index = index,
        .layers = layers->count,
        .name = node->name,
        .channels = node->shape.channels,
        .input_channels = axes.channels,
        .kernel_height = axes.height,
        .kernel_width = axes.width,
        .output_height = node->shape.height,
        .output_width = node->shape.width,
        .macs = pb_node_cost(network->graph, layer->node).macs,
        .activation_height = activation.height,
        .activation_width = activation.width,
        .group = layer->group,
    };
    if (data & PB_DATA_WEIGHTS) {
        view.weight = pb_network_values(network, layer->node, PB_ROLE_WEIGHT);
        view.bias = pb_network_values(network, layer->node, PB_ROLE_BIAS);
    }
    if ((data & PB_DATA_NORM) && layer->norm != UINT32_MAX) {
        view.gamma = pb_network_values(network, layer->norm, PB_ROLE_GAMMA);
        view.beta = pb_network_values(network, layer->norm, PB_ROLE_BETA);
        view.running_mean = pb_network_values(network, layer->norm, PB_ROLE_RUNNING_MEAN);
        view.running_var = pb_network_values(network, layer->norm, PB_ROLE_RUNNING_VAR);
        view.norm_eps = network->graph->nodes[layer->norm].attributes.bn.eps;
    }
    if (gradients) {
        view.weight_grad = pb_layer_part(network, layer, PB_ROLE_WEIGHT, gradients);
        view.bias_grad = pb_layer_part(network, layer, PB_ROLE_BIAS, gradients);
        view.gamma_grad = pb_layer_part(network, layer, PB_ROLE_GAMMA, gradients);
        view.beta_grad = pb_layer_part(network, layer, PB_ROLE_BETA, gradients);
    }
    if (flow)
        view.weight_flow = flow + network->graph->parameters[node->parameters[PB_ROLE_WEIGHT]].offset;
    return view;
}
