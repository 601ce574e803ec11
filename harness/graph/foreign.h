/* What torchvision and timm call the parameters of the named models, and in which order they keep their values. */
#ifndef PB_GRAPH_FOREIGN_H
#define PB_GRAPH_FOREIGN_H

#include "graph/graph.h"

#define PB_FOREIGN_NAME 64

/* What PyTorch calls a parameter within its module: "weight", "running_mean". */
const char *pb_foreign_role(enum pb_role role);

/* Whether the graph is a named model, whose family has such names. */
bool pb_foreign_is_known(const struct pb_graph *graph);

/* The parameter's name there ("features.0.weight", "classifier.6.bias"); false where the model has none like it: in a head that
 * is not the model's own there. */
bool pb_foreign_name(const struct pb_graph *graph, const struct pb_parameter *parameter, char name[PB_FOREIGN_NAME]);

/* For families whose nodes are named after their modules. */
void pb_foreign_as_named(const struct pb_graph *graph, uint32_t node, char module[PB_FOREIGN_NAME]);
/* For families that are two sequences of modules there: a trunk `features`, which begins behind the input, and a head
 * `classifier`, in which our nodes have the same places. */
void pb_foreign_in_sequence(const struct pb_graph *graph, uint32_t node, char module[PB_FOREIGN_NAME]);

/* Its shape there (K,C,R,S for a convolution); gives the rank. */
uint32_t pb_foreign_dims(const struct pb_parameter *parameter, size_t dims[4]);

/* Its values from their order (K,C,R,S; rows over C,H,W) to ours (K,R,S,C; rows over H,W,C), and back. */
void pb_foreign_to_own(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *from,
                       float *to);
void pb_foreign_from_own(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *from,
                         float *to);

#endif
