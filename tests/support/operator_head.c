/* The suite's head: bilinear pooling, signed square root, L2 normalisation. */
#include "support/operator_tools.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pooled {
    size_t positions, channels;
};

/* One image by the definition: B = XᵀX/n. */
static void bilinear(const void *context, const double *x, double *b)
{
    const struct pooled *pooled = context;
    for (size_t i = 0; i < pooled->channels; i++)
        for (size_t j = 0; j < pooled->channels; j++) {
            double sum = 0;
            for (size_t p = 0; p < pooled->positions; p++)
                sum += x[p * pooled->channels + i] * x[p * pooled->channels + j];
            b[i * pooled->channels + j] = sum / (double)pooled->positions;
        }
}

static void check_bilinear(struct operator_test *test, uint32_t batch, size_t positions, uint32_t channels)
{
    snprintf(test->subject, sizeof test->subject, "bilinear N%u %zu positions, %u channels", batch, positions,
             channels);
    const struct pooled pooled = {.positions = positions, .channels = channels};
    const size_t input = positions * channels, output = (size_t)channels * channels;
    struct tensor x = tensor_random(test, batch * input, -1, 2), db = tensor_random(test, batch * output, -1, 1),
                  b = tensor_output(test, batch * output), dx = tensor_output(test, batch * input);
    double *expected = doubles(batch * output), *gradient = doubles(batch * input);
    for (uint32_t n = 0; n < batch; n++) {
        bilinear(&pooled, x.values + n * input, expected + n * output);
        const struct differences differences = {
            .function = bilinear, .context = &pooled, .inputs = input, .outputs = output, .step = 1e-3};
        numeric_gradient(&differences, x.values + n * input, db.values + n * output, gradient + n * input);
    }
    OPERATE(test, bilinear_forward,
            ARGUMENTS(bilinear, .batch = batch, .positions = positions, .channels = channels, .x = tensor_view(&x),
                      .y = tensor_view(&b)));
    OPERATE(test, bilinear_backward,
            ARGUMENTS(bilinear, .batch = batch, .positions = positions, .channels = channels, .x = tensor_view(&x),
                      .dy = tensor_view(&db), .dx = tensor_view(&dx)));
    tensor_expect(test, &b, "b", expected, 0);
    tensor_expect(test, &dx, "dx", gradient, 0);
    tensor_unchanged(test, &x, "x");
    tensor_unchanged(test, &db, "db");
    tensor_set(test, &x, input / 2, NAN);
    for (uint32_t n = 0; n < batch; n++)
        bilinear(&pooled, x.values + n * input, expected + n * output);
    OPERATE(test, bilinear_forward,
            ARGUMENTS(bilinear, .batch = batch, .positions = positions, .channels = channels, .x = tensor_view(&x),
                      .y = tensor_view(&b)));
    tensor_expect(test, &b, "b with a NaN", expected, 0);
    struct tensor *tensors[] = {&x, &db, &b, &dx};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    free(expected);
    free(gradient);
}

static const double EPS = 1e-8;

static double signed_sqrt(double b)
{
    return b == 0 ? 0 : copysign(sqrt(fabs(b) + EPS), b);
}

/* Zero gets no gradient though the function jumps there; elsewhere differences of a step far below |b|. */
static void check_signed_sqrt(struct operator_test *test, size_t count)
{
    snprintf(test->subject, sizeof test->subject, "signed sqrt over %zu", count);
    double *values = doubles(count), *z = doubles(count), *gradient = doubles(count);
    for (size_t i = 0; i < count; i++)
        values[i] = i % 7 == 0 ? 0 : pb_rng_uniform(&test->rng) * 2 - 1;
    if (count > 3) {
        values[1] = 3e-9; /* the region that eps rounds off */
        values[2] = -1e-10;
    }
    struct tensor b = tensor_of(test, values, count), dz = tensor_random(test, count, -1, 1),
                  output = tensor_output(test, count), db = tensor_output(test, count);
    for (size_t i = 0; i < count; i++) {
        const double value = b.values[i], step = 1e-4 * fabs(value);
        z[i] = signed_sqrt(value);
        if (value != 0)
            gradient[i] = dz.values[i] * (signed_sqrt(value + step) - signed_sqrt(value - step)) / (2 * step);
    }
    OPERATE(test, signed_sqrt_forward,
            ARGUMENTS(elementwise, .count = count, .eps = EPS, .x = tensor_view(&b), .y = tensor_view(&output)));
    OPERATE(test, signed_sqrt_backward,
            ARGUMENTS(elementwise, .count = count, .eps = EPS, .x = tensor_view(&b), .dy = tensor_view(&dz),
                      .dx = tensor_view(&db)));
    tensor_expect(test, &output, "z", z, 0);
    tensor_expect(test, &db, "db", gradient, 0);
    tensor_unchanged(test, &b, "b");
    tensor_unchanged(test, &dz, "dz");
    OPERATE(test, signed_sqrt_backward,
            ARGUMENTS(elementwise, .count = count, .eps = EPS, .x = tensor_view(&b), .dy = tensor_view(&dz),
                      .dx = tensor_view(&dz)));
    tensor_expect(test, &dz, "db in place", gradient, 0);
    tensor_set(test, &b, count - 1, NAN);
    z[count - 1] = NAN;
    OPERATE(test, signed_sqrt_forward,
            ARGUMENTS(elementwise, .count = count, .eps = EPS, .x = tensor_view(&b), .y = tensor_view(&output)));
    tensor_expect(test, &output, "z with a NaN", z, 0);
    struct tensor *tensors[] = {&b, &dz, &output, &db};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    free(values);
    free(z);
    free(gradient);
}

