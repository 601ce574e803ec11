/* The suite's convolutions: listed awkward shapes, random ones, NaNs. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
    bool with_bias;
    struct pb_conv_plan *plan;
    struct pb_array x, w, bias, dy, y, dx, dw, dbias, workspace;
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

static struct convolution prepare(struct pb_suite *run, const struct pb_conv_shape *shape, bool with_bias)
{
    struct convolution conv = {.shape = *shape, .with_bias = with_bias};
    snprintf(run->subject, sizeof run->subject,
             "conv N%u %ux%ux%u K%u kernel %ux%u stride %ux%u pad %ux%u dilation %ux%u groups %u", shape->batch,
             shape->height, shape->width, shape->channels, shape->filters, shape->kernel_height, shape->kernel_width,
             shape->stride_height, shape->stride_width, shape->pad_height, shape->pad_width, shape->dilation_height,
             shape->dilation_width, shape->groups);
    conv.plan = pb_suite_conv_plan(run, &conv.shape);
    conv.x = pb_array_random(run, input_count(shape), -1, 1);
    conv.w = pb_array_random(run, weight_count(shape), -1, 1);
    conv.bias = pb_array_random(run, shape->filters, -1, 1);
    conv.dy = pb_array_random(run, output_count(shape), -1, 1);
    conv.y = pb_array_output(run, output_count(shape));
    conv.dx = pb_array_output(run, input_count(shape));
    conv.dw = pb_array_output(run, weight_count(shape));
    conv.dbias = pb_array_output(run, shape->filters);
    conv.workspace = pb_array_output(run, PLAIN_CALL(run, conv_workspace, conv.plan));
    return conv;
}

/* The workspace's contents are undefined: whatever is in it must not matter. */
static struct pb_conv_arguments arguments_of(struct pb_suite *run, const struct convolution *conv)
{
    OPERATE(run, fill, pb_array_view(&conv->workspace), NAN, conv->workspace.count);
    return (struct pb_conv_arguments){.size = sizeof(struct pb_conv_arguments),
                                      .plan = conv->plan,
                                      .x = pb_array_view(&conv->x),
                                      .w = pb_array_view(&conv->w),
                                      .bias = conv->with_bias ? pb_array_view(&conv->bias) : (struct pb_view){0},
                                      .y = pb_array_view(&conv->y),
                                      .dy = pb_array_view(&conv->dy),
                                      .dx = pb_array_view(&conv->dx),
                                      .dw = pb_array_view(&conv->dw),
                                      .dbias = conv->with_bias ? pb_array_view(&conv->dbias) : (struct pb_view){0},
                                      .workspace = pb_array_view(&conv->workspace)};
}

static void inputs_unchanged(struct pb_suite *run, const struct convolution *conv)
{
    pb_array_unchanged(run, &conv->x, "x");
    pb_array_unchanged(run, &conv->w, "w");
    pb_array_unchanged(run, &conv->bias, "bias");
    pb_array_unchanged(run, &conv->dy, "dy");
}

static void forward(struct pb_suite *run, const struct convolution *conv)
{
    const struct pb_conv_arguments arguments = arguments_of(run, conv);
    OPERATE(run, conv_forward, &arguments);
    inputs_unchanged(run, conv);
}

static void backward_data(struct pb_suite *run, const struct convolution *conv)
{
    const struct pb_conv_arguments arguments = arguments_of(run, conv);
    OPERATE(run, conv_backward_data, &arguments);
    inputs_unchanged(run, conv);
}

static void backward_weights(struct pb_suite *run, const struct convolution *conv)
{
    const struct pb_conv_arguments arguments = arguments_of(run, conv);
    OPERATE(run, conv_backward_weights, &arguments);
    inputs_unchanged(run, conv);
}

static struct definition expectation(struct pb_suite *run, const struct convolution *conv)
{
    struct definition d = {.shape = &conv->shape,
                           .x = conv->x.values,
                           .w = conv->w.values,
                           .bias = conv->with_bias ? conv->bias.values : NULL,
                           .dy = conv->dy.values,
                           .y = pb_suite_doubles(run, conv->y.count),
                           .dx = pb_suite_doubles(run, conv->x.count),
                           .dw = pb_suite_doubles(run, conv->w.count),
                           .dbias = pb_suite_doubles(run, conv->shape.filters)};
    define(&d);
    return d;
}

struct convolution_case {
    struct pb_conv_shape shape;
    bool with_bias;
};

static void check(struct pb_suite *run, const void *case_of)
{
    const struct convolution_case *asked = case_of;
    struct convolution conv = prepare(run, &asked->shape, asked->with_bias);
    const struct definition d = expectation(run, &conv);
    forward(run, &conv);
    pb_array_expect(run, &conv.y, "y", d.y, 0);
    backward_data(run, &conv);
    pb_array_expect(run, &conv.dx, "dx", d.dx, 0);
    backward_weights(run, &conv);
    pb_array_expect(run, &conv.dw, "dw", d.dw, 0);
    if (conv.with_bias)
        pb_array_expect(run, &conv.dbias, "dbias", d.dbias, 0);
}

