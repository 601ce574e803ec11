/* The suite's linear layer. */
#include "support/operator_tools.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct linear {
    size_t batch, in, out;
    struct tensor x, w, bias, dy;
    double *y, *dx, *dw, *dbias;
};

/* Forward and gradients by the definition. */
static void define(struct linear *linear, bool with_bias)
{
    for (size_t n = 0; n < linear->batch; n++)
        for (size_t o = 0; o < linear->out; o++) {
            const double dy = linear->dy.values[n * linear->out + o];
            double sum = with_bias ? linear->bias.values[o] : 0;
            for (size_t i = 0; i < linear->in; i++) {
                sum += linear->x.values[n * linear->in + i] * linear->w.values[o * linear->in + i];
                linear->dx[n * linear->in + i] += dy * linear->w.values[o * linear->in + i];
                linear->dw[o * linear->in + i] += dy * linear->x.values[n * linear->in + i];
            }
            linear->y[n * linear->out + o] = sum;
            linear->dbias[o] += dy;
        }
}

static void check(struct operator_test *test, uint32_t batch, size_t in, size_t out, bool with_bias)
{
    snprintf(test->subject, sizeof test->subject, "linear N%u %zu to %zu%s", batch, in, out,
             with_bias ? " with bias" : "");
    const struct pb_view none = {0};
    struct linear l = {.batch = batch,
                       .in = in,
                       .out = out,
                       .x = tensor_random(test, batch * in, -1, 1),
                       .w = tensor_random(test, out * in, -1, 1),
                       .bias = tensor_random(test, out, -1, 1),
                       .dy = tensor_random(test, batch * out, -1, 1),
                       .y = doubles(batch * out),
                       .dx = doubles(batch * in),
                       .dw = doubles(out * in),
                       .dbias = doubles(out)};
    struct tensor y = tensor_output(test, batch * out), dx = tensor_output(test, batch * in),
                  dw = tensor_output(test, out * in), dbias = tensor_output(test, out);
    define(&l, with_bias);
    OPERATE(test, linear_forward,
            ARGUMENTS(linear, .batch = batch, .in = in, .out = out, .x = tensor_view(&l.x), .w = tensor_view(&l.w),
                      .bias = with_bias ? tensor_view(&l.bias) : none, .y = tensor_view(&y)));
    OPERATE(test, linear_backward_data,
            ARGUMENTS(linear, .batch = batch, .in = in, .out = out, .dy = tensor_view(&l.dy), .w = tensor_view(&l.w),
                      .dx = tensor_view(&dx)));
    OPERATE(test, linear_backward_weights,
            ARGUMENTS(linear, .batch = batch, .in = in, .out = out, .x = tensor_view(&l.x), .dy = tensor_view(&l.dy),
                      .dw = tensor_view(&dw), .dbias = with_bias ? tensor_view(&dbias) : none));
    tensor_expect(test, &y, "y", l.y, 0);
    tensor_expect(test, &dx, "dx", l.dx, 0);
    tensor_expect(test, &dw, "dw", l.dw, 0);
    if (with_bias)
        tensor_expect(test, &dbias, "dbias", l.dbias, 0);
    tensor_unchanged(test, &l.x, "x");
    tensor_unchanged(test, &l.w, "w");
    tensor_unchanged(test, &l.dy, "dy");
    tensor_set(test, &l.x, in - 1, NAN); /* the first image's outputs */
    for (size_t o = 0; o < out; o++)
        l.y[o] = NAN;
    OPERATE(test, linear_forward,
            ARGUMENTS(linear, .batch = batch, .in = in, .out = out, .x = tensor_view(&l.x), .w = tensor_view(&l.w),
                      .bias = with_bias ? tensor_view(&l.bias) : none, .y = tensor_view(&y)));
    tensor_expect(test, &y, "y with a NaN", l.y, 0);
    struct tensor *tensors[] = {&l.x, &l.w, &l.bias, &l.dy, &y, &dx, &dw, &dbias};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        tensor_free(test, tensors[i]);
    free(l.y);
    free(l.dx);
    free(l.dw);
    free(l.dbias);
}

void suite_linear(struct operator_test *test)
{
    check(test, 1, 1, 1, true);
    check(test, 1, 5, 3, false);
    check(test, 4, 100, 5, true);
    check(test, 3, 441, 10, true);
    check(test, 5, 33, 67, false);
    check(test, 2, 2500, 17, true);
    check(test, 33, 70, 50, true);
}
