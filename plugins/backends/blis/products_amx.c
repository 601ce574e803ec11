/*
 * Winograd's products by AMX, which multiplies bfloat16 and sums in float32. Every value is the sum of three bfloat16 (8 + 8
 * + 8 bits of its 24): a = a1 + a2 + a3, and a·b is summed from the six products down to 2⁻¹⁶ of the largest; what is left
 * out is below float32's rounding (G. Henry, P. Tang, A. Heinecke: Leveraging the bfloat16 Artificial Intelligence
 * Datatype For Higher-Precision Computations, ARITH 2019). Values above 3.39e38 become NaN, subnormal thirds zero.
 *
 * A tile register holds 16 rows of 16 pairs of bfloat16. A pair is the values k and k + 16 of a chunk of 32, for both factors
 * alike: that saves shuffles, and no sum depends on it.
 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "convolution.h"
#include "products.h"

#define KERNEL                                                                                                         \
    static __attribute__((                                                                                             \
        target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))

enum {
    ROWS = 16, /* and columns, and pairs, of a tile */
    CHUNK = 32, /* products that a tile instruction sums per element */
    THIRDS = 3,
    TILE = ROWS * CHUNK, /* bfloat16 of a tile */
    TILE_ROW = CHUNK * (int)sizeof(uint16_t), /* bytes */
    STEP = THIRDS * TILE, /* bfloat16 from one chunk of a packed factor to the next */
};

/* Packed factors in floats of memory: ceil(extent / 16) × ceil(depth / 32) × thirds × tile. */
static size_t packed_floats(size_t extent, size_t depth)
{
    return ceil_divide(extent, ROWS) * ceil_divide(depth, CHUNK) * STEP * sizeof(uint16_t) / sizeof(float);
}

/* The nearest bfloat16, as a float. */
KERNEL inline __m512i nearest(__m512 value)
{
    const __m512i half = _mm512_set1_epi32(0x8000), mask = _mm512_set1_epi32((int)0xffff0000);
    return _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(value), half), mask);
}

/* Pairs of thirds: low halves of the words hold those of `low`. */
KERNEL inline void split(__m512 low, __m512 high, uint16_t *tile_row)
{
#pragma GCC unroll 3
    for (int third = 0; third < THIRDS; third++) {
        const __m512i l = nearest(low), h = nearest(high);
        _mm512_storeu_si512(tile_row + third * TILE, _mm512_or_si512(_mm512_srli_epi32(l, 16), h));
        low = _mm512_sub_ps(low, _mm512_castsi512_ps(l));
        high = _mm512_sub_ps(high, _mm512_castsi512_ps(h));
    }
}

static size_t packed(const struct vector_kernels *vector, size_t depth, size_t columns)
{
    (void)vector;
    return packed_floats(columns, depth);
}

KERNEL void pack(const struct vector_kernels *vector, size_t depth, size_t columns, size_t first_depth,
                 size_t first_column, const float *block, float *packed)
{
    (void)vector;
    (void)columns;
    uint16_t *tiles = (uint16_t *)(void *)packed +
                      (first_column / ROWS * ceil_divide(depth, CHUNK) + first_depth / CHUNK) * STEP;
    for (size_t pair = 0; pair < ROWS; pair++)
        split(_mm512_loadu_ps(block + pair * ROWS), _mm512_loadu_ps(block + (pair + ROWS) * ROWS),
              tiles + pair * CHUNK);
}

/* a: one row of a tile per row, chunks of its depth one after the other. */
KERNEL void pack_rows(const struct filter_product *p, uint16_t *tiles)
{
    const size_t chunks = ceil_divide(p->depth, CHUNK), vectors = ceil_divide(p->depth, ROWS);
    for (size_t row = 0; row < p->rows; row++) {
        const float *a = p->a + row * p->a_row;
        uint16_t *out = tiles + row / ROWS * chunks * STEP + row % ROWS * CHUNK;
        for (size_t v = 0; v < vectors; v += 2, a += CHUNK, out += STEP)
            split(_mm512_loadu_ps(a), v + 1 < vectors ? _mm512_loadu_ps(a + ROWS) : _mm512_setzero_ps(), out);
    }
}

