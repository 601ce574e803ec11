/*
 * Register tiles of convolutions, compiled once per instruction set and panel width. Before: KERNEL, the attributes of
 * a kernel function; NAME(x), this width's name of x; LANES floats per vector, VECTORS vectors per panel, ROWS positions.
 * Every sum runs over taps, then channels, one product after another, whatever the tile holds besides it.
 */
typedef float NAME(vector) __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

typedef int32_t NAME(mask) __attribute__((vector_size(LANES * sizeof(int32_t))));

KERNEL void NAME(finish)(const struct tile_finish *finish, NAME(vector) (*sums)[VECTORS])
{
    const NAME(vector) floor = (NAME(vector)){0} + finish->floor;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t v = 0; v < VECTORS; v++) {
            const NAME(vector) value = sums[i][v] * *(const NAME(vector) *)(finish->scale + v * LANES) +
                                       *(const NAME(vector) *)(finish->offset + v * LANES);
            const NAME(mask) below = value < floor;
            sums[i][v] = (NAME(vector))(((NAME(mask))value & ~below) | ((NAME(mask))floor & below));
        }
    }
}

KERNEL void NAME(store)(const struct gather_tile *tile, NAME(vector) (*sums)[VECTORS])
{
    if (tile->finish)
        NAME(finish)(tile->finish, sums);
    for (size_t i = 0; i < tile->rows; i++) {
        float *y = tile->y + i * tile->y_row;
        for (size_t v = 0; v < VECTORS && v * LANES < tile->columns; v++) {
            const size_t left = tile->columns - v * LANES;
            if (left >= LANES)
                *(NAME(vector) *)(y + v * LANES) = sums[i][v];
            else
                store_part(y + v * LANES, (REGISTER)sums[i][v], left);
        }
    }
}

/* What y holds of the tile already. */
KERNEL void NAME(load)(const struct gather_tile *tile, NAME(vector) (*sums)[VECTORS])
{
    for (size_t i = 0; i < tile->rows; i++) {
        const float *y = tile->y + i * tile->y_row;
        for (size_t v = 0; v < VECTORS && v * LANES < tile->columns; v++) {
            const size_t left = tile->columns - v * LANES;
            sums[i][v] =
                left >= LANES ? *(const NAME(vector) *)(y + v * LANES) : (NAME(vector))load_part(y + v * LANES, left);
        }
    }
}

/* sums += a·panel, a's rows at equal steps: the address of each is one register plus a small multiple of the step. */
KERNEL inline __attribute__((always_inline)) void NAME(add_products)(NAME(vector) (*sums)[VECTORS], size_t depth,
                                                                     const float *a, size_t step, const float *panel)
{
    const float *b = a + 3 * step, *c = b + 3 * step, *d = c + 3 * step, *e = d + 3 * step;
    for (size_t q = 0; q < depth; q++, panel += LANES * VECTORS) {
        NAME(vector) column[VECTORS];
#pragma GCC unroll 2
        for (size_t v = 0; v < VECTORS; v++)
            column[v] = *(const NAME(vector) *)(panel + v * LANES);
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++) {
            const float *row = i < 3    ? a + i * step
                               : i < 6  ? b + (i - 3) * step
                               : i < 9  ? c + (i - 6) * step
                               : i < 12 ? d + (i - 9) * step
                                        : e + (i - 12) * step;
#pragma GCC unroll 2
            for (size_t v = 0; v < VECTORS; v++)
                sums[i][v] += row[q] * column[v];
        }
    }
}

KERNEL void NAME(walk_steps)(const struct gather_tile *tile, NAME(vector) (*result)[VECTORS])
{
    NAME(vector) sums[ROWS][VECTORS];
    memcpy(sums, result, sizeof sums);
    for (size_t t = 0; t < tile->taps; t++)
        NAME(add_products)
    (sums, tile->depth, tile->starts[t], tile->step, tile->panel + t * tile->depth * LANES * VECTORS);
    memcpy(result, sums, sizeof sums);
}

