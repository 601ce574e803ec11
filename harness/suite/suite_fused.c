/*
 * The suite's convolutions that do more than convolve: with batch norm and ReLU behind them, and with filters that the
 * backend transforms. What they must give is worked out in double precision from the plain convolution, which the suite
 * compares with its definition.
 */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>

static const double EPS = 1e-5, MOMENTUM = 0.1;

struct fused {
    struct pb_conv_shape shape;
    double ceiling; /* of the ReLU */
    struct pb_array x, w, bias, gamma, beta, running_mean, running_var;
    struct pb_conv_plan *plan;
    struct pb_array workspace, filters; /* filters: as many as the plan needs; none for 0 */
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
static void plan(struct pb_suite *run, struct fused *fused, bool training)
{
    fused->shape.training = training;
    fused->plan = pb_suite_conv_plan(run, &fused->shape);
    fused->workspace = pb_array_output(run, PLAIN_CALL(run, conv_workspace, fused->plan));
    const size_t floats =
        training || !run->device->ops.conv_filter_floats.call ? 0 : PLAIN_CALL(run, conv_filter_floats, fused->plan);
    fused->filters = (struct pb_array){0};
    if (!floats)
        return;
    fused->filters = pb_array_output(run, floats);
    OPERATE(
        run, conv_filter_transform,
        ARGUMENTS(conv, .plan = fused->plan, .w = pb_array_view(&fused->w), .filters = pb_array_view(&fused->filters)));
    pb_array_unchanged(run, &fused->w, "w");
}

static struct pb_view filters_view(const struct fused *fused)
{
    return fused->filters.count ? pb_array_view(&fused->filters) : pb_array_view(&fused->w);
}

/* The plain convolution's values, by a plan that trains. */
static double *convolve(struct pb_suite *run, struct fused *fused, struct pb_view bias)
{
    struct pb_array y = pb_array_output(run, row_count(&fused->shape) * fused->shape.filters);
    plan(run, fused, true);
    OPERATE(run, conv_forward,
            ARGUMENTS(conv, .plan = fused->plan, .x = pb_array_view(&fused->x), .w = pb_array_view(&fused->w),
                      .bias = bias, .y = pb_array_view(&y), .workspace = pb_array_view(&fused->workspace)));
    return pb_array_download(run, &y);
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
        e->y[i * step + k] = relu && y < 0 ? 0 : relu && y > fused->ceiling ? fused->ceiling : y;
    }
}

static struct expected expect(struct pb_suite *run, const struct fused *fused, const double *convolved, bool statistics,
                              bool relu)
{
    const size_t filters = fused->shape.filters;
    struct expected e = {pb_suite_doubles(run, row_count(&fused->shape) * filters), pb_suite_doubles(run, filters),
                         pb_suite_doubles(run, filters), pb_suite_doubles(run, filters),
                         pb_suite_doubles(run, filters)};
    for (size_t k = 0; k < filters; k++)
        expect_channel(fused, convolved, k, statistics, relu, &e);
    return e;
}

static struct pb_bn_arguments norm_of(const struct fused *fused, bool relu)
{
    return (struct pb_bn_arguments){.size = sizeof(struct pb_bn_arguments),
                                    .rows = row_count(&fused->shape),
                                    .channels = fused->shape.filters,
                                    .relu = relu,
                                    .eps = EPS,
                                    .momentum = MOMENTUM,
                                    .gamma = pb_array_view(&fused->gamma),
                                    .beta = pb_array_view(&fused->beta),
                                    .running_mean = pb_array_view(&fused->running_mean),
                                    .running_var = pb_array_view(&fused->running_var),
                                    .ceiling = fused->ceiling};
}

/* The convolution before the norm, with filters as the plan takes them, and its own output in `convolved`. */
static struct pb_conv_arguments conv_of(const struct fused *fused, struct pb_view bias,
                                        const struct pb_array *convolved)
{
    return (struct pb_conv_arguments){.size = sizeof(struct pb_conv_arguments),
                                      .plan = fused->plan,
                                      .x = pb_array_view(&fused->x),
                                      .w = filters_view(fused),
                                      .bias = bias,
                                      .y = pb_array_view(convolved),
                                      .workspace = pb_array_view(&fused->workspace)};
}

