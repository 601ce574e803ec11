/* Small graphs and networks for tests, made by hand. */
#include "support/graphs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "graph/op_table.h"

struct pb_graph *graph_begin(const char *model, uint32_t height, uint32_t width, uint32_t channels)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    assert_int_equal(pb_graph_create(model, &graph, &error), PB_OK);
    graph_add(graph,
              (struct pb_graph_node){
                  .op = PB_OP_INPUT, .name = "input", .height = height, .width = width, .channels = channels},
              0);
    return graph;
}

uint32_t graph_add(struct pb_graph *graph, struct pb_graph_node node, uint32_t input)
{
    struct pb_error error = {0};
    uint32_t index = 0;
    node.inputs[0] = input;
    if (pb_graph_add(graph, &node, &index, &error) != PB_OK)
        fail_msg("%s", error.text);
    return index;
}

uint32_t graph_conv(struct pb_graph *graph, const char *name, uint32_t input, uint32_t filters)
{
    return graph_add(graph,
                     (struct pb_graph_node){.op = PB_OP_CONV2D,
                                            .name = name,
                                            .channels = filters,
                                            .bias = true,
                                            .conv = {.kernel = {3, 3}, .pad = {1, 1}}},
                     input);
}

uint32_t graph_norm(struct pb_graph *graph, const char *name, uint32_t input)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_BATCH_NORM, .name = name, .eps = 1e-5, .momentum = 0.1},
                     input);
}

uint32_t graph_relu(struct pb_graph *graph, const char *name, uint32_t input)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_RELU, .name = name}, input);
}

uint32_t graph_sum(struct pb_graph *graph, const char *name, uint32_t a, uint32_t b)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_ADD, .name = name, .inputs = {0, b}}, a);
}

uint32_t graph_linear(struct pb_graph *graph, const char *name, uint32_t input, uint32_t outputs)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_LINEAR, .name = name, .channels = outputs, .bias = true},
                     input);
}

uint32_t graph_bilinear_head(struct pb_graph *graph, uint32_t input, uint32_t classes)
{
    pb_graph_begin_head(graph);
    input = graph_add(graph, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "bilinear"}, input);
    input = graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGNED_SQRT, .name = "sqrt", .eps = 1e-8}, input);
    input = graph_add(graph, (struct pb_graph_node){.op = PB_OP_L2_NORM, .name = "l2", .eps = 1e-12}, input);
    input = graph_linear(graph, "fc", input, classes);
    pb_graph_end_in_classifier(graph);
    return input;
}

struct pb_network *network_of(struct pb_graph *graph, uint64_t seed)
{
    struct pb_error error = {0};
    struct pb_network *network = NULL;
    struct pb_rng rng;
    if (pb_network_create(graph, &network, &error) != PB_OK || pb_network_need_velocity(network, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_rng_init(&rng, seed, "test");
    for (uint32_t i = 0; i < graph->parameter_count; i++) {
        const struct pb_parameter *parameter = &graph->parameters[i];
        if (parameter->role == PB_ROLE_HASH)
            pb_graph_operator(graph->nodes[parameter->node].op)
                ->initialise(graph, parameter, network->values + parameter->offset, &rng);
        for (size_t j = 0; j < parameter->count && parameter->role != PB_ROLE_HASH; j++) {
            const double value = 2 * pb_rng_uniform(&rng) - 1;
            const bool variance = parameter->role == PB_ROLE_RUNNING_VAR;
            network->values[parameter->offset + j] = (float)(variance ? 0.5 + 0.4 * value : value);
            if (parameter->trainable)
                network->velocity[parameter->offset + j] = (float)(2 * pb_rng_uniform(&rng) - 1);
        }
    }
    return network;
}

struct pb_channel_groups groups_of(const struct pb_graph *graph)
{
    struct pb_error error = {0};
    struct pb_channel_groups groups = {0};
    if (pb_channel_groups_find(graph, &groups, &error) != PB_OK)
        fail_msg("%s", error.text);
    return groups;
}
