/* Finding channel groups: spaces of channels flow from node to node, `add` and its like merge them. */
#include "graph/channels.h"

#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"

/*
 * A space of channels is named after the node that makes it; parent links lead to the space it was merged into. Its units are what can
 * be removed alone: fewer than its channels where a grouped convolution makes or reads them, and then they repeat.
 */
struct piece {
    uint32_t space, channels;
};
/* The channels of a node's output. */
struct pieces {
    struct piece *list;
    uint32_t count;
    enum pb_channel_pairs pairs;
};
struct spaces {
    const struct pb_graph *graph;
    uint32_t *parent; /* per node, as a space */
    uint32_t *units; /* per space (root) */
    bool *fixed; /* per space (root): may not be pruned */
    struct pieces *of; /* per node */
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

static uint32_t greatest_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* What is removed of a space then repeats every `period` channels. */
static void repeat(struct spaces *spaces, uint32_t space, uint32_t period)
{
    uint32_t *units = &spaces->units[root(spaces, space)];
    *units = greatest_divisor(*units, period);
}

/* The earlier space survives, so that groups keep the order of their first producers. */
static void merge(struct spaces *spaces, uint32_t a, uint32_t b)
{
    a = root(spaces, a);
    b = root(spaces, b);
    const uint32_t first = a < b ? a : b, second = a < b ? b : a;
    spaces->parent[second] = first;
    repeat(spaces, first, spaces->units[second]);
    spaces->fixed[first] = spaces->fixed[first] || spaces->fixed[second];
}

static void fix_all(struct spaces *spaces, const struct pieces *pieces)
{
    for (uint32_t i = 0; i < pieces->count; i++)
        fix(spaces, pieces->list[i].space);
}

/* Both have the same channels: piece by piece where these match. */
static void couple(struct spaces *spaces, const struct pieces *a, const struct pieces *b)
{
    bool match = a->count == b->count && a->pairs == b->pairs;
    for (uint32_t i = 0; match && i < a->count; i++)
        match = a->list[i].channels == b->list[i].channels;
    if (!match) {
        fix_all(spaces, a);
        fix_all(spaces, b);
    }
    for (uint32_t i = 0; match && i < a->count; i++)
        merge(spaces, a->list[i].space, b->list[i].space);
}

/* The space of a channel; *begins: a piece begins with it. */
static uint32_t space_at(const struct pieces *pieces, uint32_t channel, bool *begins)
{
    const struct piece *piece = pieces->list;
    for (; channel >= piece->channels; piece++)
        channel -= piece->channels;
    *begins = channel == 0;
    return piece->space;
}

/* Whether each piece is within one of the parts, or a whole number of them; each part has `channels`. */
static bool is_cut_evenly(const struct pieces *pieces, uint32_t channels)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < pieces->count; i++) {
        const uint32_t wide = pieces->list[i].channels, inside = first % channels;
        if (wide % channels == 0 ? inside != 0 : inside + wide > channels)
            return false;
        first += wide;
    }
    return true;
}

/* Whether the pieces begin at the same places in every part. */
static bool has_equal_parts(const struct pieces *pieces, uint32_t parts, uint32_t channels)
{
    bool equal = is_cut_evenly(pieces, channels);
    for (uint32_t c = 1; c < channels; c++)
        for (uint32_t part = 1; part < parts && equal; part++) {
            bool here, there;
            space_at(pieces, c, &here);
            space_at(pieces, part * channels + c, &there);
            equal = here == there;
        }
    return equal;
}

/* Each of several equal parts of the channels loses the same ones: piece by piece where the parts match. */
static void couple_parts(struct spaces *spaces, const struct pieces *pieces, uint32_t parts, uint32_t channels)
{
    if (pieces->pairs || !has_equal_parts(pieces, parts, channels)) {
        fix_all(spaces, pieces);
        return;
    }
    for (uint32_t i = 0; i < pieces->count; i++)
        if (pieces->list[i].channels % channels == 0)
            repeat(spaces, pieces->list[i].space, channels);
    for (uint32_t c = 0; c < channels; c++) {
        bool begins, other;
        const uint32_t space = space_at(pieces, c, &begins);
        for (uint32_t part = 1; part < parts && (begins || c == 0); part++)
            merge(spaces, space, space_at(pieces, part * channels + c, &other));
    }
}

