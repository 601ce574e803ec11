/* How relevance passes backwards through a convolution with the norm behind it. */
#ifndef PB_PRUNE_RELEVANCE_CONVOLUTION_H
#define PB_PRUNE_RELEVANCE_CONVOLUTION_H

#include "prune/relevance_step.h"

/* Members of the operator's row: see struct pb_relevance_operator. */
PB_MUST_CHECK enum pb_status pb_relevance_pass_conv2d(const struct pb_relevance_step *step, struct pb_engine *engine,
                                                      struct pb_error *error);
size_t pb_relevance_conv2d_room(const struct pb_graph *graph, uint32_t node);
uint64_t pb_relevance_conv2d_bytes(const struct pb_graph *graph, uint32_t node);

#endif
