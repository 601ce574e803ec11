/* The suite's batch normalisation. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One channel by the definition: mean and variance of its rows, or given ones. */
struct channel {
    size_t rows;
    double eps, gamma, beta, mean, variance;
    double ceiling; /* of the ReLU */
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
        if (channel->relu && y[i] > channel->ceiling)
            y[i] = channel->ceiling;
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
    double ceiling;
    struct pb_array x, gamma, beta, running_mean, running_var, dy;
};

struct norm_case {
    size_t rows;
    uint32_t channels;
    bool relu;
    double ceiling; /* 0: none */
};

static struct channel channel_of(const struct norm *norm, size_t c, bool batch_statistics)
{
    return (struct channel){.rows = norm->rows,
                            .eps = EPS,
                            .gamma = norm->gamma.values[c],
                            .beta = norm->beta.values[c],
                            .mean = norm->running_mean.values[c],
                            .variance = norm->running_var.values[c],
                            .ceiling = norm->ceiling,
                            .relu = norm->relu,
                            .batch_statistics = batch_statistics};
}

/* Of a channel's unrectified outputs: where the first one beside a corner of the ReLU is, or rows. */
static size_t find_corner(const struct channel *channel, const double *x, double *y)
{
    const double margin = 2e-5; /* several times what differences move an output by, and rounding does */
    struct channel linear = *channel;
    linear.relu = false;
    normalise(&linear, x, y);
    size_t i = 0;
    while (i < channel->rows && fabs(y[i]) > margin && fabs(y[i] - channel->ceiling) > margin)
        i++;
    return i;
}

/* Moves inputs whose outputs are beside a corner, where a gradient has two sides, whichever statistics are used. */
static void leave_corners(struct pb_suite *run, struct norm *norm)
{
    enum { MOST_MOVES = 100 }; /* one with γ = 0 stays where it is */
    double *x = pb_suite_doubles(run, norm->rows), *y = pb_suite_doubles(run, norm->rows);
    for (size_t c = 0; c < norm->channels; c++) {
        size_t beside[2] = {0};
        for (int moves = 0; moves < MOST_MOVES && (beside[0] < norm->rows || beside[1] < norm->rows); moves++) {
            for (size_t i = 0; i < norm->rows; i++)
                x[i] = norm->x.values[i * norm->channels + c];
            for (int statistics = 0; statistics < 2; statistics++) {
                const struct channel channel = channel_of(norm, c, statistics == 1);
                beside[statistics] = find_corner(&channel, x, y);
                if (beside[statistics] < norm->rows)
                    pb_array_set(run, &norm->x, beside[statistics] * norm->channels + c, x[beside[statistics]] + 1e-3);
            }
        }
    }
}

static struct norm norm_create(struct pb_suite *run, const struct norm_case *asked)
{
    const size_t rows = asked->rows;
    const uint32_t channels = asked->channels;
    const bool relu = asked->relu;
    snprintf(run->subject, sizeof run->subject, "batch norm %zu rows, %u channels%s%s", rows, channels,
             relu ? ", ReLU" : "", asked->ceiling > 0 ? " with a ceiling" : "");
    struct norm norm = {.rows = rows,
                        .channels = channels,
                        .relu = relu,
                        .ceiling = asked->ceiling > 0 ? asked->ceiling : INFINITY,
                        .x = pb_array_random(run, rows * channels, -2, 3),
                        .gamma = pb_array_random(run, channels, -1.5, 1.5),
                        .beta = pb_array_random(run, channels, -0.5, 0.5),
                        .running_mean = pb_array_random(run, channels, -0.5, 1),
                        .running_var = pb_array_random(run, channels, 0.2, 3),
                        .dy = pb_array_random(run, rows * channels, -1, 1)};
    if (relu && rows > 1)
        leave_corners(run, &norm);
    return norm;
}

