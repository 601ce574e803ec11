/*
 * Maximum pooling. The common 2×2 windows side by side go two input rows at a time; any other shape goes window by window.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>

#include "blis_instance.h"
#include "vector.h"

bool pool_is_two_by_two(const struct pb_pool_shape *s)
{
    return s->kernel_height == 2 && s->kernel_width == 2 && s->stride_height == 2 && s->stride_width == 2 &&
           s->pad_height == 0 && s->pad_width == 0;
}

/* Inputs [first, end) of an output's window that are in the image, along one axis. */
static void reach(size_t out, size_t stride, size_t pad, size_t kernel, size_t extent, size_t *first, size_t *end)
{
    const size_t begin = out * stride;
    *first = begin > pad ? begin - pad : 0;
    *end = begin + kernel > pad ? begin + kernel - pad : 0;
    *end = *end < extent ? *end : extent;
}

/* One output row.  x: the image, y: the row */
static void forward_row(const struct pb_pool_shape *s, size_t p, const float *x, float *y)
{
    size_t h0, h1, w0, w1;
    reach(p, s->stride_height, s->pad_height, s->kernel_height, s->height, &h0, &h1);
    for (size_t q = 0; q < s->output_width; q++, y += s->channels) {
        reach(q, s->stride_width, s->pad_width, s->kernel_width, s->width, &w0, &w1);
        for (size_t c = 0; c < s->channels; c++)
            y[c] = -INFINITY;
        for (size_t h = h0; h < h1; h++) {
            for (size_t w = w0; w < w1; w++) {
                const float *from = x + (h * s->width + w) * s->channels;
                for (size_t c = 0; c < s->channels; c++)
                    y[c] = from[c] > y[c] || from[c] != from[c] ? from[c] : y[c];
            }
        }
    }
}

enum pb_status blis_max_pool_forward(void *opaque, const struct pb_pool_arguments *args)
{
    const struct pb_pool_shape *s = args->shape;
    struct blis *self = opaque;
    const size_t rows = (size_t)s->batch * s->output_height, line = (size_t)s->width * s->channels;
    const size_t image = s->height * line, out_line = (size_t)s->output_width * s->channels;
    const bool pairs = pool_is_two_by_two(s);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (rows > 1)
    for (size_t row = 0; row < rows; row++) {
        const size_t p = row % s->output_height;
        const float *from = pb_host_pointer(args->x) + row / s->output_height * image;
        float *to = pb_host_pointer(args->y) + row * out_line;
        const struct pool_rows two = {
            .pixels = s->output_width, .channels = s->channels, .row = line, .x = from + 2 * p * line};
        if (pairs)
            self->vector->pool(&two, to);
        else
            forward_row(s, p, from, to);
    }
    return PB_OK;
}

/* A window: rows and columns of the input that are in the image. */
struct window {
    size_t h0, h1, w0, w1;
};

/* The offset of the first value in row order that is a window's maximum. */
static size_t first_maximum(const struct pb_pool_shape *s, const struct window *at, const float *x, float maximum)
{
    for (size_t h = at->h0; h < at->h1; h++) {
        for (size_t w = at->w0; w < at->w1; w++) {
            const size_t offset = (h * s->width + w) * s->channels;
            if (x[offset] == maximum || (isnan(x[offset]) && isnan(maximum)))
                return offset;
        }
    }
    return (at->h0 * s->width + at->w0) * s->channels;
}

/* Gives dy to the maximum of each window; windows may share inputs. One image. */
static void backward_image(const struct pb_pool_shape *s, const float *x, const float *y, const float *dy, float *dx)
{
    struct window at;
    memset(dx, 0, (size_t)s->height * s->width * s->channels * sizeof *dx);
    for (size_t p = 0; p < s->output_height; p++) {
        reach(p, s->stride_height, s->pad_height, s->kernel_height, s->height, &at.h0, &at.h1);
        for (size_t q = 0; q < s->output_width; q++, y += s->channels, dy += s->channels) {
            reach(q, s->stride_width, s->pad_width, s->kernel_width, s->width, &at.w0, &at.w1);
            for (size_t c = 0; c < s->channels; c++)
                dx[first_maximum(s, &at, x + c, y[c]) + c] += dy[c];
        }
    }
}

/* Two input rows; those pixels that no window covers get nothing. */
static void backward_rows(const struct blis *self, const struct pb_pool_shape *s, struct pool_rows rows, bool last)
{
    const size_t covered = 2 * rows.pixels * rows.channels, line = rows.row;
    self->vector->pool_gradient(&rows);
    memset(rows.dx + covered, 0, (line - covered) * sizeof *rows.dx);
    memset(rows.dx + line + covered, 0, (line - covered) * sizeof *rows.dx);
    if (last && s->height % 2)
        memset(rows.dx + 2 * line, 0, line * sizeof *rows.dx);
}

enum pb_status blis_max_pool_backward(void *opaque, const struct pb_pool_arguments *args)
{
    const struct pb_pool_shape *s = args->shape;
    const struct blis *self = opaque;
    const size_t line = (size_t)s->width * s->channels, image = s->height * line;
    const size_t out_line = (size_t)s->output_width * s->channels, out_image = s->output_height * out_line;
    const float *from = pb_host_pointer(args->x), *output = pb_host_pointer(args->y),
                *gradient = pb_host_pointer(args->dy);
    float *to = pb_host_pointer(args->dx);
    if (!pool_is_two_by_two(s)) {
#pragma omp parallel for num_threads(self->threads) schedule(static) if (s->batch > 1)
        for (size_t n = 0; n < s->batch; n++)
            backward_image(s, from + n * image, output + n * out_image, gradient + n * out_image, to + n * image);
        return PB_OK;
    }
    const size_t rows = (size_t)s->batch * s->output_height;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (rows > 1)
    for (size_t row = 0; row < rows; row++) {
        const size_t n = row / s->output_height, p = row % s->output_height, at = n * image + 2 * p * line;
        const struct pool_rows pair = {.pixels = s->output_width,
                                       .channels = s->channels,
                                       .row = line,
                                       .x = from + at,
                                       .y = output + row * out_line,
                                       .dy = gradient + row * out_line,
                                       .dx = to + at};
        backward_rows(self, s, pair, p + 1 == s->output_height);
    }
    return PB_OK;
}
