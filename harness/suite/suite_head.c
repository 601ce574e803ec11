/* The suite's head: bilinear pooling, signed square root, L2 normalisation. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>
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

struct bilinear_case {
    uint32_t batch;
    size_t positions;
    uint32_t channels;
};

static void check_bilinear(struct pb_suite *run, const void *case_of)
{
    const struct bilinear_case *asked = case_of;
    const uint32_t batch = asked->batch, channels = asked->channels;
    const size_t positions = asked->positions;
    snprintf(run->subject, sizeof run->subject, "bilinear N%u %zu positions, %u channels", batch, positions, channels);
    const struct pooled pooled = {.positions = positions, .channels = channels};
    const size_t input = positions * channels, output = (size_t)channels * channels;
    struct pb_array x = pb_array_random(run, batch * input, -1, 2), db = pb_array_random(run, batch * output, -1, 1),
                    b = pb_array_output(run, batch * output), dx = pb_array_output(run, batch * input);
    double *expected = pb_suite_doubles(run, batch * output), *gradient = pb_suite_doubles(run, batch * input);
    for (uint32_t n = 0; n < batch; n++) {
        bilinear(&pooled, x.values + n * input, expected + n * output);
        const struct pb_differences differences = {
            .function = bilinear, .context = &pooled, .inputs = input, .outputs = output, .step = 1e-3};
        pb_numeric_gradient(run, &differences, x.values + n * input, db.values + n * output, gradient + n * input);
    }
    OPERATE(run, bilinear_forward,
            ARGUMENTS(bilinear, .batch = batch, .positions = positions, .channels = channels, .x = pb_array_view(&x),
                      .y = pb_array_view(&b)));
    OPERATE(run, bilinear_backward,
            ARGUMENTS(bilinear, .batch = batch, .positions = positions, .channels = channels, .x = pb_array_view(&x),
                      .dy = pb_array_view(&db), .dx = pb_array_view(&dx)));
    pb_array_expect(run, &b, "b", expected, 0);
    pb_array_expect(run, &dx, "dx", gradient, 0);
    pb_array_unchanged(run, &x, "x");
    pb_array_unchanged(run, &db, "db");
    pb_array_set(run, &x, input / 2, NAN);
    for (uint32_t n = 0; n < batch; n++)
        bilinear(&pooled, x.values + n * input, expected + n * output);
    OPERATE(run, bilinear_forward,
            ARGUMENTS(bilinear, .batch = batch, .positions = positions, .channels = channels, .x = pb_array_view(&x),
                      .y = pb_array_view(&b)));
    pb_array_expect(run, &b, "b with a NaN", expected, 0);
}

static const double EPS = 1e-8;

static double signed_sqrt(double b)
{
    return b == 0 ? 0 : copysign(sqrt(fabs(b) + EPS), b);
}

/* Zero gets no gradient though the function jumps there; elsewhere differences of a step far below |b|. */
static void check_signed_sqrt(struct pb_suite *run, const void *case_of)
{
    const size_t count = *(const size_t *)case_of;
    snprintf(run->subject, sizeof run->subject, "signed sqrt over %zu", count);
    double *values = pb_suite_doubles(run, count), *z = pb_suite_doubles(run, count),
           *gradient = pb_suite_doubles(run, count);
    for (size_t i = 0; i < count; i++)
        values[i] = i % 7 == 0 ? 0 : pb_rng_uniform(&run->rng) * 2 - 1;
    if (count > 3) {
        values[1] = 3e-9; /* the region that eps rounds off */
        values[2] = -1e-10;
    }
    struct pb_array b = pb_array_of(run, values, count), dz = pb_array_random(run, count, -1, 1),
                    output = pb_array_output(run, count), db = pb_array_output(run, count);
    for (size_t i = 0; i < count; i++) {
        const double value = b.values[i], step = 1e-4 * fabs(value);
        z[i] = signed_sqrt(value);
        if (value != 0)
            gradient[i] = dz.values[i] * (signed_sqrt(value + step) - signed_sqrt(value - step)) / (2 * step);
    }
    OPERATE(run, signed_sqrt_forward,
            ARGUMENTS(elementwise, .count = count, .eps = EPS, .x = pb_array_view(&b), .y = pb_array_view(&output)));
    OPERATE(run, signed_sqrt_backward,
            ARGUMENTS(elementwise, .count = count, .eps = EPS, .x = pb_array_view(&b), .dy = pb_array_view(&dz),
                      .dx = pb_array_view(&db)));
    pb_array_expect(run, &output, "z", z, 0);
    pb_array_expect(run, &db, "db", gradient, 0);
    pb_array_unchanged(run, &b, "b");
    pb_array_unchanged(run, &dz, "dz");
    OPERATE(run, signed_sqrt_backward,
            ARGUMENTS(elementwise, .count = count, .eps = EPS, .x = pb_array_view(&b), .dy = pb_array_view(&dz),
                      .dx = pb_array_view(&dz)));
    pb_array_expect(run, &dz, "db in place", gradient, 0);
    pb_array_set(run, &b, count - 1, NAN);
    z[count - 1] = NAN;
    OPERATE(run, signed_sqrt_forward,
            ARGUMENTS(elementwise, .count = count, .eps = EPS, .x = pb_array_view(&b), .y = pb_array_view(&output)));
    pb_array_expect(run, &output, "z with a NaN", z, 0);
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

struct l2_case {
    size_t rows, columns;
};

static void check_l2_norm(struct pb_suite *run, const void *case_of)
{
    const struct l2_case *asked = case_of;
    const size_t rows = asked->rows, columns = asked->columns;
    snprintf(run->subject, sizeof run->subject, "L2 norm %zux%zu", rows, columns);
    const size_t count = rows * columns;
    struct pb_array v = pb_array_random(run, count, -1, 1), dy = pb_array_random(run, count, -1, 1),
                    y = pb_array_output(run, count), norms = pb_array_output(run, rows),
                    dv = pb_array_output(run, count);
    double *expected = pb_suite_doubles(run, count), *expected_norms = pb_suite_doubles(run, rows),
           *gradient = pb_suite_doubles(run, count);
    for (size_t row = 0; row < rows; row++) {
        double *values = v.values + row * columns;
        expected_norms[row] = norm_of(values, columns);
        l2_normalise(&columns, values, expected + row * columns);
        const struct pb_differences differences = {
            .function = l2_normalise, .context = &columns, .inputs = columns, .outputs = columns, .step = 1e-6};
        pb_numeric_gradient(run, &differences, values, dy.values + row * columns, gradient + row * columns);
    }
    OPERATE(run, l2_norm_forward,
            ARGUMENTS(l2_norm, .rows = rows, .columns = columns, .x = pb_array_view(&v), .y = pb_array_view(&y),
                      .norms = pb_array_view(&norms)));
    OPERATE(run, l2_norm_backward,
            ARGUMENTS(l2_norm, .rows = rows, .columns = columns, .y = pb_array_view(&y), .norms = pb_array_view(&norms),
                      .dy = pb_array_view(&dy), .dx = pb_array_view(&dv)));
    pb_array_expect(run, &y, "y", expected, 0);
    pb_array_expect(run, &norms, "norms", expected_norms, 0);
    pb_array_expect(run, &dv, "dv", gradient, 1); /* one column: nothing is left of it */
    pb_array_unchanged(run, &v, "v");
    pb_array_unchanged(run, &dy, "dy");
    pb_array_set(run, &v, count - 1, NAN);
    for (size_t c = 0; c < columns; c++)
        expected[(rows - 1) * columns + c] = NAN;
    OPERATE(run, l2_norm_forward,
            ARGUMENTS(l2_norm, .rows = rows, .columns = columns, .x = pb_array_view(&v), .y = pb_array_view(&y),
                      .norms = pb_array_view(&norms)));
    pb_array_expect(run, &y, "y with a NaN", expected, 0);
}

/* A row of zeros stays one, and its gradient is dy/1e-12. */
static void check_zero_row(struct pb_suite *run, const void *case_of)
{
    (void)case_of;
    snprintf(run->subject, sizeof run->subject, "L2 norm of a row of zeros");
    const double zeros[4] = {0}, upstream[4] = {1, -2, 0.5, 0}, gradient[4] = {1e12, -2e12, 0.5e12, 0};
    struct pb_array v = pb_array_of(run, zeros, 4), dy = pb_array_of(run, upstream, 4), y = pb_array_output(run, 4),
                    norms = pb_array_output(run, 1), dv = pb_array_output(run, 4);
    OPERATE(run, l2_norm_forward,
            ARGUMENTS(l2_norm, .rows = 1, .columns = 4, .x = pb_array_view(&v), .y = pb_array_view(&y),
                      .norms = pb_array_view(&norms)));
    OPERATE(run, l2_norm_backward,
            ARGUMENTS(l2_norm, .rows = 1, .columns = 4, .y = pb_array_view(&y), .norms = pb_array_view(&norms),
                      .dy = pb_array_view(&dy), .dx = pb_array_view(&dv)));
    pb_array_expect(run, &y, "y", zeros, 0);
    pb_array_expect(run, &dv, "dv", gradient, 0);
}

void pb_suite_head(struct pb_suite *run)
{
    pb_suite_case_run(run, check_bilinear, &(struct bilinear_case){1, 1, 1});
    pb_suite_case_run(run, check_bilinear, &(struct bilinear_case){2, 1, 5});
    pb_suite_case_run(run, check_bilinear, &(struct bilinear_case){1, 4, 17});
    pb_suite_case_run(run, check_bilinear, &(struct bilinear_case){3, 9, 7});
    pb_suite_case_run(run, check_bilinear, &(struct bilinear_case){2, 13, 33});
    pb_suite_case_run(run, check_bilinear, &(struct bilinear_case){1, 2, 131});
    pb_suite_case_run(run, check_signed_sqrt, &(const size_t){2});
    pb_suite_case_run(run, check_signed_sqrt, &(const size_t){1000});
    pb_suite_case_run(run, check_signed_sqrt, &(const size_t){33333});
    pb_suite_case_run(run, check_l2_norm, &(struct l2_case){1, 1});
    pb_suite_case_run(run, check_l2_norm, &(struct l2_case){3, 7});
    pb_suite_case_run(run, check_l2_norm, &(struct l2_case){2, 441});
    pb_suite_case_run(run, check_zero_row, NULL);
}
