/* Contact sheets: network inputs side by side in one PNG, to be looked at. */
#ifndef PB_DATA_SHEET_H
#define PB_DATA_SHEET_H

#include "data/data.h"
#include "data/image.h"

/* Pixels between the cells, and the longest side of a cell: larger inputs are reduced to it. */
#define PB_SHEET_GAP 4
#define PB_SHEET_CELL 112

struct pb_sheet {
    uint32_t columns, rows, cell;
    struct pb_image page;
};
/* White, with room for columns × rows inputs of preprocess's size. */
PB_MUST_CHECK enum pb_status pb_sheet_create(const struct pb_preprocess *preprocess, uint32_t columns, uint32_t rows,
                                             struct pb_sheet *sheet, struct pb_error *error);
/* input: S×S×3, normalised as preprocess says, which is taken back. */
PB_MUST_CHECK enum pb_status pb_sheet_put(struct pb_sheet *sheet, const struct pb_preprocess *preprocess,
                                          uint32_t column, uint32_t row, const float *input, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_sheet_save(const struct pb_sheet *sheet, const char *path, struct pb_error *error);
void pb_sheet_free(struct pb_sheet *sheet);

#endif