static double norm_of(const double *v, size_t columns)
{
    double sum = 0;
    for (size_t c = 0; c < columns; c++)
        sum += v[c] * v[c];
    return sqrt(sum);
}

static void l2_normalise(const void *context, const double *v, double *y)
{
    const size_t columns = *(const size_t *)context;
    const double norm = norm_of(v, columns);
    for (size_t c = 0; c < columns; c++)
        y[c] = v[c] / (norm < 1e-12 ? 1e-12 : norm);
}

static void check_l2_norm(struct operator_test *test, size_t rows, size_t columns)
{
    snprintf(test->subject, sizeof test->subject, "L2 norm %zux%zu", rows, columns);
    const size_t count = rows * columns;
    struct tensor v = tensor_random(test, count, -1, 1), dy = tensor_random(test, count, -1, 1),
                  y = tensor_output(test, count), norms = tensor_output(test, rows), dv = tensor_output(test, count);
    double *expected = doubles(count), *expected_norms = doubles(rows), *gradient = doubles(count);
    for (size_t row = 0; row < rows; row++) {
        double *values = v.values + row * columns;
        expected_norms[row] = norm_of(values, columns);
        l2_normalise(&columns, values, expected + row * columns);
        const struct differences differences = {
            .function = l2_normalise, .context = &columns, .inputs = columns, .outputs = columns, .step = 1e-6};
        numeric_gradient(&differences, values, dy.values + row * columns, gradient + row * columns);
    }
    OPERATE(test, l2_norm_forward,
            ARGUMENTS(l2_norm, .rows = rows, .columns = columns, .x = tensor_view(&v), .y = tensor_view(&y),
                      .norms = tensor_view(&norms)));
    OPERATE(test, l2_norm_backward,
            ARGUMENTS(l2_norm, .rows = rows, .columns = columns, .y = tensor_view(&y), .norms = tensor_view(&norms),
                      .dy = tensor_view(&dy), .dx = tensor_view(&dv)));
    tensor_expect(test, &y, "y", expected, 0);
    tensor_expect(test, &norms, "norms", expected_norms, 0);
    tensor_expect(test, &dv, "dv", gradient, 1); /* one column: nothing is left of it */
    tensor_unchanged(test, &v, "v");
    tensor_unchanged(test, &dy, "dy");
    tensor_set(test, &v, count - 1, NAN);
    for (size_t c = 0; c < columns; c++)
        expected[(rows - 1) * columns + c] = NAN;
    OPERATE(test, l2_norm_forward,
            ARGUMENTS(l2_norm, .rows = rows, .columns = columns, .x = tensor_view(&v), .y = tensor_view(&y),
                      .norms = tensor_view(&norms)));
    tensor_expect(test, &y, "y with a NaN", expected, 0);
    struct tensor *tensors[] = {&v, &dy, &y, &norms, &dv};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    free(expected);
    free(expected_norms);
    free(gradient);
}

/* A row of zeros stays one, and its gradient is dy/1e-12. */
static void check_zero_row(struct operator_test *test)
{
    snprintf(test->subject, sizeof test->subject, "L2 norm of a row of zeros");
    const double zeros[4] = {0}, upstream[4] = {1, -2, 0.5, 0}, gradient[4] = {1e12, -2e12, 0.5e12, 0};
    struct tensor v = tensor_of(test, zeros, 4), dy = tensor_of(test, upstream, 4), y = tensor_output(test, 4),
                  norms = tensor_output(test, 1), dv = tensor_output(test, 4);
    OPERATE(test, l2_norm_forward,
            ARGUMENTS(l2_norm, .rows = 1, .columns = 4, .x = tensor_view(&v), .y = tensor_view(&y),
                      .norms = tensor_view(&norms)));
    OPERATE(test, l2_norm_backward,
            ARGUMENTS(l2_norm, .rows = 1, .columns = 4, .y = tensor_view(&y), .norms = tensor_view(&norms),
                      .dy = tensor_view(&dy), .dx = tensor_view(&dv)));
    tensor_expect(test, &y, "y", zeros, 0);
    tensor_expect(test, &dv, "dv", gradient, 0);
    struct tensor *tensors[] = {&v, &dy, &y, &norms, &dv};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
}

void suite_head(struct operator_test *test)
{
    check_bilinear(test, 1, 1, 1);
    check_bilinear(test, 2, 1, 5);
    check_bilinear(test, 1, 4, 17);
    check_bilinear(test, 3, 9, 7);
    check_bilinear(test, 2, 13, 33);
    check_bilinear(test, 1, 2, 131);
    check_signed_sqrt(test, 2);
    check_signed_sqrt(test, 1000);
    check_signed_sqrt(test, 33333);
    check_l2_norm(test, 1, 1);
    check_l2_norm(test, 3, 7);
    check_l2_norm(test, 2, 441);
    check_zero_row(test);
}
