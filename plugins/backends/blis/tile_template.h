/*
 * Register tiles of convolutions, compiled once per instruction set and panel width. Before: KERNEL, the attributes of
 * a kernel function; NAME(x), this width's name of x; LANES floats per vector, VECTORS vectors per panel, ROWS positions.
 * Every sum runs over taps, then channels, one product after another, whatever the tile holds besides it.
 */
typedef float NAME(vector) __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

typedef int32_t NAME(mask) __attribute__((vector_size(LANES * sizeof(int32_t))));

#undef INLINE
#define INLINE KERNEL inline __attribute__((always_inline))

/* valid values from source, zeros behind them. */
INLINE NAME(vector) NAME(load_lanes)(const float *source, size_t valid)
{
    return valid >= LANES ? *(const NAME(vector) *)source : (NAME(vector))load_part(source, valid);
}

INLINE void NAME(store_lanes)(float *target, NAME(vector) vector, size_t valid)
{
    if (valid >= LANES)
        *(NAME(vector) *)target = vector;
    else
        store_part(target, (REGISTER)vector, valid);
}

INLINE NAME(vector) NAME(select)(NAME(mask) mask, NAME(vector) chosen, NAME(vector) other)
{
    return (NAME(vector))(((NAME(mask))other & ~mask) | ((NAME(mask))chosen & mask));
}

INLINE void NAME(finish)(const struct tile_finish *finish, NAME(vector) (*sums)[VECTORS])
{
    const NAME(vector) floor = (NAME(vector)){0} + finish->floor, ceiling = (NAME(vector)){0} + finish->ceiling;
#pragma GCC unroll 2
    for (size_t v = 0; v < VECTORS; v++) {
        const NAME(vector) scale = *(const NAME(vector) *)(finish->scale + v * LANES);
        const NAME(vector) offset = *(const NAME(vector) *)(finish->offset + v * LANES);
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++) {
            const NAME(vector) value = sums[i][v] * scale + offset;
            const NAME(vector) raised = NAME(select)(value < floor, floor, value);
            sums[i][v] = NAME(select)(raised > ceiling, ceiling, raised);
        }
    }
}

INLINE void NAME(store)(const struct gather_tile *tile, NAME(vector) (*sums)[VECTORS])
{
    float *y = tile->y;
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++, y += tile->y_row) {
        if (i >= tile->rows)
            return;
#pragma GCC unroll 2
        for (size_t v = 0; v < VECTORS; v++)
            if (tile->columns > v * LANES)
                NAME(store_lanes)(y + v * LANES, sums[i][v], tile->columns - v * LANES);
    }
}

/* What y holds of the tile already. */
INLINE void NAME(load)(const struct gather_tile *tile, NAME(vector) (*sums)[VECTORS])
{
    const float *y = tile->y;
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++, y += tile->y_row) {
        if (i >= tile->rows)
            return;
#pragma GCC unroll 2
        for (size_t v = 0; v < VECTORS; v++)
            if (tile->columns > v * LANES)
                sums[i][v] = NAME(load_lanes)(y + v * LANES, tile->columns - v * LANES);
    }
}

/* sums += a·panel, a's rows at equal steps: the address of each is one register plus a small multiple of the step. */
INLINE void NAME(add_products)(NAME(vector) (*sums)[VECTORS], size_t depth, const float *a, size_t step,
                               const float *panel)
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

/* The same for rows anywhere. */
INLINE void NAME(add_scattered)(NAME(vector) (*sums)[VECTORS], size_t depth, const float *const *rows,
                                const float *panel)
{
    for (size_t q = 0; q < depth; q++, panel += LANES * VECTORS) {
        NAME(vector) column[VECTORS];
#pragma GCC unroll 2
        for (size_t v = 0; v < VECTORS; v++)
            column[v] = *(const NAME(vector) *)(panel + v * LANES);
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++) {
#pragma GCC unroll 2
            for (size_t v = 0; v < VECTORS; v++)
                sums[i][v] += rows[i][q] * column[v];
        }
    }
}

KERNEL void NAME(gather)(const struct gather_tile *tile)
{
    NAME(vector) sums[ROWS][VECTORS];
    const size_t panel_floats = tile->depth * LANES * VECTORS;
#pragma GCC unroll 2
    for (size_t v = 0; v < VECTORS; v++) {
        const NAME(vector) bias = tile->bias ? *(const NAME(vector) *)(tile->bias + v * LANES) : (NAME(vector)){0};
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++)
            sums[i][v] = bias;
    }
    if (tile->accumulate)
        NAME(load)(tile, sums);
    if (tile->step) {
        for (size_t t = 0; t < tile->taps; t++)
            NAME(add_products)(sums, tile->depth, tile->starts[t], tile->step, tile->panel + t * panel_floats);
    } else {
        for (size_t t = 0; t < tile->taps; t++)
            NAME(add_scattered)(sums, tile->depth, tile->starts + t * ROWS, tile->panel + t * panel_floats);
    }
    if (tile->finish)
        NAME(finish)(tile->finish, sums);
    NAME(store)(tile, sums);
}

KERNEL void NAME(product)(const struct product_tile *tile)
{
    for (size_t first = 0; first < tile->rows; first += ROWS) {
        NAME(vector) sums[ROWS][VECTORS] = {{{0}}};
        float *c = tile->c + first * tile->c_row;
        NAME(add_products)(sums, tile->depth, tile->a + first * tile->a_row, tile->a_row, tile->panel);
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++, c += tile->c_row) {
#pragma GCC unroll 2
            for (size_t v = 0; v < VECTORS; v++)
                *(NAME(vector) *)(c + v * LANES) = sums[i][v];
        }
    }
}

/* What one filter's sums add to its row of dw. */
INLINE void NAME(add_row)(float *dw, size_t columns, const NAME(vector) sums[VECTORS])
{
#pragma GCC unroll 2
    for (size_t v = 0; v < VECTORS; v++) {
        float *at = dw + v * LANES;
        if (columns >= (v + 1) * LANES) {
            *(NAME(vector) *)at += sums[v];
        } else if (columns > v * LANES) {
            const size_t left = columns - v * LANES;
            store_part(at, (REGISTER)((NAME(vector))load_part(at, left) + sums[v]), left);
        }
    }
}

#define OUTER_FILTERS(FILTERS)                                                                                         \
    KERNEL void NAME(outer_##FILTERS)(const struct outer_tile *tile)                                                   \
    {                                                                                                                  \
        NAME(vector) sums[FILTERS][VECTORS] = {{{0}}};                                                                 \
        _Pragma("GCC unroll 16") for (size_t i = 0; i < FILTERS; i++)                                                  \
        {                                                                                                              \
            FETCH(tile->dw + i * tile->dw_row, 0);                                                                     \
            if (VECTORS > 1)                                                                                           \
                FETCH(tile->dw + i * tile->dw_row, LANES);                                                             \
        }                                                                                                              \
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
        _Pragma("GCC unroll 16") for (size_t i = 0; i < FILTERS; i++)                                                  \
            NAME(add_row)(tile->dw + i * tile->dw_row, tile->columns, sums[i]);                                        \
    }
