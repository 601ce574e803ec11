/* Layer-wise relevance in double precision, as plainly as it can be written; independent of the harness's. */
#ifndef PB_TEST_RELEVANCE_REFERENCE_H
#define PB_TEST_RELEVANCE_REFERENCE_H

#include <prunebench/criterion.h>

#include "graph/network.h"

/* image: H×W×C. relevance: node_count arrays of H×W×C, each from calloc. Returns the logit of the label. */
double reference_relevance(const struct pb_network *network, struct pb_relevance_rule rule, const double *image,
                           uint32_t label, double **relevance);

#endif
