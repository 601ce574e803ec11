/* Our kernels for AVX2 with FMA: 12 of the 16 registers hold sums. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "vector.h"

#define KERNEL static __attribute__((target("avx2,fma")))

#define DOUBLES 4
#define WIDEN(floats) ((part_sum)_mm256_cvtps_pd((__m128)(floats)))
#include "rows_template.h"

#include "pool_template.h"

#define DOT_LANES 8
#define DOT_ROWS 2
#define DOT_COLUMNS 4
#include "dot_template.h"

/* The first count lanes of a vector, count at most 8. */
KERNEL inline __m256i part_mask_of(size_t count)
{
    static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(lanes + 8 - count));
}

KERNEL inline __m256 load_part(const float *source, size_t count)
{
    return _mm256_maskload_ps(source, part_mask_of(count));
}

KERNEL inline void store_part(float *target, __m256 vector, size_t count)
{
    _mm256_maskstore_ps(target, part_mask_of(count), vector);
}

#define ROWS 6
#define LANES 8
#define REGISTER __m256
#define VECTORS 2
#define NAME(x) wide_##x
#include "tile_template.h"
OUTER_FILTERS(1)
OUTER_FILTERS(2)
OUTER_FILTERS(3)
OUTER_FILTERS(4)
OUTER_FILTERS(5)
OUTER_FILTERS(6)
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

#include "winograd_template.h"

#include "norm_pool_template.h"

#include "depthwise_template.h"

static void (*const outer_wide[])(const struct outer_tile *) = {wide_outer_1, wide_outer_2, wide_outer_3,
                                                                wide_outer_4, wide_outer_5, wide_outer_6};
static void (*const outer_narrow[])(const struct outer_tile *) = {narrow_outer_1, narrow_outer_2, narrow_outer_3,
                                                                  narrow_outer_4, narrow_outer_5, narrow_outer_6};

const struct vector_kernels vector_avx2 = {
    .name = "avx2",
    .tile_rows = ROWS,
    .wide = 2 * LANES,
    .narrow = LANES,
    .depth_bytes = 1 << 17,
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
