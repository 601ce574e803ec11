/* Batch normalisation with ReLU folded in: one pass over memory for the statistics, one to apply them. */
#include "blis_convolution.h"
#include "norm_pool.h"

#include <math.h>
#include <string.h>

/* Mean and biased variance of a channel from those of the parts, in order (T. F. Chan 1979). */
static void combine(const struct rows_walk *walk, const struct rows_space *space, size_t parts, size_t channel,
                    double *mean, double *variance)
{
    double squares = 0, count = 0;
    *mean = 0;
    for (size_t i = 0; i < parts; i++) {
        const double rows = space->counts[i], total = count + rows;
        if (!(rows > 0))
            continue;
        const double difference = space->first[i * walk->channels + channel] - *mean;
        *mean += difference * (rows / total);
        squares += space->second[i * walk->channels + channel] + difference * difference * (count * rows / total);
        count = total;
    }
    *variance = squares / count;
}

struct affine {
    struct row_relu relu;
    const float *x;
    float *y;
};

/* y = scale·(x − mean) + shift from the channels' constants, which are repeated here. */
static void apply(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                  const struct affine *affine)
{
    rows_repeat_first(walk, space->mean);
    rows_repeat_first(walk, space->scale);
    rows_repeat_first(walk, space->shift);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk->chunks > 1)
    for (size_t i = 0; i < walk->chunks; i++) {
        const struct rows_chunk chunk = rows_chunk_of(walk, i);
        const size_t at = chunk.first_row * walk->channels;
        self->vector->row_affine(chunk.blocks, chunk.period, affine->relu, affine->x + at, space->mean, space->scale,
                                 space->shift, affine->y + at);
    }
}

/* y from the channels' constants, and pooled where pool is not NULL. */
static void store(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                  const struct pb_bn_arguments *norm, const struct pb_pool_arguments *pool)
{
    const float *x = pb_host_pointer(norm->x);
    const struct norm_pool_rows rows = {.x = x, .mean = space->mean, .scale = space->scale, .shift = space->shift};
    if (pool)
        norm_pool_forward(self, pool->shape, &rows, pb_host_pointer(pool->y));
    else
        apply(self, walk, space, &(struct affine){rows_relu(norm), x, pb_host_pointer(norm->y)});
}

/* Statistics of the batch from the parts' moments, and from them y, pooled where pool is not NULL. */
static void normalise(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                      size_t parts, const struct pb_bn_arguments *norm, const struct pb_pool_arguments *pool)
{
    const double unbias = walk->rows > 1 ? (double)walk->rows / (double)(walk->rows - 1) : 1;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (parts > 1)
    for (size_t c = 0; c < walk->channels; c++) {
        double mean, variance;
        combine(walk, space, parts, c, &mean, &variance);
        float *old_mean = pb_host_pointer(norm->running_mean) + c, *old_var = pb_host_pointer(norm->running_var) + c;
        *old_mean = (float)((1 - norm->momentum) * (double)*old_mean + norm->momentum * mean);
        *old_var = (float)((1 - norm->momentum) * (double)*old_var + norm->momentum * variance * unbias);
        pb_host_pointer(norm->saved_mean)[c] = space->mean[c] = (float)mean;
        pb_host_pointer(norm->saved_inv_std)[c] = (float)(1 / sqrt(variance + norm->eps));
        space->scale[c] = pb_host_pointer(norm->saved_inv_std)[c] * pb_host_pointer(norm->gamma)[c];
        space->shift[c] = pb_host_pointer(norm->beta)[c];
    }
    store(self, walk, space, norm, pool);
}

static void all_moments(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                        const float *x)
{
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk->chunks > 1)
    for (size_t i = 0; i < walk->chunks; i++)
        rows_moments(self, walk, space, i, x);
}

enum pb_status blis_bn_forward(void *opaque, const struct pb_bn_arguments *args)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(args->rows, args->channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, 0, &space);
    if (status)
        return status;
    all_moments(self, &walk, &space, pb_host_pointer(args->x));
    normalise(self, &walk, &space, walk.chunks, args, NULL);
    return PB_OK;
}

