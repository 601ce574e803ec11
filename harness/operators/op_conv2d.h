/* What convolutions share with projections onto fixed signs, which a backend computes as 1×1 convolutions. */
#ifndef PB_OPERATORS_OP_CONV2D_H
#define PB_OPERATORS_OP_CONV2D_H

#include "engine/engine_operator.h"

/* Of node i, whose attributes are those of a convolution. Functions of struct pb_engine_operator, which see. */
PB_MUST_CHECK enum pb_status pb_convolution_prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_convolution_refresh(struct pb_engine *engine, uint32_t i, struct pb_error *error);
void pb_convolution_ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked);
PB_MUST_CHECK enum pb_status pb_convolution_forward(struct pb_engine *engine, uint32_t i, bool training,
                                                    struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_convolution_backward(struct pb_engine *engine, uint32_t i, uint32_t slot,
                                                     struct pb_view dx, struct pb_error *error);

#endif
