/* How relevance passes backwards through each operator: one row per operator. */
#ifndef PB_PRUNE_RELEVANCE_OPERATORS_H
#define PB_PRUNE_RELEVANCE_OPERATORS_H

#include "prune/relevance_step.h"

const struct pb_relevance_operator *pb_relevance_operator(enum pb_op op);

#endif
