/* From a document and a place on its axes to a cell's values. */
#ifndef PB_MATRIX_CELL_VALUES_H
#define PB_MATRIX_CELL_VALUES_H

#include "matrix/cell_lines.h"
#include "matrix/document.h"

/*
 * The cell at a place: one index per axis. The most specific change wins, value by value; two that are equally specific
 * and differ are PB_ERROR_INPUT naming both lines. id, matrix_name and matrix_sha256 are the caller's to fill.
 * below: the cell at the same place but for the target, which is the one before this one of the same measure; its rounds are
 * this cell's but for the last. NULL where it is not at hand: then they are filled one by one.
 */
PB_MUST_CHECK enum pb_status pb_cell_values_fill(const struct pb_document *document,
                                                 const uint32_t place[PB_MATRIX_COUNT],
                                                 const struct pb_cell_config *below, struct pb_cell_config *config,
                                                 struct pb_cell_lines *lines, struct pb_error *error);

#endif