static bool append(struct pieces *to, const struct piece *list, uint32_t count)
{
    struct piece *longer = pb_realloc(to->list, to->count, (size_t)to->count + count, sizeof *longer);
    if (!longer)
        return false;
    to->list = longer;
    memcpy(longer + to->count, list, count * sizeof *longer);
    to->count += count;
    return true;
}

/* What the rule means for this node: one whose filters go with its input's channels, but cannot, fixes them. */
static enum pb_channel_rule rule_of(const struct spaces *spaces, const struct pb_node *node)
{
    const enum pb_channel_rule rule = pb_channel_rule_of(node);
    const struct pieces *in = &spaces->of[node->inputs[0]];
    const bool filters = pb_graph_operator(node->op)->resize != NULL;
    return rule == PB_CHANNELS_IDENTITY && filters && (in->pairs || in->count > 1) ? PB_CHANNELS_FIXED_BOTH : rule;
}

static bool visit(struct spaces *spaces, uint32_t index)
{
    const struct pb_node *node = &spaces->graph->nodes[index];
    const struct pieces *in = &spaces->of[node->inputs[0]];
    struct pieces *out = &spaces->of[index];
    const struct piece own = {index, node->shape.channels};
    switch (rule_of(spaces, node)) {
    case PB_CHANNELS_IDENTITY:
        for (uint32_t i = 1; i < node->input_count; i++)
            couple(spaces, in, &spaces->of[node->inputs[i]]);
        out->pairs = in->pairs;
        return append(out, in->list, in->count);
    case PB_CHANNELS_CONCATENATED: {
        bool good = true;
        for (uint32_t i = 0; i < node->input_count && good; i++) {
            const struct pieces *part = &spaces->of[node->inputs[i]];
            if (!part->pairs) {
                good = append(out, part->list, part->count);
                continue;
            }
            const struct piece all = {index, spaces->graph->nodes[node->inputs[i]].shape.channels};
            fix_all(spaces, part); /* pairs have no piece of their own here */
            fix(spaces, index);
            good = append(out, &all, 1);
        }
        return good;
    }
    case PB_CHANNELS_PAIRS:
        if (in->pairs)
            fix_all(spaces, in);
        out->pairs = PB_PAIRS_ALL;
        return append(out, in->list, in->count);
    case PB_CHANNELS_UPPER:
        out->pairs = PB_PAIRS_UPPER;
        return append(out, in->list, in->count);
    case PB_CHANNELS_FIXED_BOTH:
        fix_all(spaces, in);
        fix(spaces, index);
        return append(out, &own, 1);
    case PB_CHANNELS_FIXED:
        fix(spaces, index);
        return append(out, &own, 1);
    case PB_CHANNELS_GROUPED: {
        const uint32_t parts = pb_window_of(spaces->graph, index).groups;
        couple_parts(spaces, in, parts, spaces->graph->nodes[node->inputs[0]].shape.channels / parts);
        repeat(spaces, index, own.channels / parts);
        return append(out, &own, 1);
    }
    case PB_CHANNELS_NEW:
        return append(out, &own, 1);
    }
    return false;
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
    return pb_graph_operator(graph->nodes[node].op)->resize && pb_node_group(groups, node) == group;
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
        const bool normed = next != UINT32_MAX && pb_is_norm(&graph->nodes[next]);
        const uint32_t repeats = pb_node_repeats(groups, i);
        group->repeats = repeats > group->repeats ? repeats : group->repeats;
        group->producers[count] = i;
        group->norms[count] = normed ? next : UINT32_MAX;
        group->activation = group->activations[count] = find_activation(graph, i);
        count++;
    }
    group->channels = groups->nodes[group->producers[0]].segments[0].channels;
    groups->total += group->channels * group->repeats;
    return PB_OK;
}

/* What a piece is made of, once or repeatedly. */
static struct pb_channel_segment segment_of(struct spaces *spaces, const uint32_t *numbers, const struct piece *piece)
{
    const uint32_t space = root(spaces, piece->space), group = numbers[space];
    return (struct pb_channel_segment){.group = group,
                                       .channels = group == PB_NO_GROUP ? piece->channels : spaces->units[space]};
}

