/* The suite's batch normalisation. */
#include "support/operator_tools.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One channel by the definition: mean and variance of its rows, or given ones. */
struct channel {
    size_t rows;
    double eps, gamma, beta, mean, variance;
    bool relu, batch_statistics;
};

static void moments(const double *x, size_t rows, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (size_t i = 0; i < rows; i++)
        *mean += x[i] / (double)rows;
    for (size_t i = 0; i < rows; i++)
        *variance += (x[i] - *mean) * (x[i] - *mean) / (double)rows;
}

static void normalise(const struct channel *channel, const double *x, double *y)
{
    double mean = channel->mean, variance = channel->variance;
    if (channel->batch_statistics)
        moments(x, channel->rows, &mean, &variance);
    for (size_t i = 0; i < channel->rows; i++) {
        y[i] = channel->gamma * (x[i] - mean) / sqrt(variance + channel->eps) + channel->beta;
        if (channel->relu && y[i] < 0)
            y[i] = 0;
    }
}

/* As functions of the rows, and of γ and β. */
static void of_rows(const void *context, const double *x, double *y)
{
    normalise(context, x, y);
}

struct of_affine {
    const struct channel *channel;
    const double *x;
};

static void of_gamma_beta(const void *context, const double *gamma_beta, double *y)
{
    const struct of_affine *affine = context;
    struct channel channel = *affine->channel;
    channel.gamma = gamma_beta[0];
    channel.beta = gamma_beta[1];
    normalise(&channel, affine->x, y);
}

struct expected {
    double *y, *mean, *inv_std, *running_mean, *running_var, *dx, *dgamma, *dbeta;
};

static const double EPS = 1e-5, MOMENTUM = 0.1;

struct norm {
    size_t rows;
    uint32_t channels;
    bool relu;
    struct tensor x, gamma, beta, running_mean, running_var, dy;
};

static struct norm norm_create(struct operator_test *test, size_t rows, uint32_t channels, bool relu)
{
    snprintf(test->subject, sizeof test->subject, "batch norm %zu rows, %u channels%s", rows, channels,
             relu ? ", ReLU" : "");
    struct norm norm = {.rows = rows,
                        .channels = channels,
                        .relu = relu,
                        .x = tensor_random(test, rows * channels, -2, 3),
                        .gamma = tensor_random(test, channels, -1.5, 1.5),
                        .beta = tensor_random(test, channels, -0.5, 0.5),
                        .running_mean = tensor_random(test, channels, -0.5, 1),
                        .running_var = tensor_random(test, channels, 0.2, 3),
                        .dy = tensor_random(test, rows * channels, -1, 1)};
    return norm;
}

static void norm_free(struct operator_test *test, struct norm *norm)
{
    struct tensor *tensors[] = {&norm->x,           &norm->gamma, &norm->beta, &norm->running_mean,
                                &norm->running_var, &norm->dy};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
}

