/*
 * Gradients of batch normalisation, with g the gradient behind ReLU and x̂ = (x − mean)·inv_std:
 * dβ = Σ g, dγ = Σ g·x̂; dx = γ·inv_std·(g − dβ/rows − x̂·dγ/rows) on batch statistics, γ·inv_std·g on running ones.
 */
#include "rows.h"

#include <math.h>
#include <string.h>

#include "vector.h"

struct gradient {
    struct row_relu relu;
    const float *x, *y, *dy;
    float *dx;
};

/* What the kernels read of a chunk. */
static struct row_gradient_input input_at(const struct gradient *gradient, const struct rows_space *space, size_t at)
{
    return (struct row_gradient_input){.x = gradient->x + at,
                                       .y = gradient->y ? gradient->y + at : NULL,
                                       .dy = gradient->dy + at,
                                       .mean = space->mean,
                                       .forward_scale = space->forward_scale,
                                       .forward_shift = space->forward_shift};
}

static void chunk_sums(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                       size_t index, const struct gradient *gradient)
{
    const struct rows_chunk chunk = rows_chunk_of(walk, index);
    const struct row_gradient_input input = input_at(gradient, space, chunk.first_row * walk->channels);
    const struct rows_room room = rows_thread_room(space, walk);
    self->vector->row_gradient_sums(chunk.blocks, chunk.period, gradient->relu, &input, room.sums[0], room.sums[1],
                                    room.sums[2]);
    rows_fold(walk, chunk.period, room.sums[0], space->first + index * walk->channels);
    rows_fold(walk, chunk.period, room.sums[1], space->second + index * walk->channels);
    rows_fold(walk, chunk.period, room.sums[2], space->third + index * walk->channels);
}

/* Σ g, Σ g·(x − mean) and Σ(x − mean) of every channel, into the first chunk's places. space->mean holds one row. */
static void gradient_sums(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                          const struct gradient *gradient)
{
    rows_repeat_first(walk, space->mean);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk->chunks > 1)
    for (size_t i = 0; i < walk->chunks; i++)
        chunk_sums(self, walk, space, i, gradient);
    rows_add_parts(self, walk, space->first);
    rows_add_parts(self, walk, space->second);
    rows_add_parts(self, walk, space->third);
}

/*
 * The terms of one channel. shift is what makes the gradients sum to zero, as they must: from the rounded scale and slope,
 * and with what the rounded mean leaves of Σ(x − mean).
 */
void rows_gradient_terms(const struct rows_space *space, size_t c, size_t rows, double inv_std, double gamma)
{
    const double scale = inv_std * gamma;
    space->scale[c] = (float)scale;
    space->slope[c] = (float)(-scale * inv_std * inv_std * space->second[c] / (double)rows);
    const double shift =
        -((double)space->scale[c] * space->first[c] + (double)space->slope[c] * space->third[c]) / (double)rows;
    space->shift[c] = (float)shift;
    space->rest[c] = (float)(shift - (double)space->shift[c]);
}

/* made_again: y is made again from x, so that gradient->y is NULL. */
static enum pb_status batch_backward(struct blis *self, const struct pb_bn_arguments *batch, bool made_again,
                                     const struct gradient *gradient)
{
    const struct rows_walk walk = rows_walk_of(batch->rows, batch->channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, 0, &space);
    if (status)
        return status;
    memcpy(space.mean, pb_host_pointer(batch->saved_mean), batch->channels * sizeof *space.mean);
    for (size_t c = 0; made_again && c < batch->channels; c++) {
        space.forward_scale[c] = pb_host_pointer(batch->saved_inv_std)[c] * pb_host_pointer(batch->gamma)[c];
        space.forward_shift[c] = pb_host_pointer(batch->beta)[c];
    }
    if (made_again) {
        rows_repeat_first(&walk, space.forward_scale);
        rows_repeat_first(&walk, space.forward_shift);
    }
    gradient_sums(self, &walk, &space, gradient);
    for (size_t c = 0; c < batch->channels; c++) {
        const double inv_std = (double)pb_host_pointer(batch->saved_inv_std)[c];
        pb_host_pointer(batch->dbeta)[c] = (float)space.first[c];
        pb_host_pointer(batch->dgamma)[c] = (float)(space.second[c] * inv_std);
        rows_gradient_terms(&space, c, batch->rows, inv_std, (double)pb_host_pointer(batch->gamma)[c]);
    }
    rows_repeat_first(&walk, space.scale);
    rows_repeat_first(&walk, space.shift);
    rows_repeat_first(&walk, space.slope);
    rows_repeat_first(&walk, space.rest);
    const struct row_gradient_terms terms = {space.scale, space.slope, space.shift, space.rest};
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk.chunks > 1)
    for (size_t i = 0; i < walk.chunks; i++) {
        const struct rows_chunk chunk = rows_chunk_of(&walk, i);
        const size_t at = chunk.first_row * batch->channels;
        const struct row_gradient_input input = input_at(gradient, &space, at);
        self->vector->row_gradient(chunk.blocks, chunk.period, gradient->relu, &input, &terms, gradient->dx + at);
    }
    return PB_OK;
}

enum pb_status blis_bn_backward(void *self, const struct pb_bn_arguments *args)
{
    return batch_backward(self, args, false,
                          &(struct gradient){rows_relu(args), pb_host_pointer(args->x),
                                             args->relu ? pb_host_pointer(args->y) : NULL, pb_host_pointer(args->dy),
                                             pb_host_pointer(args->dx)});
}

enum pb_status blis_bn_relu_backward(void *self, const struct pb_bn_arguments *args)
{
    return batch_backward(self, args, true,
                          &(struct gradient){rows_relu(args), pb_host_pointer(args->x), NULL, pb_host_pointer(args->dy),
                                             pb_host_pointer(args->dx)});
}

enum pb_status blis_bn_evaluate_backward(void *opaque, const struct pb_bn_arguments *args)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(args->rows, args->channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, 0, &space);
    if (status)
        return status;
    const struct gradient gradient = {rows_relu(args), pb_host_pointer(args->x),
                                      pb_host_pointer(args->relu ? args->y : args->dy), pb_host_pointer(args->dy),
                                      pb_host_pointer(args->dx)};
    memcpy(space.mean, pb_host_pointer(args->running_mean), args->channels * sizeof *space.mean);
    gradient_sums(self, &walk, &space, &gradient);
    for (size_t c = 0; c < args->channels; c++) {
        const double inv_std = 1 / sqrt((double)pb_host_pointer(args->running_var)[c] + args->eps);
        pb_host_pointer(args->dbeta)[c] = (float)space.first[c];
        pb_host_pointer(args->dgamma)[c] = (float)(space.second[c] * inv_std);
        space.scale[c] = (float)(inv_std * (double)pb_host_pointer(args->gamma)[c]);
    }
    rows_repeat_first(&walk, space.scale);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk.chunks > 1)
    for (size_t i = 0; i < walk.chunks; i++) {
        const struct rows_chunk chunk = rows_chunk_of(&walk, i);
        const size_t at = chunk.first_row * args->channels;
        self->vector->row_scaled_gradient(chunk.blocks, chunk.period, gradient.relu, gradient.y + at, gradient.dy + at,
                                          space.scale, gradient.dx + at);
    }
    return PB_OK;
}
