/* The suite's convolutions: listed awkward shapes, random ones, NaNs. */
#include "support/operator_tools.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pb_conv_shape completed(struct pb_conv_shape shape)
{
    shape.size = sizeof shape;
    shape.training = true;
    shape.output_height =
        (shape.height + 2 * shape.pad_height - shape.dilation_height * (shape.kernel_height - 1) - 1) /
            shape.stride_height +
        1;
    shape.output_width =
        (shape.width + 2 * shape.pad_width - shape.dilation_width * (shape.kernel_width - 1) - 1) / shape.stride_width +
        1;
    return shape;
}

/* Forward and both backward passes by the definition. y and the gradients start zeroed; dy NULL: forward only. */
struct definition {
    const struct pb_conv_shape *shape;
    const double *x, *w, *bias, *dy;
    double *y, *dx, *dw, *dbias;
};

static void define_output(const struct definition *d, size_t n, size_t p, size_t q, size_t k)
{
    const struct pb_conv_shape *s = d->shape;
    const size_t channels = s->channels / s->groups, group = k / (s->filters / s->groups);
    const size_t out = ((n * s->output_height + p) * s->output_width + q) * s->filters + k;
    double sum = d->bias ? d->bias[k] : 0;
    for (size_t r = 0; r < s->kernel_height; r++)
        for (size_t t = 0; t < s->kernel_width; t++) {
            const long h = (long)(p * s->stride_height + r * s->dilation_height) - (long)s->pad_height;
            const long w = (long)(q * s->stride_width + t * s->dilation_width) - (long)s->pad_width;
            if (h < 0 || h >= (long)s->height || w < 0 || w >= (long)s->width)
                continue;
            for (size_t c = 0; c < channels; c++) {
                const size_t in =
                    ((n * s->height + (size_t)h) * s->width + (size_t)w) * s->channels + group * channels + c;
                const size_t weight = ((k * s->kernel_height + r) * s->kernel_width + t) * channels + c;
                sum += d->x[in] * d->w[weight];
                if (d->dy) {
                    d->dx[in] += d->dy[out] * d->w[weight];
                    d->dw[weight] += d->dy[out] * d->x[in];
                }
            }
        }
    d->y[out] = sum;
    if (d->dy)
        d->dbias[k] += d->dy[out];
}

static void define(const struct definition *d)
{
    for (size_t n = 0; n < d->shape->batch; n++)
        for (size_t p = 0; p < d->shape->output_height; p++)
            for (size_t q = 0; q < d->shape->output_width; q++)
                for (size_t k = 0; k < d->shape->filters; k++)
                    define_output(d, n, p, q, k);
}

struct convolution {
    struct pb_conv_shape shape;
    struct pb_conv_plan *plan;
    struct tensor x, w, bias, dy, y, dx, dw, dbias, workspace;
};

static size_t input_count(const struct pb_conv_shape *s)
{
    return (size_t)s->batch * s->height * s->width * s->channels;
}

static size_t output_count(const struct pb_conv_shape *s)
{
    return (size_t)s->batch * s->output_height * s->output_width * s->filters;
}

static size_t weight_count(const struct pb_conv_shape *s)
{
    return (size_t)s->filters * s->kernel_height * s->kernel_width * (s->channels / s->groups);
}

static struct convolution prepare(struct operator_test *test, const struct pb_conv_shape *shape)
{
    struct convolution conv = {.shape = *shape};
    snprintf(test->subject, sizeof test->subject,
             "conv N%u %ux%ux%u K%u kernel %ux%u stride %ux%u pad %ux%u dilation %ux%u groups %u", shape->batch,
             shape->height, shape->width, shape->channels, shape->filters, shape->kernel_height, shape->kernel_width,
             shape->stride_height, shape->stride_width, shape->pad_height, shape->pad_width, shape->dilation_height,
             shape->dilation_width, shape->groups);
    OPERATE(test, conv_plan_create, &conv.shape, &conv.plan);
    conv.x = tensor_random(test, input_count(shape), -1, 1);
    conv.w = tensor_random(test, weight_count(shape), -1, 1);
    conv.bias = tensor_random(test, shape->filters, -1, 1);
    conv.dy = tensor_random(test, output_count(shape), -1, 1);
    conv.y = tensor_output(test, output_count(shape));
    conv.dx = tensor_output(test, input_count(shape));
    conv.dw = tensor_output(test, weight_count(shape));
    conv.dbias = tensor_output(test, shape->filters);
    conv.workspace = tensor_output(test, PB_CALL(test->device, conv_workspace, conv.plan));
    return conv;
}