/* Gradients by differences of the definition. step: small against the distance to ReLU's corner. */
static void expect_channel(struct pb_suite *run, const struct norm *norm, size_t c, bool batch_statistics,
                           struct expected *e)
{
    const size_t rows = norm->rows, step = norm->channels;
    double *x = pb_suite_doubles(run, rows), *y = pb_suite_doubles(run, rows), *dy = pb_suite_doubles(run, rows),
           *dx = pb_suite_doubles(run, rows);
    for (size_t i = 0; i < rows; i++) {
        x[i] = norm->x.values[i * step + c];
        dy[i] = norm->dy.values[i * step + c];
    }
    const struct channel channel = channel_of(norm, c, batch_statistics);
    double mean, variance;
    moments(x, rows, &mean, &variance);
    const double unbiased = rows > 1 ? variance * (double)rows / (double)(rows - 1) : variance;
    e->mean[c] = mean;
    e->inv_std[c] = 1 / sqrt(variance + EPS);
    e->running_mean[c] = (1 - MOMENTUM) * channel.mean + MOMENTUM * mean;
    e->running_var[c] = (1 - MOMENTUM) * channel.variance + MOMENTUM * unbiased;
    normalise(&channel, x, y);
    struct pb_differences differences = {
        .function = of_rows, .context = &channel, .inputs = rows, .outputs = rows, .step = 1e-6};
    pb_numeric_gradient(run, &differences, x, dy, dx);
    const struct of_affine affine = {.channel = &channel, .x = x};
    double gamma_beta[2] = {channel.gamma, channel.beta}, slopes[2];
    differences = (struct pb_differences){
        .function = of_gamma_beta, .context = &affine, .inputs = 2, .outputs = rows, .step = 1e-6};
    pb_numeric_gradient(run, &differences, gamma_beta, dy, slopes);
    e->dgamma[c] = slopes[0];
    e->dbeta[c] = slopes[1];
    for (size_t i = 0; i < rows; i++) {
        e->y[i * step + c] = y[i];
        e->dx[i * step + c] = dx[i];
    }
}

static struct expected expect(struct pb_suite *run, const struct norm *norm, bool batch_statistics)
{
    const size_t count = norm->rows * norm->channels, channels = norm->channels;
    struct expected e = {.y = pb_suite_doubles(run, count),
                         .mean = pb_suite_doubles(run, channels),
                         .inv_std = pb_suite_doubles(run, channels),
                         .running_mean = pb_suite_doubles(run, channels),
                         .running_var = pb_suite_doubles(run, channels),
                         .dx = pb_suite_doubles(run, count),
                         .dgamma = pb_suite_doubles(run, channels),
                         .dbeta = pb_suite_doubles(run, channels)};
    for (size_t c = 0; c < channels; c++)
        expect_channel(run, norm, c, batch_statistics, &e);
    return e;
}

/* A single row is its own mean: everything is zero but for rounding, of values as large as γ/√eps. */
static double gradient_scale(const struct norm *norm)
{
    return norm->rows == 1 ? 1 / sqrt(EPS) : 1;
}

static struct pb_bn_arguments arguments_of(const struct norm *norm, const struct pb_array *y)
{
    return (struct pb_bn_arguments){.size = sizeof(struct pb_bn_arguments),
                                    .rows = norm->rows,
                                    .channels = norm->channels,
                                    .relu = norm->relu,
                                    .eps = EPS,
                                    .momentum = MOMENTUM,
                                    .x = pb_array_view(&norm->x),
                                    .gamma = pb_array_view(&norm->gamma),
                                    .beta = pb_array_view(&norm->beta),
                                    .running_mean = pb_array_view(&norm->running_mean),
                                    .running_var = pb_array_view(&norm->running_var),
                                    .y = pb_array_view(y),
                                    .dy = pb_array_view(&norm->dy),
                                    .ceiling = norm->ceiling};
}

/* Where a backward pass writes. */
struct gradients {
    struct pb_array dx, dgamma, dbeta;
};

static struct gradients gradients_create(struct pb_suite *run, const struct norm *norm,
                                         struct pb_bn_arguments *arguments)
{
    const struct gradients made = {pb_array_output(run, norm->rows * norm->channels),
                                   pb_array_output(run, norm->channels), pb_array_output(run, norm->channels)};
    arguments->dx = pb_array_view(&made.dx);
    arguments->dgamma = pb_array_view(&made.dgamma);
    arguments->dbeta = pb_array_view(&made.dbeta);
    return made;
}

