/* Finding channel groups: spaces of channels flow from node to node, `add` and its like merge them. */
#include "graph/channels.h"

#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"

/* A space of channels is named after the node that makes it; parent links lead to the space it was merged into. */
struct spaces {
    const struct pb_graph *graph;
    uint32_t *parent; /* per node, as a space */
    uint32_t *of; /* per node: the space that its output's channels live in */
    bool *pairs; /* per node: its output's channels are pairs */
    bool *fixed; /* per space (root): may not be pruned */
};

static uint32_t root(struct spaces *spaces, uint32_t space)
{
    while (spaces->parent[space] != space)
        space = spaces->parent[space] = spaces->parent[spaces->parent[space]];
    return space;
}

static void fix(struct spaces *spaces, uint32_t space)
{
    spaces->fixed[root(spaces, space)] = true;
}

/* The earlier space survives, so that groups keep the order of their first producers. */
static void merge(struct spaces *spaces, uint32_t a, uint32_t b)
{
    a = root(spaces, a);
    b = root(spaces, b);
    const uint32_t first = a < b ? a : b, second = a < b ? b : a;
    spaces->parent[second] = first;
    spaces->fixed[first] = spaces->fixed[first] || spaces->fixed[second];
}

/* The channels of several inputs are the same ones; pairs and others cannot be. */
static void merge_inputs(struct spaces *spaces, const struct pb_node *node)
{
    for (uint32_t i = 1; i < node->input_count; i++)
        if (spaces->pairs[node->inputs[0]] == spaces->pairs[node->inputs[i]]) {
            merge(spaces, spaces->of[node->inputs[0]], spaces->of[node->inputs[i]]);
        } else {
            fix(spaces, spaces->of[node->inputs[0]]);
            fix(spaces, spaces->of[node->inputs[i]]);
        }
}

static void visit(struct spaces *spaces, uint32_t index)
{
    const struct pb_node *node = &spaces->graph->nodes[index];
    const uint32_t input = node->inputs[0];
    enum pb_channel_rule rule = pb_channel_rule_of(node);
    if (rule == PB_CHANNELS_IDENTITY && pb_graph_operator(node->op)->resize && spaces->pairs[input])
        rule = PB_CHANNELS_FIXED_BOTH; /* one filter per pair */
    const bool new = rule != PB_CHANNELS_IDENTITY &&rule != PB_CHANNELS_PAIRS;
    spaces->of[index] = new ? index : spaces->of[input];
    spaces->pairs[index] = rule == PB_CHANNELS_PAIRS || (!new && spaces->pairs[input]);
    if (rule == PB_CHANNELS_FIXED || rule == PB_CHANNELS_FIXED_BOTH)
        fix(spaces, index);
    if (rule == PB_CHANNELS_FIXED_BOTH || (rule == PB_CHANNELS_PAIRS && spaces->pairs[input]))
        fix(spaces, spaces->of[input]);
    if (rule == PB_CHANNELS_IDENTITY)
        merge_inputs(spaces, node);
}

/* The only node that reads node's output; UINT32_MAX when there are none or several. */
static uint32_t sole_consumer(const struct pb_graph *graph, uint32_t node)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t i = node + 1; i < graph->node_count; i++)
        for (uint32_t j = 0; j < graph->nodes[i].input_count; j++)
            if (graph->nodes[i].inputs[j] == node) {
                if (found != UINT32_MAX)
                    return UINT32_MAX;
                found = i;
            }
    return found;
}

/* From a producer on through batch norm and add to the ReLU, as far as nothing else reads what lies between. */
static uint32_t find_activation(const struct pb_graph *graph, uint32_t node)
{
    for (;;) {
        const uint32_t next = sole_consumer(graph, node);
        if (next == UINT32_MAX)
            return node;
        const struct pb_graph_operator *row = pb_graph_operator(graph->nodes[next].op);
        if (row->activation)
            return next;
        if (!row->before_activation)
            return node;
        node = next;
    }
}

static bool is_producer(const struct pb_graph *graph, const struct pb_channel_groups *groups, uint32_t node,
                        uint32_t group)
{
    return pb_graph_operator(graph->nodes[node].op)->resize && groups->node_groups[node] == group;
}

