/* Portable operators of compact heads: tensor sketch, signed sums. */
#include "portable/portable.h"

#include <string.h>

/* The rows of hashes: h1, s1, h2, s2. */
struct hashes {
    const float *place[2], *sign[2];
};

static struct hashes hashes_of(const struct pb_tensor_sketch_arguments *args)
{
    const float *rows = pb_floats(args->hashes);
    return (struct hashes){.place = {rows, rows + (size_t)2 * args->channels},
                           .sign = {rows + args->channels, rows + (size_t)3 * args->channels}};
}

/* (h1[i] + h2[j]) mod d */
static size_t place_of(const struct hashes *hashes, size_t i, size_t j, size_t dimension)
{
    const size_t sum = (size_t)hashes->place[0][i] + (size_t)hashes->place[1][j];
    return sum < dimension ? sum : sum - dimension;
}

/* Of one image, in the order of its pairs. */
static void sketch(const struct hashes *hashes, const float *x, size_t channels, size_t dimension, float *y)
{
    memset(y, 0, dimension * sizeof *y);
    for (size_t i = 0; i < channels; i++)
        for (size_t j = 0; j < channels; j++)
            y[place_of(hashes, i, j, dimension)] += hashes->sign[0][i] * hashes->sign[1][j] * x[i * channels + j];
}

enum pb_status pb_portable_tensor_sketch_forward(void *self, const struct pb_tensor_sketch_arguments *args)
{
    const struct hashes hashes = hashes_of(args);
    const size_t channels = args->channels, dimension = args->dimension;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t n = 0; n < args->batch; n++)
        sketch(&hashes, pb_floats(args->x) + n * channels * channels, channels, dimension,
               pb_floats(args->y) + n * dimension);
    return PB_OK;
}

enum pb_status pb_portable_tensor_sketch_backward(void *self, const struct pb_tensor_sketch_arguments *args)
{
    const struct hashes hashes = hashes_of(args);
    const size_t channels = args->channels, dimension = args->dimension;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t row = 0; row < args->batch * channels; row++) {
        const size_t i = row % channels;
        const float *dy = pb_floats(args->dy) + row / channels * dimension;
        float *dx = pb_floats(args->dx) + row * channels;
        for (size_t j = 0; j < channels; j++)
            dx[j] = hashes.sign[0][i] * hashes.sign[1][j] * dy[place_of(&hashes, i, j, dimension)];
    }
    return PB_OK;
}

enum pb_status pb_portable_signed_sum_forward(void *self, const struct pb_signed_sum_arguments *args)
{
    const size_t half = args->rank / 2;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < (size_t)args->batch * args->outputs; i++) {
        const float *x = pb_floats(args->x) + i * args->rank;
        double sum = pb_floats(args->bias)[i % args->outputs]; /* what is left of two sums may be small beside them */
        for (size_t j = 0; j < half; j++)
            sum += (double)x[j] - (double)x[half + j];
        pb_floats(args->y)[i] = (float)sum;
    }
    return PB_OK;
}

enum pb_status pb_portable_signed_sum_backward_data(void *self, const struct pb_signed_sum_arguments *args)
{
    const size_t half = args->rank / 2;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < (size_t)args->batch * args->outputs; i++) {
        const float dy = pb_floats(args->dy)[i];
        float *dx = pb_floats(args->dx) + i * args->rank;
        for (size_t j = 0; j < half; j++) {
            dx[j] = dy;
            dx[half + j] = -dy;
        }
    }
    return PB_OK;
}

enum pb_status pb_portable_signed_sum_backward_bias(void *self, const struct pb_signed_sum_arguments *args)
{
    pb_sum_columns(self, args->batch, args->outputs, pb_floats(args->dy), pb_floats(args->dbias));
    return PB_OK;
}
