/*
 * Gradients of batch normalisation, with g the gradient behind ReLU and x̂ = (x − mean)·inv_std:
 * dβ = Σ g, dγ = Σ g·x̂; dx = γ·inv_std·(g − dβ/rows − x̂·dγ/rows) on batch statistics, γ·inv_std·g on running ones.
 */
#include "rows.h"

#include <math.h>
#include <string.h>

#include "vector.h"

struct gradient {
    bool relu;
    const float *x, *y, *dy;
    float *dx;
};

static void chunk_sums(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                       size_t index, const struct gradient *gradient)
{
    const struct rows_chunk chunk = rows_chunk_of(walk, index);
    const size_t at = chunk.first_row * walk->channels;
    float *sums = rows_thread_space(space, walk), *products = sums + walk->period;
    memset(sums, 0, 2 * walk->period * sizeof *sums);
    self->vector->row_gradient_sums(chunk.blocks, chunk.period, gradient->relu, gradient->x + at, gradient->y + at,
                                    gradient->dy + at, space->mean, sums, products);
    rows_fold(walk, chunk.period, sums, space->first + index * walk->channels);
    rows_fold(walk, chunk.period, products, space->second + index * walk->channels);
}

/* Σ g and Σ g·(x − mean) of every channel, into the first chunk's places. space->mean holds one row of means. */
static void gradient_sums(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                          const struct gradient *gradient)
{
    rows_repeat_first(walk, space->mean);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk->chunks > 1)
    for (size_t i = 0; i < walk->chunks; i++)
        chunk_sums(self, walk, space, i, gradient);
    for (size_t i = 1; i < walk->chunks; i++) {
        for (size_t c = 0; c < walk->channels; c++) {
            space->first[c] += space->first[i * walk->channels + c];
            space->second[c] += space->second[i * walk->channels + c];
        }
    }
}

enum pb_status blis_bn_backward(void *opaque, size_t rows, uint32_t channels, bool relu, struct pb_view x,
                                struct pb_view y, struct pb_view gamma, struct pb_view saved_mean,
                                struct pb_view saved_inv_std, struct pb_view dy, struct pb_view dx,
                                struct pb_view dgamma, struct pb_view dbeta)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(rows, channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, &space);
    if (status)
        return status;
    const struct gradient gradient = {relu, pb_host_pointer(x), pb_host_pointer(relu ? y : dy), pb_host_pointer(dy),
                                      pb_host_pointer(dx)};
    memcpy(space.mean, pb_host_pointer(saved_mean), channels * sizeof *space.mean);
    gradient_sums(self, &walk, &space, &gradient);
    for (size_t c = 0; c < channels; c++) {
        const double inv_std = (double)pb_host_pointer(saved_inv_std)[c];
        const double scale = inv_std * (double)pb_host_pointer(gamma)[c];
        pb_host_pointer(dbeta)[c] = (float)space.first[c];
        pb_host_pointer(dgamma)[c] = (float)(space.second[c] * inv_std);
        space.scale[c] = (float)scale;
        space.shift[c] = (float)(-scale * space.first[c] / (double)rows);
        space.slope[c] = (float)(-scale * inv_std * inv_std * space.second[c] / (double)rows);
    }
    rows_repeat_first(&walk, space.scale);
    rows_repeat_first(&walk, space.shift);
    rows_repeat_first(&walk, space.slope);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk.chunks > 1)
    for (size_t i = 0; i < walk.chunks; i++) {
        const struct rows_chunk chunk = rows_chunk_of(&walk, i);
        const size_t at = chunk.first_row * channels;
        self->vector->row_gradient(chunk.blocks, chunk.period, relu, gradient.x + at, gradient.y + at, gradient.dy + at,
                                   space.mean, space.scale, space.slope, space.shift, gradient.dx + at);
    }
    return PB_OK;
}

enum pb_status blis_bn_evaluate_backward(void *opaque, size_t rows, uint32_t channels, double eps, bool relu,
                                         struct pb_view x, struct pb_view y, struct pb_view gamma,
                                         struct pb_view running_mean, struct pb_view running_var, struct pb_view dy,
                                         struct pb_view dx, struct pb_view dgamma, struct pb_view dbeta)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(rows, channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, &space);
    if (status)
        return status;
    const struct gradient gradient = {relu, pb_host_pointer(x), pb_host_pointer(relu ? y : dy), pb_host_pointer(dy),
                                      pb_host_pointer(dx)};
    memcpy(space.mean, pb_host_pointer(running_mean), channels * sizeof *space.mean);
    gradient_sums(self, &walk, &space, &gradient);
    for (size_t c = 0; c < channels; c++) {
        const double inv_std = 1 / sqrt((double)pb_host_pointer(running_var)[c] + eps);
        pb_host_pointer(dbeta)[c] = (float)space.first[c];
        pb_host_pointer(dgamma)[c] = (float)(space.second[c] * inv_std);
        space.scale[c] = (float)(inv_std * (double)pb_host_pointer(gamma)[c]);
    }
    rows_repeat_first(&walk, space.scale);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk.chunks > 1)
    for (size_t i = 0; i < walk.chunks; i++) {
        const struct rows_chunk chunk = rows_chunk_of(&walk, i);
        const size_t at = chunk.first_row * channels;
        self->vector->row_scaled_gradient(chunk.blocks, chunk.period, relu, gradient.y + at, gradient.dy + at,
                                          space.scale, gradient.dx + at);
    }
    return PB_OK;
}
