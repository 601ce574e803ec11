/* Winograd's products by the register tiles of our vector code. */
#include <string.h>

#include "blis_convolution.h"
#include "blis_products.h"

enum { BLOCK_DEPTH = 16 };

/* The last panel is a narrow one where that is enough. */
static size_t panel_lanes(const struct vector_kernels *vector, size_t columns, size_t first)
{
    return columns - first > vector->narrow ? vector->wide : vector->narrow;
}

static size_t packed(const struct vector_kernels *vector, size_t depth, size_t columns)
{
    return ceil_divide(columns, vector->narrow) * vector->narrow * depth;
}

/* Panels × depth × lanes. */
static void pack(const struct vector_kernels *vector, size_t depth, size_t columns, size_t first_depth,
                 size_t first_column, const float *block, float *packed)
{
    const size_t lanes = panel_lanes(vector, columns, first_column);
    float *out = packed + first_column * depth + first_depth * lanes;
    const size_t end = at_most(depth, first_depth + BLOCK_DEPTH);
    for (size_t d = first_depth; d < end; d++, out += lanes, block += vector->wide)
        memcpy(out, block, lanes * sizeof *out);
}

static void multiply(const struct vector_kernels *vector, const struct filter_product *p)
{
    for (size_t column = 0; column < p->columns; column += vector->wide) {
        const struct product_tile tile = {.rows = p->rows,
                                          .depth = p->depth,
                                          .a = p->a,
                                          .a_row = p->a_row,
                                          .panel = p->filters + column * p->depth,
                                          .c = p->c + column,
                                          .c_row = p->c_row};
        if (panel_lanes(vector, p->columns, column) == vector->wide)
            vector->product_wide(&tile);
        else
            vector->product_narrow(&tile);
    }
}

static size_t x_panel(const struct vector_kernels *vector, size_t channels)
{
    (void)channels;
    return vector->wide;
}

/* The last panel's columns are those of a narrow one where that is enough. */
static void add_gradient(const struct vector_kernels *vector, const struct gradient_product *p)
{
    for (size_t channel = 0; channel < p->channels; channel += p->x_panel) {
        const bool wide = p->channels - channel > vector->narrow;
        for (size_t k = 0; k < p->filters; k += vector->tile_rows) {
            const size_t filters = at_most(vector->tile_rows, p->filters - k);
            const struct outer_tile tile = {
                .dy = p->dy + k,
                .x = p->x + channel / p->x_panel * p->x_block,
                .dy_step = p->dy_row,
                .x_step = p->x_panel,
                .images = 1,
                .rows = 1,
                .count = p->count,
                .dw = p->sums + k * p->sums_row + channel,
                .dw_row = p->sums_row,
                .columns = wide ? vector->wide : vector->narrow,
            };
            (wide ? vector->outer_wide : vector->outer_narrow)[filters - 1](&tile);
        }
    }
}

static size_t no_scratch(size_t rows, size_t depth)
{
    (void)rows;
    (void)depth;
    return 0;
}

static size_t no_gradient_scratch(size_t count, size_t filters, size_t channels)
{
    (void)count;
    (void)filters;
    (void)channels;
    return 0;
}

#define PRODUCTS(name, tile_rows, wide)                                                                                \
    const struct products name = {                                                                                     \
        .rows = (tile_rows),                                                                                           \
        .filters = 1,                                                                                                  \
        .channels = (wide),                                                                                            \
        .block_columns = (wide),                                                                                       \
        .block_depth = BLOCK_DEPTH,                                                                                    \
        .packed = packed,                                                                                              \
        .scratch = no_scratch,                                                                                         \
        .gradient_scratch = no_gradient_scratch,                                                                       \
        .pack = pack,                                                                                                  \
        .multiply = multiply,                                                                                          \
        .x_panel = x_panel,                                                                                            \
        .add_gradient = add_gradient,                                                                                  \
    }

PRODUCTS(products_avx512, 14, 32);
PRODUCTS(products_avx2, 6, 16);
