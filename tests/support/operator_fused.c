/*
 * The suite's convolutions that do more than convolve: with batch norm and ReLU behind them, and with filters that the
 * backend transforms. What they must give is worked out in double precision from the plain convolution, which the suite
 * holds against its definition.
 */
#include "support/operator_tools.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const double EPS = 1e-5, MOMENTUM = 0.1;

struct fused {
    struct pb_conv_shape shape;
    struct tensor x, w, bias, gamma, beta, running_mean, running_var;
    struct pb_conv_plan *plan;
    struct tensor workspace, filters; /* filters: as many as the plan wants; none for 0 */
};

/* 3×3, stride 1 and padding 1 but for the pointwise one. */
static struct pb_conv_shape shape_of(uint32_t batch, uint32_t height, uint32_t width, uint32_t channels,
                                     uint32_t filters, uint32_t kernel, uint32_t groups)
{
    return (struct pb_conv_shape){.size = sizeof(struct pb_conv_shape),
                                  .batch = batch,
                                  .height = height,
                                  .width = width,
                                  .channels = channels,
                                  .filters = filters,
                                  .kernel_height = kernel,
                                  .kernel_width = kernel,
                                  .stride_height = 1,
                                  .stride_width = 1,
                                  .pad_height = kernel / 2,
                                  .pad_width = kernel / 2,
                                  .dilation_height = 1,
                                  .dilation_width = 1,
                                  .groups = groups,
                                  .output_height = height,
                                  .output_width = width};
}

static size_t row_count(const struct pb_conv_shape *s)
{
    return (size_t)s->batch * s->height * s->width;
}

/* Makes the plan for training or inferring, and transforms the filters where the plan asks for it. */
static void plan(struct operator_test *test, struct fused *fused, bool training)
{
    fused->shape.training = training;
    OPERATE(test, conv_plan_create, &fused->shape, &fused->plan);
    fused->workspace = tensor_output(test, PB_CALL(test->device, conv_workspace, fused->plan));
    const size_t floats = training || !test->device->ops.conv_filter_floats.call
                              ? 0
                              : PB_CALL(test->device, conv_filter_floats, fused->plan);
    fused->filters = (struct tensor){0};
    if (!floats)
        return;
    fused->filters = tensor_output(test, floats);
    OPERATE(test, conv_filter_transform,
            ARGUMENTS(conv, .plan = fused->plan, .w = tensor_view(&fused->w), .filters = tensor_view(&fused->filters)));
    tensor_unchanged(test, &fused->w, "w");
}

static void unplan(struct operator_test *test, struct fused *fused)
{
    tensor_free(test, &fused->workspace);
    if (fused->filters.count)
        tensor_free(test, &fused->filters);
    PB_CALL(test->device, conv_plan_destroy, fused->plan);
}

static struct pb_view filters_view(const struct fused *fused)
{
    return fused->filters.count ? tensor_view(&fused->filters) : tensor_view(&fused->w);
}

/* The plain convolution's values, by a plan that trains. */
static double *convolve(struct operator_test *test, struct fused *fused, struct pb_view bias)
{
    struct tensor y = tensor_output(test, row_count(&fused->shape) * fused->shape.filters);
    plan(test, fused, true);
    OPERATE(test, conv_forward,
            ARGUMENTS(conv, .plan = fused->plan, .x = tensor_view(&fused->x), .w = tensor_view(&fused->w), .bias = bias,
                      .y = tensor_view(&y), .workspace = tensor_view(&fused->workspace)));
    unplan(test, fused);
    double *values = tensor_download(test, &y);
    tensor_free(test, &y);
    return values;
}

struct expected {
    double *y, *mean, *inv_std, *running_mean, *running_var;
};

