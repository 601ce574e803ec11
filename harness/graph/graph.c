/* The graph as a container: its life, its copies, its names. Nodes are added in build.c. */
#include "graph/graph.h"

#include <string.h>

#include "base/memory.h"

enum pb_status pb_graph_create(const char *model, struct pb_graph **graph, struct pb_error *error)
{
    struct pb_graph *created;
    const size_t length = strlen(model);
    if (length >= sizeof(created->model))
        return pb_fail(error, PB_ERROR_INPUT, "model name '%s' is longer than %zu characters", model,
                       sizeof(created->model) - 1);
    created = pb_calloc(1, sizeof(*created));
    if (!created)
        return pb_fail_memory(error, sizeof(*created));
    memcpy(created->model, model, length + 1);
    created->parts = (struct pb_graph_parts){PB_NO_NODE, PB_NO_NODE, PB_NO_NODE};
    *graph = created;
    return PB_OK;
}

enum pb_status pb_graph_copy(const struct pb_graph *from, struct pb_graph **graph, struct pb_error *error)
{
    struct pb_graph *copy = pb_calloc(1, sizeof(*copy));
    if (!copy)
        return pb_fail_memory(error, sizeof(*copy));
    *copy = *from;
    copy->nodes = pb_calloc(from->node_count, sizeof(*copy->nodes));
    copy->parameters = pb_calloc(from->parameter_count, sizeof(*copy->parameters));
    if ((from->node_count && !copy->nodes) || (from->parameter_count && !copy->parameters)) {
        pb_graph_free(&copy);
        return pb_fail_memory(error, from->node_count * sizeof(*from->nodes) +
                                         from->parameter_count * sizeof(*from->parameters));
    }
    if (from->node_count)
        memcpy(copy->nodes, from->nodes, from->node_count * sizeof(*copy->nodes));
    if (from->parameter_count)
        memcpy(copy->parameters, from->parameters, from->parameter_count * sizeof(*copy->parameters));
    *graph = copy;
    return PB_OK;
}

void pb_graph_free(struct pb_graph **graph)
{
    if (!*graph)
        return;
    pb_free((*graph)->nodes);
    pb_free((*graph)->parameters);
    pb_free(*graph);
    *graph = NULL;
}

uint32_t pb_graph_find(const struct pb_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (!strcmp(graph->nodes[i].name, name))
            return i;
    return UINT32_MAX;
}

int pb_graph_name_width(const struct pb_graph *graph, int least)
{
    for (uint32_t i = 0; i < graph->node_count; i++)
        if ((int)strlen(graph->nodes[i].name) > least)
            least = (int)strlen(graph->nodes[i].name);
    return least;
}

const char *pb_op_name(enum pb_op op)
{
#define OP_NAME(NUMBER, name) [PB_OP_##NUMBER] = #name,
    static const char *const names[PB_OP_COUNT] = {PB_OPERATORS(OP_NAME)};
    return (unsigned)op < PB_OP_COUNT ? names[op] : "unknown";
}

const char *pb_role_name(enum pb_role role)
{
#define ROLE_NAME(NUMBER, name, words, learns) [PB_ROLE_##NUMBER] = #name,
    static const char *const names[PB_ROLE_COUNT] = {PB_ROLES(ROLE_NAME)};
    return names[role];
}

const char *pb_role_words(enum pb_role role)
{
#define ROLE_WORDS(NUMBER, name, words, learns) [PB_ROLE_##NUMBER] = words,
    static const char *const names[PB_ROLE_COUNT] = {PB_ROLES(ROLE_WORDS)};
    return names[role];
}

size_t pb_shape_count(struct pb_shape shape)
{
    return (size_t)shape.height * shape.width * shape.channels;
}
