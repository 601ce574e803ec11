/* Batch normalisation with ReLU folded in: one pass over memory for the statistics, one to apply them. */
#include "rows.h"

#include <math.h>
#include <string.h>

#include "vector.h"

/* Mean and Σ(x − mean)² of one chunk: the sum is taken from the first row's values, so that equal values have no
 * variance, and the squares from the mean, while the chunk is in cache. */
static void chunk_moments(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                          size_t index, const float *x)
{
    const struct rows_chunk chunk = rows_chunk_of(walk, index);
    const size_t channels = walk->channels;
    const float *values = x + chunk.first_row * channels;
    const struct rows_room room = rows_thread_room(space, walk);
    float *origin = room.values;
    double *mean = space->first + index * channels, *squares = space->second + index * channels;
    memcpy(origin, values, channels * sizeof *origin);
    rows_repeat_first(walk, origin);
    self->vector->row_sums(chunk.blocks, chunk.period, values, origin, room.sums[0]);
    rows_fold(walk, chunk.period, room.sums[0], mean);
    for (size_t c = 0; c < channels; c++) {
        mean[c] = (double)values[c] + mean[c] / (double)chunk.rows;
        origin[c] = (float)mean[c];
    }
    rows_repeat_first(walk, origin);
    self->vector->row_squares(chunk.blocks, chunk.period, values, origin, room.sums[1]);
    rows_fold(walk, chunk.period, room.sums[1], squares);
    for (size_t c = 0; c < channels; c++) {
        const double rounding = (double)(float)mean[c] - mean[c];
        const double exact = squares[c] - rounding * rounding * (double)chunk.rows;
        squares[c] = exact < 0 ? 0 : exact; /* a NaN stays one */
    }
}

/* Mean and biased variance of a channel from those of the chunks, in order (T. F. Chan 1979). */
static void combine(const struct rows_walk *walk, const struct rows_space *space, size_t channel, double *mean,
                    double *variance)
{
    double squares = 0, count = 0;
    *mean = 0;
    for (size_t i = 0; i < walk->chunks; i++) {
        const double rows = (double)rows_chunk_of(walk, i).rows, total = count + rows;
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

enum pb_status blis_bn_forward(void *opaque, size_t rows, uint32_t channels, double eps, double momentum, bool relu,
                               struct pb_view x, struct pb_view gamma, struct pb_view beta, struct pb_view running_mean,
                               struct pb_view running_var, struct pb_view saved_mean, struct pb_view saved_inv_std,
                               struct pb_view y)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(rows, channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, &space);
    if (status)
        return status;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk.chunks > 1)
    for (size_t i = 0; i < walk.chunks; i++)
        chunk_moments(self, &walk, &space, i, pb_host_pointer(x));
    const double unbias = rows > 1 ? (double)rows / (double)(rows - 1) : 1;
    for (size_t c = 0; c < channels; c++) {
        double mean, variance;
        combine(&walk, &space, c, &mean, &variance);
        float *old_mean = pb_host_pointer(running_mean) + c, *old_var = pb_host_pointer(running_var) + c;
        *old_mean = (float)((1 - momentum) * (double)*old_mean + momentum * mean);
        *old_var = (float)((1 - momentum) * (double)*old_var + momentum * variance * unbias);
        pb_host_pointer(saved_mean)[c] = space.mean[c] = (float)mean;
        pb_host_pointer(saved_inv_std)[c] = (float)(1 / sqrt(variance + eps));
        space.scale[c] = pb_host_pointer(saved_inv_std)[c] * pb_host_pointer(gamma)[c];
        space.shift[c] = pb_host_pointer(beta)[c];
    }
    apply(self, &walk, &space, &(struct affine){relu, pb_host_pointer(x), pb_host_pointer(y)});
    return PB_OK;
}

enum pb_status blis_bn_evaluate(void *opaque, size_t rows, uint32_t channels, double eps, bool relu, struct pb_view x,
                                struct pb_view gamma, struct pb_view beta, struct pb_view running_mean,
                                struct pb_view running_var, struct pb_view y)
{
    struct blis *self = opaque;
    const struct rows_walk walk = rows_walk_of(rows, channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, &space);
    if (status)
        return status;
    for (size_t c = 0; c < channels; c++) {
        space.mean[c] = pb_host_pointer(running_mean)[c];
        space.scale[c] = (float)(1 / sqrt((double)pb_host_pointer(running_var)[c] + eps)) * pb_host_pointer(gamma)[c];
        space.shift[c] = pb_host_pointer(beta)[c];
    }
    apply(self, &walk, &space, &(struct affine){relu, pb_host_pointer(x), pb_host_pointer(y)});
    return PB_OK;
}
