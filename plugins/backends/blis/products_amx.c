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

#include "blis_convolution.h"
#include "blis_products.h"

#define KERNEL                                                                                                         \
    static __attribute__((                                                                                             \
        target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))

enum {
    ROWS = 16, /* and columns, and pairs, of a tile */
    CHUNK = 32, /* products that a tile instruction sums per element */
    THIRDS = 3,
    TILE = ROWS * CHUNK, /* bfloat16 of a tile */
    TILE_ROW = CHUNK * (int)sizeof(uint16_t), /* bytes */
    PAIR = 2 * TILE, /* of two tiles side by side, which are used together */
    STEP = THIRDS * PAIR, /* from one chunk of a packed factor to the next */
};

/* Packed factors: pairs of tiles × chunks × thirds × 2 tiles, in the order in which they are used. */
static size_t packed_floats(size_t extent, size_t depth)
{
    return ceil_divide(extent, 2 * ROWS) * ceil_divide(depth, CHUNK) * STEP * sizeof(uint16_t) / sizeof(float);
}

/* Where a chunk's tile with the row or column `at` begins, of the factor's smallest third. */
static size_t packed_at(size_t at, size_t chunk, size_t chunks)
{
    return (at / (2 * ROWS) * chunks + chunk) * STEP + at / ROWS % 2 * TILE;
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
    for (int third = THIRDS - 1; third >= 0; third--) {
        const __m512i l = nearest(low), h = nearest(high);
        _mm512_storeu_si512(tile_row + third * PAIR, _mm512_or_si512(_mm512_srli_epi32(l, 16), h));
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
    uint16_t *tiles =
        (uint16_t *)(void *)packed + packed_at(first_column, first_depth / CHUNK, ceil_divide(depth, CHUNK));
    for (size_t pair = 0; pair < ROWS; pair++)
        split(_mm512_loadu_ps(block + pair * ROWS), _mm512_loadu_ps(block + (pair + ROWS) * ROWS),
              tiles + pair * CHUNK);
}

static const __mmask16 ALL_LANES = 0xffff;

static __mmask16 lanes_below(size_t count)
{
    return (__mmask16)(count >= ROWS ? ALL_LANES : (1u << count) - 1);
}

/* a: one row of a tile per row, chunks of its depth one after the other. */
KERNEL void pack_rows(const struct filter_product *p, uint16_t *tiles)
{
    const size_t chunks = ceil_divide(p->depth, CHUNK), vectors = ceil_divide(p->depth, ROWS);
    const __mmask16 last = lanes_below(p->depth - (vectors - 1) * ROWS);
    for (size_t row = 0; row < p->rows; row++) {
        const float *a = p->a + row * p->a_row;
        uint16_t *out = tiles + packed_at(row, 0, chunks) + row % ROWS * CHUNK;
        for (size_t v = 0; v < vectors; v += 2, a += CHUNK, out += STEP)
            split(_mm512_maskz_loadu_ps(v + 1 < vectors ? ALL_LANES : last, a),
                  v + 1 < vectors ? _mm512_maskz_loadu_ps(v + 2 < vectors ? ALL_LANES : last, a + ROWS)
                                  : _mm512_setzero_ps(),
                  out);
    }
}

/* Eight tiles of 16 rows. Constant: compilers may drop stores that only _tile_loadconfig reads. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_registers = {
    .palette = 1,
    .row_bytes = {TILE_ROW, TILE_ROW, TILE_ROW, TILE_ROW, TILE_ROW, TILE_ROW, TILE_ROW, TILE_ROW},
    .rows = {ROWS, ROWS, ROWS, ROWS, ROWS, ROWS, ROWS, ROWS},
};

/* The smallest third is 0. */
#define LOAD_A(third)                                                                                                  \
    do {                                                                                                               \
        _tile_loadd(4, a + (third)*PAIR, TILE_ROW);                                                                    \
        if (two_rows)                                                                                                  \
            _tile_loadd(5, a + (third)*PAIR + TILE, TILE_ROW);                                                         \
    } while (0)
#define LOAD_B(third)                                                                                                  \
    do {                                                                                                               \
        _tile_loadd(6, b + (third)*PAIR, TILE_ROW);                                                                    \
        if (two_columns)                                                                                               \
            _tile_loadd(7, b + (third)*PAIR + TILE, TILE_ROW);                                                         \
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

/* c (+)= a·b, of one or two tiles of rows and columns. */
KERNEL inline __attribute__((always_inline)) void block(size_t chunks, const uint16_t *a, const uint16_t *b, float *c,
                                                        size_t c_row, bool add, bool two_rows, bool two_columns)
{
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
    for (size_t i = 0; i < chunks; i++, a += STEP, b += STEP) {
        LOAD_B(0);
        LOAD_A(2);
        MULTIPLY;
        LOAD_B(1);
        MULTIPLY;
        LOAD_A(1);
        MULTIPLY;
        LOAD_B(2);
        MULTIPLY;
        LOAD_A(0);
        MULTIPLY;
        LOAD_A(2);
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

/* c (+)= a·b in packed form: rows and columns in whole tiles. b_chunks: that b is packed with; the first ones are used. */
KERNEL void multiply_packed(size_t rows, size_t columns, size_t depth, const uint16_t *a, const uint16_t *b,
                            size_t b_chunks, float *c, size_t c_row, bool add)
{
    const size_t chunks = ceil_divide(depth, CHUNK);
    for (size_t j = 0; j < columns; j += 2 * ROWS) {
        const uint16_t *right = b + packed_at(j, 0, b_chunks);
        const bool two_columns = j + ROWS < columns;
        for (size_t i = 0; i < rows; i += 2 * ROWS) {
            const uint16_t *left = a + packed_at(i, 0, chunks);
            float *out = c + i * c_row + j;
            const bool two_rows = i + ROWS < rows;
            if (two_rows && two_columns)
                block(chunks, left, right, out, c_row, add, true, true);
            else if (two_rows)
                block(chunks, left, right, out, c_row, add, true, false);
            else if (two_columns)
                block(chunks, left, right, out, c_row, add, false, true);
            else
                block(chunks, left, right, out, c_row, add, false, false);
        }
    }
}

static size_t scratch(size_t rows, size_t depth)
{
    return packed_floats(rows, depth);
}

KERNEL void multiply_part(const struct vector_kernels *vector, const struct filter_product *p,
                          const struct depth_part *part)
{
    (void)vector;
    uint16_t *tiles = (uint16_t *)(void *)p->scratch;
    const uint16_t *filters = (const uint16_t *)(const void *)p->filters + part->first / CHUNK * STEP;
    if (!p->a_is_packed)
        pack_rows(p, tiles);
    _tile_loadconfig(&tile_registers);
    multiply_packed(p->rows, p->columns, p->depth, tiles, filters, ceil_divide(part->whole, CHUNK), p->c, p->c_row,
                    part->first > 0);
    _tile_release();
}

static void multiply(const struct vector_kernels *vector, const struct filter_product *p)
{
    multiply_part(vector, p, &(struct depth_part){0, p->depth});
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

KERNEL inline __m512 row_or_zeros(const float *rows, size_t row, size_t index, size_t count, __mmask16 lanes)
{
    return index < count ? _mm512_maskz_loadu_ps(lanes, rows + index * row) : _mm512_setzero_ps();
}

/* dyᵀ: a filter per row of a tile, pairs of positions along it. */
KERNEL void pack_transposed(const struct gradient_product *p, uint16_t *tiles)
{
    const size_t chunks = ceil_divide(p->count, CHUNK);
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        for (size_t k = 0; k < p->filters; k += ROWS) {
            const __mmask16 lanes = lanes_below(p->filters - k);
            uint16_t *out = tiles + packed_at(k, chunk, chunks);
            __m512 low[ROWS], high[ROWS];
#pragma GCC unroll 16
            for (size_t i = 0; i < ROWS; i++) {
                low[i] = row_or_zeros(p->dy + k, p->dy_row, chunk * CHUNK + i, p->count, lanes);
                high[i] = row_or_zeros(p->dy + k, p->dy_row, chunk * CHUNK + ROWS + i, p->count, lanes);
            }
            transpose(low);
            transpose(high);
            for (size_t i = 0; i < ROWS; i++)
                split(low[i], high[i], out + i * CHUNK);
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
            for (size_t c = 0; c < p->channels; c += ROWS)
                split(row_or_zeros(p->x + c, p->x_panel, low, p->count, lanes_below(p->channels - c)),
                      row_or_zeros(p->x + c, p->x_panel, high, p->count, lanes_below(p->channels - c)),
                      tiles + packed_at(c, chunk, chunks) + pair * CHUNK);
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
    _tile_loadconfig(&tile_registers);
    multiply_packed(p->filters, p->channels, p->count, left, right, ceil_divide(p->count, CHUNK), p->sums, p->sums_row,
                    true);
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
    .multiply_part = multiply_part,
    .x_panel = x_panel,
    .add_gradient = add_gradient,
};
