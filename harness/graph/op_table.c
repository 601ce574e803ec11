/* The table of the graph's operators: its rows are in the files op_*.c. */
#include "graph/op_table.h"

#include <stdio.h>

#include "base/memory.h"

#define ROW(NUMBER, name) [PB_OP_##NUMBER] = &pb_op_##name,
static const struct pb_graph_operator *const table[PB_OP_COUNT] = {PB_OPERATORS(ROW)};

const struct pb_graph_operator *pb_graph_operator(enum pb_op op)
{
    return table[op];
}

enum pb_channel_rule pb_channel_rule_of(const struct pb_node *node)
{
    const struct pb_graph_operator *row = pb_graph_operator(node->op);
    const enum pb_channel_rule rule = row->channels_of ? row->channels_of(node) : row->channels;
    if (!node->fixed)
        return rule;
    return rule == PB_CHANNELS_NEW ? PB_CHANNELS_FIXED : PB_CHANNELS_FIXED_BOTH;
}

bool pb_makes_channels(const struct pb_graph *graph, uint32_t index)
{
    const struct pb_node *node = &graph->nodes[index];
    const struct pb_graph_operator *row = pb_graph_operator(node->op);
    const enum pb_channel_rule rule = row->channels_of ? row->channels_of(node) : row->channels;
    return row->resize && rule != PB_CHANNELS_IDENTITY && index != graph->parts.classifier;
}

struct pb_weight_axes pb_weight_axes_of(const struct pb_graph *graph, const struct pb_parameter *parameter)
{
    const struct pb_graph_operator *row = pb_graph_operator(graph->nodes[parameter->node].op);
    struct pb_weight_axes axes = {.height = 1, .width = 1, .channels = 1};
    if (parameter->role == PB_ROLE_WEIGHT && row->axes)
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
    for (uint32_t i = 1; i < addition->node.input_count; i++)
        if (in.height != addition->in[i].height || in.width != addition->in[i].width ||
            in.channels != addition->in[i].channels)
            return pb_refuse(addition, "its inputs differ in shape");
    addition->node.shape = in;
    return PB_OK;
}
