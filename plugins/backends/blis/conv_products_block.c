/* Blocks of products by AMX: their filters, their patches in thirds, and what becomes of them. Blocks depend on the shape only. */
#include <immintrin.h>
#include <omp.h>
#include <string.h>

#include "conv_products.h"

#define TARGET target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#define KERNEL static __attribute__((TARGET))

enum {
    PACKED_FLOATS = 192 << 10, /* of a block's patches in thirds: they stay in the second-level cache */
    BLOCK_ROWS_MAX = 512,
    BLOCK_ROWS_CUT = 128, /* where fewer rows would fit, depth is cut instead: filters are read once per block */
    TASKS_MIN = 16, /* blocks, for threads to share out */
    TOGETHER = 4, /* vectors of a row that are finished together */
};

static const struct products *const products = &products_amx;

struct product product_of(size_t rows, size_t depth, size_t columns)
{
    const size_t row_floats = at_least(whole(depth, PRODUCT_ROWS) * 3 / 2, 1),
                 fits = at_least(PACKED_FLOATS / row_floats / PRODUCT_ROWS * PRODUCT_ROWS, BLOCK_ROWS_CUT);
    const size_t shared = whole(ceil_divide(rows, TASKS_MIN), PRODUCT_ROWS);
    const size_t block = at_least(PRODUCT_ROWS, at_most(at_most(fits, shared), BLOCK_ROWS_MAX));
    const size_t part = PACKED_FLOATS * 2 / 3 / block / PRODUCT_ROWS * PRODUCT_ROWS;
    return (struct product){
        .rows = rows, .depth = depth, .columns = columns, .block = block, .part = at_most(part, depth)};
}

static bool is_cut(const struct product *product)
{
    return product->part < product->depth;
}

static size_t products_row(const struct product *product)
{
    return is_cut(product) ? whole(product->columns, PRODUCT_LANES) : PRODUCT_SLICE;
}

size_t product_blocks(const struct product *product)
{
    return ceil_divide(product->rows, product->block);
}

size_t product_filter_floats(const struct product *product)
{
    return products->packed(NULL, product->depth, product->columns);
}

size_t product_room_floats(const struct product *product)
{
    return products->scratch(product->block, product->part) + product->block * products_row(product) +
           product->block * product->depth + CONV_GATHER_SLACK;
}

struct product_room product_room_of(const struct product *product, float *rooms)
{
    float *own = rooms + (size_t)omp_get_thread_num() * product_room_floats(product);
    float *behind = own + products->scratch(product->block, product->part);
    return (struct product_room){
        .thirds = own, .products = behind, .patches = behind + product->block * products_row(product)};
}

KERNEL inline __m512 load_constant(const float *values, size_t at, __mmask16 mask, float otherwise)
{
    return values ? _mm512_maskz_loadu_ps(mask, values + at) : _mm512_set1_ps(otherwise);
}

KERNEL inline void add_to_doubles(__m512 values, double *sums)
{
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(values));
    const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(values, 1));
    _mm512_storeu_pd(sums, _mm512_add_pd(_mm512_loadu_pd(sums), low));
    _mm512_storeu_pd(sums + 8, _mm512_add_pd(_mm512_loadu_pd(sums + 8), high));
}

/* rows of a few vectors of columns; with moments, sums of at most PRODUCT_ROWS rows are made in single precision. */
KERNEL inline __attribute__((always_inline)) void finish_columns(const struct product_finish *f, size_t first,
                                                                 size_t vectors, struct product_sums *sums)
{
    __m512 scale[TOGETHER], offset[TOGETHER], origin[TOGETHER];
    __mmask16 masks[TOGETHER];
    const __m512 floor = _mm512_set1_ps(f->floor), ceiling = _mm512_set1_ps(f->ceiling);
    for (size_t v = 0; v < vectors; v++) {
        const size_t at = first + v * PRODUCT_LANES, left = f->slice.columns - at;
        masks[v] = (__mmask16)(left >= PRODUCT_LANES ? 0xffffu : (1u << left) - 1);
        scale[v] = load_constant(f->scale, at, masks[v], 1);
        offset[v] = load_constant(f->offset, at, masks[v], 0);
        origin[v] = sums ? _mm512_loadu_ps(sums->origin + at) : _mm512_setzero_ps();
    }
    for (size_t begin = 0; begin < f->slice.rows; begin += PRODUCT_ROWS) {
        __m512 sum[TOGETHER], square[TOGETHER];
        for (size_t v = 0; v < vectors; v++)
            sum[v] = square[v] = _mm512_setzero_ps();
        for (size_t row = begin; row < at_most(f->slice.rows, begin + PRODUCT_ROWS); row++) {
            const float *from = f->slice.products + row * f->slice.row + first;
            float *to = f->y + row * f->y_row + first;
            for (size_t v = 0; v < vectors; v++) {
                __m512 value = _mm512_fmadd_ps(_mm512_loadu_ps(from + v * PRODUCT_LANES), scale[v], offset[v]);
                value = _mm512_min_ps(ceiling, _mm512_max_ps(floor, value)); /* the second one where either is a NaN */
                _mm512_mask_storeu_ps(to + v * PRODUCT_LANES, masks[v], value);
                if (sums) {
                    const __m512 deviation = _mm512_sub_ps(value, origin[v]);
                    sum[v] = _mm512_add_ps(sum[v], deviation);
                    square[v] = _mm512_fmadd_ps(deviation, deviation, square[v]);
                }
            }
        }
        for (size_t v = 0; sums && v < vectors; v++) {
            add_to_doubles(sum[v], sums->sum + first + v * PRODUCT_LANES);
            add_to_doubles(square[v], sums->square + first + v * PRODUCT_LANES);
        }
    }
}