static void expect_gradients(struct pb_suite *run, const struct gradients *made, const struct expected *e, double scale)
{
    pb_array_expect(run, &made->dx, "dx", e->dx, scale);
    pb_array_expect(run, &made->dgamma, "dgamma", e->dgamma, 1);
    pb_array_expect(run, &made->dbeta, "dbeta", e->dbeta, 1);
}

static void inputs_unchanged(struct pb_suite *run, const struct norm *norm)
{
    pb_array_unchanged(run, &norm->x, "x");
    pb_array_unchanged(run, &norm->gamma, "gamma");
    pb_array_unchanged(run, &norm->beta, "beta");
    pb_array_unchanged(run, &norm->dy, "dy");
}

static void check_training(struct pb_suite *run, const void *case_of)
{
    struct norm norm = norm_create(run, case_of);
    const struct expected e = expect(run, &norm, true);
    struct pb_array mean = pb_array_output(run, norm.channels), inv_std = pb_array_output(run, norm.channels),
                    y = pb_array_output(run, norm.rows * norm.channels);
    struct pb_bn_arguments arguments = arguments_of(&norm, &y);
    arguments.saved_mean = pb_array_view(&mean);
    arguments.saved_inv_std = pb_array_view(&inv_std);
    OPERATE(run, bn_forward, &arguments);
    pb_array_expect(run, &y, "y", e.y, 1);
    pb_array_expect(run, &mean, "saved mean", e.mean, 1);
    pb_array_expect(run, &inv_std, "saved inv_std", e.inv_std, 0);
    pb_array_expect(run, &norm.running_mean, "running mean", e.running_mean, 1);
    pb_array_expect(run, &norm.running_var, "running variance", e.running_var, 0);
    inputs_unchanged(run, &norm);
    struct gradients made = gradients_create(run, &norm, &arguments);
    OPERATE(run, bn_backward, &arguments);
    expect_gradients(run, &made, &e, gradient_scale(&norm));
    inputs_unchanged(run, &norm);
    if (norm.relu && run->device->ops.bn_relu_backward.call) {
        made = gradients_create(run, &norm, &arguments);
        arguments.y = (struct pb_view){0};
        OPERATE(run, bn_relu_backward, &arguments);
        expect_gradients(run, &made, &e, gradient_scale(&norm));
        inputs_unchanged(run, &norm);
        arguments.y = pb_array_view(&y);
    }
    arguments.dx = arguments.dy;
    OPERATE(run, bn_backward, &arguments);
    pb_array_expect(run, &norm.dy, "dx in place", e.dx, gradient_scale(&norm));
    pb_array_expect(run, &made.dgamma, "dgamma in place", e.dgamma, 1);
}

static void check_evaluation(struct pb_suite *run, const void *case_of)
{
    struct norm norm = norm_create(run, case_of);
    const struct expected e = expect(run, &norm, false);
    struct pb_array y = pb_array_output(run, norm.rows * norm.channels);
    struct pb_bn_arguments arguments = arguments_of(&norm, &y);
    OPERATE(run, bn_evaluate, &arguments);
    pb_array_expect(run, &y, "y", e.y, 1);
    inputs_unchanged(run, &norm);
    pb_array_unchanged(run, &norm.running_mean, "running mean");
    pb_array_unchanged(run, &norm.running_var, "running variance");
    const struct gradients made = gradients_create(run, &norm, &arguments);
    OPERATE(run, bn_evaluate_backward, &arguments);
    expect_gradients(run, &made, &e, 0);
    inputs_unchanged(run, &norm);
    pb_array_unchanged(run, &norm.running_mean, "running mean");
    pb_array_unchanged(run, &norm.running_var, "running variance");
    arguments.y = arguments.x;
    OPERATE(run, bn_evaluate, &arguments);
    pb_array_expect(run, &norm.x, "y in place", e.y, 1);
}