KERNEL void configure(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } tiles = {.palette = 1};
    for (size_t i = 0; i < 8; i++) {
        tiles.row_bytes[i] = TILE_ROW;
        tiles.rows[i] = ROWS;
    }
    _tile_loadconfig(&tiles);
}

#define LOAD_A(third)                                                                                                  \
    do {                                                                                                               \
        _tile_loadd(4, a0 + (third)*TILE, TILE_ROW);                                                                   \
        if (two_rows)                                                                                                  \
            _tile_loadd(5, a1 + (third)*TILE, TILE_ROW);                                                               \
    } while (0)
#define LOAD_B(third)                                                                                                  \
    do {                                                                                                               \
        _tile_loadd(6, b0 + (third)*TILE, TILE_ROW);                                                                   \
        if (two_columns)                                                                                               \
            _tile_loadd(7, b1 + (third)*TILE, TILE_ROW);                                                               \
    } while (0)
#define MULTIPLY                                                                                                       \
    do {                                                                                                               \
        _tile_dpbf16ps(0, 4, 6);                                                                                       \
        if (two_columns)                                                                                               \
            _tile_dpbf16ps(1, 4, 7);                                                                                   \
        if (two_rows)                                                                                                  \
            _tile_dpbf16ps(2, 5, 6);                                                                                   \
        if (two_rows && two_columns)                                                                                   \
            _tile_dpbf16ps(3, 5, 7);                                                                                   \
    } while (0)

