/* Our kernels for AVX-512: 28 of the 32 registers hold sums. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "vector.h"

#define KERNEL                                                                                                         \
    static __attribute__((target("avx512f,avx512cd,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))

#define DOUBLES 8
/* gcc 12 converts halves, and puts them together again, where it is left to the compiler. */
#define WIDEN(floats) ((part_sum)_mm512_cvtps_pd((__m256)(floats)))
#include "rows_template.h"

#include "pool_template.h"

#define DOT_LANES 16
#define DOT_ROWS 4
#define DOT_COLUMNS 4
#include "dot_template.h"

/* The first count lanes of a vector, count at most 16. */
KERNEL inline __m512 load_part(const float *source, size_t count)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), source);
}

KERNEL inline void store_part(float *target, __m512 vector, size_t count)
{
    _mm512_mask_storeu_ps(target, (__mmask16)((1u << count) - 1), vector);
}

#define ROWS 14
#define LANES 16
#define REGISTER __m512
#define VECTORS 2
#define NAME(x) wide_##x
#include "tile_template.h"
OUTER_FILTERS(1)
OUTER_FILTERS(2)
OUTER_FILTERS(3)
OUTER_FILTERS(4)
OUTER_FILTERS(5)
OUTER_FILTERS(6)
OUTER_FILTERS(7)
OUTER_FILTERS(8)
OUTER_FILTERS(9)
OUTER_FILTERS(10)
OUTER_FILTERS(11)
OUTER_FILTERS(12)
OUTER_FILTERS(13)
OUTER_FILTERS(14)
#undef VECTORS
#undef NAME
#define VECTORS 1
#define NAME(x) narrow_##x
#include "tile_template.h"
OUTER_FILTERS(1)
OUTER_FILTERS(2)
OUTER_FILTERS(3)
OUTER_FILTERS(4)
OUTER_FILTERS(5)
OUTER_FILTERS(6)
OUTER_FILTERS(7)
OUTER_FILTERS(8)
OUTER_FILTERS(9)
OUTER_FILTERS(10)
OUTER_FILTERS(11)
OUTER_FILTERS(12)
OUTER_FILTERS(13)
OUTER_FILTERS(14)

#include "winograd_template.h"

#include "norm_pool_template.h"

#include "depthwise_template.h"

static void (*const outer_wide[])(const struct outer_tile *) = {
    wide_outer_1, wide_outer_2, wide_outer_3,  wide_outer_4,  wide_outer_5,  wide_outer_6,  wide_outer_7,
    wide_outer_8, wide_outer_9, wide_outer_10, wide_outer_11, wide_outer_12, wide_outer_13, wide_outer_14};
static void (*const outer_narrow[])(const struct outer_tile *) = {
    narrow_outer_1,  narrow_outer_2,  narrow_outer_3,  narrow_outer_4, narrow_outer_5,
    narrow_outer_6,  narrow_outer_7,  narrow_outer_8,  narrow_outer_9, narrow_outer_10,
    narrow_outer_11, narrow_outer_12, narrow_outer_13, narrow_outer_14};

const struct vector_kernels vector_avx512 = {
    .name = "avx512",
    .tile_rows = ROWS,
    .wide = 2 * LANES,
    .narrow = LANES,
    .depth_bytes = 1 << 20,
    .gather_wide = wide_gather,
    .gather_narrow = narrow_gather,
    .product_wide = wide_product,
    .product_narrow = narrow_product,
    .outer_wide = outer_wide,
    .outer_narrow = outer_narrow,
    .winograd_input = winograd_input,
    .winograd_output = winograd_output,
    .winograd_output_moments = winograd_output_moments,
    .winograd_output_pooled = winograd_output_pooled,
    .winograd_gradient = winograd_gradient,
    .winograd_filter = winograd_filter,
    .winograd_filter_gradient = winograd_filter_gradient,
    .depthwise = depthwise,
    .depthwise_gradient = depthwise_gradient,
    .row_sums = row_sums,
    .row_squares = row_squares,
    .row_affine = row_affine,
    .row_gradient_sums = row_gradient_sums,
    .row_gradient = row_gradient,
    .row_scaled_gradient = row_scaled_gradient,
    .dot_rows = DOT_ROWS,
    .dot_columns = DOT_COLUMNS,
    .dot = dot,
    .norm_pool = norm_pool,
    .norm_pool_sums = norm_pool_sums,
    .norm_pool_gradient = norm_pool_gradient,
    .pool = pool,
    .pool_gradient = pool_gradient,
};
