/* What the passes of convolutions as products share: how work is cut, and what becomes of a block's products. */
#ifndef BLIS_CONV_PRODUCTS_H
#define BLIS_CONV_PRODUCTS_H

#include "blis_convolution.h"
#include "blis_products.h"

enum {
    PRODUCT_LANES = 16, /* filters that AMX takes at a time; floats of a vector */
    PRODUCT_ROWS = 32, /* … and positions */
    PRODUCT_SLICE = 256, /* filters that a block is multiplied by at a time */
};

static inline size_t whole(size_t count, size_t unit)
{
    return ceil_divide(count, unit) * unit;
}

/* rows × depth patches by depth × columns filters. */
struct product {
    size_t rows, depth, columns;
    size_t block, part; /* rows, and of their depth, at a time */
};
struct product product_of(size_t rows, size_t depth, size_t columns);
size_t product_blocks(const struct product *product);

/* A matrix of depth × columns: `step` floats from one value of the depth to the next, `across` from column to column. */
struct filter_matrix {
    const float *values;
    size_t step, across;
};
size_t product_filter_floats(const struct product *product);
void product_pack_filters(const struct blis *self, const struct product *product, const struct filter_matrix *from,
                          float *packed);

/* One thread's arrays: patches in thirds, products (of a slice, or of all columns where depth is cut), patches as they are gathered. */
struct product_room {
    float *thirds, *products, *patches;
};
size_t product_room_floats(const struct product *product);
/* Of the calling thread. */
struct product_room product_room_of(const struct product *product, float *rooms);

/* a (rows × depth, a_row apart) by the packed filters, slice by slice. */
struct product_slices {
    const struct product *product;
    const float *a;
    size_t a_row, rows;
    const float *filters;
    const struct product_room *room;
};
/* rows × columns of products. */
struct product_slice {
    const float *products;
    size_t row; /* floats from row to row */
    size_t rows, columns;
};
/* The slice from column on; from 0 to the last one, in order. */
struct product_slice product_multiply(const struct blis *self, const struct product_slices *slices, size_t column);

/* A slice of products on its way to y. */
struct product_finish {
    struct product_slice slice;
    const float *scale, *offset; /* of the slice's first filter; NULL: 1, 0 */
    float floor, ceiling;
    float *y;
    size_t y_row;
};
/* Moments of a part's channels, as deviations from origin. */
struct product_sums {
    double sum[PRODUCT_SLICE], square[PRODUCT_SLICE];
    float origin[PRODUCT_SLICE];
};
/* Stores a slice, and adds up what it stores; sums NULL: it does not. */
void product_store(const struct product_finish *finish, struct product_sums *sums);
/* Sums of zero, which deviate from the first row's finished values. */
void product_sums_begin(const struct product_finish *finish, struct product_sums *sums);
/* Into one part of the moments. */
void product_sums_end(const struct conv_moments *moments, const struct product_sums *sums, size_t part, size_t column,
                      const struct product_slice *slice);

/* conv_products_data.c */
size_t products_data_floats(const struct blis *self, const struct geometry *g);
void products_backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w,
                            float *dx, float *workspace);

/* conv_products_weights.c */
size_t products_weights_floats(const struct blis *self, const struct geometry *g);
void products_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                               float *dw, float *dbias, float *workspace);

/*
 * Cycles per 32 rows, as measured for Winograd's products: splitting a vector's 32 values, with and without a transposition, and one
 * tile's six products, against register tiles of AVX-512.
 */
enum {
    CYCLES_SPLIT = 500,
    CYCLES_SPLIT_TRANSPOSED = 700,
    CYCLES_TILE_PRODUCTS = 96,
    CYCLES_TILE_VECTORS = 300,
    CYCLES_VECTOR_PRODUCTS = 18,
};

#endif