/* Gradients by differences of the definition. step: small against the distance to ReLU's corner. */
static void expect_channel(const struct norm *norm, size_t c, bool batch_statistics, struct expected *e)
{
    const size_t rows = norm->rows, step = norm->channels;
    double *x = doubles(rows), *y = doubles(rows), *dy = doubles(rows), *dx = doubles(rows);
    for (size_t i = 0; i < rows; i++) {
        x[i] = norm->x.values[i * step + c];
        dy[i] = norm->dy.values[i * step + c];
    }
    struct channel channel = {.rows = rows,
                              .eps = EPS,
                              .gamma = norm->gamma.values[c],
                              .beta = norm->beta.values[c],
                              .mean = norm->running_mean.values[c],
                              .variance = norm->running_var.values[c],
                              .relu = norm->relu,
                              .batch_statistics = batch_statistics};
    double mean, variance;
    moments(x, rows, &mean, &variance);
    const double unbiased = rows > 1 ? variance * (double)rows / (double)(rows - 1) : variance;
    e->mean[c] = mean;
    e->inv_std[c] = 1 / sqrt(variance + EPS);
    e->running_mean[c] = (1 - MOMENTUM) * channel.mean + MOMENTUM * mean;
    e->running_var[c] = (1 - MOMENTUM) * channel.variance + MOMENTUM * unbiased;
    normalise(&channel, x, y);
    struct differences differences = {
        .function = of_rows, .context = &channel, .inputs = rows, .outputs = rows, .step = 1e-6};
    numeric_gradient(&differences, x, dy, dx);
    const struct of_affine affine = {.channel = &channel, .x = x};
    double gamma_beta[2] = {channel.gamma, channel.beta}, slopes[2];
    differences =
        (struct differences){.function = of_gamma_beta, .context = &affine, .inputs = 2, .outputs = rows, .step = 1e-6};
    numeric_gradient(&differences, gamma_beta, dy, slopes);
    e->dgamma[c] = slopes[0];
    e->dbeta[c] = slopes[1];
    for (size_t i = 0; i < rows; i++) {
        e->y[i * step + c] = y[i];
        e->dx[i * step + c] = dx[i];
    }
    free(x);
    free(y);
    free(dy);
    free(dx);
}

static struct expected expect(const struct norm *norm, bool batch_statistics)
{
    const size_t count = norm->rows * norm->channels, channels = norm->channels;
    struct expected e = {.y = doubles(count),
                         .mean = doubles(channels),
                         .inv_std = doubles(channels),
                         .running_mean = doubles(channels),
                         .running_var = doubles(channels),
                         .dx = doubles(count),
                         .dgamma = doubles(channels),
                         .dbeta = doubles(channels)};
    for (size_t c = 0; c < channels; c++)
        expect_channel(norm, c, batch_statistics, &e);
    return e;
}

