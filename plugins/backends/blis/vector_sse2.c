/* Our kernels for any x86-64; convolutions are left to BLIS, but for depthwise ones. */
#include <emmintrin.h>
#include <stdint.h>
#include <string.h>

#include "vector.h"

#define KERNEL static __attribute__((target("sse2")))

#define DOUBLES 2
#define WIDEN(floats) __builtin_convertvector(floats, part_sum)
#include "rows_template.h"

#include "pool_template.h"

/* The first count lanes of a vector, count at most 4. */
KERNEL inline __m128 load_part(const float *source, size_t count)
{
    float values[4] = {0};
    memcpy(values, source, count * sizeof *values);
    return _mm_loadu_ps(values);
}

KERNEL inline void store_part(float *target, __m128 vector, size_t count)
{
    float values[4];
    _mm_storeu_ps(values, vector);
    memcpy(target, values, count * sizeof *values);
}

#define LANES 4
#define REGISTER __m128
#include "norm_pool_template.h"

#include "depthwise_template.h"

#define DOT_LANES 4
#define DOT_ROWS 2
#define DOT_COLUMNS 4
#include "dot_template.h"

const struct vector_kernels vector_sse2 = {
    .name = "sse2",
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
