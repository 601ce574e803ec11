/* The suite's pooling. */
#include "support/operator_tools.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct pooling {
    struct pb_pool_shape shape;
    bool maximum;
};

/* One output by the definition; *winner: the input that a maximum came from. */
static double window_value(const struct pooling *pooling, const double *x, size_t n, size_t p, size_t q, size_t c,
                           size_t *winner)
{
    const struct pb_pool_shape *s = &pooling->shape;
    double sum = 0, best = -INFINITY;
    size_t inside = 0;
    for (size_t r = 0; r < s->kernel_height; r++)
        for (size_t t = 0; t < s->kernel_width; t++) {
            const long h = (long)(p * s->stride_height + r) - (long)s->pad_height;
            const long w = (long)(q * s->stride_width + t) - (long)s->pad_width;
            if (h < 0 || h >= (long)s->height || w < 0 || w >= (long)s->width)
                continue;
            const size_t i = ((n * s->height + (size_t)h) * s->width + (size_t)w) * s->channels + c;
            sum += x[i];
            if (x[i] > best || (isnan(x[i]) && !isnan(best))) {
                best = x[i];
                *winner = i;
            }
            inside++;
        }
    return pooling->maximum ? best : sum / (double)inside;
}

static size_t input_count(const struct pb_pool_shape *s)
{
    return (size_t)s->batch * s->height * s->width * s->channels;
}

static size_t output_count(const struct pb_pool_shape *s)
{
    return (size_t)s->batch * s->output_height * s->output_width * s->channels;
}

/* y, and where each maximum came from (winners may be NULL). */
static void pool(const struct pooling *pooling, const double *x, double *y, size_t *winners)
{
    const struct pb_pool_shape *s = &pooling->shape;
    size_t i = 0;
    for (size_t n = 0; n < s->batch; n++)
        for (size_t p = 0; p < s->output_height; p++)
            for (size_t q = 0; q < s->output_width; q++)
                for (size_t c = 0; c < s->channels; c++, i++) {
                    size_t winner = 0;
                    y[i] = window_value(pooling, x, n, p, q, c, &winner);
                    if (winners)
                        winners[i] = winner;
                }
}

static void pool_function(const void *context, const double *x, double *y)
{
    pool(context, x, y, NULL);
}

/* Maximum: to the winner, as the definition says. Average: it is linear, so differences are exact. */
static void expected_gradient(const struct pooling *pooling, double *x, const double *dy, double *dx)
{
    const size_t outputs = output_count(&pooling->shape);
    if (pooling->maximum) {
        double *y = doubles(outputs);
        size_t *winners = calloc(outputs, sizeof *winners);
        if (winners)
            pool(pooling, x, y, winners);
        for (size_t i = 0; winners && i < outputs; i++)
            dx[winners[i]] += dy[i];
        free(winners);
        free(y);
        return;
    }
    const struct differences differences = {.function = pool_function,
                                            .context = pooling,
                                            .inputs = input_count(&pooling->shape),
                                            .outputs = outputs,
                                            .step = 1e-3};
    numeric_gradient(&differences, x, dy, dx);
}

static void run(struct operator_test *test, const struct pooling *pooling, const struct tensor *x,
                const struct tensor *dy, const struct tensor *y, const struct tensor *dx)
{
    if (pooling->maximum) {
        OPERATE(test, max_pool_forward,
                ARGUMENTS(pool, .shape = &pooling->shape, .x = tensor_view(x), .y = tensor_view(y)));
        OPERATE(test, max_pool_backward,
                ARGUMENTS(pool, .shape = &pooling->shape, .x = tensor_view(x), .y = tensor_view(y),
                          .dy = tensor_view(dy), .dx = tensor_view(dx)));
    } else {
        OPERATE(test, avg_pool_forward,
                ARGUMENTS(pool, .shape = &pooling->shape, .x = tensor_view(x), .y = tensor_view(y)));
        OPERATE(test, avg_pool_backward,
                ARGUMENTS(pool, .shape = &pooling->shape, .dy = tensor_view(dy), .dx = tensor_view(dx)));
    }
}

/* levels: how many different values an input takes; few make many ties. poison: one of them becomes NaN. */
static void check(struct operator_test *test, const struct pooling *pooling, double levels, bool poison)
{
    const size_t inputs = input_count(&pooling->shape), outputs = output_count(&pooling->shape);
    double *values = doubles(inputs), *y = doubles(outputs), *dx = doubles(inputs);
    for (size_t i = 0; i < inputs; i++)
        values[i] = floor((pb_rng_uniform(&test->rng) - 0.5) * levels) / levels;
    if (poison)
        values[inputs / 2] = NAN;
    struct tensor x = tensor_of(test, values, inputs), dy = tensor_random(test, outputs, -1, 1),
                  output = tensor_output(test, outputs), gradient = tensor_output(test, inputs);
    pool(pooling, x.values, y, NULL);
    run(test, pooling, &x, &dy, &output, &gradient);
    tensor_expect(test, &output, "y", y, 0);
    if (!poison) {
        expected_gradient(pooling, x.values, dy.values, dx);
        tensor_expect(test, &gradient, "dx", dx, 0);
    }
    tensor_unchanged(test, &x, "x");
    tensor_unchanged(test, &dy, "dy");
    tensor_free(test, &x);
    tensor_free(test, &dy);
    tensor_free(test, &output);
    tensor_free(test, &gradient);
    free(values);
    free(y);
    free(dx);
}

/* batch, height, width, channels, kernel h w, stride h w, pad h w */
static const uint32_t listed[][10] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0},  {1, 2, 2, 5, 2, 2, 2, 2, 0, 0},
    {2, 4, 6, 7, 2, 2, 2, 2, 0, 0},  {1, 5, 7, 3, 2, 2, 2, 2, 0, 0}, /* the last row and column are in no window */
    {2, 7, 7, 5, 3, 3, 2, 2, 1, 1}, /* overlapping, padded: ResNet's */
    {1, 6, 5, 65, 3, 2, 1, 1, 1, 0}, {3, 3, 4, 9, 3, 4, 1, 1, 0, 0}, /* the whole image */
    {1, 8, 8, 33, 2, 3, 3, 2, 1, 1},
};

void suite_pool(struct operator_test *test)
{
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++)
        for (int maximum = 0; maximum < 2; maximum++) {
            const uint32_t *row = listed[i];
            struct pooling pooling = {.maximum = maximum,
                                      .shape = {.size = sizeof pooling.shape,
                                                .batch = row[0],
                                                .height = row[1],
                                                .width = row[2],
                                                .channels = row[3],
                                                .kernel_height = row[4],
                                                .kernel_width = row[5],
                                                .stride_height = row[6],
                                                .stride_width = row[7],
                                                .pad_height = row[8],
                                                .pad_width = row[9]}};
            struct pb_pool_shape *shape = &pooling.shape;
            shape->output_height = (row[1] + 2 * row[8] - row[4]) / row[6] + 1;
            shape->output_width = (row[2] + 2 * row[9] - row[5]) / row[7] + 1;
            snprintf(test->subject, sizeof test->subject, "%s pool N%u %ux%ux%u kernel %ux%u stride %ux%u pad %ux%u",
                     maximum ? "max" : "avg", row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8],
                     row[9]);
            check(test, &pooling, 1e6, false);
            check(test, &pooling, 4, false); /* many ties */
            check(test, &pooling, 1e6, true);
        }
}
