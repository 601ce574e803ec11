/* Portable batch normalisation, with ReLU and its ceiling folded in. Statistics are summed in double. */
#include "portable/portable.h"

#include <math.h>

/* Rows that make about one chunk of work. */
static size_t rows_per_chunk(size_t columns)
{
    const size_t rows = columns ? PB_CHUNK / columns : 0;
    return rows ? rows : 1;
}

struct moments {
    size_t rows, columns;
    const float *x;
    float *mean, *inv_std, *running_mean, *running_var;
    double eps, momentum;
};

PB_KERNEL
static void sum_values(const void *argument, const struct pb_row_block *block, struct pb_row_sums *sums)
{
    const struct moments *job = argument;
    for (size_t row = block->first_row; row < block->end_row; row++) {
        const float *x = job->x + row * job->columns + block->first_column;
        for (size_t c = 0; c < block->columns; c++)
            sums->first[c] += (double)x[c];
    }
}

static void store_mean(const void *argument, const struct pb_row_block *block, const struct pb_row_sums *sums)
{
    const struct moments *job = argument;
    for (size_t i = 0; i < block->columns; i++) {
        const size_t c = block->first_column + i;
        const double mean = sums->first[i] / (double)job->rows;
        job->mean[c] = (float)mean;
        job->running_mean[c] = (float)((1 - job->momentum) * (double)job->running_mean[c] + job->momentum * mean);
    }
}

/* Deviations from the rounded mean, squared and plain; the plain ones make up for the rounding. */
PB_KERNEL
static void sum_deviations(const void *argument, const struct pb_row_block *block, struct pb_row_sums *sums)
{
    const struct moments *job = argument;
    const float *mean = job->mean + block->first_column;
    for (size_t row = block->first_row; row < block->end_row; row++) {
        const float *x = job->x + row * job->columns + block->first_column;
        for (size_t c = 0; c < block->columns; c++) {
            const double deviation = (double)x[c] - (double)mean[c];
            sums->first[c] += deviation * deviation;
            sums->second[c] += deviation;
        }
    }
}

static void store_variance(const void *argument, const struct pb_row_block *block, const struct pb_row_sums *sums)
{
    const struct moments *job = argument;
    const double rows = (double)job->rows;
    for (size_t i = 0; i < block->columns; i++) {
        const size_t c = block->first_column + i;
        const double squares = sums->first[i] - sums->second[i] * sums->second[i] / rows;
        const double variance = squares < 0 ? 0 : squares / rows;
        const double unbiased = job->rows > 1 ? variance * (rows / (rows - 1)) : variance;
        job->inv_std[c] = (float)(1 / sqrt(variance + job->eps));
        job->running_var[c] = (float)((1 - job->momentum) * (double)job->running_var[c] + job->momentum * unbiased);
    }
}

/* What a ReLU leaves; without one, everything. */
struct limits {
    float floor, ceiling;
};

static struct limits limits_of(const struct pb_bn_arguments *args)
{
    return args->relu ? (struct limits){0, (float)args->ceiling} : (struct limits){-INFINITY, INFINITY};
}

/* y = (x − mean)·inv_std·γ + β over count rows, at least floor and at most ceiling. A NaN stays one. */
struct affine {
    size_t rows, columns;
    const float *x, *mean, *inv_std, *variance, *gamma, *beta; /* variance and eps, or inv_std of the batch */
    double eps;
    struct limits limits;
    bool batch_statistics;
    float *y;
};

PB_KERNEL
static void apply_affine(const struct affine *job, size_t first_row, size_t end_row)
{
    const float floor = job->limits.floor, ceiling = job->limits.ceiling;
    for (size_t first = 0; first < job->columns; first += PB_BLOCK_COLUMNS) {
        const size_t columns = pb_smaller(PB_BLOCK_COLUMNS, job->columns - first);
        float mean[PB_BLOCK_COLUMNS], scale[PB_BLOCK_COLUMNS], shift[PB_BLOCK_COLUMNS];
        for (size_t c = 0; c < columns; c++) {
            const float inv_std = job->batch_statistics
                                      ? job->inv_std[first + c]
                                      : (float)(1 / sqrt((double)job->variance[first + c] + job->eps));
            mean[c] = job->mean[first + c];
            scale[c] = inv_std * job->gamma[first + c];
            shift[c] = job->beta[first + c];
        }
        for (size_t row = first_row; row < end_row; row++) {
            const float *x = job->x + row * job->columns + first;
            float *y = job->y + row * job->columns + first;
#pragma GCC ivdep /* y may be x */
            for (size_t c = 0; c < columns; c++) {
                const float value = (x[c] - mean[c]) * scale[c] + shift[c];
                const float raised = value < floor ? floor : value;
                y[c] = raised > ceiling ? ceiling : raised;
            }
        }
    }
}