/* A NaN takes its channel with it while training, and only its own value in evaluation. */
static void check_nan(struct pb_suite *run, const void *case_of)
{
    struct norm norm = norm_create(run, case_of);
    pb_array_set(run, &norm.x, 2 * 3 + 1, NAN);
    const struct expected evaluated = expect(run, &norm, false), trained = expect(run, &norm, true);
    struct pb_array mean = pb_array_output(run, 3), inv_std = pb_array_output(run, 3), y = pb_array_output(run, 15);
    struct pb_bn_arguments arguments = arguments_of(&norm, &y);
    arguments.saved_mean = pb_array_view(&mean);
    arguments.saved_inv_std = pb_array_view(&inv_std);
    OPERATE(run, bn_evaluate, &arguments);
    pb_array_expect(run, &y, "y in evaluation with a NaN", evaluated.y, 1);
    OPERATE(run, bn_forward, &arguments);
    pb_array_expect(run, &y, "y in training with a NaN", trained.y, 1);
}

/*
 * Outputs of exactly 0 and exactly the ceiling pass no gradient: with γ = 2, β = 1, mean 0 and a variance whose root is 1,
 * y = 2·x + 1 has no rounding.
 */
static void check_corners(struct pb_suite *run, const void *case_of)
{
    enum { COUNT = 8 };
    static const double x[COUNT] = {-2, -0.5, -0.25, 0, 1, 2.25, 2.5, 4}, y[COUNT] = {0, 0, 0.5, 1, 3, 5.5, 6, 6},
                        open[COUNT] = {0, 0, 1, 1, 1, 1, 0, 0};
    (void)case_of;
    struct norm norm = norm_create(run, &(struct norm_case){COUNT, 1, true, 6});
    struct pb_array output = pb_array_output(run, COUNT);
    double dx[COUNT], dgamma = 0, dbeta = 0;
    for (size_t i = 0; i < COUNT; i++) {
        pb_array_set(run, &norm.x, i, x[i]);
        dx[i] = 2 * open[i] * norm.dy.values[i];
        dgamma += open[i] * norm.dy.values[i] * x[i];
        dbeta += open[i] * norm.dy.values[i];
    }
    pb_array_set(run, &norm.gamma, 0, 2);
    pb_array_set(run, &norm.beta, 0, 1);
    pb_array_set(run, &norm.running_mean, 0, 0);
    pb_array_set(run, &norm.running_var, 0, 0.75);
    struct pb_bn_arguments arguments = arguments_of(&norm, &output);
    arguments.eps = 0.25;
    OPERATE(run, bn_evaluate, &arguments);
    pb_array_expect(run, &output, "y at the corners", y, 1);
    const struct gradients made = gradients_create(run, &norm, &arguments);
    OPERATE(run, bn_evaluate_backward, &arguments);
    pb_array_expect(run, &made.dx, "dx at the corners", dx, 1);
    pb_array_expect(run, &made.dgamma, "dgamma at the corners", &dgamma, 1);
    pb_array_expect(run, &made.dbeta, "dbeta at the corners", &dbeta, 1);
}

void pb_suite_norm(struct pb_suite *run)
{
    static const struct norm_case limited[] = {{1, 1, true, 0.75},    {2, 3, true, 0.75},    {49, 17, true, 0.75},
                                               {100, 64, true, 0.75}, {131, 67, true, 0.75}, {300, 13, true, 0.75}};
    static const struct norm_case shapes[] = {
        {1, 1, false, 0},   {1, 5, false, 0},    {2, 3, false, 0},    {7, 1, false, 0},
        {49, 17, false, 0}, {100, 64, false, 0}, {131, 67, false, 0}, {300, 13, false, 0},
        {1, 1, true, 0},    {1, 5, true, 0},     {2, 3, true, 0},     {7, 1, true, 0},
        {49, 17, true, 0},  {100, 64, true, 0},  {131, 67, true, 0},  {300, 13, true, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        pb_suite_case_run(run, check_training, &shapes[i]);
        pb_suite_case_run(run, check_evaluation, &shapes[i]);
    }
    pb_suite_case_run(run, check_nan, &(struct norm_case){5, 3, true, 0});
    for (size_t i = 0; i < sizeof limited / sizeof limited[0] && run->device->norms_clamp; i++) {
        pb_suite_case_run(run, check_training, &limited[i]);
        pb_suite_case_run(run, check_evaluation, &limited[i]);
    }
    if (run->device->norms_clamp) {
        pb_suite_case_run(run, check_nan, &(struct norm_case){5, 3, true, 0.75});
        pb_suite_case_run(run, check_corners, NULL);
    }
}