static void check_evaluation(struct pb_suite *run, struct fused *fused, struct pb_view bias, const double *convolved,
                             bool relu)
{
    struct expected e = expect(run, fused, convolved, false, relu);
    const size_t count = row_count(&fused->shape) * fused->shape.filters;
    struct pb_array y = pb_array_output(run, count), between = pb_array_output(run, count);
    struct pb_bn_arguments norm = norm_of(fused, relu);
    norm.x = pb_array_view(&between);
    norm.y = pb_array_view(&y);
    for (int training = 0; training < 2; training++) {
        plan(run, fused, training);
        OPERATE(run, fill, pb_array_view(&fused->workspace), NAN, fused->workspace.count);
        const struct pb_conv_arguments conv = conv_of(fused, bias, &between);
        OPERATE(run, conv_norm_evaluate, ARGUMENTS(conv_norm, .conv = &conv, .norm = &norm));
        pb_array_expect(run, &y, "normalised y in evaluation", e.y, 1);
    }
    pb_array_unchanged(run, &fused->running_mean, "running mean");
    pb_array_unchanged(run, &fused->running_var, "running variance");
}

static void check_training(struct pb_suite *run, struct fused *fused, struct pb_view bias, const double *convolved,
                           bool relu)
{
    struct expected e = expect(run, fused, convolved, true, relu);
    const uint32_t filters = fused->shape.filters;
    const size_t count = row_count(&fused->shape) * filters;
    struct pb_array y = pb_array_output(run, count), between = pb_array_output(run, count),
                    mean = pb_array_output(run, filters), inv_std = pb_array_output(run, filters);
    struct pb_bn_arguments norm = norm_of(fused, relu);
    norm.saved_mean = pb_array_view(&mean);
    norm.saved_inv_std = pb_array_view(&inv_std);
    norm.x = pb_array_view(&between);
    norm.y = pb_array_view(&y);
    plan(run, fused, true);
    OPERATE(run, fill, pb_array_view(&fused->workspace), NAN, fused->workspace.count);
    const struct pb_conv_arguments conv = conv_of(fused, bias, &between);
    OPERATE(run, conv_norm_forward, ARGUMENTS(conv_norm, .conv = &conv, .norm = &norm));
    pb_array_expect(run, &between, "y before its normalisation", convolved, 0);
    pb_array_expect(run, &y, "normalised y in training", e.y, 1);
    pb_array_expect(run, &mean, "saved mean", e.mean, 1);
    pb_array_expect(run, &inv_std, "saved inv_std", e.inv_std, 0);
    pb_array_expect(run, &fused->running_mean, "running mean", e.running_mean, 1);
    pb_array_expect(run, &fused->running_var, "running variance", e.running_var, 0);
}

/* dx, dγ and dβ of one channel, from the gradient g behind its batch norm on batch statistics. */
static void expect_gradient(const struct fused *fused, const struct expected *e, const double *convolved,
                            const double *g, size_t k, double *gradients[3])
{
    const size_t rows = row_count(&fused->shape), step = fused->shape.filters;
    double dbeta = 0, dgamma = 0;
    for (size_t i = k; i < rows * step; i += step) {
        dbeta += g[i];
        dgamma += g[i] * (convolved[i] - e->mean[k]) * e->inv_std[k];
    }
    for (size_t i = k; i < rows * step; i += step) {
        const double normalised = (convolved[i] - e->mean[k]) * e->inv_std[k];
        gradients[0][i] =
            fused->gamma.values[k] * e->inv_std[k] * (g[i] - dbeta / (double)rows - normalised * dgamma / (double)rows);
    }
    gradients[1][k] = dgamma;
    gradients[2][k] = dbeta;
}

/* The gradient goes to the winners that are above 0, then through the batch norm. norm: of the forward pass. */
static void check_pooled_backward(struct pb_suite *run, const struct fused *fused, const struct pb_pool_shape *pool,
                                  struct pb_bn_arguments norm, const struct expected *e, const double *convolved,
                                  const size_t *winners)
{
    const uint32_t channels = pool->channels;
    const size_t count = row_count(&fused->shape) * channels, outputs = count / 4;
    double *g = pb_suite_doubles(run, count),
           *gradients[3] = {pb_suite_doubles(run, count), pb_suite_doubles(run, channels),
                            pb_suite_doubles(run, channels)};
    struct pb_array dy = pb_array_random(run, outputs, -1, 1), dx = pb_array_output(run, count),
                    dgamma = pb_array_output(run, channels), dbeta = pb_array_output(run, channels);
    for (size_t i = 0; i < outputs; i++)
        g[winners[i]] += e->y[winners[i]] > 0 ? dy.values[i] : 0;
    for (size_t k = 0; k < channels; k++)
        expect_gradient(fused, e, convolved, g, k, gradients);
    norm.dx = pb_array_view(&dx);
    norm.dgamma = pb_array_view(&dgamma);
    norm.dbeta = pb_array_view(&dbeta);
    OPERATE(run, bn_relu_pool_backward,
            ARGUMENTS(norm_pool, .norm = &norm, .pool = ARGUMENTS(pool, .shape = pool, .dy = pb_array_view(&dy))));
    pb_array_expect(run, &dx, "dx", gradients[0], 0);
    pb_array_expect(run, &dgamma, "dgamma", gradients[1], 1);
    pb_array_expect(run, &dbeta, "dbeta", gradients[2], 1);
    pb_array_unchanged(run, &dy, "dy");
}