static void run_affine(void *self, const struct affine *job)
{
    const size_t chunk = rows_per_chunk(job->columns), chunks = pb_divide_up(job->rows, chunk);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (chunks > 1)
    for (size_t i = 0; i < chunks; i++)
        apply_affine(job, i * chunk, pb_smaller(job->rows, (i + 1) * chunk));
}

enum pb_status pb_portable_bn_forward(void *self, const struct pb_bn_arguments *args)
{
    const struct moments job = {.rows = args->rows,
                                .columns = args->channels,
                                .x = pb_floats(args->x),
                                .mean = pb_floats(args->saved_mean),
                                .inv_std = pb_floats(args->saved_inv_std),
                                .running_mean = pb_floats(args->running_mean),
                                .running_var = pb_floats(args->running_var),
                                .eps = args->eps,
                                .momentum = args->momentum};
    struct pb_row_reduction reduction = {
        .rows = args->rows, .columns = args->channels, .sum = sum_values, .finish = store_mean, .argument = &job};
    pb_reduce_rows(self, &reduction);
    reduction.sum = sum_deviations;
    reduction.finish = store_variance;
    pb_reduce_rows(self, &reduction);
    run_affine(self, &(struct affine){.rows = args->rows,
                                      .columns = args->channels,
                                      .x = job.x,
                                      .mean = job.mean,
                                      .inv_std = job.inv_std,
                                      .gamma = pb_floats(args->gamma),
                                      .beta = pb_floats(args->beta),
                                      .limits = limits_of(args),
                                      .batch_statistics = true,
                                      .y = pb_floats(args->y)});
    return PB_OK;
}

enum pb_status pb_portable_bn_evaluate(void *self, const struct pb_bn_arguments *args)
{
    run_affine(self, &(struct affine){.rows = args->rows,
                                      .columns = args->channels,
                                      .x = pb_floats(args->x),
                                      .mean = pb_floats(args->running_mean),
                                      .variance = pb_floats(args->running_var),
                                      .eps = args->eps,
                                      .gamma = pb_floats(args->gamma),
                                      .beta = pb_floats(args->beta),
                                      .limits = limits_of(args),
                                      .y = pb_floats(args->y)});
    return PB_OK;
}

/*
 * dβ = Σ g, dγ = Σ g·x̂ with x̂ = (x − mean)·inv_std and g the gradient behind ReLU: dy where y is between its limits.
 * Batch statistics: dx = γ·inv_std·(g − dβ/rows − x̂·dγ/rows); running ones: dx = γ·inv_std·g.
 *
 * The columns of dx add up to zero, and a convolution's bias gradient is that sum: a level or mean rounded to float
 * would be off by the same amount in every row, so both stay in double.
 */
struct backward {
    void *self;
    size_t rows, columns;
    struct limits limits;
    bool relu, batch_statistics;
    const float *x, *y, *dy, *gamma, *mean, *inv_std, *variance;
    double eps;
    float *dx, *dgamma, *dbeta;
};

/* Per column of a block: dx = scale·(g − level − (x − mean)·slope). */
struct columns {
    double mean[PB_BLOCK_COLUMNS], scale[PB_BLOCK_COLUMNS], level[PB_BLOCK_COLUMNS], slope[PB_BLOCK_COLUMNS];
};

PB_KERNEL
static void sum_gradients(const void *argument, const struct pb_row_block *block, struct pb_row_sums *sums)
{
    const struct backward *job = argument;
    const float *mean = job->mean + block->first_column;
    const float floor = job->limits.floor, ceiling = job->limits.ceiling;
    const bool relu = job->relu, all = !relu;
    for (size_t row = block->first_row; row < block->end_row; row++) {
        const size_t offset = row * job->columns + block->first_column;
        const float *x = job->x + offset, *dy = job->dy + offset;
        const float *y = relu ? job->y + offset : dy;
        for (size_t c = 0; c < block->columns; c++) {
            const bool open = all | ((y[c] > floor) & (y[c] < ceiling));
            const double g = (double)pb_keep_if(open, dy[c]), deviation = (double)x[c] - (double)mean[c];
            sums->first[c] += g;
            sums->second[c] += g * deviation;
            sums->third[c] += deviation;
        }
    }
}

