/* Building graphs from graphs. */
#ifndef PB_GRAPH_BUILD_H
#define PB_GRAPH_BUILD_H

#include "graph/channels.h"
#include "graph/graph.h"

/* What would add this node again. */
struct pb_graph_node pb_graph_describe(const struct pb_graph *graph, uint32_t node);

/* The same graph with other numbers of filters: channels[node] is read for convolutions and linear layers. */
PB_MUST_CHECK enum pb_status pb_graph_rebuild(const struct pb_graph *graph, const uint32_t *channels,
                                              struct pb_graph **rebuilt, struct pb_error *error);

/* The same graph with kept[g] channels in every group g: what compaction will make, for counting its cost. */
PB_MUST_CHECK enum pb_status pb_graph_shrink(const struct pb_graph *graph, const struct pb_channel_groups *groups,
                                             const uint32_t *kept, struct pb_graph **shrunk, struct pb_error *error);

/* The last batch norm before node `end`; PB_NO_NODE where there is none. */
uint32_t pb_last_norm(const struct pb_graph *graph, uint32_t end);

#endif