/* A NaN in the first image comes out where the definition has one, and the second image does not see it. */
static void check_nan(struct pb_suite *run, const void *case_of)
{
    const struct convolution_case *asked = case_of;
    struct convolution conv = prepare(run, &asked->shape, true);
    pb_array_set(run, &conv.x, 4 * 9 * 5 + 3 * 5 + 2, NAN);
    const struct definition d = expectation(run, &conv);
    forward(run, &conv);
    const double *y = pb_array_download(run, &conv.y);
    for (size_t i = 0; i < conv.y.count; i++) {
        const bool first_image = i < conv.y.count / 2;
        if (isnan(d.y[i]) && !isnan(y[i]))
            pb_suite_problem(run, "y[%zu] = %g hides a NaN of its input", i, y[i]);
        if (!first_image && !(fabs(y[i] - d.y[i]) <= 1e-3))
            pb_suite_problem(run, "y[%zu] = %g instead of %g: a NaN leaked into another image", i, y[i], d.y[i]);
    }
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

static void expect_differences(struct pb_suite *run, const struct convolution *conv, bool of_weights)
{
    const struct pb_array *input = of_weights ? &conv->w : &conv->x;
    const struct loss_context context = {.conv = conv, .of_weights = of_weights};
    const struct pb_differences differences = {
        .function = forward_of, .context = &context, .inputs = input->count, .outputs = conv->y.count, .step = 1e-3};
    double *x = pb_suite_doubles(run, input->count), *gradient = pb_suite_doubles(run, input->count);
    memcpy(x, input->values, input->count * sizeof *x);
    pb_numeric_gradient(run, &differences, x, conv->dy.values, gradient);
    pb_array_expect(run, of_weights ? &conv->dw : &conv->dx, of_weights ? "dw" : "dx", gradient, 0);
}

/* The device's gradients against differences of the definition's forward pass. */
static void check_differences(struct pb_suite *run, const void *case_of)
{
    const struct convolution_case *asked = case_of;
    struct convolution conv = prepare(run, &asked->shape, true);
    backward_data(run, &conv);
    expect_differences(run, &conv, false);
    backward_weights(run, &conv);
    expect_differences(run, &conv, true);
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
    {3, 9, 11, 33, 33, 3, 3, 1, 1, 1, 1, 1, 1, 33}, /* depthwise: one channel more than whole vectors */
    {1, 17, 15, 17, 17, 3, 3, 2, 2, 1, 1, 1, 1, 17}, /* … stride */
    {3, 14, 12, 35, 35, 3, 3, 2, 2, 0, 1, 1, 1, 35}, /* … that leaves a rest, no padding above */
    {2, 13, 12, 40, 40, 5, 5, 1, 1, 2, 2, 1, 1, 40}, /* … a larger kernel */
    {1, 14, 17, 24, 24, 5, 5, 2, 2, 2, 2, 1, 1, 24}, /* … and its stride */
    {1, 1, 1, 19, 19, 3, 3, 1, 1, 1, 1, 1, 1, 19}, /* … all but the middle tap outside */
    {3, 12, 13, 21, 21, 3, 3, 1, 1, 2, 2, 2, 2, 21}, /* … dilation */
    {1, 15, 19, 18, 18, 3, 4, 3, 2, 1, 2, 2, 3, 18}, /* … all at once */
    {1, 16, 18, 20, 20, 4, 3, 4, 4, 2, 0, 2, 2, 20}, /* … inputs that nothing reads */
    {2, 5, 6, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3}, /* … fewer channels than a vector */
    {2, 10, 9, 20, 20, 3, 3, 2, 2, 3, 3, 1, 1, 20}, /* … outputs that see only padding */
    {2, 7, 7, 130, 130, 3, 3, 1, 1, 1, 1, 1, 1, 130}, /* … many channels */
    {2, 40, 260, 17, 17, 3, 3, 1, 1, 1, 1, 1, 1, 17}, /* … wide rows, more than there are tasks */
    {1, 12, 10, 3, 8, 7, 5, 2, 2, 3, 2, 1, 1, 1}, /* a large kernel */
    {2, 3, 3, 4, 5, 3, 3, 1, 1, 3, 3, 1, 1, 1}, /* outputs that see only padding */
    {1, 16, 16, 65, 67, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {3, 16, 16, 65, 67, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* enough tiles of 4×4 for Winograd's transforms */
    {1, 45, 43, 1000, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* more than a block of tiles; deep */
    {1, 45, 43, 3, 1000, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* … deep backwards */
    {2, 12, 12, 530, 1050, 1, 1, 1, 1, 0, 0, 1, 1, 1}, /* 1×1 of more filters than are summed up at a time */
    {1, 3, 11, 4100, 270, 1, 1, 1, 1, 0, 0, 1, 1, 1}, /* … deeper, and more filters, than are multiplied at a time */
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

void pb_suite_convolution(struct pb_suite *run)
{
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++)
        pb_suite_case_run(run, check, &(struct convolution_case){shape_of(listed[i]), i % 3 != 2});
    for (int i = 0; i < 20; i++)
        pb_suite_case_run(run, check, &(struct convolution_case){random_shape(&run->rng), i % 2 == 0});
    static const uint32_t small[][14] = {{2, 3, 4, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                         {1, 5, 5, 2, 4, 2, 3, 2, 1, 1, 2, 1, 2, 2}};
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        pb_suite_case_run(run, check_differences, &(struct convolution_case){shape_of(small[i]), true});
    static const uint32_t poisoned[14] = {2, 7, 9, 5, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    pb_suite_case_run(run, check_nan, &(struct convolution_case){shape_of(poisoned), true});
}
