/* Our kernels for any x86-64; convolutions are left to BLIS. */
#include <stdint.h>
#include <string.h>

#include "vector.h"

#define KERNEL static __attribute__((target("sse2")))

#define DOUBLES 2
#include "rows_template.h"

const struct vector_kernels vector_sse2 = {
    .name = "sse2",
    .row_sums = row_sums,
    .row_squares = row_squares,
    .row_affine = row_affine,
    .row_gradient_sums = row_gradient_sums,
    .row_gradient = row_gradient,
    .row_scaled_gradient = row_scaled_gradient,
};
