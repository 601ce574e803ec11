/* The layers that read the channels of a group. */
#include "prune/consumers.h"

#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"

/*
 * What node n reads of group g: one consumer for each piece of its input that is the group's. A layer over half of a symmetric matrix is
 * none: criteria know pairs as whole matrices.
 */
static void add_pieces(const struct pb_channel_groups *groups, uint32_t node, uint32_t input, uint32_t group,
                       struct pb_consumers *found)
{
    const struct pb_node_channels *channels = &groups->nodes[input];
    uint32_t first = 0;
    if (channels->pairs == PB_PAIRS_UPPER)
        return;
    for (uint32_t s = 0; s < channels->count; first += channels->segments[s++].channels)
        if (channels->segments[s].group == group)
            found->list[found->count++] = (struct pb_consumer){
                .node = node, .input = input, .group = group, .first = first, .pairs = channels->pairs == PB_PAIRS_ALL};
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
                add_pieces(groups, n, graph->nodes[n].inputs[0], g, &found);
    *consumers = found;
    return PB_OK;
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