static enum pb_status fill_node(struct spaces *spaces, const uint32_t *numbers, uint32_t node,
                                struct pb_node_channels *channels, struct pb_error *error)
{
    const struct pieces *pieces = &spaces->of[node];
    size_t count = 0;
    for (uint32_t i = 0; i < pieces->count; i++)
        count += pieces->list[i].channels / segment_of(spaces, numbers, &pieces->list[i]).channels;
    channels->segments = pb_calloc(count, sizeof(*channels->segments));
    if (!channels->segments)
        return pb_fail_memory(error, count * sizeof(*channels->segments));
    channels->pairs = pieces->pairs;
    for (uint32_t i = 0; i < pieces->count; i++) {
        const struct pb_channel_segment segment = segment_of(spaces, numbers, &pieces->list[i]);
        for (uint32_t c = 0; c < pieces->list[i].channels; c += segment.channels)
            channels->segments[channels->count++] = segment;
    }
    return PB_OK;
}

/* Numbers the prunable spaces in order of their roots and says of every node where its channels belong. */
static enum pb_status number_groups(struct spaces *spaces, struct pb_channel_groups *groups, struct pb_error *error)
{
    const uint32_t nodes = spaces->graph->node_count;
    uint32_t *numbers = pb_calloc(nodes, sizeof(*numbers));
    groups->nodes = pb_calloc(nodes, sizeof(*groups->nodes));
    groups->node_count = nodes;
    enum pb_status status = numbers && groups->nodes ? PB_OK : pb_fail_memory(error, nodes * sizeof(*groups->nodes));
    for (uint32_t i = 0; i < nodes && status == PB_OK; i++) {
        const bool made_here = spaces->of[i].list[0].space == i && root(spaces, i) == i;
        numbers[i] = made_here && !spaces->fixed[i] ? groups->count++ : PB_NO_GROUP;
        status = fill_node(spaces, numbers, i, &groups->nodes[i], error);
    }
    pb_free(numbers);
    if (status != PB_OK || !groups->count)
        return status;
    groups->groups = pb_calloc(groups->count, sizeof(*groups->groups));
    return groups->groups ? PB_OK : pb_fail_memory(error, groups->count * sizeof(*groups->groups));
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
        .units = pb_calloc(nodes, sizeof(uint32_t)),
        .of = pb_calloc(nodes, sizeof(struct pieces)),
        .fixed = pb_calloc(nodes, sizeof(bool)),
    };
    if (!nodes) {
        status = pb_fail(error, PB_ERROR_INPUT, "model '%s' has no nodes", graph->model);
        goto cleanup;
    }
    if (!spaces.parent || !spaces.units || !spaces.of || !spaces.fixed) {
        status = pb_fail_memory(error, nodes * sizeof(uint32_t));
        goto cleanup;
    }
    for (uint32_t i = 0; i < nodes; i++) {
        spaces.parent[i] = i;
        spaces.units[i] = graph->nodes[i].shape.channels;
    }
    for (uint32_t i = 0; i < nodes; i++)
        if (!visit(&spaces, i)) {
            status = pb_fail_memory(error, nodes * sizeof(struct piece));
            goto cleanup;
        }
    fix_all(&spaces, &spaces.of[nodes - 1]);
    status = number_groups(&spaces, &found, error);
    for (uint32_t i = 0; i < found.count && status == PB_OK; i++)
        status = fill_group(graph, &found, i, error);
cleanup:
    for (uint32_t i = 0; spaces.of && i < nodes; i++)
        pb_free(spaces.of[i].list);
    pb_free(spaces.parent);
    pb_free(spaces.units);
    pb_free(spaces.of);
    pb_free(spaces.fixed);
    if (status == PB_OK)
        *groups = found;
    else
        pb_channel_groups_free(&found);
    return status;
}

uint32_t pb_node_group(const struct pb_channel_groups *groups, uint32_t node)
{
    const struct pb_node_channels *channels = &groups->nodes[node];
    const uint32_t group = channels->segments[0].group;
    for (uint32_t i = 1; i < channels->count; i++)
        if (channels->segments[i].group != group)
            return PB_NO_GROUP;
    return group;
}

uint32_t pb_node_repeats(const struct pb_channel_groups *groups, uint32_t node)
{
    return groups->nodes[node].count;
}

void pb_channel_groups_free(struct pb_channel_groups *groups)
{
    for (uint32_t i = 0; groups->groups && i < groups->count; i++) {
        pb_free(groups->groups[i].producers);
        pb_free(groups->groups[i].norms);
        pb_free(groups->groups[i].activations);
    }
    pb_free(groups->groups);
    for (uint32_t i = 0; groups->nodes && i < groups->node_count; i++)
        pb_free(groups->nodes[i].segments);
    pb_free(groups->nodes);
    memset(groups, 0, sizeof(*groups));
}
