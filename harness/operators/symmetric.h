/* What operators on symmetric matrices of channel pairs share. */
#ifndef PB_OPERATORS_SYMMETRIC_H
#define PB_OPERATORS_SYMMETRIC_H

#include "engine/engine_operator.h"

/* infer: fails where the input is no such matrix. side: its rows. */
PB_MUST_CHECK enum pb_status pb_infer_symmetric(struct pb_addition *addition, uint32_t *side);

/* Rows of the matrix that has so many values. */
uint32_t pb_matrix_side(struct pb_shape shape);
/* Of the matrix that a node reads. */
uint32_t pb_input_side(const struct pb_engine *engine, uint32_t node);

#endif
