/* What torchvision and timm call the parameters of VGG networks, and in which order they keep their values. */
#ifndef PB_GRAPH_FOREIGN_H
#define PB_GRAPH_FOREIGN_H

#include "graph/graph.h"

#define PB_FOREIGN_NAME 64

/*
 * Where the trunk of graph ends: the first node that is no convolution, norm, ReLU or max-pool. torchvision numbers
 * the modules of its `features` in a row, so a trunk with branches is PB_ERROR_INPUT.
 */
PB_MUST_CHECK enum pb_status pb_foreign_trunk(const struct pb_graph *graph, uint32_t *head, struct pb_error *error);

/* What PyTorch calls a parameter within its module: "weight", "running_mean". */
const char *pb_foreign_role(enum pb_role role);

/* The parameter's name there ("features.0.weight", "classifier.6.bias"); false where VGG has none like it, as for the
 * classifier of a bilinear head. head: as pb_foreign_trunk found it. */
bool pb_foreign_name(const struct pb_graph *graph, const struct pb_parameter *parameter, uint32_t head,
                     char name[PB_FOREIGN_NAME]);

/* Its shape there (K,C,R,S for a convolution); gives the rank. */
uint32_t pb_foreign_dims(const struct pb_parameter *parameter, size_t dims[4]);

/* Its values from their order (K,C,R,S; rows over C,H,W) to ours (K,R,S,C; rows over H,W,C), and back. */
void pb_foreign_to_own(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *from,
                       float *to);
void pb_foreign_from_own(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *from,
                         float *to);

#endif
