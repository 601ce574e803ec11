/*
 * Batch norm, ReLU and 2×2 maximum pooling in one: the values before the pooling, four times as many as those behind it, are
 * neither written nor read. Work goes by pairs of input rows, in chunks that depend on the shape only.
 */
#include "norm_pool.h"

#include <string.h>

#include "blis_convolution.h"

enum { CHUNK_FLOATS = 1 << 15 }; /* of input: 128 KiB */

bool blis_norm_pools(void *self, const struct pb_pool_shape *s)
{
    (void)self;
    return pool_is_two_by_two(s) && s->height % 2 == 0 && s->width % 2 == 0;
}

static size_t pairs_per_chunk(const struct pb_pool_shape *s)
{
    return at_least(1, CHUNK_FLOATS / (2 * (size_t)s->width * s->channels));
}

size_t norm_pool_parts(const struct pb_pool_shape *s)
{
    return ceil_divide((size_t)s->batch * s->output_height, pairs_per_chunk(s));
}

/* The two input rows of an output row. Rows of images follow one another, and their number is even. */
static struct norm_pool_rows rows_of(const struct pb_pool_shape *s, const struct norm_pool_rows *all, size_t pair)
{
    struct norm_pool_rows rows = *all;
    rows.pixels = s->output_width;
    rows.channels = s->channels;
    rows.row = (size_t)s->width * s->channels;
    rows.x += 2 * pair * rows.row;
    return rows;
}

void norm_pool_forward(const struct blis *self, const struct pb_pool_shape *s, const struct norm_pool_rows *all,
                       float *y)
{
    const size_t pairs = (size_t)s->batch * s->output_height, line = (size_t)s->output_width * s->channels;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (pairs > 1)
    for (size_t pair = 0; pair < pairs; pair++) {
        const struct norm_pool_rows rows = rows_of(s, all, pair);
        self->vector->norm_pool(&rows, y + pair * line);
    }
}

/* Σ g, Σ g·(x − mean) and Σ(x − mean) of every channel, into the first chunk's places. */
static void gradient_sums(const struct blis *self, const struct pb_pool_shape *s, const struct rows_walk *walk,
                          const struct rows_space *space, const struct norm_pool_rows *all, const float *dy)
{
    const size_t pairs = (size_t)s->batch * s->output_height, line = (size_t)s->output_width * s->channels;
    const size_t together = pairs_per_chunk(s), chunks = norm_pool_parts(s), channels = s->channels;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (chunks > 1)
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        const struct rows_room room = rows_thread_room(space, walk);
        for (size_t pair = chunk * together; pair < at_most(pairs, (chunk + 1) * together); pair++) {
            const struct norm_pool_rows rows = rows_of(s, all, pair);
            self->vector->norm_pool_sums(&rows, dy + pair * line, room.sums[0], room.sums[1], room.sums[2]);
        }
        memcpy(space->first + chunk * channels, room.sums[0], channels * sizeof *room.sums[0]);
        memcpy(space->second + chunk * channels, room.sums[1], channels * sizeof *room.sums[1]);
        memcpy(space->third + chunk * channels, room.sums[2], channels * sizeof *room.sums[2]);
    }
    for (size_t i = channels; i < chunks * channels; i++) {
        space->first[i % channels] += space->first[i];
        space->second[i % channels] += space->second[i];
        space->third[i % channels] += space->third[i];
    }
}

enum pb_status blis_bn_relu_pool_backward(void *opaque, const struct pb_norm_pool_arguments *args)
{
    struct blis *self = opaque;
    const struct pb_bn_arguments *norm = args->norm;
    const struct pb_pool_shape *s = args->pool->shape;
    const size_t rows = (size_t)s->batch * s->height * s->width, channels = s->channels;
    const size_t pairs = (size_t)s->batch * s->output_height, line = (size_t)s->output_width * channels;
    const struct rows_walk walk = rows_walk_of(rows, channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, norm_pool_parts(s), &space);
    if (status)
        return status;
    for (size_t c = 0; c < channels; c++) {
        space.forward_scale[c] = pb_host_pointer(norm->saved_inv_std)[c] * pb_host_pointer(norm->gamma)[c];
        space.forward_shift[c] = pb_host_pointer(norm->beta)[c];
    }
    const struct norm_pool_rows all = {.x = pb_host_pointer(norm->x),
                                       .mean = pb_host_pointer(norm->saved_mean),
                                       .scale = space.forward_scale,
                                       .shift = space.forward_shift};
    gradient_sums(self, s, &walk, &space, &all, pb_host_pointer(args->pool->dy));
    for (size_t c = 0; c < channels; c++) {
        const double inv_std = (double)pb_host_pointer(norm->saved_inv_std)[c];
        pb_host_pointer(norm->dbeta)[c] = (float)space.first[c];
        pb_host_pointer(norm->dgamma)[c] = (float)(space.second[c] * inv_std);
        rows_gradient_terms(&space, c, rows, inv_std, (double)pb_host_pointer(norm->gamma)[c]);
    }
    const struct row_gradient_terms terms = {space.scale, space.slope, space.shift, space.rest};
#pragma omp parallel for num_threads(self->threads) schedule(static) if (pairs > 1)
    for (size_t pair = 0; pair < pairs; pair++) {
        const struct norm_pool_rows two = rows_of(s, &all, pair);
        self->vector->norm_pool_gradient(&two, pb_host_pointer(args->pool->dy) + pair * line, &terms,
                                         pb_host_pointer(norm->dx) + 2 * pair * two.row);
    }
    return PB_OK;
}
