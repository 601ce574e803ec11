/* A network's evaluation in double precision, as plainly as it can be written; independent of the engine. */
#ifndef PB_TEST_EVALUATE_H
#define PB_TEST_EVALUATE_H

#include "graph/network.h"

/* image: H×W×C; logits: the last node's values. Dropout passes, batch norms use their running statistics. */
void evaluate_network(const struct pb_network *network, const double *image, double *logits);
/* The same of all nodes: node_count arrays of H×W×C, each from malloc. */
void evaluate_nodes(const struct pb_network *network, const double *image, double **outputs);

#endif
