/* Batch normalisation: what the convolution needs that is computed with it. */
#ifndef PB_OPERATORS_OP_BATCH_NORM_H
#define PB_OPERATORS_OP_BATCH_NORM_H

#include "engine/engine_internal.h"

/* All of a node's arguments, without dx. */
struct pb_bn_arguments pb_batch_norm_arguments(const struct pb_engine *engine, uint32_t node);
PB_MUST_CHECK enum pb_status pb_batch_norm_forward(struct pb_engine *engine, uint32_t node, bool training,
                                                   struct pb_error *error);

#endif
