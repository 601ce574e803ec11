/* The schema of matrix documents. */
#ifndef PB_MATRIX_MATRIX_SCHEMA_H
#define PB_MATRIX_MATRIX_SCHEMA_H

#include "base/error.h"
#include "base/text.h"

/* schema/matrix-1.xsd, from the tables of elements and settings. */
PB_MUST_CHECK enum pb_status pb_matrix_schema(struct pb_text *text, struct pb_error *error);

#endif