KERNEL void NAME(walk_starts)(const struct gather_tile *tile, NAME(vector) (*result)[VECTORS])
{
    NAME(vector) sums[ROWS][VECTORS];
    memcpy(sums, result, sizeof sums);
    const float *panel = tile->panel;
    const float *const *starts = tile->starts;
    for (size_t t = 0; t < tile->taps; t++, starts += ROWS) {
        for (size_t q = 0; q < tile->depth; q++, panel += LANES * VECTORS) {
            NAME(vector) column[VECTORS];
#pragma GCC unroll 2
            for (size_t v = 0; v < VECTORS; v++)
                column[v] = *(const NAME(vector) *)(panel + v * LANES);
#pragma GCC unroll 16
            for (size_t i = 0; i < ROWS; i++) {
#pragma GCC unroll 2
                for (size_t v = 0; v < VECTORS; v++)
                    sums[i][v] += starts[i][q] * column[v];
            }
        }
    }
    memcpy(result, sums, sizeof sums);
}

KERNEL void NAME(gather)(const struct gather_tile *tile)
{
    NAME(vector) sums[ROWS][VECTORS];
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t v = 0; v < VECTORS; v++)
            sums[i][v] = tile->bias ? *(const NAME(vector) *)(tile->bias + v * LANES) : (NAME(vector)){0};
    }
    if (tile->accumulate)
        NAME(load)(tile, sums);
    if (tile->step)
        NAME(walk_steps)(tile, sums);
    else
        NAME(walk_starts)(tile, sums);
    NAME(store)(tile, sums);
}

KERNEL void NAME(product)(const struct product_tile *tile)
{
    for (size_t first = 0; first < tile->rows; first += ROWS) {
        NAME(vector) sums[ROWS][VECTORS] = {{{0}}};
        NAME(add_products)(sums, tile->depth, tile->a + first * tile->a_row, tile->a_row, tile->panel);
        float *c = tile->c + first * tile->c_row;
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++, c += tile->c_row) {
#pragma GCC unroll 2
            for (size_t v = 0; v < VECTORS; v++)
                *(NAME(vector) *)(c + v * LANES) = sums[i][v];
        }
    }
}

#define OUTER_FILTERS(FILTERS)                                                                                         \
    KERNEL void NAME(outer_##FILTERS)(const struct outer_tile *tile)                                                   \
    {                                                                                                                  \
        NAME(vector) sums[FILTERS][VECTORS] = {{{0}}};                                                                 \
        for (size_t r = 0; r < tile->images * tile->rows; r++) {                                                       \
            const size_t image = r / tile->rows, row = r % tile->rows;                                                 \
            const float *dy = tile->dy + image * tile->dy_image + row * tile->dy_row;                                  \
            const float *x = tile->x + image * tile->x_image + row * tile->x_row;                                      \
            for (size_t q = 0; q < tile->count; q++, dy += tile->dy_step, x += tile->x_step) {                         \
                NAME(vector) column[VECTORS];                                                                          \
                _Pragma("GCC unroll 2") for (size_t v = 0; v < VECTORS; v++) column[v] =                               \
                    *(const NAME(vector) *)(x + v * LANES);                                                            \
                _Pragma("GCC unroll 16") for (size_t i = 0; i < FILTERS; i++)                                          \
                {                                                                                                      \
                    _Pragma("GCC unroll 2") for (size_t v = 0; v < VECTORS; v++) sums[i][v] += dy[i] * column[v];      \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        float values[FILTERS][LANES * VECTORS];                                                                        \
        memcpy(values, sums, sizeof values);                                                                           \
        for (size_t i = 0; i < FILTERS; i++) {                                                                         \
            float *dw = tile->dw + i * tile->dw_row;                                                                   \
            for (size_t j = 0; j < tile->columns; j++)                                                                 \
                dw[j] += values[i][j];                                                                                 \
        }                                                                                                              \
    }
