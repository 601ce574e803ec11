/* The prunable layers of a network as criteria see them. */
#include "prune/layers.h"

#include "base/memory.h"
#include "graph/cost.h"

static void add_producers(const struct pb_channel_groups *groups, uint32_t node, struct pb_prunable_layers *layers)
{
    const uint32_t index = groups->node_groups[node];
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

void pb_prunable_layers_free(struct pb_prunable_layers *layers)
{
    pb_free(layers->layers);
    *layers = (struct pb_prunable_layers){0};
}

const char *pb_layer_name(const struct pb_network *network, const struct pb_prunable_layer *layer)
{
    return network->graph->nodes[layer->node].name;
}

struct pb_layer_view pb_layer_view_of(const struct pb_network *network, const struct pb_prunable_layers *layers,
                                      uint32_t index, uint32_t needs)
{
    const struct pb_prunable_layer *layer = &layers->layers[index];
    const struct pb_node *node = &network->graph->nodes[layer->node];
    const struct pb_conv_attributes *conv = &node->attributes.conv;
    const struct pb_shape activation = network->graph->nodes[layer->activation].shape;
    struct pb_layer_view view = {
        .size = sizeof(view),
        .index = index,
        .layers = layers->count,
        .name = node->name,
        .channels = node->shape.channels,
        .input_channels = network->graph->nodes[node->inputs[0]].shape.channels / conv->groups,
        .kernel_height = conv->kernel[0],
        .kernel_width = conv->kernel[1],
        .output_height = node->shape.height,
        .output_width = node->shape.width,
        .macs = pb_node_cost(network->graph, layer->node).macs,
        .activation_height = activation.height,
        .activation_width = activation.width,
    };
    if (needs & PB_NEEDS_WEIGHTS) {
        view.weight = pb_network_values(network, layer->node, PB_ROLE_WEIGHT);
        view.bias = pb_network_values(network, layer->node, PB_ROLE_BIAS);
    }
    if ((needs & PB_NEEDS_BATCH_NORM) && layer->norm != UINT32_MAX) {
        view.gamma = pb_network_values(network, layer->norm, PB_ROLE_GAMMA);
        view.beta = pb_network_values(network, layer->norm, PB_ROLE_BETA);
        view.running_mean = pb_network_values(network, layer->norm, PB_ROLE_RUNNING_MEAN);
        view.running_var = pb_network_values(network, layer->norm, PB_ROLE_RUNNING_VAR);
    }
    return view;
}

static enum pb_status download_gradient(struct pb_engine *engine, const struct pb_graph *graph, uint32_t node,
                                        enum pb_role role, float **gradient, struct pb_error *error)
{
    if (node == UINT32_MAX || graph->nodes[node].parameters[role] == PB_NO_PARAMETER)
        return PB_OK;
    const uint32_t parameter = graph->nodes[node].parameters[role];
    *gradient = pb_calloc(graph->parameters[parameter].count, sizeof(**gradient));
    if (!*gradient)
        return pb_fail_memory(error, graph->parameters[parameter].count * sizeof(**gradient));
    return pb_engine_gradient(engine, parameter, *gradient, error);
}

static enum pb_status observe_gradients(struct pb_engine *engine, const struct pb_graph *graph,
                                        const struct pb_prunable_layer *layer, struct pb_layer_buffers *buffers,
                                        struct pb_layer_view *view, struct pb_error *error)
{
    static const enum pb_role roles[] = {PB_ROLE_WEIGHT, PB_ROLE_BIAS, PB_ROLE_GAMMA, PB_ROLE_BETA};
    for (int i = 0; i < 4; i++) {
        const uint32_t node = i < 2 ? layer->node : layer->norm;
        const enum pb_status status =
            download_gradient(engine, graph, node, roles[i], &buffers->parameter_grads[i], error);
        if (status != PB_OK)
            return status;
    }
    view->weight_grad = buffers->parameter_grads[0];
    view->bias_grad = buffers->parameter_grads[1];
    view->gamma_grad = buffers->parameter_grads[2];
    view->beta_grad = buffers->parameter_grads[3];
    return PB_OK;
}

static enum pb_status observe_activation(struct pb_engine *engine, const struct pb_graph *graph,
                                         const struct pb_prunable_layer *layer, uint32_t needs,
                                         struct pb_layer_buffers *buffers, struct pb_layer_view *view,
                                         struct pb_error *error)
{
    size_t count;
    if (!pb_multiply(pb_shape_count(graph->nodes[layer->activation].shape), view->batch, &count))
        return pb_fail_memory(error, SIZE_MAX);
    if (needs & PB_NEEDS_ACTIVATIONS)
        buffers->activation = pb_calloc(count, sizeof(float));
    if (needs & PB_NEEDS_ACTIVATION_GRADIENTS)
        buffers->activation_grad = pb_calloc(count, sizeof(float));
    if (((needs & PB_NEEDS_ACTIVATIONS) && !buffers->activation) ||
        ((needs & PB_NEEDS_ACTIVATION_GRADIENTS) && !buffers->activation_grad))
        return pb_fail_memory(error, count * sizeof(float));
    view->activation = buffers->activation;
    view->activation_grad = buffers->activation_grad;
    return pb_engine_activation(engine, layer->activation, buffers->activation, buffers->activation_grad, error);
}

enum pb_status pb_layer_observe(struct pb_engine *engine, const struct pb_network *network,
                                const struct pb_prunable_layer *layer, uint32_t needs, struct pb_layer_buffers *buffers,
                                struct pb_layer_view *view, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    if (needs & PB_NEEDS_GRADIENTS)
        status = observe_gradients(engine, network->graph, layer, buffers, view, error);
    if (status == PB_OK && (needs & (PB_NEEDS_ACTIVATIONS | PB_NEEDS_ACTIVATION_GRADIENTS)))
        status = observe_activation(engine, network->graph, layer, needs, buffers, view, error);
    return status;
}

void pb_layer_buffers_free(struct pb_layer_buffers *buffers)
{
    for (int i = 0; i < 4; i++)
        pb_free(buffers->parameter_grads[i]);
    pb_free(buffers->activation);
    pb_free(buffers->activation_grad);
    *buffers = (struct pb_layer_buffers){0};
}