static void release(struct operator_test *test, struct convolution *conv)
{
    struct tensor *tensors[] = {&conv->x,  &conv->w,  &conv->bias,  &conv->dy,       &conv->y,
                                &conv->dx, &conv->dw, &conv->dbias, &conv->workspace};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    PB_CALL(test->device, conv_plan_destroy, conv->plan);
}

/* The workspace is nobody's property between calls: whatever is in it must not matter. */
static void forward(struct operator_test *test, const struct convolution *conv, bool with_bias)
{
    const struct pb_view none = {0};
    OPERATE(test, fill, tensor_view(&conv->workspace), NAN, conv->workspace.count);
    OPERATE(test, conv_forward,
            ARGUMENTS(conv, .plan = conv->plan, .x = tensor_view(&conv->x), .w = tensor_view(&conv->w),
                      .bias = with_bias ? tensor_view(&conv->bias) : none, .y = tensor_view(&conv->y),
                      .workspace = tensor_view(&conv->workspace)));
}

static void backward(struct operator_test *test, const struct convolution *conv, bool with_bias)
{
    const struct pb_view none = {0};
    OPERATE(test, fill, tensor_view(&conv->workspace), NAN, conv->workspace.count);
    OPERATE(test, conv_backward_data,
            ARGUMENTS(conv, .plan = conv->plan, .dy = tensor_view(&conv->dy), .w = tensor_view(&conv->w),
                      .dx = tensor_view(&conv->dx), .workspace = tensor_view(&conv->workspace)));
    OPERATE(test, fill, tensor_view(&conv->workspace), NAN, conv->workspace.count);
    OPERATE(test, conv_backward_weights,
            ARGUMENTS(conv, .plan = conv->plan, .x = tensor_view(&conv->x), .dy = tensor_view(&conv->dy),
                      .dw = tensor_view(&conv->dw), .dbias = with_bias ? tensor_view(&conv->dbias) : none,
                      .workspace = tensor_view(&conv->workspace)));
}

static struct definition expectation(const struct convolution *conv, bool with_bias)
{
    struct definition d = {.shape = &conv->shape,
                           .x = conv->x.values,
                           .w = conv->w.values,
                           .bias = with_bias ? conv->bias.values : NULL,
                           .dy = conv->dy.values,
                           .y = doubles(conv->y.count),
                           .dx = doubles(conv->x.count),
                           .dw = doubles(conv->w.count),
                           .dbias = doubles(conv->shape.filters)};
    define(&d);
    return d;
}

static void expectation_free(struct definition *d)
{
    free(d->y);
    free(d->dx);
    free(d->dw);
    free(d->dbias);
}

static void check(struct operator_test *test, const struct pb_conv_shape *shape, bool with_bias)
{
    struct convolution conv = prepare(test, shape);
    struct definition d = expectation(&conv, with_bias);
    forward(test, &conv, with_bias);
    backward(test, &conv, with_bias);
    tensor_expect(test, &conv.y, "y", d.y, 0);
    tensor_expect(test, &conv.dx, "dx", d.dx, 0);
    tensor_expect(test, &conv.dw, "dw", d.dw, 0);
    if (with_bias)
        tensor_expect(test, &conv.dbias, "dbias", d.dbias, 0);
    tensor_unchanged(test, &conv.x, "x");
    tensor_unchanged(test, &conv.w, "w");
    tensor_unchanged(test, &conv.bias, "bias");
    tensor_unchanged(test, &conv.dy, "dy");
    expectation_free(&d);
    release(test, &conv);
}

