/* Batch normalisation with ReLU folded in: one pass over memory for the statistics, one to apply them. */
#include "convolution.h"
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
    bool relu;
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

/* y from the channels' constants, pooled where that is asked for. */
static void put_out(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                    const struct pb_conv_norm *norm, const float *x, float *y)
{
    const struct norm_pool_rows rows = {.x = x, .mean = space->mean, .scale = space->scale, .shift = space->shift};
    if (norm->pool)
        norm_pool_forward(self, norm->pool, &rows, y);
    else
        apply(self, walk, space, &(struct affine){norm->relu, x, y});
}

/* Statistics of the batch from the parts' moments, and y from them. */
static void normalise(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                      size_t parts, const struct pb_conv_norm *norm, const float *x, float *y)
{
    const double unbias = walk->rows > 1 ? (double)walk->rows / (double)(walk->rows - 1) : 1;
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
    put_out(self, walk, space, norm, x, y);
}

static void all_moments(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                        const float *x)
{
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk->chunks > 1)
    for (size_t i = 0; i < walk->chunks; i++)
        rows_moments(self, walk, space, i, x);
}

enum pb_status blis_bn_forward(void *opaque, size_t rows, uint32_t channels, double eps, double momentum, bool relu,
                               struct pb_view x, struct pb_view gamma, struct pb_view beta, struct pb_view running_mean,
                               struct pb_view running_var, struct pb_view saved_mean, struct pb_view saved_inv_std,
                               struct pb_view y)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(rows, channels);
    const struct pb_conv_norm norm = {.eps = eps,
                                      .momentum = momentum,
                                      .relu = relu,
                                      .gamma = gamma,
                                      .beta = beta,
                                      .running_mean = running_mean,
                                      .running_var = running_var,
                                      .saved_mean = saved_mean,
                                      .saved_inv_std = saved_inv_std};
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, 0, &space);
    if (status)
        return status;
    all_moments(self, &walk, &space, pb_host_pointer(x));
    normalise(self, &walk, &space, walk.chunks, &norm, pb_host_pointer(x), pb_host_pointer(y));
    return PB_OK;
}

enum pb_status blis_bn_evaluate(void *opaque, size_t rows, uint32_t channels, double eps, bool relu, struct pb_view x,
                                struct pb_view gamma, struct pb_view beta, struct pb_view running_mean,
                                struct pb_view running_var, struct pb_view y)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(rows, channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, 0, &space);
    if (status)
        return status;
    for (size_t c = 0; c < channels; c++) {
        const double inv_std = 1 / sqrt((double)pb_host_pointer(running_var)[c] + eps);
        space.mean[c] = pb_host_pointer(running_mean)[c];
        space.scale[c] = (float)inv_std * pb_host_pointer(gamma)[c];
        space.shift[c] = pb_host_pointer(beta)[c];
    }
    apply(self, &walk, &space, &(struct affine){relu, pb_host_pointer(x), pb_host_pointer(y)});
    return PB_OK;
}

enum pb_status blis_conv_norm_forward(void *opaque, struct pb_conv_plan *plan, struct pb_view x, struct pb_view w,
                                      struct pb_view bias, const struct pb_conv_norm *norm, struct pb_view y,
                                      struct pb_view workspace)
{
    struct blis *self = opaque;
    const struct geometry *g = &plan->geometry;
    const struct rows_walk walk = rows_walk_of(g->out_rows, g->filters);
    struct rows_space space;
    const size_t most = plan->algorithm->moment_parts ? plan->algorithm->moment_parts(self, g) : 0;
    const enum pb_status status = rows_space(self, &walk, most, &space);
    if (status)
        return status;
    struct conv_call call = blis_conv_call(plan, x, w, bias, norm->convolved, workspace);
    const struct conv_moments moments = {&walk, &space};
    call.moments = &moments;
    const size_t parts = plan->algorithm->forward(self, g, &call);
    if (!parts)
        all_moments(self, &walk, &space, call.y);
    normalise(self, &walk, &space, parts ? parts : walk.chunks, norm, call.y, pb_host_pointer(y));
    return PB_OK;
}

/* scale and offset that take a convolution without bias to bn_evaluate's y: of one channel. */
static void fold(const struct pb_conv_norm *norm, size_t c, double bias, float *scale, float *offset)
{
    const double inv_std = 1 / sqrt((double)pb_host_pointer(norm->running_var)[c] + norm->eps);
    const double slope = inv_std * (double)pb_host_pointer(norm->gamma)[c];
    *scale = (float)slope;
    *offset = (float)((bias - (double)pb_host_pointer(norm->running_mean)[c]) * slope +
                      (double)pb_host_pointer(norm->beta)[c]);
}

enum pb_status blis_conv_norm_evaluate(void *opaque, struct pb_conv_plan *plan, struct pb_view x, struct pb_view w,
                                       struct pb_view bias, const struct pb_conv_norm *norm, struct pb_view y,
                                       struct pb_view workspace)
{
    struct blis *self = opaque;
    const struct geometry *g = &plan->geometry;
    float *scale;
    const enum pb_status status = blis_scratch(self, 2 * g->filters, &scale);
    if (status)
        return status;
    float *offset = scale + g->filters;
    for (size_t c = 0; c < g->filters; c++)
        fold(norm, c, bias.buffer ? (double)pb_host_pointer(bias)[c] : 0, &scale[c], &offset[c]);
    /* Pooled on the way out, or from where the convolution's output goes. */
    const bool pooled = norm->pool && plan->algorithm->pools;
    const bool behind = norm->pool && !pooled;
    struct conv_call call = blis_conv_call(plan, x, w, bias, behind ? norm->convolved : y, workspace);
    call.finish = (struct tile_finish){scale, offset, norm->relu ? 0 : -INFINITY};
    call.pooled = pooled;
    plan->algorithm->forward(self, g, &call);
    return behind ? blis_max_pool_forward(self, norm->pool, norm->convolved, y) : PB_OK;
}
