/* Bilinear pooling by BLIS, image by image; B is symmetric, so only strips up to the diagonal are multiplied. */
#include "instance.h"

enum { STRIP = 64 }; /* rows of B per product: wide enough for BLIS, narrow enough to save nearly half */

/* Rows first … of B = XᵀX/n up to the diagonal's block, and their mirror images.  x: n×C, b: C×C */
static void strip(size_t positions, size_t channels, size_t first, const float *x, float *b)
{
    const size_t rows = channels - first < STRIP ? channels - first : STRIP, columns = first + rows;
    blis_product(rows, columns, positions, (struct matrix){x + first, 1, channels}, (struct matrix){x, channels, 1}, 0,
                 b + first * channels, channels);
    const float scale = 1 / (float)positions;
    for (size_t i = first; i < first + rows; i++) {
        for (size_t j = 0; j <= i; j++) {
            b[i * channels + j] *= scale;
            b[j * channels + i] = b[i * channels + j];
        }
    }
}

enum pb_status blis_bilinear_forward(void *opaque, uint32_t batch, size_t positions, uint32_t channels,
                                     struct pb_view x, struct pb_view b)
{
    const struct blis *self = opaque;
    const size_t strips = (channels + STRIP - 1) / STRIP, tasks = batch * strips;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        /* The longest strips first. */
        const size_t image = task % batch, first = (strips - 1 - task / batch) * STRIP;
        strip(positions, channels, first, pb_host_pointer(x) + image * positions * channels,
              pb_host_pointer(b) + image * channels * channels);
    }
    return PB_OK;
}

/* sums = (G + Gᵀ)/n.  g, sums: C×C */
static void symmetrise(size_t positions, size_t channels, const float *g, float *sums)
{
    enum { BLOCK = 16 };
    const float scale = 1 / (float)positions;
    for (size_t i0 = 0; i0 < channels; i0 += BLOCK) {
        for (size_t j0 = 0; j0 < channels; j0 += BLOCK) {
            for (size_t i = i0; i < channels && i < i0 + BLOCK; i++) {
                for (size_t j = j0; j < channels && j < j0 + BLOCK; j++)
                    sums[i * channels + j] = (g[i * channels + j] + g[j * channels + i]) * scale;
            }
        }
    }
}

enum pb_status blis_bilinear_backward(void *opaque, uint32_t batch, size_t positions, uint32_t channels,
                                      struct pb_view x, struct pb_view db, struct pb_view dx)
{
    struct blis *self = opaque;
    const size_t area = (size_t)channels * channels, strips = (channels + STRIP - 1) / STRIP;
    float *sums;
    const enum pb_status status = blis_scratch(self, batch * area, &sums);
    if (status)
        return status;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (batch > 1)
    for (uint32_t n = 0; n < batch; n++)
        symmetrise(positions, channels, pb_host_pointer(db) + n * area, sums + n * area);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (batch * strips > 1)
    for (size_t task = 0; task < batch * strips; task++) {
        const size_t image = task / strips, first = task % strips * STRIP;
        const size_t columns = channels - first < STRIP ? channels - first : STRIP;
        blis_product(positions, columns, channels,
                     (struct matrix){pb_host_pointer(x) + image * positions * channels, channels, 1},
                     (struct matrix){sums + image * area + first, channels, 1}, 0,
                     pb_host_pointer(dx) + image * positions * channels + first, channels);
    }
    return PB_OK;
}
