/* Channel groups: what has to go when a channel goes. Found by propagation through the graph. */
#ifndef PB_GRAPH_CHANNELS_H
#define PB_GRAPH_CHANNELS_H

#include "graph/graph.h"

/*
 * Channels that are removed together: the outputs of one convolution or linear layer, or of several that an `add` couples. A
 * convolution of several groups loses the same channel of each of them, so that its channels, and those that it reads, are a few
 * that repeat: `channels` are these few, and output k of a producer belongs to number k mod channels.
 */
struct pb_channel_group {
    uint32_t channels;
    uint32_t
        repeats; /* how often the channels of the widest producer repeat: 1 where there are no grouped convolutions */
    uint32_t *producers; /* the layers that make these channels, in graph order */
    uint32_t producer_count;
    uint32_t *norms; /* batch norms over them, one per producer where it has one, else UINT32_MAX */
    /* The node whose output a criterion sees as the activation: the ReLU behind (or BN, or conv); of each producer, and
     * of the last one. */
    uint32_t *activations;
    uint32_t activation;
};

#define PB_NO_GROUP UINT32_MAX

/* The channels of a node's output, piece by piece: all of one group, or `channels` that cannot be removed. */
struct pb_channel_segment {
    uint32_t group, channels;
};
/* Whether an output has pairs of channels instead. */
enum pb_channel_pairs {
    PB_PAIRS_NONE,
    PB_PAIRS_ALL, /* all pairs (i, j) of the C channels, as i·C + j: bilinear pooling */
    PB_PAIRS_UPPER, /* those with i ≤ j, in the same order: half of a symmetric matrix */
};
struct pb_node_channels {
    struct pb_channel_segment *segments;
    uint32_t count; /* one, but for concatenations and what comes behind them, and for channels that repeat */
    enum pb_channel_pairs pairs;
};

struct pb_channel_groups {
    struct pb_channel_group *groups; /* prunable groups, input side first */
    uint32_t count;
    uint32_t total; /* channels of all groups, with their repetitions: 4224 in VGG-16 */
    struct pb_node_channels *nodes; /* of every node */
    uint32_t node_count;
};

/*
 * A group is prunable unless it reaches the network's input or output, or a layer that is `fixed`. A depthwise convolution, with one
 * filter per channel, joins the group of its input. Inputs of an addition are coupled piece by piece, and so are the parts that the
 * groups of a convolution read; where the pieces do not match, none of them is prunable.
 */
PB_MUST_CHECK enum pb_status pb_channel_groups_find(const struct pb_graph *graph, struct pb_channel_groups *groups,
                                                    struct pb_error *error);
/* The group that all channels of a node's output belong to; PB_NO_GROUP where they cannot be removed or belong to several. */
uint32_t pb_node_group(const struct pb_channel_groups *groups, uint32_t node);
/* How often the channels of this group repeat in a node's output that belongs to it alone. */
uint32_t pb_node_repeats(const struct pb_channel_groups *groups, uint32_t node);
void pb_channel_groups_free(struct pb_channel_groups *groups);

#endif
