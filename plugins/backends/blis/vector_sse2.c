/* Our kernels for any x86-64; convolutions are left to BLIS. */
#include <stdint.h>
#include <string.h>

#include "vector.h"

#define KERNEL static __attribute__((target("sse2")))

#define DOUBLES 2
#include "rows_template.h"

#include "pool_template.h"

#include "norm_pool_template.h"

#define DOT_LANES 4
#define DOT_ROWS 2
#define DOT_COLUMNS 4
#include "dot_template.h"

const struct vector_kernels vector_sse2 = {
    .name = "sse2",
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
    .pool_larger = pool_larger,
    .pool_neighbours = pool_neighbours,
    .pool_gradient = pool_gradient,
};