static void expect_channel(const struct fused *fused, const double *convolved, size_t k, bool statistics, bool relu,
                           struct expected *e)
{
    const size_t rows = row_count(&fused->shape), step = fused->shape.filters;
    double mean = fused->running_mean.values[k], variance = fused->running_var.values[k];
    if (statistics) {
        mean = variance = 0;
        for (size_t i = 0; i < rows; i++)
            mean += convolved[i * step + k] / (double)rows;
        for (size_t i = 0; i < rows; i++)
            variance += pow(convolved[i * step + k] - mean, 2) / (double)rows;
        const double unbiased = rows > 1 ? variance * (double)rows / (double)(rows - 1) : variance;
        e->running_mean[k] = (1 - MOMENTUM) * fused->running_mean.values[k] + MOMENTUM * mean;
        e->running_var[k] = (1 - MOMENTUM) * fused->running_var.values[k] + MOMENTUM * unbiased;
    }
    e->mean[k] = mean;
    e->inv_std[k] = 1 / sqrt(variance + EPS);
    for (size_t i = 0; i < rows; i++) {
        const double y =
            (convolved[i * step + k] - mean) * e->inv_std[k] * fused->gamma.values[k] + fused->beta.values[k];
        e->y[i * step + k] = relu && y < 0 ? 0 : y;
    }
}

static struct expected expect(const struct fused *fused, const double *convolved, bool statistics, bool relu)
{
    const size_t filters = fused->shape.filters;
    struct expected e = {doubles(row_count(&fused->shape) * filters), doubles(filters), doubles(filters),
                         doubles(filters), doubles(filters)};
    for (size_t k = 0; k < filters; k++)
        expect_channel(fused, convolved, k, statistics, relu, &e);
    return e;
}