/* A NaN in the first image comes out where the definition has one, and the second image does not see it. */
static void check_nan(struct operator_test *test)
{
    const struct pb_conv_shape shape = completed((struct pb_conv_shape){.batch = 2,
                                                                        .height = 7,
                                                                        .width = 9,
                                                                        .channels = 5,
                                                                        .filters = 6,
                                                                        .kernel_height = 3,
                                                                        .kernel_width = 3,
                                                                        .stride_height = 1,
                                                                        .stride_width = 1,
                                                                        .pad_height = 1,
                                                                        .pad_width = 1,
                                                                        .dilation_height = 1,
                                                                        .dilation_width = 1,
                                                                        .groups = 1});
    struct convolution conv = prepare(test, &shape);
    tensor_set(test, &conv.x, 4 * 9 * 5 + 3 * 5 + 2, NAN);
    struct definition d = expectation(&conv, true);
    forward(test, &conv, true);
    double *y = tensor_download(test, &conv.y);
    size_t nans = 0;
    for (size_t i = 0; i < conv.y.count; i++) {
        const bool first_image = i < conv.y.count / 2;
        if (isnan(d.y[i]) && !isnan(y[i]))
            fail_msg("%s: y[%zu] = %g hides a NaN of its input", test->subject, i, y[i]);
        if (!first_image && !(fabs(y[i] - d.y[i]) <= test->tolerance * 50))
            fail_msg("%s: y[%zu] = %g instead of %g: a NaN leaked into another image", test->subject, i, y[i], d.y[i]);
        nans += isnan(d.y[i]) ? 1 : 0;
    }
    assert_int_equal(nans, 9 * 6);
    free(y);
    expectation_free(&d);
    release(test, &conv);
}

struct loss_context {
    const struct convolution *conv;
    bool of_weights;
};

static void forward_of(const void *context, const double *values, double *outputs)
{
    const struct loss_context *loss = context;
    define(&(struct definition){.shape = &loss->conv->shape,
                                .x = loss->of_weights ? loss->conv->x.values : values,
                                .w = loss->of_weights ? values : loss->conv->w.values,
                                .y = outputs});
}

/* The device's gradients against differences of the definition's forward pass. */
static void check_differences(struct operator_test *test, const struct pb_conv_shape *shape)
{
    struct convolution conv = prepare(test, shape);
    backward(test, &conv, true);
    for (int of_weights = 0; of_weights < 2; of_weights++) {
        struct tensor *input = of_weights ? &conv.w : &conv.x;
        const struct loss_context context = {.conv = &conv, .of_weights = of_weights};
        const struct differences differences = {
            .function = forward_of, .context = &context, .inputs = input->count, .outputs = conv.y.count, .step = 1e-3};
        double *x = doubles(input->count), *gradient = doubles(input->count);
        memcpy(x, input->values, input->count * sizeof *x);
        numeric_gradient(&differences, x, conv.dy.values, gradient);
        tensor_expect(test, of_weights ? &conv.dw : &conv.dx, of_weights ? "dw" : "dx", gradient, 0);
        free(x);
        free(gradient);
    }
    release(test, &conv);
}