enum pb_status blis_bn_evaluate(void *opaque, const struct pb_bn_arguments *args)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(args->rows, args->channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, 0, &space);
    if (status)
        return status;
    for (size_t c = 0; c < args->channels; c++) {
        const double inv_std = 1 / sqrt((double)pb_host_pointer(args->running_var)[c] + args->eps);
        space.mean[c] = pb_host_pointer(args->running_mean)[c];
        space.scale[c] = (float)inv_std * pb_host_pointer(args->gamma)[c];
        space.shift[c] = pb_host_pointer(args->beta)[c];
    }
    apply(self, &walk, &space, &(struct affine){rows_relu(args), pb_host_pointer(args->x), pb_host_pointer(args->y)});
    return PB_OK;
}

enum pb_status blis_conv_norm_forward(void *opaque, const struct pb_conv_norm_arguments *args)
{
    struct blis *self = opaque;
    const struct pb_conv_plan *plan = args->conv->plan;
    const struct geometry *g = &plan->geometry;
    const struct rows_walk walk = rows_walk_of(g->out_rows, g->filters);
    struct rows_space space;
    const size_t most = plan->algorithm->moment_parts ? plan->algorithm->moment_parts(self, g) : 0;
    const enum pb_status status = rows_space(self, &walk, most, &space);
    if (status)
        return status;
    struct conv_call call = blis_conv_call(args->conv);
    const struct conv_moments moments = {&walk, &space};
    call.moments = &moments;
    const size_t parts = plan->algorithm->forward(self, g, &call);
    if (!parts)
        all_moments(self, &walk, &space, call.y);
    normalise(self, &walk, &space, parts ? parts : walk.chunks, args->norm, args->pool);
    return PB_OK;
}

/* scale and offset that take a convolution without bias to bn_evaluate's y: of one channel. */
static void fold(const struct pb_bn_arguments *norm, size_t c, double bias, float *scale, float *offset)
{
    const double inv_std = 1 / sqrt((double)pb_host_pointer(norm->running_var)[c] + norm->eps);
    const double slope = inv_std * (double)pb_host_pointer(norm->gamma)[c];
    *scale = (float)slope;
    *offset = (float)((bias - (double)pb_host_pointer(norm->running_mean)[c]) * slope +
                      (double)pb_host_pointer(norm->beta)[c]);
}

enum pb_status blis_conv_norm_evaluate(void *opaque, const struct pb_conv_norm_arguments *args)
{
    struct blis *self = opaque;
    const struct pb_conv_plan *plan = args->conv->plan;
    const struct geometry *g = &plan->geometry;
    const float *bias = pb_host_pointer(args->conv->bias);
    float *scale;
    const enum pb_status status = blis_scratch(self, 2 * g->filters, &scale);
    if (status)
        return status;
    float *offset = scale + g->filters;
    for (size_t c = 0; c < g->filters; c++)
        fold(args->norm, c, bias ? (double)bias[c] : 0, &scale[c], &offset[c]);
    /* Pooled while it is stored where the algorithm can, else from the convolution's own place. */
    const bool pooled = args->pool && plan->algorithm->pools;
    const bool afterwards = args->pool && !pooled;
    struct conv_call call = blis_conv_call(args->conv);
    if (!afterwards)
        call.y = pb_host_pointer(pooled ? args->pool->y : args->norm->y);
    const struct row_relu relu = rows_relu(args->norm);
    call.finish = (struct tile_finish){scale, offset, relu.set ? 0 : -INFINITY, relu.ceiling};
    call.pooled = pooled;
    plan->algorithm->forward(self, g, &call);
    if (!afterwards)
        return PB_OK;
    const struct pb_pool_arguments pool = {
        .size = sizeof pool, .shape = args->pool->shape, .x = args->conv->y, .y = args->pool->y};
    return blis_max_pool_forward(self, &pool);
}