static void expected_free(struct expected *e)
{
    double *arrays[] = {e->y, e->mean, e->inv_std, e->running_mean, e->running_var};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

static struct pb_bn_arguments norm_of(const struct fused *fused, bool relu)
{
    return (struct pb_bn_arguments){.size = sizeof(struct pb_bn_arguments),
                                    .rows = row_count(&fused->shape),
                                    .channels = fused->shape.filters,
                                    .relu = relu,
                                    .eps = EPS,
                                    .momentum = MOMENTUM,
                                    .gamma = tensor_view(&fused->gamma),
                                    .beta = tensor_view(&fused->beta),
                                    .running_mean = tensor_view(&fused->running_mean),
                                    .running_var = tensor_view(&fused->running_var)};
}

/* The convolution before the norm, with filters as the plan takes them, and its own output in `convolved`. */
static struct pb_conv_arguments conv_of(const struct fused *fused, struct pb_view bias, const struct tensor *convolved)
{
    return (struct pb_conv_arguments){.size = sizeof(struct pb_conv_arguments),
                                      .plan = fused->plan,
                                      .x = tensor_view(&fused->x),
                                      .w = filters_view(fused),
                                      .bias = bias,
                                      .y = tensor_view(convolved),
                                      .workspace = tensor_view(&fused->workspace)};
}

static void check_evaluation(struct operator_test *test, struct fused *fused, struct pb_view bias,
                             const double *convolved, bool relu)
{
    struct expected e = expect(fused, convolved, false, relu);
    const size_t count = row_count(&fused->shape) * fused->shape.filters;
    struct tensor y = tensor_output(test, count), between = tensor_output(test, count);
    struct pb_bn_arguments norm = norm_of(fused, relu);
    norm.x = tensor_view(&between);
    norm.y = tensor_view(&y);
    for (int training = 0; training < 2; training++) {
        plan(test, fused, training);
        OPERATE(test, fill, tensor_view(&fused->workspace), NAN, fused->workspace.count);
        const struct pb_conv_arguments conv = conv_of(fused, bias, &between);
        OPERATE(test, conv_norm_evaluate, ARGUMENTS(conv_norm, .conv = &conv, .norm = &norm));
        tensor_expect(test, &y, "normalised y in evaluation", e.y, 1);
        unplan(test, fused);
    }
    tensor_unchanged(test, &fused->running_mean, "running mean");
    tensor_unchanged(test, &fused->running_var, "running variance");
    tensor_free(test, &y);
    tensor_free(test, &between);
    expected_free(&e);
}

static void check_training(struct operator_test *test, struct fused *fused, struct pb_view bias,
                           const double *convolved, bool relu)
{
    struct expected e = expect(fused, convolved, true, relu);
    const uint32_t filters = fused->shape.filters;
    const size_t count = row_count(&fused->shape) * filters;
    struct tensor y = tensor_output(test, count), between = tensor_output(test, count),
                  mean = tensor_output(test, filters), inv_std = tensor_output(test, filters);
    struct pb_bn_arguments norm = norm_of(fused, relu);
    norm.saved_mean = tensor_view(&mean);
    norm.saved_inv_std = tensor_view(&inv_std);
    norm.x = tensor_view(&between);
    norm.y = tensor_view(&y);
    plan(test, fused, true);
    OPERATE(test, fill, tensor_view(&fused->workspace), NAN, fused->workspace.count);
    const struct pb_conv_arguments conv = conv_of(fused, bias, &between);
    OPERATE(test, conv_norm_forward, ARGUMENTS(conv_norm, .conv = &conv, .norm = &norm));
    unplan(test, fused);
    tensor_expect(test, &between, "y before its normalisation", convolved, 0);
    tensor_expect(test, &y, "normalised y in training", e.y, 1);
    tensor_expect(test, &mean, "saved mean", e.mean, 1);
    tensor_expect(test, &inv_std, "saved inv_std", e.inv_std, 0);
    tensor_expect(test, &fused->running_mean, "running mean", e.running_mean, 1);
    tensor_expect(test, &fused->running_var, "running variance", e.running_var, 0);
    struct tensor *tensors[] = {&y, &between, &mean, &inv_std};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    expected_free(&e);
}

/* The gradient goes through the winners, then through the batch norm that the suite knows. */
static void check_pooled_backward(struct operator_test *test, const struct fused *fused,
                                  const struct pb_pool_shape *pool, const struct tensor *convolved,
                                  const struct tensor *mean, const struct tensor *inv_std, const size_t *winners)
{
    const uint32_t channels = pool->channels;
    const size_t rows = row_count(&fused->shape), count = rows * channels, outputs = count / 4;
    double *spread = doubles(count);
    struct tensor dy = tensor_random(test, outputs, -1, 1);
    for (size_t i = 0; i < outputs; i++)
        spread[winners[i]] += dy.values[i];
    struct tensor wide = tensor_of(test, spread, count), dx = tensor_output(test, count),
                  dgamma = tensor_output(test, channels), dbeta = tensor_output(test, channels);
    OPERATE(test, bn_relu_backward,
            ARGUMENTS(bn, .rows = rows, .channels = channels, .x = tensor_view(convolved),
                      .gamma = tensor_view(&fused->gamma), .beta = tensor_view(&fused->beta),
                      .saved_mean = tensor_view(mean), .saved_inv_std = tensor_view(inv_std), .dy = tensor_view(&wide),
                      .dx = tensor_view(&dx), .dgamma = tensor_view(&dgamma), .dbeta = tensor_view(&dbeta)));
    double *expected[] = {tensor_download(test, &dx), tensor_download(test, &dgamma), tensor_download(test, &dbeta)};
    OPERATE(test, fill, tensor_view(&dx), NAN, count);
    struct pb_bn_arguments norm = norm_of(fused, true);
    norm.x = tensor_view(convolved);
    norm.saved_mean = tensor_view(mean);
    norm.saved_inv_std = tensor_view(inv_std);
    norm.dx = tensor_view(&dx);
    norm.dgamma = tensor_view(&dgamma);
    norm.dbeta = tensor_view(&dbeta);
    OPERATE(test, bn_relu_pool_backward,
            ARGUMENTS(norm_pool, .norm = &norm, .pool = ARGUMENTS(pool, .shape = pool, .dy = tensor_view(&dy))));
    tensor_expect(test, &dx, "dx behind pooling", expected[0], 0);
    tensor_expect(test, &dgamma, "dgamma behind pooling", expected[1], 1);
    tensor_expect(test, &dbeta, "dbeta behind pooling", expected[2], 1);
    tensor_unchanged(test, &dy, "dy");
    struct tensor *tensors[] = {&dy, &wide, &dx, &dgamma, &dbeta};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        free(expected[i]);
    free(spread);
}

/* Pooled by the definition; winners: the index of the input that each output takes. */
static double *pooled(const struct pb_conv_shape *s, const double *values, size_t *winners)
{
    const size_t channels = s->filters, height = s->height / 2, width = s->width / 2;
    double *y = doubles((size_t)s->batch * height * width * channels);
    for (size_t i = 0; i < (size_t)s->batch * height * width * channels; i++) {
        const size_t c = i % channels, q = i / channels % width, p = i / channels / width % height;
        const size_t corner = ((i / channels / width / height * s->height + 2 * p) * s->width + 2 * q) * channels + c;
        const size_t window[] = {corner, corner + channels, corner + s->width * channels,
                                 corner + (s->width + 1) * channels};
        winners[i] = corner;
        for (size_t k = 1; k < 4; k++)
            if (values[window[k]] > values[winners[i]])
                winners[i] = window[k];
        y[i] = values[winners[i]];
    }
    return y;
}

/* Forward and backward with pooling against the passes without it, and pooling by its definition. */
static void check_pooled(struct operator_test *test, struct fused *fused, struct pb_view bias, const double *convolved,
                         bool statistics)
{
    const struct pb_conv_shape *s = &fused->shape;
    const size_t count = row_count(s) * s->filters, outputs = count / 4;
    const struct pb_pool_shape pool = {.size = sizeof pool,
                                       .batch = s->batch,
                                       .height = s->height,
                                       .width = s->width,
                                       .channels = s->filters,
                                       .kernel_height = 2,
                                       .kernel_width = 2,
                                       .stride_height = 2,
                                       .stride_width = 2,
                                       .output_height = s->height / 2,
                                       .output_width = s->width / 2};
    struct expected e = expect(fused, convolved, statistics, true);
    size_t *winners = calloc(outputs, sizeof *winners);
    assert_non_null(winners);
    double *largest = pooled(s, e.y, winners);
    struct tensor y = tensor_output(test, outputs), between = tensor_output(test, count),
                  mean = tensor_output(test, s->filters), inv_std = tensor_output(test, s->filters);
    struct pb_bn_arguments norm = norm_of(fused, true);
    norm.saved_mean = tensor_view(&mean);
    norm.saved_inv_std = tensor_view(&inv_std);
    norm.x = tensor_view(&between);
    plan(test, fused, statistics);
    OPERATE(test, fill, tensor_view(&fused->workspace), NAN, fused->workspace.count);
    const struct pb_conv_arguments conv = conv_of(fused, bias, &between);
    const struct pb_conv_norm_arguments *arguments =
        ARGUMENTS(conv_norm, .conv = &conv, .norm = &norm,
                  .pool = ARGUMENTS(pool, .shape = &pool, .x = norm.y, .y = tensor_view(&y)));
    if (statistics)
        OPERATE(test, conv_norm_forward, arguments);
    else
        OPERATE(test, conv_norm_evaluate, arguments);
    unplan(test, fused);
    tensor_expect(test, &y, statistics ? "pooled y in training" : "pooled y in evaluation", largest, 1);
    if (statistics)
        check_pooled_backward(test, fused, &pool, &between, &mean, &inv_std, winners);
    struct tensor *tensors[] = {&y, &between, &mean, &inv_std};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    free(winners);
    free(largest);
    expected_free(&e);
}

static void check_transformed(struct operator_test *test, struct fused *fused, struct pb_view bias,
                              const double *convolved)
{
    struct tensor y = tensor_output(test, row_count(&fused->shape) * fused->shape.filters);
    plan(test, fused, false);
    OPERATE(test, fill, tensor_view(&fused->workspace), NAN, fused->workspace.count);
    OPERATE(test, conv_forward,
            ARGUMENTS(conv, .plan = fused->plan, .x = tensor_view(&fused->x), .w = filters_view(fused), .bias = bias,
                      .y = tensor_view(&y), .workspace = tensor_view(&fused->workspace)));
    tensor_expect(test, &y, "y of an inferring plan", convolved, 0);
    unplan(test, fused);
    tensor_free(test, &y);
}

static void check(struct operator_test *test, struct pb_conv_shape shape, bool with_bias, bool relu)
{
    const size_t weights =
        (size_t)shape.filters * shape.kernel_height * shape.kernel_width * (shape.channels / shape.groups);
    snprintf(test->subject, sizeof test->subject, "conv with norm N%u %ux%ux%u K%u kernel %u groups %u%s", shape.batch,
             shape.height, shape.width, shape.channels, shape.filters, shape.kernel_height, shape.groups,
             relu ? " ReLU" : "");
    struct fused fused = {.shape = shape,
                          .x = tensor_random(test, row_count(&shape) * shape.channels, -1, 1),
                          .w = tensor_random(test, weights, -1, 1),
                          .bias = tensor_random(test, shape.filters, 2, 3),
                          .gamma = tensor_random(test, shape.filters, -1.5, 1.5),
                          .beta = tensor_random(test, shape.filters, -0.5, 0.5),
                          .running_mean = tensor_random(test, shape.filters, 1, 3),
                          .running_var = tensor_random(test, shape.filters, 20, 30)};
    const struct pb_view bias = with_bias ? tensor_view(&fused.bias) : (struct pb_view){0};
    double *convolved = convolve(test, &fused, bias);
    check_transformed(test, &fused, bias, convolved);
    if (test->device->ops.conv_norm_evaluate.call)
        check_evaluation(test, &fused, bias, convolved, relu);
    const bool even = shape.height % 2 == 0 && shape.width % 2 == 0;
    if (test->device->ops.norm_pools.call && even)
        check_pooled(test, &fused, bias, convolved, false);
    if (test->device->ops.norm_pools.call && even)
        check_pooled(test, &fused, bias, convolved, true);
    else if (test->device->ops.conv_norm_forward.call)
        check_training(test, &fused, bias, convolved, relu);
    struct tensor *tensors[] = {
        &fused.x, &fused.w, &fused.bias, &fused.gamma, &fused.beta, &fused.running_mean, &fused.running_var};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    free(convolved);
}

void suite_fused(struct operator_test *test)
{
    check(test, shape_of(2, 6, 6, 16, 32, 3, 1), true, true);
    check(test, shape_of(1, 13, 9, 21, 51, 3, 1), true, false); /* pruned widths */
    check(test, shape_of(3, 7, 5, 9, 1, 3, 1), false, true); /* one filter survived */
    check(test, shape_of(2, 7, 7, 6, 9, 3, 3), true, true); /* groups */
    check(test, shape_of(1, 9, 9, 17, 19, 1, 1), true, true); /* pointwise */
    check(test, shape_of(1, 130, 130, 3, 64, 3, 1), true, true); /* many whole chunks of rows */
    check(test, shape_of(1, 131, 129, 3, 64, 3, 1), false, true); /* … and a rest */
    check(test, shape_of(1, 131, 128, 3, 64, 3, 1), true, true); /* … and whole ones that are not pooled */
    check(test, shape_of(3, 17, 16, 65, 67, 3, 1), true, true); /* blocks of tiles of 4×4, not pooled */
    check(test, shape_of(3, 16, 16, 65, 67, 3, 1), true, true); /* blocks of tiles of 4×4 */
    check(test, shape_of(1, 90, 87, 65, 67, 3, 1), true, true); /* … some over the edge */
    check(test, shape_of(1, 84, 84, 200, 4, 3, 1), true, true); /* two blocks that threads share */
    check(test, shape_of(2, 46, 42, 33, 35, 3, 1), true, true); /* … pooled, and few filters */
}
