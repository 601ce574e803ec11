/* Rows that a layer is repaired on: what it reads and gives at places that are drawn. */
#ifndef PB_PRUNE_REPAIR_ROWS_H
#define PB_PRUNE_REPAIR_ROWS_H

#include "prune/prune.h"
#include "prune/layer_rows.h"

enum { PB_ROWS_INPUTS = 1, PB_ROWS_GIVEN = 2, PB_ROWS_SUMS = 4 }; /* the arrays of struct pb_layer_rows, or-ed */

/*
 * Fills rows for count layers of one network, in one pass over the calibration batches: what asked names; per_image rows of each
 * image for a convolution, else one. The places depend on seed, the node's name and the image's position alone: two networks of the
 * same images are read at the same places.
 */
PB_MUST_CHECK enum pb_status pb_layer_rows_fill(struct pb_layer_rows *rows, const struct pb_consumer *consumers,
                                                uint32_t count, const struct pb_network *network, uint32_t per_image,
                                                unsigned asked, const struct pb_calibration *calibration,
                                                struct pb_error *error);
/* Of what the layer gave, only what its filters that are still there in `now` gave, in their order. group: the layer's own. */
PB_MUST_CHECK enum pb_status pb_layer_rows_keep(struct pb_layer_rows *rows, const struct pb_network *now,
                                                uint32_t group, struct pb_error *error);

#endif