/* Pooled by the definition; winners: the index of the input that each output takes. */
static double *pooled(struct pb_suite *run, const struct pb_conv_shape *s, const double *values, size_t *winners)
{
    const size_t channels = s->filters, height = s->height / 2, width = s->width / 2;
    double *y = pb_suite_doubles(run, (size_t)s->batch * height * width * channels);
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
static void check_pooled(struct pb_suite *run, struct fused *fused, struct pb_view bias, const double *convolved,
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
    struct expected e = expect(run, fused, convolved, statistics, true);
    size_t *winners = pb_suite_memory(run, outputs * sizeof *winners);
    double *largest = pooled(run, s, e.y, winners);
    struct pb_array y = pb_array_output(run, outputs), between = pb_array_output(run, count),
                    mean = pb_array_output(run, s->filters), inv_std = pb_array_output(run, s->filters);
    struct pb_bn_arguments norm = norm_of(fused, true);
    norm.saved_mean = pb_array_view(&mean);
    norm.saved_inv_std = pb_array_view(&inv_std);
    norm.x = pb_array_view(&between);
    plan(run, fused, statistics);
    OPERATE(run, fill, pb_array_view(&fused->workspace), NAN, fused->workspace.count);
    const struct pb_conv_arguments conv = conv_of(fused, bias, &between);
    const struct pb_conv_norm_arguments *arguments =
        ARGUMENTS(conv_norm, .conv = &conv, .norm = &norm,
                  .pool = ARGUMENTS(pool, .shape = &pool, .x = norm.y, .y = pb_array_view(&y)));
    if (statistics)
        OPERATE(run, conv_norm_forward, arguments);
    else
        OPERATE(run, conv_norm_evaluate, arguments);
    pb_array_expect(run, &y, statistics ? "pooled y in training" : "pooled y in evaluation", largest, 1);
    if (statistics)
        check_pooled_backward(run, fused, &pool, norm, &e, convolved, winners);
}

static void check_transformed(struct pb_suite *run, struct fused *fused, struct pb_view bias, const double *convolved)
{
    struct pb_array y = pb_array_output(run, row_count(&fused->shape) * fused->shape.filters);
    plan(run, fused, false);
    OPERATE(run, fill, pb_array_view(&fused->workspace), NAN, fused->workspace.count);
    OPERATE(run, conv_forward,
            ARGUMENTS(conv, .plan = fused->plan, .x = pb_array_view(&fused->x), .w = filters_view(fused), .bias = bias,
                      .y = pb_array_view(&y), .workspace = pb_array_view(&fused->workspace)));
    pb_array_expect(run, &y, "y of an inferring plan", convolved, 0);
}

struct fused_case {
    struct pb_conv_shape shape;
    bool with_bias, relu;
};

/* with_nan: among the inputs is one. */
static void check_case(struct pb_suite *run, const struct fused_case *asked, double ceiling, bool with_nan)
{
    const struct pb_conv_shape shape = asked->shape;
    const bool relu = asked->relu;
    const size_t weights =
        (size_t)shape.filters * shape.kernel_height * shape.kernel_width * (shape.channels / shape.groups);
    snprintf(run->subject, sizeof run->subject, "conv with norm N%u %ux%ux%u K%u kernel %u groups %u%s%s%s",
             shape.batch, shape.height, shape.width, shape.channels, shape.filters, shape.kernel_height, shape.groups,
             relu ? " ReLU" : "", isfinite(ceiling) ? " with a ceiling" : "", with_nan ? ", a NaN" : "");
    struct fused fused = {.shape = shape,
                          .ceiling = ceiling,
                          .x = pb_array_random(run, row_count(&shape) * shape.channels, -1, 1),
                          .w = pb_array_random(run, weights, -1, 1),
                          .bias = pb_array_random(run, shape.filters, 2, 3),
                          .gamma = pb_array_random(run, shape.filters, -1.5, 1.5),
                          .beta = pb_array_random(run, shape.filters, -0.5, 0.5),
                          .running_mean = pb_array_random(run, shape.filters, 1, 3),
                          .running_var = pb_array_random(run, shape.filters, 20, 30)};
    if (with_nan)
        pb_array_set(run, &fused.x, fused.x.count / 2, NAN);
    const struct pb_view bias = asked->with_bias ? pb_array_view(&fused.bias) : (struct pb_view){0};
    double *convolved = convolve(run, &fused, bias);
    check_transformed(run, &fused, bias, convolved);
    if (run->device->ops.conv_norm_evaluate.call)
        check_evaluation(run, &fused, bias, convolved, relu);
    const bool even = shape.height % 2 == 0 && shape.width % 2 == 0;
    const bool pools = run->device->ops.norm_pools.call && even && !isfinite(ceiling);
    if (pools)
        check_pooled(run, &fused, bias, convolved, false);
    if (pools)
        check_pooled(run, &fused, bias, convolved, true);
    else if (run->device->ops.conv_norm_forward.call)
        check_training(run, &fused, bias, convolved, relu);
}

static void check(struct pb_suite *run, const void *case_of)
{
    check_case(run, case_of, INFINITY, false);
}

static const double CEILING = 0.75;

static void check_ceiling(struct pb_suite *run, const void *case_of)
{
    check_case(run, case_of, CEILING, false);
}

static void check_ceiling_with_nan(struct pb_suite *run, const void *case_of)
{
    check_case(run, case_of, CEILING, true);
}

/* Shapes that between them every algorithm takes. */
static void check_ceilings(struct pb_suite *run)
{
    const struct fused_case cases[] = {
        {shape_of(2, 6, 6, 16, 32, 3, 1), true, true},   {shape_of(1, 13, 9, 21, 51, 3, 1), true, true},
        {shape_of(2, 7, 7, 6, 9, 3, 3), true, true},     {shape_of(2, 7, 7, 33, 33, 3, 33), true, true},
        {shape_of(2, 8, 6, 5, 5, 5, 5), true, true},     {shape_of(1, 9, 9, 17, 19, 1, 1), true, true},
        {shape_of(3, 17, 16, 65, 67, 3, 1), true, true}, {shape_of(1, 131, 129, 3, 64, 3, 1), true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pb_suite_case_run(run, check_ceiling, &cases[i]);
        pb_suite_case_run(run, check_ceiling_with_nan, &cases[i]);
    }
}

void pb_suite_fused(struct pb_suite *run)
{
    pb_suite_case_run(run, check, &(struct fused_case){shape_of(2, 6, 6, 16, 32, 3, 1), true, true});
    pb_suite_case_run(run, check,
                      &(struct fused_case){shape_of(1, 13, 9, 21, 51, 3, 1), true, false}); /* pruned widths */
    pb_suite_case_run(run, check,
                      &(struct fused_case){shape_of(3, 7, 5, 9, 1, 3, 1), false, true}); /* one filter survived */
    pb_suite_case_run(run, check, &(struct fused_case){shape_of(2, 7, 7, 6, 9, 3, 3), true, true}); /* groups */
    pb_suite_case_run(run, check, &(struct fused_case){shape_of(2, 7, 7, 33, 33, 3, 33), true, true}); /* depthwise */
    pb_suite_case_run(run, check,
                      &(struct fused_case){shape_of(2, 8, 6, 5, 5, 5, 5), false, true}); /* … fewer than a vector */
    pb_suite_case_run(run, check,
                      &(struct fused_case){shape_of(1, 131, 129, 65, 65, 3, 65), true,
                                           false}); /* … many chunks of rows, and a rest */
    pb_suite_case_run(run, check, &(struct fused_case){shape_of(1, 9, 9, 17, 19, 1, 1), true, true}); /* pointwise */
    pb_suite_case_run(
        run, check,
        &(struct fused_case){shape_of(1, 130, 130, 3, 64, 3, 1), true, true}); /* many whole chunks of rows */
    pb_suite_case_run(run, check,
                      &(struct fused_case){shape_of(1, 131, 129, 3, 64, 3, 1), false, true}); /* … and a rest */
    pb_suite_case_run(run, check,
                      &(struct fused_case){shape_of(1, 131, 128, 3, 64, 3, 1), true,
                                           true}); /* … and whole ones that are not pooled */
    pb_suite_case_run(
        run, check,
        &(struct fused_case){shape_of(3, 17, 16, 65, 67, 3, 1), true, true}); /* blocks of tiles of 4×4, not pooled */
    pb_suite_case_run(run, check,
                      &(struct fused_case){shape_of(3, 16, 16, 65, 67, 3, 1), true, true}); /* blocks of tiles of 4×4 */
    pb_suite_case_run(run, check,
                      &(struct fused_case){shape_of(1, 90, 87, 65, 67, 3, 1), true, true}); /* … some over the edge */
    pb_suite_case_run(
        run, check,
        &(struct fused_case){shape_of(1, 84, 84, 200, 4, 3, 1), true, true}); /* two blocks that threads share */
    pb_suite_case_run(
        run, check,
        &(struct fused_case){shape_of(2, 46, 42, 33, 35, 3, 1), true, true}); /* … pooled, and few filters */
    if (run->device->norms_clamp)
        check_ceilings(run);
}
