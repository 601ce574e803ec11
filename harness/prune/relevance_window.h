/* Relevance of one value of a convolution, shared among its terms in double precision. */
#ifndef PB_PRUNE_RELEVANCE_WINDOW_H
#define PB_PRUNE_RELEVANCE_WINDOW_H

#include "prune/relevance_step.h"

/* The part of an image under a filter. */
struct pb_relevance_window {
    const struct pb_conv_attributes *conv;
    struct pb_shape in;
    uint32_t first, channels; /* that the filter reads */
    bool whole_rows; /* all channels of neighbouring pixels */
    int64_t top, left;
};

/* x, in: of the image; w: of the filter, without its scale. Adds to in. */
void pb_relevance_share_window(const struct pb_relevance_window *window, const struct pb_relevance_sharing *sharing,
                               struct pb_relevance_filter filter, const float *x, const float *w, double relevance,
                               float *in);

#endif
