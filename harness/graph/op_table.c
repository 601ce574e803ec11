/* The table of operators. */
#include "graph/op_table.h"

#include <stdio.h>

#include "base/memory.h"

#define ROW(NUMBER, name) [PB_OP_##NUMBER] = &pb_op_##name,
static const struct pb_graph_operator *const table[PB_OP_COUNT] = {PB_OPERATORS(ROW)};

const struct pb_graph_operator *pb_graph_operator(enum pb_op op)
{
    return table[op];
}

/* Whatever the node says of its channels. */
static enum pb_channel_rule rule_of_operator(const struct pb_node *node)
{
    const struct pb_graph_operator *row = pb_graph_operator(node->op);
    return row->channels_of ? row->channels_of(node) : row->channels;
}

enum pb_channel_rule pb_channel_rule_of(const struct pb_node *node)
{
    const enum pb_channel_rule rule = rule_of_operator(node);
    if (!node->fixed)
        return rule;
    return rule == PB_CHANNELS_NEW ? PB_CHANNELS_FIXED : PB_CHANNELS_FIXED_BOTH;
}

bool pb_mixes_channels(const struct pb_node *node)
{
    return pb_graph_operator(node->op)->resize && rule_of_operator(node) != PB_CHANNELS_IDENTITY;
}

bool pb_makes_channels(const struct pb_graph *graph, uint32_t node)
{
    return pb_mixes_channels(&graph->nodes[node]) && node != graph->parts.classifier;
}

bool pb_is_norm(const struct pb_node *node)
{
    return pb_graph_operator(node->op)->norm;
}

bool pb_is_symmetric(const struct pb_graph *graph, uint32_t node)
{
    while (pb_graph_operator(graph->nodes[node].op)->keeps_symmetry)
        node = graph->nodes[node].inputs[0];
    return pb_channel_rule_of(&graph->nodes[node]) == PB_CHANNELS_PAIRS;
}

struct pb_conv_attributes pb_window_of(const struct pb_graph *graph, uint32_t node)
{
    return pb_graph_operator(graph->nodes[node].op)->window(graph, &graph->nodes[node]);
}

struct pb_weight_axes pb_weight_axes_of(const struct pb_graph *graph, const struct pb_parameter *parameter)
{
    const struct pb_graph_operator *row = pb_graph_operator(graph->nodes[parameter->node].op);
    struct pb_weight_axes axes = {.height = 1, .width = 1, .channels = 1, .columns_of = PB_NO_NODE};
    if ((parameter->role == PB_ROLE_WEIGHT || parameter->role == PB_ROLE_HASH) && row->axes)
        row->axes(graph, parameter, &axes);
    return axes;
}

enum pb_status pb_refuse(struct pb_addition *addition, const char *what)
{
    return pb_fail(addition->error, PB_ERROR_INPUT, "node '%s' (%s): %s", addition->node.name,
                   pb_op_name(addition->node.op), what);
}

enum pb_status pb_add_parameter(struct pb_addition *addition, enum pb_role role, uint32_t rank, const size_t *dims)
{
#define LEARNS(NUMBER, name, words, learns) [PB_ROLE_##NUMBER] = learns,
    static const bool learns[PB_ROLE_COUNT] = {PB_ROLES(LEARNS)};
    struct pb_parameter *parameter = &addition->parameters[addition->parameter_count];
    snprintf(parameter->name, sizeof(parameter->name), "%s.%s", addition->node.name, pb_role_name(role));
    parameter->role = role;
    parameter->rank = rank;
    parameter->trainable = learns[role];
    parameter->count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        parameter->dims[i] = dims[i];
        if (!pb_multiply(parameter->count, dims[i], &parameter->count))
            return pb_refuse(addition, "has more parameters than memory has addresses");
    }
    addition->parameter_count++;
    return PB_OK;
}

enum pb_status pb_infer_elementwise(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    (void)asked;
    const struct pb_shape in = addition->in[0];
    char what[192];
    for (uint32_t i = 1; i < addition->node.input_count; i++) {
        const struct pb_shape other = addition->in[i];
        if (in.height == other.height && in.width == other.width && in.channels == other.channels)
            continue;
        snprintf(what, sizeof what,
                 "its inputs differ in shape: '%s' has %u×%u×%u, '%s' %u×%u×%u; it repeats neither, so both need the "
                 "same channels",
                 addition->input_names[0], in.height, in.width, in.channels, addition->input_names[i], other.height,
                 other.width, other.channels);
        return pb_refuse(addition, what);
    }
    addition->node.shape = in;
    return PB_OK;
}
