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
/* A layer, or one group of a grouped convolution, in a network that was pruned from `then`. */
struct pb_kept_layer {
    const struct pb_network *then, *now;
    const struct pb_channel_groups *groups; /* of now */
    uint32_t node; /* of now */
    size_t outputs; /* filters in now */
};
/* Filter m was from[m] of the layer's `outputs` filters in the network before. */
void pb_kept_filters(const struct pb_kept_layer *layer, size_t outputs, uint32_t *from);
/* Of what the layer gave before, only what the filters that are still there gave, in their order. */
PB_MUST_CHECK enum pb_status pb_layer_rows_keep(struct pb_layer_rows *rows, const struct pb_kept_layer *layer,
                                                struct pb_error *error);

#endif
