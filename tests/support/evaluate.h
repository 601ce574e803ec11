/* A network's evaluation in double precision, as plainly as it can be written; independent of the engine. */
#ifndef PB_TEST_EVALUATE_H
#define PB_TEST_EVALUATE_H

#include "graph/network.h"

/* image: H×W×C; logits: the last node's values. Dropout passes, batch norms use their running statistics. */
void evaluate_network(const struct pb_network *network, const double *image, double *logits);

#endif