PB_KERNEL
static void apply_backward(const struct backward *job, const struct pb_row_block *block, const struct columns *columns)
{
    const float floor = job->limits.floor, ceiling = job->limits.ceiling;
    const bool relu = job->relu, all = !relu;
    for (size_t row = block->first_row; row < block->end_row; row++) {
        const size_t offset = row * job->columns + block->first_column;
        const float *x = job->x + offset, *dy = job->dy + offset;
        const float *y = relu ? job->y + offset : dy;
        float *dx = job->dx + offset;
#pragma GCC ivdep /* dx may be dy */
        for (size_t c = 0; c < block->columns; c++) {
            const bool open = all | ((y[c] > floor) & (y[c] < ceiling));
            const double g = (double)pb_keep_if(open, dy[c]);
            dx[c] = (float)(columns->scale[c] *
                            (g - columns->level[c] - ((double)x[c] - columns->mean[c]) * columns->slope[c]));
        }
    }
}

static void finish_block(const void *argument, const struct pb_row_block *block, const struct pb_row_sums *sums)
{
    const struct backward *job = argument;
    const double rows = (double)job->rows;
    struct columns columns = {0};
    for (size_t i = 0; i < block->columns; i++) {
        const size_t c = block->first_column + i;
        const double inv_std =
            job->batch_statistics ? (double)job->inv_std[c] : 1 / sqrt((double)job->variance[c] + job->eps);
        const double rounding = job->batch_statistics ? sums->third[i] / rows : 0; /* of the saved mean */
        const double products = sums->second[i] - rounding * sums->first[i];
        job->dbeta[c] = (float)sums->first[i];
        job->dgamma[c] = (float)(products * inv_std);
        columns.mean[i] = (double)job->mean[c] + rounding;
        columns.scale[i] = (double)job->gamma[c] * inv_std;
        columns.level[i] = job->batch_statistics ? sums->first[i] / rows : 0;
        columns.slope[i] = job->batch_statistics ? products * inv_std * inv_std / rows : 0;
    }
    const size_t chunk = rows_per_chunk(block->columns), chunks = pb_divide_up(job->rows, chunk);
#pragma omp parallel for num_threads(pb_portable_threads(job->self)) schedule(static) if (chunks > 1)
    for (size_t i = 0; i < chunks; i++) {
        struct pb_row_block part = *block;
        part.first_row = i * chunk;
        part.end_row = pb_smaller(job->rows, (i + 1) * chunk);
        apply_backward(job, &part, &columns);
    }
}

static void run_backward(const struct backward *job)
{
    pb_reduce_rows(
        job->self,
        &(struct pb_row_reduction){
            .rows = job->rows, .columns = job->columns, .sum = sum_gradients, .finish = finish_block, .argument = job});
}

enum pb_status pb_portable_bn_backward(void *self, const struct pb_bn_arguments *args)
{
    run_backward(&(struct backward){.self = self,
                                    .rows = args->rows,
                                    .columns = args->channels,
                                    .limits = limits_of(args),
                                    .relu = args->relu,
                                    .batch_statistics = true,
                                    .x = pb_floats(args->x),
                                    .y = pb_floats(args->y),
                                    .dy = pb_floats(args->dy),
                                    .gamma = pb_floats(args->gamma),
                                    .mean = pb_floats(args->saved_mean),
                                    .inv_std = pb_floats(args->saved_inv_std),
                                    .dx = pb_floats(args->dx),
                                    .dgamma = pb_floats(args->dgamma),
                                    .dbeta = pb_floats(args->dbeta)});
    return PB_OK;
}

enum pb_status pb_portable_bn_evaluate_backward(void *self, const struct pb_bn_arguments *args)
{
    run_backward(&(struct backward){.self = self,
                                    .rows = args->rows,
                                    .columns = args->channels,
                                    .limits = limits_of(args),
                                    .relu = args->relu,
                                    .x = pb_floats(args->x),
                                    .y = pb_floats(args->y),
                                    .dy = pb_floats(args->dy),
                                    .gamma = pb_floats(args->gamma),
                                    .mean = pb_floats(args->running_mean),
                                    .variance = pb_floats(args->running_var),
                                    .eps = args->eps,
                                    .dx = pb_floats(args->dx),
                                    .dgamma = pb_floats(args->dgamma),
                                    .dbeta = pb_floats(args->dbeta)});
    return PB_OK;
}
