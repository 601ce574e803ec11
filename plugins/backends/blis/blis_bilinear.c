/*
 * Bilinear pooling, image by image: B = XᵀX/n and dX = X(G + Gᵀ)/n. B is symmetric: only what is on and below the
 * diagonal is multiplied. Register tiles where the kernel set has them, else products by BLIS.
 */
#include "blis_bilinear.h"

/* b (rows first … of C×C, columns up to the diagonal) ← scale·b, and its mirror image. */
void bilinear_mirror(size_t channels, size_t first_row, size_t end_row, size_t first_column, size_t end_column,
                     float scale, float *b)
{
    for (size_t i = first_row; i < end_row; i++) {
        for (size_t j = first_column; j < end_column && j <= i; j++) {
            b[i * channels + j] *= scale;
            b[j * channels + i] = b[i * channels + j];
        }
    }
}

static bool by_tiles(const struct blis *self)
{
    return self->vector->tile_rows && self->algorithm != ALGORITHM_GEMM;
}

size_t blis_bilinear_scratch(struct blis *self, uint32_t batch, size_t positions, uint32_t channels, bool training)
{
    const struct bilinear job = {self, batch, positions, channels};
    return by_tiles(self) ? bilinear_tiles_scratch(&job, training) : bilinear_products_scratch(&job, training);
}

size_t blis_bilinear_packing(struct blis *self, uint32_t batch, size_t positions, uint32_t channels, bool training)
{
    const struct bilinear job = {self, batch, positions, channels};
    return by_tiles(self) ? 0 : (size_t)self->threads * bilinear_products_packing(&job, training);
}

enum pb_status blis_bilinear_forward(void *opaque, const struct pb_bilinear_arguments *args)
{
    struct blis *self = opaque;
    const struct bilinear job = {self, args->batch, args->positions, args->channels};
    return by_tiles(self) ? bilinear_tiles_forward(&job, pb_host_pointer(args->x), pb_host_pointer(args->y))
                          : bilinear_products_forward(&job, pb_host_pointer(args->x), pb_host_pointer(args->y));
}

enum pb_status blis_bilinear_backward(void *opaque, const struct pb_bilinear_arguments *args)
{
    struct blis *self = opaque;
    const struct bilinear job = {self, args->batch, args->positions, args->channels};
    return by_tiles(self) ? bilinear_tiles_backward(&job, pb_host_pointer(args->x), pb_host_pointer(args->dy),
                                                    pb_host_pointer(args->dx))
                          : bilinear_products_backward(&job, pb_host_pointer(args->x), pb_host_pointer(args->dy),
                                                       pb_host_pointer(args->dx));
}