static void expected_free(struct expected *e)
{
    double *arrays[] = {e->y, e->mean, e->inv_std, e->running_mean, e->running_var, e->dx, e->dgamma, e->dbeta};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

/* A single row is its own mean: everything is zero but for rounding, of values as large as γ/√eps. */
static double gradient_scale(const struct norm *norm)
{
    return norm->rows == 1 ? 1 / sqrt(EPS) : 1;
}

static void check_training(struct operator_test *test, struct norm *norm)
{
    struct expected e = expect(norm, true);
    const size_t count = norm->rows * norm->channels;
    struct tensor mean = tensor_output(test, norm->channels), inv_std = tensor_output(test, norm->channels),
                  y = tensor_output(test, count), dx = tensor_output(test, count),
                  dgamma = tensor_output(test, norm->channels), dbeta = tensor_output(test, norm->channels);
    OPERATE(test, bn_forward,
            ARGUMENTS(bn, .rows = norm->rows, .channels = norm->channels, .eps = EPS, .momentum = MOMENTUM,
                      .relu = norm->relu, .x = tensor_view(&norm->x), .gamma = tensor_view(&norm->gamma),
                      .beta = tensor_view(&norm->beta), .running_mean = tensor_view(&norm->running_mean),
                      .running_var = tensor_view(&norm->running_var), .saved_mean = tensor_view(&mean),
                      .saved_inv_std = tensor_view(&inv_std), .y = tensor_view(&y)));
    tensor_expect(test, &y, "y", e.y, 1);
    tensor_expect(test, &mean, "saved mean", e.mean, 0);
    tensor_expect(test, &inv_std, "saved inv_std", e.inv_std, 0);
    tensor_expect(test, &norm->running_mean, "running mean", e.running_mean, 0);
    tensor_expect(test, &norm->running_var, "running variance", e.running_var, 0);
    OPERATE(test, bn_backward,
            ARGUMENTS(bn, .rows = norm->rows, .channels = norm->channels, .relu = norm->relu,
                      .x = tensor_view(&norm->x), .y = tensor_view(&y), .gamma = tensor_view(&norm->gamma),
                      .saved_mean = tensor_view(&mean), .saved_inv_std = tensor_view(&inv_std),
                      .dy = tensor_view(&norm->dy), .dx = tensor_view(&dx), .dgamma = tensor_view(&dgamma),
                      .dbeta = tensor_view(&dbeta)));
    tensor_expect(test, &dx, "dx", e.dx, gradient_scale(norm));
    tensor_expect(test, &dgamma, "dgamma", e.dgamma, 1);
    tensor_expect(test, &dbeta, "dbeta", e.dbeta, 1);
    if (norm->relu && test->device->ops.bn_relu_backward.call) {
        OPERATE(test, fill, tensor_view(&dx), NAN, count);
        OPERATE(test, bn_relu_backward,
                ARGUMENTS(bn, .rows = norm->rows, .channels = norm->channels, .x = tensor_view(&norm->x),
                          .gamma = tensor_view(&norm->gamma), .beta = tensor_view(&norm->beta),
                          .saved_mean = tensor_view(&mean), .saved_inv_std = tensor_view(&inv_std),
                          .dy = tensor_view(&norm->dy), .dx = tensor_view(&dx), .dgamma = tensor_view(&dgamma),
                          .dbeta = tensor_view(&dbeta)));
        tensor_expect(test, &dx, "dx without y", e.dx, gradient_scale(norm));
        tensor_expect(test, &dgamma, "dgamma without y", e.dgamma, 1);
        tensor_expect(test, &dbeta, "dbeta without y", e.dbeta, 1);
    }
    tensor_unchanged(test, &norm->x, "x");
    tensor_unchanged(test, &norm->dy, "dy");
    /* In place. */
    OPERATE(test, bn_backward,
            ARGUMENTS(bn, .rows = norm->rows, .channels = norm->channels, .relu = norm->relu,
                      .x = tensor_view(&norm->x), .y = tensor_view(&y), .gamma = tensor_view(&norm->gamma),
                      .saved_mean = tensor_view(&mean), .saved_inv_std = tensor_view(&inv_std),
                      .dy = tensor_view(&norm->dy), .dx = tensor_view(&norm->dy), .dgamma = tensor_view(&dgamma),
                      .dbeta = tensor_view(&dbeta)));
    tensor_expect(test, &norm->dy, "dx in place", e.dx, gradient_scale(norm));
    tensor_expect(test, &dgamma, "dgamma in place", e.dgamma, 1);
    struct tensor *tensors[] = {&mean, &inv_std, &y, &dx, &dgamma, &dbeta};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    expected_free(&e);
}

static void check_evaluation(struct operator_test *test, struct norm *norm)
{
    struct expected e = expect(norm, false);
    const size_t count = norm->rows * norm->channels;
    struct tensor y = tensor_output(test, count), dx = tensor_output(test, count),
                  dgamma = tensor_output(test, norm->channels), dbeta = tensor_output(test, norm->channels);
    OPERATE(test, bn_evaluate,
            ARGUMENTS(bn, .rows = norm->rows, .channels = norm->channels, .eps = EPS, .relu = norm->relu,
                      .x = tensor_view(&norm->x), .gamma = tensor_view(&norm->gamma), .beta = tensor_view(&norm->beta),
                      .running_mean = tensor_view(&norm->running_mean), .running_var = tensor_view(&norm->running_var),
                      .y = tensor_view(&y)));
    tensor_expect(test, &y, "y", e.y, 0);
    OPERATE(test, bn_evaluate_backward,
            ARGUMENTS(bn, .rows = norm->rows, .channels = norm->channels, .eps = EPS, .relu = norm->relu,
                      .x = tensor_view(&norm->x), .y = tensor_view(&y), .gamma = tensor_view(&norm->gamma),
                      .running_mean = tensor_view(&norm->running_mean), .running_var = tensor_view(&norm->running_var),
                      .dy = tensor_view(&norm->dy), .dx = tensor_view(&dx), .dgamma = tensor_view(&dgamma),
                      .dbeta = tensor_view(&dbeta)));
    tensor_expect(test, &dx, "dx", e.dx, 0);
    tensor_expect(test, &dgamma, "dgamma", e.dgamma, 1);
    tensor_expect(test, &dbeta, "dbeta", e.dbeta, 1);
    struct tensor *unchanged[] = {&norm->x,           &norm->gamma, &norm->beta, &norm->running_mean,
                                  &norm->running_var, &norm->dy};
    for (size_t i = 0; i < sizeof unchanged / sizeof unchanged[0]; i++)
        tensor_unchanged(test, unchanged[i], "of evaluation");
    OPERATE(test, bn_evaluate,
            ARGUMENTS(bn, .rows = norm->rows, .channels = norm->channels, .eps = EPS, .relu = norm->relu,
                      .x = tensor_view(&norm->x), .gamma = tensor_view(&norm->gamma), .beta = tensor_view(&norm->beta),
                      .running_mean = tensor_view(&norm->running_mean), .running_var = tensor_view(&norm->running_var),
                      .y = tensor_view(&norm->x)));
    tensor_expect(test, &norm->x, "y in place", e.y, 0);
    struct tensor *tensors[] = {&y, &dx, &dgamma, &dbeta};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    expected_free(&e);
}

/* A NaN takes its channel with it while training, and only its own value in evaluation. */
static void check_nan(struct operator_test *test)
{
    struct norm norm = norm_create(test, 5, 3, true);
    tensor_set(test, &norm.x, 2 * 3 + 1, NAN);
    struct expected evaluated = expect(&norm, false), trained = expect(&norm, true);
    struct tensor mean = tensor_output(test, 3), inv_std = tensor_output(test, 3), y = tensor_output(test, 15);
    OPERATE(test, bn_evaluate,
            ARGUMENTS(bn, .rows = norm.rows, .channels = norm.channels, .eps = EPS, .relu = true,
                      .x = tensor_view(&norm.x), .gamma = tensor_view(&norm.gamma), .beta = tensor_view(&norm.beta),
                      .running_mean = tensor_view(&norm.running_mean), .running_var = tensor_view(&norm.running_var),
                      .y = tensor_view(&y)));
    tensor_expect(test, &y, "y in evaluation with a NaN", evaluated.y, 1);
    OPERATE(test, bn_forward,
            ARGUMENTS(bn, .rows = norm.rows, .channels = norm.channels, .eps = EPS, .momentum = MOMENTUM, .relu = true,
                      .x = tensor_view(&norm.x), .gamma = tensor_view(&norm.gamma), .beta = tensor_view(&norm.beta),
                      .running_mean = tensor_view(&norm.running_mean), .running_var = tensor_view(&norm.running_var),
                      .saved_mean = tensor_view(&mean), .saved_inv_std = tensor_view(&inv_std), .y = tensor_view(&y)));
    tensor_expect(test, &y, "y in training with a NaN", trained.y, 1);
    tensor_free(test, &mean);
    tensor_free(test, &inv_std);
    tensor_free(test, &y);
    expected_free(&evaluated);
    expected_free(&trained);
    norm_free(test, &norm);
}

void suite_norm(struct operator_test *test)
{
    static const struct {
        size_t rows;
        uint32_t channels;
    } shapes[] = {{1, 1}, {1, 5}, {2, 3}, {7, 1}, {49, 17}, {100, 64}, {131, 67}, {300, 13}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int relu = 0; relu < 2; relu++) {
            struct norm norm = norm_create(test, shapes[i].rows, shapes[i].channels, relu);
            check_training(test, &norm);
            norm_free(test, &norm);
            norm = norm_create(test, shapes[i].rows, shapes[i].channels, relu);
            check_evaluation(test, &norm);
            norm_free(test, &norm);
        }
    check_nan(test);
}
