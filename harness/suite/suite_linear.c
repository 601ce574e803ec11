/* The suite's linear layer. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>

struct linear {
    size_t batch, in, out;
    struct pb_array x, w, bias, dy;
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

static void inputs_unchanged(struct pb_suite *run, const struct linear *linear)
{
    pb_array_unchanged(run, &linear->x, "x");
    pb_array_unchanged(run, &linear->w, "w");
    pb_array_unchanged(run, &linear->dy, "dy");
}

struct linear_case {
    uint32_t batch;
    size_t in, out;
    bool with_bias;
};

static void check(struct pb_suite *run, const void *case_of)
{
    const struct linear_case *asked = case_of;
    const uint32_t batch = asked->batch;
    const size_t in = asked->in, out = asked->out;
    const bool with_bias = asked->with_bias;
    snprintf(run->subject, sizeof run->subject, "linear N%u %zu to %zu%s", batch, in, out,
             with_bias ? " with bias" : "");
    const struct pb_view none = {0};
    struct linear l = {.batch = batch,
                       .in = in,
                       .out = out,
                       .x = pb_array_random(run, batch * in, -1, 1),
                       .w = pb_array_random(run, out * in, -1, 1),
                       .bias = pb_array_random(run, out, -1, 1),
                       .dy = pb_array_random(run, batch * out, -1, 1),
                       .y = pb_suite_doubles(run, batch * out),
                       .dx = pb_suite_doubles(run, batch * in),
                       .dw = pb_suite_doubles(run, out * in),
                       .dbias = pb_suite_doubles(run, out)};
    struct pb_array y = pb_array_output(run, batch * out), dx = pb_array_output(run, batch * in),
                    dw = pb_array_output(run, out * in), dbias = pb_array_output(run, out);
    define(&l, with_bias);
    const struct pb_linear_arguments arguments = {.size = sizeof arguments,
                                                  .batch = batch,
                                                  .in = in,
                                                  .out = out,
                                                  .x = pb_array_view(&l.x),
                                                  .w = pb_array_view(&l.w),
                                                  .bias = with_bias ? pb_array_view(&l.bias) : none,
                                                  .y = pb_array_view(&y),
                                                  .dy = pb_array_view(&l.dy),
                                                  .dx = pb_array_view(&dx),
                                                  .dw = pb_array_view(&dw),
                                                  .dbias = with_bias ? pb_array_view(&dbias) : none};
    OPERATE(run, linear_forward, &arguments);
    pb_array_expect(run, &y, "y", l.y, 0);
    inputs_unchanged(run, &l);
    OPERATE(run, linear_backward_data, &arguments);
    pb_array_expect(run, &dx, "dx", l.dx, 0);
    inputs_unchanged(run, &l);
    OPERATE(run, linear_backward_weights, &arguments);
    pb_array_expect(run, &dw, "dw", l.dw, 0);
    if (with_bias)
        pb_array_expect(run, &dbias, "dbias", l.dbias, 0);
    inputs_unchanged(run, &l);
    pb_array_set(run, &l.x, in - 1, NAN); /* the first image's outputs */
    for (size_t o = 0; o < out; o++)
        l.y[o] = NAN;
    OPERATE(run, linear_forward, &arguments);
    pb_array_expect(run, &y, "y with a NaN", l.y, 0);
}

void pb_suite_linear(struct pb_suite *run)
{
    pb_suite_case_run(run, check, &(struct linear_case){1, 1, 1, true});
    pb_suite_case_run(run, check, &(struct linear_case){1, 5, 3, false});
    pb_suite_case_run(run, check, &(struct linear_case){4, 100, 5, true});
    pb_suite_case_run(run, check, &(struct linear_case){3, 441, 10, true});
    pb_suite_case_run(run, check, &(struct linear_case){5, 33, 67, false});
    pb_suite_case_run(run, check, &(struct linear_case){2, 2500, 17, true});
    pb_suite_case_run(run, check, &(struct linear_case){33, 70, 50, true});
}
