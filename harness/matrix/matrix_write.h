/* A matrix document written out. */
#ifndef PB_MATRIX_MATRIX_WRITE_H
#define PB_MATRIX_MATRIX_WRITE_H

#include "matrix/document.h"

/* The document with every default beside what it says; it reads back to the same cells. */
PB_MUST_CHECK enum pb_status pb_matrix_write(const struct pb_document *document, struct pb_text *text,
                                             struct pb_error *error);

#endif
