/* Products of square matrices, one for each image: strips of rows by BLIS. */
#include "blis_instance.h"

enum { STRIP = 64 }; /* rows per product: wide enough for BLIS, many enough for the threads when there are few images */

size_t blis_matrix_packing(const struct blis *self, size_t side)
{
    return (size_t)self->threads * blis_product_packing(side < STRIP ? side : STRIP, side, side);
}

/* y = factor·z; they may be the same. */
static void scale(float *y, const float *z, size_t count, float factor)
{
    for (size_t i = 0; i < count; i++)
        y[i] = factor * z[i];
}

enum pb_status blis_matrix_product(void *opaque, const struct pb_matrix_arguments *args)
{
    const struct blis *self = opaque;
    const size_t side = args->side, strips = (side + STRIP - 1) / STRIP, tasks = args->batch * strips;
    const float *a = pb_host_pointer(args->a), *b = pb_host_pointer(args->b), *z = pb_host_pointer(args->z);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        const size_t image = task / strips * side * side, first = task % strips * STRIP;
        const size_t rows = side - first < STRIP ? side - first : STRIP, at = image + first * side;
        float *y = pb_host_pointer(args->y) + at; /* alpha·(a·b + beta/alpha·z) */
        if (z)
            scale(y, z + at, rows * side, (float)(args->beta / args->alpha));
        blis_product(rows, side, side, (struct matrix){a + at, side, 1}, (struct matrix){b + image, side, 1}, z ? 1 : 0,
                     y, side);
        scale(y, y, rows * side, (float)args->alpha);
    }
    return PB_OK;
}