/* c (+)= a·b, of one or two tiles of rows and columns; *_next: from the first to the second. */
KERNEL inline __attribute__((always_inline)) void block(size_t chunks, const uint16_t *a0, size_t a_next,
                                                        const uint16_t *b0, size_t b_next, float *c, size_t c_row,
                                                        bool add, bool two_rows, bool two_columns)
{
    const uint16_t *a1 = a0 + a_next, *b1 = b0 + b_next;
    const size_t row = c_row * sizeof *c;
    float *below = c + ROWS * c_row;
    if (add) {
        _tile_loadd(0, c, row);
        if (two_columns)
            _tile_loadd(1, c + ROWS, row);
        if (two_rows)
            _tile_loadd(2, below, row);
        if (two_rows && two_columns)
            _tile_loadd(3, below + ROWS, row);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (size_t i = 0; i < chunks; i++, a0 += STEP, a1 += STEP, b0 += STEP, b1 += STEP) {
        LOAD_A(0);
        LOAD_B(2);
        MULTIPLY;
        LOAD_B(1);
        MULTIPLY;
        LOAD_A(1);
        MULTIPLY;
        LOAD_B(0);
        MULTIPLY;
        LOAD_A(2);
        MULTIPLY;
        LOAD_A(0);
        MULTIPLY;
    }
    _tile_stored(0, c, row);
    if (two_columns)
        _tile_stored(1, c + ROWS, row);
    if (two_rows)
        _tile_stored(2, below, row);
    if (two_rows && two_columns)
        _tile_stored(3, below + ROWS, row);
}

/* c (+)= a·b in packed form: rows and columns in whole tiles. */
KERNEL void multiply_packed(size_t rows, size_t columns, size_t depth, const uint16_t *a, const uint16_t *b, float *c,
                            size_t c_row, bool add)
{
    const size_t chunks = ceil_divide(depth, CHUNK), next = chunks * STEP;
    const size_t row_tiles = ceil_divide(rows, ROWS), column_tiles = ceil_divide(columns, ROWS);
    for (size_t j = 0; j < column_tiles; j += 2) {
        const uint16_t *right = b + j * next;
        const bool two_columns = j + 1 < column_tiles;
        for (size_t i = 0; i < row_tiles; i += 2) {
            const uint16_t *left = a + i * next;
            float *out = c + i * ROWS * c_row + j * ROWS;
            const bool two_rows = i + 1 < row_tiles;
            if (two_rows && two_columns)
                block(chunks, left, next, right, next, out, c_row, add, true, true);
            else if (two_rows)
                block(chunks, left, next, right, 0, out, c_row, add, true, false);
            else if (two_columns)
                block(chunks, left, 0, right, next, out, c_row, add, false, true);
            else
                block(chunks, left, 0, right, 0, out, c_row, add, false, false);
        }
    }
}

static size_t scratch(size_t rows, size_t depth)
{
    return packed_floats(rows, depth);
}

KERNEL void multiply(const struct vector_kernels *vector, const struct filter_product *p)
{
    (void)vector;
    uint16_t *tiles = (uint16_t *)(void *)p->scratch;
    pack_rows(p, tiles);
    configure();
    multiply_packed(p->rows, p->columns, p->depth, tiles, (const uint16_t *)(const void *)p->filters, p->c, p->c_row,
                    false);
    _tile_release();
}

/* 16 rows of 16 floats become columns. */
KERNEL inline void transpose(__m512 rows[ROWS])
{
    __m512 t[ROWS];
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i += 2) {
        t[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; i += 4) {
        rows[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
        rows[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
        rows[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
        rows[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0xdd);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        rows[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        rows[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    }
}

KERNEL inline __m512 row_or_zeros(const float *rows, size_t row, size_t index, size_t count)
{
    return index < count ? _mm512_loadu_ps(rows + index * row) : _mm512_setzero_ps();
}

/* dyᵀ: a filter per row of a tile, pairs of positions along it. */
KERNEL void pack_transposed(const struct gradient_product *p, uint16_t *tiles)
{
    const size_t chunks = ceil_divide(p->count, CHUNK);
    for (size_t k = 0; k < p->filters; k += ROWS) {
        for (size_t chunk = 0; chunk < chunks; chunk++, tiles += STEP) {
            __m512 low[ROWS], high[ROWS];
#pragma GCC unroll 16
            for (size_t i = 0; i < ROWS; i++) {
                low[i] = row_or_zeros(p->dy + k, p->dy_row, chunk * CHUNK + i, p->count);
                high[i] = row_or_zeros(p->dy + k, p->dy_row, chunk * CHUNK + ROWS + i, p->count);
            }
            transpose(low);
            transpose(high);
            for (size_t i = 0; i < ROWS; i++)
                split(low[i], high[i], tiles + i * CHUNK);
        }
    }
}

/* x: a pair of positions per row of a tile, channels along it. */
KERNEL void pack_positions(const struct gradient_product *p, uint16_t *tiles)
{
    const size_t chunks = ceil_divide(p->count, CHUNK);
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        for (size_t pair = 0; pair < ROWS; pair++) {
            const size_t low = chunk * CHUNK + pair, high = low + ROWS;
            uint16_t *out = tiles + chunk * STEP + pair * CHUNK;
            for (size_t c = 0; c < p->channels; c += ROWS, out += chunks * STEP)
                split(row_or_zeros(p->x + c, p->x_panel, low, p->count),
                      row_or_zeros(p->x + c, p->x_panel, high, p->count), out);
        }
    }
}

static size_t gradient_scratch(size_t count, size_t filters, size_t channels)
{
    return packed_floats(filters, count) + packed_floats(channels, count);
}

static size_t x_panel(const struct vector_kernels *vector, size_t channels)
{
    return ceil_divide(channels, vector->narrow) * vector->narrow;
}

KERNEL void add_gradient(const struct vector_kernels *vector, const struct gradient_product *p)
{
    (void)vector;
    uint16_t *left = (uint16_t *)(void *)p->scratch;
    uint16_t *right = (uint16_t *)(void *)(p->scratch + packed_floats(p->filters, p->count));
    pack_transposed(p, left);
    pack_positions(p, right);
    configure();
    multiply_packed(p->filters, p->channels, p->count, left, right, p->sums, p->sums_row, true);
    _tile_release();
}

const struct products products_amx = {
    .rows = ROWS,
    .filters = ROWS,
    .channels = ROWS,
    .block_columns = ROWS,
    .block_depth = CHUNK,
    .packed = packed,
    .scratch = scratch,
    .gradient_scratch = gradient_scratch,
    .pack = pack,
    .multiply = multiply,
    .x_panel = x_panel,
    .add_gradient = add_gradient,
};