static enum pb_status fill_group(const struct pb_graph *graph, struct pb_channel_groups *groups, uint32_t index,
                                 struct pb_error *error)
{
    struct pb_channel_group *group = &groups->groups[index];
    for (uint32_t i = 0; i < graph->node_count; i++)
        group->producer_count += is_producer(graph, groups, i, index);
    group->producers = pb_calloc(group->producer_count, sizeof(*group->producers));
    group->norms = pb_calloc(group->producer_count, sizeof(*group->norms));
    group->activations = pb_calloc(group->producer_count, sizeof(*group->activations));
    if (!group->producers || !group->norms || !group->activations)
        return pb_fail_memory(error, group->producer_count * sizeof(*group->producers));
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (!is_producer(graph, groups, i, index))
            continue;
        const uint32_t next = sole_consumer(graph, i);
        const bool normed = next != UINT32_MAX && graph->nodes[next].op == PB_OP_BATCH_NORM;
        group->producers[count] = i;
        group->norms[count] = normed ? next : UINT32_MAX;
        group->activation = group->activations[count] = find_activation(graph, i);
        count++;
    }
    group->channels = graph->nodes[group->producers[0]].shape.channels;
    groups->total += group->channels;
    return PB_OK;
}

/* Numbers the prunable spaces in order of their roots and says of every node where it belongs. */
static enum pb_status number_groups(struct spaces *spaces, struct pb_channel_groups *groups, struct pb_error *error)
{
    const uint32_t nodes = spaces->graph->node_count;
    groups->node_groups = pb_calloc(nodes, sizeof(*groups->node_groups));
    groups->node_pairs = pb_calloc(nodes, sizeof(*groups->node_pairs));
    if (!groups->node_groups || !groups->node_pairs)
        return pb_fail_memory(error, nodes * sizeof(*groups->node_groups));
    for (uint32_t i = 0; i < nodes; i++) {
        const uint32_t space = root(spaces, spaces->of[i]);
        groups->node_pairs[i] = spaces->pairs[i];
        if (spaces->fixed[space])
            groups->node_groups[i] = PB_NO_GROUP;
        else
            groups->node_groups[i] = space == i ? groups->count++ : groups->node_groups[space];
    }
    if (!groups->count)
        return PB_OK;
    groups->groups = pb_calloc(groups->count, sizeof(*groups->groups));
    if (!groups->groups)
        return pb_fail_memory(error, groups->count * sizeof(*groups->groups));
    return PB_OK;
}

enum pb_status pb_channel_groups_find(const struct pb_graph *graph, struct pb_channel_groups *groups,
                                      struct pb_error *error)
{
    enum pb_status status = PB_OK;
    const uint32_t nodes = graph->node_count;
    struct pb_channel_groups found = {0};
    struct spaces spaces = {
        .graph = graph,
        .parent = pb_calloc(nodes, sizeof(uint32_t)),
        .of = pb_calloc(nodes, sizeof(uint32_t)),
        .pairs = pb_calloc(nodes, sizeof(bool)),
        .fixed = pb_calloc(nodes, sizeof(bool)),
    };
    if (!nodes) {
        status = pb_fail(error, PB_ERROR_INPUT, "model '%s' has no nodes", graph->model);
        goto cleanup;
    }
    if (!spaces.parent || !spaces.of || !spaces.pairs || !spaces.fixed) {
        status = pb_fail_memory(error, nodes * sizeof(uint32_t));
        goto cleanup;
    }
    for (uint32_t i = 0; i < nodes; i++)
        spaces.parent[i] = i;
    for (uint32_t i = 0; i < nodes; i++)
        visit(&spaces, i);
    fix(&spaces, spaces.of[nodes - 1]);
    status = number_groups(&spaces, &found, error);
    for (uint32_t i = 0; i < found.count && status == PB_OK; i++)
        status = fill_group(graph, &found, i, error);
cleanup:
    pb_free(spaces.parent);
    pb_free(spaces.of);
    pb_free(spaces.pairs);
    pb_free(spaces.fixed);
    if (status == PB_OK)
        *groups = found;
    else
        pb_channel_groups_free(&found);
    return status;
}

void pb_channel_groups_free(struct pb_channel_groups *groups)
{
    for (uint32_t i = 0; groups->groups && i < groups->count; i++) {
        pb_free(groups->groups[i].producers);
        pb_free(groups->groups[i].norms);
        pb_free(groups->groups[i].activations);
    }
    pb_free(groups->groups);
    pb_free(groups->node_groups);
    pb_free(groups->node_pairs);
    memset(groups, 0, sizeof(*groups));
}
