/* A graph as text: what a checkpoint says of itself. */
#ifndef PB_GRAPH_GRAPH_JSON_H
#define PB_GRAPH_GRAPH_JSON_H

#include <jansson.h>

#include "graph/graph.h"

/* One node: its operator, name, attributes, and its inputs by name. NULL: memory ran out. */
json_t *pb_graph_node_to_json(const struct pb_graph *graph, uint32_t node);
/* *text from pb_calloc. */
PB_MUST_CHECK enum pb_status pb_graph_to_json(const struct pb_graph *graph, char **text, struct pb_error *error);
/* Refuses unknown operators and members; where: the file, for messages. */
PB_MUST_CHECK enum pb_status pb_graph_from_json(const char *text, const char *where, struct pb_graph **graph,
                                                struct pb_error *error);

#endif
