/* Adding nodes: checks, places for parameters; and adding those of another graph again. */
#include "graph/build.h"

#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"

/* Views of a network's values start at multiples of 64 bytes. */
#define FLOATS_PER_LINE 16

static enum pb_status check_place(const struct pb_graph *graph, const struct pb_graph_node *asked,
                                  struct pb_addition *addition)
{
    const size_t length = strlen(asked->name);
    if (!length || length >= sizeof(addition->node.name))
        return pb_fail(addition->error, PB_ERROR_INPUT, "node name '%s': must have 1 to %zu characters", asked->name,
                       sizeof(addition->node.name) - 1);
    memcpy(addition->node.name, asked->name, length + 1);
    addition->node.op = asked->op;
    addition->node.fixed = asked->fixed;
    if ((unsigned)asked->op >= PB_OP_COUNT)
        return pb_refuse(addition, "no such operator");
    if (pb_graph_find(graph, asked->name) != UINT32_MAX)
        return pb_refuse(addition, "another node has this name");
    if (asked->fixed && !pb_graph_operator(asked->op)->resize)
        return pb_refuse(addition, "makes no channels that could be fixed");
    const struct pb_graph_operator *row = pb_graph_operator(asked->op);
    if ((row->inputs == 0) != (graph->node_count == 0))
        return pb_refuse(addition, "a graph begins with its input, and has no other");
    addition->node.input_count = asked->input_count ? asked->input_count : row->inputs;
    if (addition->node.input_count < row->inputs ||
        addition->node.input_count > (row->inputs_max ? row->inputs_max : row->inputs))
        return pb_refuse(addition, "does not take so many inputs");
    for (uint32_t i = 0; i < addition->node.input_count; i++) {
        if (asked->inputs[i] >= graph->node_count)
            return pb_refuse(addition, "takes its input from a node that comes later or is not there");
        addition->node.inputs[i] = asked->inputs[i];
        addition->in[i] = graph->nodes[asked->inputs[i]].shape;
        addition->input_names[i] = graph->nodes[asked->inputs[i]].name;
    }
    return PB_OK;
}

/* Gives the new parameters their places; fails when the values outgrow the address space. */
static enum pb_status place_parameters(const struct pb_graph *graph, struct pb_addition *addition, size_t *value_count)
{
    size_t end = graph->value_count;
    for (uint32_t role = 0; role < PB_ROLE_COUNT; role++)
        addition->node.parameters[role] = PB_NO_PARAMETER;
    for (uint32_t i = 0; i < addition->parameter_count; i++) {
        struct pb_parameter *parameter = &addition->parameters[i];
        parameter->node = graph->node_count;
        parameter->offset = end;
        addition->node.parameters[parameter->role] = graph->parameter_count + i;
        size_t bytes;
        if (!pb_add(end, parameter->count, &end) || !pb_add(end, FLOATS_PER_LINE - 1, &end) ||
            !pb_multiply(end, sizeof(float), &bytes))
            return pb_refuse(addition, "makes the model larger than memory has addresses");
        end -= end % FLOATS_PER_LINE;
    }
    *value_count = end;
    return PB_OK;
}

static enum pb_status commit(struct pb_graph *graph, const struct pb_addition *addition, size_t value_count)
{
    struct pb_node *nodes = pb_realloc(graph->nodes, graph->node_count, graph->node_count + 1u, sizeof(*nodes));
    if (!nodes)
        return pb_fail_memory(addition->error, (graph->node_count + 1u) * sizeof(*nodes));
    graph->nodes = nodes;
    if (addition->parameter_count) {
        const size_t count = graph->parameter_count + addition->parameter_count;
        struct pb_parameter *parameters =
            pb_realloc(graph->parameters, graph->parameter_count, count, sizeof(*parameters));
        if (!parameters)
            return pb_fail_memory(addition->error, count * sizeof(*parameters));
        graph->parameters = parameters;
        memcpy(parameters + graph->parameter_count, addition->parameters,
               addition->parameter_count * sizeof(*parameters));
    }
    nodes[graph->node_count] = addition->node;
    graph->node_count++;
    graph->parameter_count += addition->parameter_count;
    graph->value_count = value_count;
    graph->classes = (uint32_t)pb_shape_count(addition->node.shape);
    return PB_OK;
}

enum pb_status pb_graph_add(struct pb_graph *graph, const struct pb_graph_node *node, uint32_t *index,
                            struct pb_error *error)
{
    struct pb_addition addition = {.graph = graph, .error = error};
    enum pb_status status = check_place(graph, node, &addition);
    if (status != PB_OK)
        return status;
    status = pb_graph_operator(node->op)->infer(&addition, node);
    if (status != PB_OK)
        return status;
    const struct pb_shape shape = addition.node.shape;
    size_t values;
    if (!pb_multiply(shape.height, shape.width, &values) || !pb_multiply(values, shape.channels, &values) ||
        values > SIZE_MAX / sizeof(float))
        return pb_refuse(&addition, "its output is larger than memory has addresses");
    size_t value_count = 0;
    status = place_parameters(graph, &addition, &value_count);
    if (status != PB_OK)
        return status;
    const uint32_t place = graph->node_count;
    status = commit(graph, &addition, value_count);
    if (status == PB_OK && index)
        *index = place;
    return status;
}

struct pb_graph_node pb_graph_describe(const struct pb_graph *graph, uint32_t index)
{
    const struct pb_node *node = &graph->nodes[index];
    struct pb_graph_node description = {
        .op = node->op,
        .name = node->name,
        .input_count = node->input_count,
        .channels = node->shape.channels,
        .height = node->shape.height,
        .width = node->shape.width,
        .bias = node->parameters[PB_ROLE_BIAS] != PB_NO_PARAMETER,
        .fixed = node->fixed,
    };
    memcpy(description.inputs, node->inputs, sizeof description.inputs);
    if (pb_graph_operator(node->op)->describe)
        pb_graph_operator(node->op)->describe(node, &description);
    return description;
}

enum pb_status pb_graph_rebuild(const struct pb_graph *graph, const uint32_t *channels, struct pb_graph **rebuilt,
                                struct pb_error *error)
{
    struct pb_graph *fresh = NULL;
    enum pb_status status = pb_graph_create(graph->model, &fresh, error);
    for (uint32_t i = 0; i < graph->node_count && status == PB_OK; i++) {
        struct pb_graph_node node = pb_graph_describe(graph, i);
        if (pb_graph_operator(node.op)->resize)
            pb_graph_operator(node.op)->resize(&node, channels[i]);
        status = pb_graph_add(fresh, &node, NULL, error);
    }
    if (status == PB_OK) {
        fresh->parts = graph->parts;
        memcpy(fresh->head, graph->head, sizeof fresh->head);
        *rebuilt = fresh;
    } else if (fresh) {
        pb_graph_free(&fresh);
    }
    return status;
}

uint32_t pb_last_norm(const struct pb_graph *graph, uint32_t end)
{
    while (end > 0 && !pb_is_norm(&graph->nodes[end - 1]))
        end--;
    return end > 0 ? end - 1 : PB_NO_NODE;
}

void pb_graph_begin_head(struct pb_graph *graph)
{
    graph->parts.head = graph->node_count;
    graph->parts.last_norm = pb_last_norm(graph, graph->node_count);
}

void pb_graph_end_in_classifier(struct pb_graph *graph)
{
    graph->parts.classifier = graph->node_count - 1;
}
