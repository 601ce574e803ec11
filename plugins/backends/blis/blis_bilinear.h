/* The two ways to compute bilinear pooling. */
#ifndef BLIS_BILINEAR_H
#define BLIS_BILINEAR_H

#include "blis_instance.h"
#include "vector.h"

/* x: batch × positions × channels; b, g: batch × channels × channels */
struct bilinear {
    struct blis *self;
    size_t batch, positions, channels;
};

enum pb_status bilinear_tiles_forward(const struct bilinear *job, const float *x, float *b);
enum pb_status bilinear_tiles_backward(const struct bilinear *job, const float *x, const float *g, float *dx);
enum pb_status bilinear_products_forward(const struct bilinear *job, const float *x, float *b);
enum pb_status bilinear_products_backward(const struct bilinear *job, const float *x, const float *g, float *dx);

/* Floats of scratch that the passes take. */
size_t bilinear_tiles_scratch(const struct bilinear *job, bool training);
size_t bilinear_products_scratch(const struct bilinear *job, bool training);
/* Floats that BLIS packs on one thread. */
size_t bilinear_products_packing(const struct bilinear *job, bool training);

void bilinear_mirror(size_t channels, size_t first_row, size_t end_row, size_t first_column, size_t end_column,
                     float scale, float *b);

#endif
