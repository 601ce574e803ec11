/* The suite's pooling. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>

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
static void expected_gradient(struct pb_suite *run, const struct pooling *pooling, double *x, const double *dy,
                              double *dx)
{
    const size_t outputs = output_count(&pooling->shape);
    if (pooling->maximum) {
        double *y = pb_suite_doubles(run, outputs);
        size_t *winners = pb_suite_memory(run, outputs * sizeof *winners);
        pool(pooling, x, y, winners);
        for (size_t i = 0; i < outputs; i++)
            dx[winners[i]] += dy[i];
        return;
    }
    const struct pb_differences differences = {.function = pool_function,
                                               .context = pooling,
                                               .inputs = input_count(&pooling->shape),
                                               .outputs = outputs,
                                               .step = 1e-3};
    pb_numeric_gradient(run, &differences, x, dy, dx);
}

static void forward(struct pb_suite *run, const struct pooling *pooling, const struct pb_pool_arguments *arguments)
{
    if (pooling->maximum)
        OPERATE(run, max_pool_forward, arguments);
    else
        OPERATE(run, avg_pool_forward, arguments);
}

static void backward(struct pb_suite *run, const struct pooling *pooling, const struct pb_pool_arguments *arguments)
{
    if (pooling->maximum)
        OPERATE(run, max_pool_backward, arguments);
    else
        OPERATE(run, avg_pool_backward, arguments);
}

struct pool_case {
    struct pooling pooling;
    double levels; /* how many different values an input takes; few make many ties */
    bool poison; /* one of them becomes NaN */
};

static void check(struct pb_suite *run, const void *case_of)
{
    const struct pool_case *asked = case_of;
    const struct pooling *pooling = &asked->pooling;
    const struct pb_pool_shape *s = &pooling->shape;
    const size_t inputs = input_count(s), outputs = output_count(s);
    snprintf(run->subject, sizeof run->subject, "%s pool N%u %ux%ux%u kernel %ux%u stride %ux%u pad %ux%u",
             pooling->maximum ? "max" : "avg", s->batch, s->height, s->width, s->channels, s->kernel_height,
             s->kernel_width, s->stride_height, s->stride_width, s->pad_height, s->pad_width);
    double *values = pb_suite_doubles(run, inputs), *expected = pb_suite_doubles(run, outputs);
    for (size_t i = 0; i < inputs; i++)
        values[i] = floor((pb_rng_uniform(&run->rng) - 0.5) * asked->levels) / asked->levels;
    if (asked->poison)
        values[inputs / 2] = NAN;
    struct pb_array x = pb_array_of(run, values, inputs), dy = pb_array_random(run, outputs, -1, 1),
                    y = pb_array_output(run, outputs), dx = pb_array_output(run, inputs);
    const struct pb_pool_arguments arguments = {.size = sizeof arguments,
                                                .shape = s,
                                                .x = pb_array_view(&x),
                                                .y = pb_array_view(&y),
                                                .dy = pb_array_view(&dy),
                                                .dx = pb_array_view(&dx)};
    pool(pooling, x.values, expected, NULL);
    forward(run, pooling, &arguments);
    pb_array_expect(run, &y, "y", expected, 0);
    pb_array_unchanged(run, &x, "x");
    backward(run, pooling, &arguments);
    pb_array_unchanged(run, &x, "x");
    pb_array_unchanged(run, &dy, "dy");
    if (asked->poison)
        return;
    double *gradient = pb_suite_doubles(run, inputs);
    expected_gradient(run, pooling, x.values, dy.values, gradient);
    pb_array_expect(run, &dx, "dx", gradient, 0);
}

struct product_case {
    size_t batch, positions, channels;
};

/* The average of products, and the gradient of one factor: written, and added. */
static void check_product(struct pb_suite *run, const void *case_of)
{
    const struct product_case *c = case_of;
    const size_t inputs = c->batch * c->positions * c->channels, outputs = c->batch * c->channels;
    snprintf(run->subject, sizeof run->subject, "product and average N%zu, %zu positions, %zu channels", c->batch,
             c->positions, c->channels);
    const struct pb_array x = pb_array_random(run, inputs, -2, 3), other = pb_array_random(run, inputs, -2, 2),
                          dy = pb_array_random(run, outputs, -1, 1), sum = pb_array_random(run, inputs, -1, 1),
                          y = pb_array_output(run, outputs), dx = pb_array_output(run, inputs);
    double *expected = pb_suite_doubles(run, outputs), *gradient = pb_suite_doubles(run, inputs),
           *added = pb_suite_doubles(run, inputs);
    for (size_t i = 0; i < inputs; i++) {
        const size_t k = i / (c->positions * c->channels) * c->channels + i % c->channels;
        expected[k] += x.values[i] * other.values[i] / (double)c->positions;
        gradient[i] = dy.values[k] * other.values[i] / (double)c->positions;
        added[i] = sum.values[i] + gradient[i];
    }
    struct pb_product_pool_arguments arguments = {.size = sizeof arguments,
                                                  .batch = c->batch,
                                                  .positions = c->positions,
                                                  .channels = c->channels,
                                                  .x = pb_array_view(&x),
                                                  .other = pb_array_view(&other),
                                                  .y = pb_array_view(&y),
                                                  .dy = pb_array_view(&dy),
                                                  .dx = pb_array_view(&dx)};
    OPERATE(run, product_pool_forward, &arguments);
    pb_array_expect(run, &y, "y", expected, 0);
    pb_array_unchanged(run, &x, "x");
    pb_array_unchanged(run, &other, "other");
    OPERATE(run, product_pool_backward, &arguments);
    pb_array_expect(run, &dx, "dx", gradient, 0);
    pb_array_unchanged(run, &other, "other");
    pb_array_unchanged(run, &dy, "dy");
    arguments.dx = pb_array_view(&sum);
    arguments.adds = true;
    OPERATE(run, product_pool_backward, &arguments);
    pb_array_expect(run, &sum, "dx, added", added, 1);
}

/* batch, height, width, channels, kernel h w, stride h w, pad h w */
static const uint32_t listed[][10] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0},  {1, 2, 2, 5, 2, 2, 2, 2, 0, 0},
    {2, 4, 6, 7, 2, 2, 2, 2, 0, 0},  {1, 5, 7, 3, 2, 2, 2, 2, 0, 0}, /* the last row and column are in no window */
    {2, 7, 7, 5, 3, 3, 2, 2, 1, 1}, /* overlapping, padded: ResNet's */
    {1, 6, 5, 65, 3, 2, 1, 1, 1, 0}, {3, 3, 4, 9, 3, 4, 1, 1, 0, 0}, /* the whole image */
    {1, 8, 8, 33, 2, 3, 3, 2, 1, 1},
};

void pb_suite_pool(struct pb_suite *run)
{
    static const struct product_case products[] = {{1, 1, 1}, {3, 49, 5}, {2, 7, 64}, {1, 4, 2049}};
    for (size_t i = 0; run->device->ops.product_pool_forward.call && i < sizeof products / sizeof products[0]; i++)
        pb_suite_case_run(run, check_product, &products[i]);
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
            pb_suite_case_run(run, check, &(struct pool_case){pooling, 1e6, false});
            pb_suite_case_run(run, check, &(struct pool_case){pooling, 4, false});
            pb_suite_case_run(run, check, &(struct pool_case){pooling, 1e6, true});
        }
}
