/* Channel groups: what has to go when a channel goes. Found by propagation through the graph. */
#ifndef PB_GRAPH_CHANNELS_H
#define PB_GRAPH_CHANNELS_H

#include "graph/graph.h"

/* Channels that are removed together: the outputs of one convolution, or of several that an `add` couples. */
struct pb_channel_group {
    uint32_t channels;
    uint32_t *producers; /* convolution nodes whose filters these are, in graph order */
    uint32_t producer_count;
    uint32_t *norms; /* batch norms over them, one per producer where it has one, else UINT32_MAX */
    /* The node whose output a criterion sees as the activation: the ReLU behind (or BN, or conv); of each producer, and
     * of the last one. */
    uint32_t *activations;
    uint32_t activation;
};

#define PB_NO_GROUP UINT32_MAX

struct pb_channel_groups {
    struct pb_channel_group *groups; /* prunable groups, input side first */
    uint32_t count;
    uint32_t total; /* channels of all groups: the thesis's N = 4224 */
    /* Per node: the group that its output's channels belong to, PB_NO_GROUP where they cannot be removed; and whether
     * they are pairs (i, j) of the group's channels, i·C + j, as bilinear pooling puts them out. */
    uint32_t *node_groups;
    bool *node_pairs;
};

/*
 * A group is prunable unless it reaches the network's input or output, a linear layer's outputs, or a grouped
 * convolution (only a depthwise one, with one filter per channel, joins the group of its input).
 */

PB_MUST_CHECK enum pb_status pb_channel_groups_find(const struct pb_graph *graph, struct pb_channel_groups *groups,
                                                    struct pb_error *error);
void pb_channel_groups_free(struct pb_channel_groups *groups);

#endif