__attribute__((TARGET)) void product_store(const struct product_finish *f, struct product_sums *sums)
{
    size_t column = 0;
    for (; column + TOGETHER * PRODUCT_LANES <= f->slice.columns; column += TOGETHER * PRODUCT_LANES)
        if (sums)
            finish_columns(f, column, TOGETHER, sums);
        else
            finish_columns(f, column, TOGETHER, NULL);
    for (; column < f->slice.columns; column += PRODUCT_LANES)
        finish_columns(f, column, 1, sums);
}

/* The first row's finished values, from which deviations are taken. */
void product_sums_begin(const struct product_finish *f, struct product_sums *sums)
{
    memset(sums, 0, sizeof *sums);
    for (size_t k = 0; k < f->slice.columns; k++) {
        const float scaled = f->scale ? f->slice.products[k] * f->scale[k] : f->slice.products[k];
        sums->origin[k] = f->offset ? scaled + f->offset[k] : scaled;
    }
}

void product_sums_end(const struct conv_moments *moments, const struct product_sums *sums, size_t part, size_t column,
                      const struct product_slice *slice)
{
    const struct rows_space *space = moments->space;
    space->counts[part] = (double)slice->rows;
    for (size_t k = 0; k < slice->columns; k++) {
        const size_t at = part * moments->walk->channels + column + k;
        const double left = sums->square[k] - sums->sum[k] * sums->sum[k] / (double)slice->rows;
        space->first[at] = (double)sums->origin[k] + sums->sum[k] / (double)slice->rows;
        space->second[at] = left < 0 ? 0 : left; /* a NaN stays one */
    }
}

/* Every column's products, part of the depth by part. */
static void multiply_parts(const struct blis *self, const struct product_slices *slices)
{
    const struct product *product = slices->product;
    for (size_t depth = 0; depth < product->depth; depth += product->part)
        products->multiply_part(self->vector,
                                &(struct filter_product){.rows = slices->rows,
                                                         .depth = at_most(product->part, product->depth - depth),
                                                         .columns = product->columns,
                                                         .a = slices->a + depth,
                                                         .a_row = slices->a_row,
                                                         .filters = slices->filters,
                                                         .c = slices->room->products,
                                                         .c_row = products_row(product),
                                                         .scratch = slices->room->thirds},
                                &(struct depth_part){depth, product->depth});
}

/* The patches are split, and all of it is multiplied where depth is cut, for the first slice. */
struct product_slice product_multiply(const struct blis *self, const struct product_slices *slices, size_t column)
{
    const struct product *product = slices->product;
    struct product_slice slice = {.products = slices->room->products,
                                  .row = products_row(product),
                                  .rows = slices->rows,
                                  .columns = at_most(PRODUCT_SLICE, product->columns - column)};
    if (is_cut(product)) {
        if (column == 0)
            multiply_parts(self, slices);
        slice.products += column;
        return slice;
    }
    products->multiply(
        self->vector,
        &(struct filter_product){.rows = slices->rows,
                                 .depth = product->depth,
                                 .columns = slice.columns,
                                 .a = slices->a,
                                 .a_row = slices->a_row,
                                 .a_is_packed = column > 0,
                                 .filters = slices->filters + products->packed(self->vector, product->depth, column),
                                 .c = slices->room->products,
                                 .c_row = slice.row,
                                 .scratch = slices->room->thirds});
    return slice;
}

void product_pack_filters(const struct blis *self, const struct product *product, const struct filter_matrix *from,
                          float *packed)
{
    const size_t deep = products->block_depth, lanes = products->block_columns;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t k = 0; k < product->columns; k += lanes) {
        const size_t valid = at_most(lanes, product->columns - k);
        for (size_t d = 0; d < product->depth; d += deep) {
            float block[PRODUCTS_BLOCK_FLOATS] = {0};
            for (size_t i = 0; i < at_most(deep, product->depth - d); i++)
                for (size_t lane = 0; lane < valid; lane++)
                    block[i * lanes + lane] = from->values[(d + i) * from->step + (k + lane) * from->across];
            products->pack(self->vector, product->depth, product->columns, d, k, block, packed);
        }
    }
}
