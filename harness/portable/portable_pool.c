/* Portable maximum and average pooling. */
#include "portable/portable.h"

#include <math.h>
#include <string.h>

/* The part of one output's window that is inside the image: input rows and columns [first, end). */
struct window {
    size_t first_row, end_row, first_column, end_column;
};

static void clip(uint32_t output, uint32_t stride, uint32_t pad, uint32_t kernel, uint32_t size, size_t *first,
                 size_t *end)
{
    const int64_t begin = (int64_t)output * stride - pad, behind = begin + kernel;
    *first = (size_t)(begin > 0 ? begin : 0);
    *end = (size_t)(behind < size ? (behind > 0 ? behind : 0) : size);
}

static struct window window_of(const struct pb_pool_shape *shape, uint32_t row, uint32_t column)
{
    struct window window;
    clip(row, shape->stride_height, shape->pad_height, shape->kernel_height, shape->height, &window.first_row,
         &window.end_row);
    clip(column, shape->stride_width, shape->pad_width, shape->kernel_width, shape->width, &window.first_column,
         &window.end_column);
    return window;
}

static float window_share(const struct window *window)
{
    return 1 / (float)((window->end_row - window->first_row) * (window->end_column - window->first_column));
}

static size_t input_offset(const struct pb_pool_shape *shape, size_t image, size_t row, size_t column)
{
    return ((image * shape->height + row) * shape->width + column) * shape->channels;
}

static size_t output_offset(const struct pb_pool_shape *shape, size_t image, size_t row, size_t column)
{
    return ((image * shape->output_height + row) * shape->output_width + column) * shape->channels;
}

/* The larger one; a NaN wins. */
PB_KERNEL
static void keep_larger(float *best, const float *x, size_t channels)
{
    for (size_t c = 0; c < channels; c++)
        best[c] = x[c] > best[c] || x[c] != x[c] ? x[c] : best[c];
}

PB_KERNEL
static void add_scaled(float *sum, const float *x, float scale, size_t channels)
{
    for (size_t c = 0; c < channels; c++)
        sum[c] += scale * x[c];
}

enum pool { MAXIMUM, AVERAGE };

static void pool_row(const struct pb_pool_shape *shape, enum pool pool, size_t line, const float *x, float *y)
{
    const size_t image = line / shape->output_height;
    const uint32_t row = (uint32_t)(line % shape->output_height);
    for (uint32_t column = 0; column < shape->output_width; column++) {
        const struct window window = window_of(shape, row, column);
        float *result = y + output_offset(shape, image, row, column);
        for (size_t c = 0; c < shape->channels; c++)
            result[c] = pool == MAXIMUM ? -INFINITY : 0;
        for (size_t h = window.first_row; h < window.end_row; h++)
            for (size_t w = window.first_column; w < window.end_column; w++) {
                const float *value = x + input_offset(shape, image, h, w);
                if (pool == MAXIMUM)
                    keep_larger(result, value, shape->channels);
                else
                    add_scaled(result, value, window_share(&window), shape->channels);
            }
    }
}

static enum pb_status pool_forward(void *self, const struct pb_pool_arguments *args, enum pool pool)
{
    const size_t lines = (size_t)args->shape->batch * args->shape->output_height;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t line = 0; line < lines; line++)
        pool_row(args->shape, pool, line, pb_floats(args->x), pb_floats(args->y));
    return PB_OK;
}

enum pb_status pb_portable_max_pool_forward(void *self, const struct pb_pool_arguments *args)
{
    return pool_forward(self, args, MAXIMUM);
}

enum pb_status pb_portable_avg_pool_forward(void *self, const struct pb_pool_arguments *args)
{
    return pool_forward(self, args, AVERAGE);
}

struct pool_gradient {
    const struct pb_pool_shape *shape;
    const float *x, *y, *dy; /* x, y: maximum only */
    float *dx;
};

/* Gives dy to the first position in row order that equals the maximum. taken: per channel, whether it has gone. */
PB_KERNEL
static void give_to_first(const struct pool_gradient *job, size_t input, size_t output, size_t channels, int32_t *taken)
{
    const float *x = job->x + input, *y = job->y + output, *dy = job->dy + output;
    float *dx = job->dx + input;
    for (size_t c = 0; c < channels; c++) {
        const int32_t hit = (taken[c] == 0) & ((x[c] == y[c]) | ((x[c] != x[c]) & (y[c] != y[c])));
        dx[c] += pb_keep_if(hit, dy[c]);
        taken[c] |= hit;
    }
}

static void max_gradient(const struct pool_gradient *job, size_t image, uint32_t row, uint32_t column, size_t first,
                         size_t channels)
{
    const struct window window = window_of(job->shape, row, column);
    const size_t output = output_offset(job->shape, image, row, column) + first;
    int32_t taken[PB_BLOCK_COLUMNS] = {0};
    for (size_t h = window.first_row; h < window.end_row; h++)
        for (size_t w = window.first_column; w < window.end_column; w++)
            give_to_first(job, input_offset(job->shape, image, h, w) + first, output, channels, taken);
}

static void average_gradient(const struct pool_gradient *job, size_t image, uint32_t row, uint32_t column, size_t first,
                             size_t channels)
{
    const struct window window = window_of(job->shape, row, column);
    const float *dy = job->dy + output_offset(job->shape, image, row, column) + first;
    for (size_t h = window.first_row; h < window.end_row; h++)
        for (size_t w = window.first_column; w < window.end_column; w++)
            add_scaled(job->dx + input_offset(job->shape, image, h, w) + first, dy, window_share(&window), channels);
}

/* One image's block of channels; windows may overlap, so one thread does it in order. */
static void gradient_block(const struct pool_gradient *job, size_t image, size_t first)
{
    const struct pb_pool_shape *shape = job->shape;
    const size_t channels = pb_smaller(PB_BLOCK_COLUMNS, shape->channels - first);
    for (size_t position = 0; position < (size_t)shape->height * shape->width; position++)
        memset(job->dx + input_offset(shape, image, 0, position) + first, 0, channels * sizeof(float));
    for (uint32_t row = 0; row < shape->output_height; row++)
        for (uint32_t column = 0; column < shape->output_width; column++)
            if (job->x)
                max_gradient(job, image, row, column, first, channels);
            else
                average_gradient(job, image, row, column, first, channels);
}

static enum pb_status pool_backward(void *self, const struct pool_gradient *job)
{
    const size_t blocks = pb_divide_up(job->shape->channels, PB_BLOCK_COLUMNS);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < job->shape->batch * blocks; i++)
        gradient_block(job, i / blocks, i % blocks * PB_BLOCK_COLUMNS);
    return PB_OK;
}

enum pb_status pb_portable_max_pool_backward(void *self, const struct pb_pool_arguments *args)
{
    return pool_backward(self, &(struct pool_gradient){.shape = args->shape,
                                                       .x = pb_floats(args->x),
                                                       .y = pb_floats(args->y),
                                                       .dy = pb_floats(args->dy),
                                                       .dx = pb_floats(args->dx)});
}

enum pb_status pb_portable_avg_pool_backward(void *self, const struct pb_pool_arguments *args)
{
    return pool_backward(
        self, &(struct pool_gradient){.shape = args->shape, .dy = pb_floats(args->dy), .dx = pb_floats(args->dx)});
}
