/* The layers that read the channels of a group. */
#include "prune/consumers.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "graph/op_table.h"

/*
 * What node n reads of group g: one consumer for each piece of its input that is the group's. A layer over half of a symmetric matrix is
 * none: criteria know pairs as whole matrices.
 */
static void add_pieces(const struct pb_graph *graph, const struct pb_channel_groups *groups, uint32_t node,
                       uint32_t group, struct pb_consumers *found)
{
    const uint32_t input = graph->nodes[node].inputs[0];
    const uint32_t read = graph->nodes[input].shape.channels / pb_window_of(graph, node).groups;
    const struct pb_node_channels *channels = &groups->nodes[input];
    uint32_t first = 0;
    if (channels->pairs == PB_PAIRS_UPPER)
        return;
    for (uint32_t s = 0; s < channels->count; first += channels->segments[s++].channels)
        if (channels->segments[s].group == group)
            found->list[found->count++] = (struct pb_consumer){.node = node,
                                                               .part = first / read,
                                                               .input = input,
                                                               .group = group,
                                                               .first = first % read,
                                                               .pairs = channels->pairs == PB_PAIRS_ALL};
}

enum pb_status pb_consumers_find(const struct pb_network *network, const struct pb_channel_groups *groups,
                                 struct pb_consumers *consumers, struct pb_error *error)
{
    const struct pb_graph *graph = network->graph;
    struct pb_consumers found = {0};
    size_t most = 1;
    for (uint32_t n = 1; n < graph->node_count; n++)
        most += groups->nodes[graph->nodes[n].inputs[0]].count;
    found.list = pb_calloc(most, sizeof *found.list);
    if (!found.list)
        return pb_fail_memory(error, most * sizeof *found.list);
    for (uint32_t g = 0; g < groups->count; g++)
        for (uint32_t n = 1; n < graph->node_count; n++)
            if (pb_mixes_channels(&graph->nodes[n])) /* a depthwise convolution is one of the group's producers */
                add_pieces(graph, groups, n, g, &found);
    *consumers = found;
    return PB_OK;
}

void pb_consumer_name(const struct pb_graph *graph, const struct pb_consumer *consumer, char name[PB_CONSUMER_NAME])
{
    const char *node = graph->nodes[consumer->node].name;
    if (consumer->part)
        snprintf(name, PB_CONSUMER_NAME, "%s (group %" PRIu32 ")", node, consumer->part + 1);
    else
        snprintf(name, PB_CONSUMER_NAME, "%s", node);
}

void pb_consumers_free(struct pb_consumers *consumers)
{
    pb_free(consumers->list);
    *consumers = (struct pb_consumers){0};
}

uint32_t pb_consumers_of(const struct pb_consumers *consumers, uint32_t group, uint32_t *first)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < consumers->count; i++)
        if (consumers->list[i].group == group && count++ == 0)
            *first = i;
    return count;
}