/* batch, height, width, channels, filters, kernel h w, stride h w, pad h w, dilation h w, groups */
static const uint32_t listed[][14] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}, /* the smallest */
    {1, 1, 1, 5, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* all but the middle tap outside */
    {3, 1, 1, 17, 19, 1, 1, 1, 1, 0, 0, 1, 1, 1}, /* a linear layer */
    {1, 8, 8, 3, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* a first layer */
    {2, 6, 6, 16, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* whole tiles */
    {1, 13, 9, 21, 51, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* pruned widths */
    {2, 14, 14, 7, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* one filter survived */
    {2, 14, 14, 1, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* one channel survived */
    {1, 20, 20, 12, 18, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* more pixels than a block */
    {2, 9, 11, 5, 6, 3, 3, 2, 2, 1, 1, 1, 1, 1}, /* stride */
    {1, 10, 7, 4, 5, 3, 3, 3, 2, 0, 2, 1, 1, 1}, /* stride leaves a rest, no padding above */
    {1, 9, 9, 3, 4, 1, 1, 2, 2, 0, 0, 1, 1, 1}, /* 1×1 with stride: most inputs are never read */
    {2, 11, 9, 5, 4, 3, 3, 1, 1, 2, 2, 2, 2, 1}, /* dilation */
    {1, 12, 12, 3, 5, 3, 2, 2, 3, 3, 1, 3, 2, 1}, /* all at once */
    {2, 7, 7, 6, 9, 3, 3, 1, 1, 1, 1, 1, 1, 3}, /* groups */
    {1, 8, 6, 10, 10, 3, 3, 2, 1, 1, 1, 1, 1, 10}, /* depthwise */
    {1, 6, 6, 4, 12, 3, 3, 1, 1, 1, 1, 1, 1, 4}, /* depthwise with a multiplier */
    {1, 12, 10, 3, 8, 7, 5, 2, 2, 3, 2, 1, 1, 1}, /* a large kernel */
    {2, 3, 3, 4, 5, 3, 3, 1, 1, 3, 3, 1, 1, 1}, /* outputs that see only padding */
    {1, 16, 16, 65, 67, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {3, 16, 16, 65, 67, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* enough tiles of 4×4 for Winograd's transforms */
    {1, 45, 43, 1000, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* more than a block of tiles; deep */
    {1, 45, 43, 3, 1000, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* … deep backwards */
};

static struct pb_conv_shape shape_of(const uint32_t *row)
{
    return completed((struct pb_conv_shape){.batch = row[0],
                                            .height = row[1],
                                            .width = row[2],
                                            .channels = row[3],
                                            .filters = row[4],
                                            .kernel_height = row[5],
                                            .kernel_width = row[6],
                                            .stride_height = row[7],
                                            .stride_width = row[8],
                                            .pad_height = row[9],
                                            .pad_width = row[10],
                                            .dilation_height = row[11],
                                            .dilation_width = row[12],
                                            .groups = row[13]});
}

static struct pb_conv_shape random_shape(struct pb_rng *rng)
{
    const uint32_t groups = pb_rng_below(rng, 4) == 0 ? 1 + pb_rng_below(rng, 3) : 1;
    uint32_t row[14] = {1 + pb_rng_below(rng, 3)};
    for (int axis = 0; axis < 2; axis++) {
        const uint32_t kernel = 1 + pb_rng_below(rng, 4), dilation = 1 + pb_rng_below(rng, 2);
        row[5 + axis] = kernel;
        row[7 + axis] = 1 + pb_rng_below(rng, 3);
        row[9 + axis] = pb_rng_below(rng, kernel + 1);
        row[11 + axis] = dilation;
        row[1 + axis] = dilation * (kernel - 1) + 1 + pb_rng_below(rng, 9);
    }
    row[3] = groups * (1 + pb_rng_below(rng, 20));
    row[4] = groups * (1 + pb_rng_below(rng, 20));
    row[13] = groups;
    return shape_of(row);
}

void suite_convolution(struct operator_test *test)
{
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++) {
        const struct pb_conv_shape shape = shape_of(listed[i]);
        check(test, &shape, i % 3 != 2);
    }
    for (int i = 0; i < 20; i++) {
        const struct pb_conv_shape shape = random_shape(&test->rng);
        check(test, &shape, i % 2 == 0);
    }
    const uint32_t small[][14] = {{2, 3, 4, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                  {1, 5, 5, 2, 4, 2, 3, 2, 1, 1, 2, 1, 2, 2}};
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        const struct pb_conv_shape shape = shape_of(small[i]);
        check_differences(test, &shape);
    }
    check_nan(test);
}
