/* Bilinear pooling as products by BLIS: strips of rows up to the diagonal. */
#include "blis_bilinear.h"

enum { STRIP = 64 }; /* rows of B per product: wide enough for BLIS, narrow enough to save nearly half */

static size_t strip_length(size_t channels, size_t first)
{
    return channels - first < STRIP ? channels - first : STRIP;
}

/* G + Gᵀ of every image. */
size_t bilinear_products_scratch(const struct bilinear *job, bool training)
{
    return training ? job->batch * job->channels * job->channels : 0;
}

size_t bilinear_products_packing(const struct bilinear *job, bool training)
{
    const size_t strip = strip_length(job->channels, 0);
    const size_t forward = blis_product_packing(strip, job->channels, job->positions);
    const size_t backward = training ? blis_product_packing(job->positions, strip, job->channels) : 0;
    return forward > backward ? forward : backward;
}

enum pb_status bilinear_products_forward(const struct bilinear *job, const float *x, float *b)
{
    const size_t channels = job->channels, positions = job->positions;
    const size_t strips = (channels + STRIP - 1) / STRIP, tasks = job->batch * strips;
#pragma omp parallel for num_threads(job->self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        /* The longest strips first. */
        const size_t image = task % job->batch, first = (strips - 1 - task / job->batch) * STRIP;
        const size_t rows = strip_length(channels, first);
        const float *from = x + image * positions * channels;
        float *to = b + image * channels * channels;
        blis_product(rows, first + rows, positions, (struct matrix){from + first, 1, channels},
                     (struct matrix){from, channels, 1}, 0, to + first * channels, channels);
        bilinear_mirror(channels, first, first + rows, 0, first + rows, 1 / (float)positions, to);
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

enum pb_status bilinear_products_backward(const struct bilinear *job, const float *x, const float *g, float *dx)
{
    const size_t channels = job->channels, positions = job->positions;
    const size_t area = channels * channels, strips = (channels + STRIP - 1) / STRIP, tasks = job->batch * strips;
    float *sums;
    const enum pb_status status = blis_scratch(job->self, bilinear_products_scratch(job, true), &sums);
    if (status)
        return status;
#pragma omp parallel for num_threads(job->self->threads) schedule(static) if (job->batch > 1)
    for (size_t n = 0; n < job->batch; n++)
        symmetrise(positions, channels, g + n * area, sums + n * area);
#pragma omp parallel for num_threads(job->self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        const size_t at = task / strips * positions * channels, first = task % strips * STRIP;
        blis_product(positions, strip_length(channels, first), channels, (struct matrix){x + at, channels, 1},
                     (struct matrix){sums + task / strips * area + first, channels, 1}, 0, dx + at + first, channels);
    }
    return PB_OK;
}
