/* The layers that read the channels of a group. */
#ifndef PB_PRUNE_CONSUMERS_H
#define PB_PRUNE_CONSUMERS_H

#include "graph/channels.h"
#include "graph/network.h"

/* A grouped convolution is as many layers as it has groups: each reads a part of the input and makes a part of the output. */
struct pb_consumer {
    uint32_t node; /* a layer that mixes channels: a convolution or a linear layer */
    uint32_t part; /* which group of the convolution; 0 of others */
    uint32_t input; /* the node whose output it reads */
    uint32_t group;
    uint32_t first; /* the group's first channel among those that it reads */
    bool pairs; /* it reads products of two channels each (bilinear pooling) */
};
struct pb_consumers {
    struct pb_consumer *list; /* by group, then in graph order */
    uint32_t count;
};
PB_MUST_CHECK enum pb_status pb_consumers_find(const struct pb_network *network, const struct pb_channel_groups *groups,
                                               struct pb_consumers *consumers, struct pb_error *error);
/* "conv1", which is part 0 of it, too; "conv1 (group 2)" is part 1. */
enum { PB_CONSUMER_NAME = 64 };
void pb_consumer_name(const struct pb_graph *graph, const struct pb_consumer *consumer, char name[PB_CONSUMER_NAME]);
void pb_consumers_free(struct pb_consumers *consumers);
/* How many a group has, and the index in the list of its first. */
uint32_t pb_consumers_of(const struct pb_consumers *consumers, uint32_t group, uint32_t *first);

#endif
