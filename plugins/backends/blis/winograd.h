/* What the passes of Winograd's convolution share: how images are cut into tiles. */
#ifndef BLIS_WINOGRAD_H
#define BLIS_WINOGRAD_H

#include <omp.h>

#include "blis_convolution.h"
#include "blis_products.h"
#include "vector.h"

enum {
    WINOGRAD_VALUES = 36, /* transformed values per tile of 6×6 inputs or 4×4 outputs */
    WINOGRAD_SKEW = 16, /* floats between transformed values, so that their addresses differ in more than high bits */
    /* Pixels ahead of a tile that are fetched while it is read (the next one), and written (the one behind that; pooled: half). */
    WINOGRAD_READ_AHEAD = 4,
    WINOGRAD_WRITE_AHEAD = 8,
};

/* N×P×Q outputs in tiles of 4×4, row by row; inputs N×H×W. */
struct winograd_tiling {
    size_t height, width, out_height, out_width, pad_height, pad_width;
    size_t rows, columns; /* tiles per image */
    size_t tiles; /* of the batch */
    size_t block; /* tiles that are worked on at a time */
};

struct winograd_tiling winograd_tiling(size_t batch, size_t height, size_t width, size_t out_height, size_t out_width,
                                       size_t pad_height, size_t pad_width);

/* Where the 6×6 inputs of a tile begin (zeros outside the image), and its 4×4 outputs (outside: other, as given). */
void winograd_sources(const struct winograd_tiling *tiling, size_t tile, const float *x, size_t channels,
                      const float *zeros, const float *sources[WINOGRAD_VALUES]);
void winograd_targets(const struct winograd_tiling *tiling, size_t tile, float *y, size_t channels, float *targets[16]);
/* The same for y pooled 2×2: outputs of even height and width, 2×2 of a tile. */
void winograd_pooled_targets(const struct winograd_tiling *tiling, size_t tile, float *y, size_t channels,
                             float *targets[4]);

/* Channels of a transformed array: whole vectors. */
static inline size_t winograd_padded(const struct vector_kernels *vector, size_t channels)
{
    return ceil_divide(channels, vector->narrow) * vector->narrow;
}

/* What multiplies: AMX, in its kernel set, where the shape pays for it or Winograd was asked for whatever the shape. */
const struct products *winograd_products(const struct blis *self, bool amx_pays);

size_t winograd_weights_workspace(const struct blis *self, const struct geometry *g);
void winograd_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                               float *dw, float *dbias, float *workspace);

#endif
