/* Products of Winograd's transformed arrays, one transformed value at a time: by our vector kernels, or by AMX. */
#ifndef BLIS_PRODUCTS_H
#define BLIS_PRODUCTS_H

#include "vector.h"

/* c = a·filters. c: whole panels of columns, and whole kernels of rows, are overwritten. */
struct filter_product {
    size_t rows, depth, columns;
    const float *a; /* rows × depth, a_row apart */
    size_t a_row;
    bool a_is_packed; /* scratch has a from the call before, which had other filters */
    const float *filters; /* as pack left them */
    float *c;
    size_t c_row;
    float *scratch;
};

/* A product of part of the depth that filters are packed with: `depth` of it from first on. */
struct depth_part {
    size_t first, whole; /* first: a multiple of block_depth */
};

/* sums += dyᵀ·x, over count rows of both. */
struct gradient_product {
    size_t count, filters, channels;
    const float *dy;
    size_t dy_row;
    const float *x; /* panels of x_panel channels: count × x_panel, x_block floats from one to the next */
    size_t x_panel, x_block;
    float *sums; /* filters × channels; whole kernels of either are overwritten */
    size_t sums_row;
    float *scratch;
};

struct products {
    size_t rows; /* of a that one kernel takes: buffers hold a multiple of them */
    size_t filters, channels; /* … and of sums */
    size_t block_columns, block_depth; /* of filters that are packed at a time */
    /* Floats of the packed filters, and of scratch. */
    size_t (*packed)(const struct vector_kernels *vector, size_t depth, size_t columns);
    size_t (*scratch)(size_t rows, size_t depth);
    size_t (*gradient_scratch)(size_t count, size_t filters, size_t channels);
    /* block: block_depth × block_columns of them, from (first_depth, first_column) on, zeros behind the last. */
    void (*pack)(const struct vector_kernels *vector, size_t depth, size_t columns, size_t first_depth,
                 size_t first_column, const float *block, float *packed);
    void (*multiply)(const struct vector_kernels *vector, const struct filter_product *product);
    /* c = a·part of the filters, or c += it for parts behind the first; NULL: there is none. */
    void (*multiply_part)(const struct vector_kernels *vector, const struct filter_product *product,
                          const struct depth_part *part);
    /* Channels per panel of x, of so many. */
    size_t (*x_panel)(const struct vector_kernels *vector, size_t channels);
    void (*add_gradient)(const struct vector_kernels *vector, const struct gradient_product *product);
};

enum { PRODUCTS_BLOCK_FLOATS = 512 }; /* block_columns · block_depth, at most */

extern const struct products products_avx512, products_avx2, products_amx;

#endif
