/* The suite's compact heads: tensor sketch, signed sums. Both may be missing on a device. */
#include "suite/suite_run.h"

#include <stdio.h>

struct sketch_case {
    uint32_t batch, channels, dimension;
};

/* Hashes and signs of one half: 2×C. */
static void draw_hashes(struct pb_suite *run, const struct sketch_case *asked, double *rows)
{
    for (uint32_t c = 0; c < asked->channels; c++) {
        rows[c] = pb_rng_below(&run->rng, asked->dimension);
        rows[asked->channels + c] = pb_rng_below(&run->rng, 2) ? 1 : -1;
    }
    rows[0] = asked->dimension - 1; /* so that sums beyond d occur */
}

static void check_sketch(struct pb_suite *run, const void *case_of)
{
    const struct sketch_case *asked = case_of;
    const size_t batch = asked->batch, channels = asked->channels, dimension = asked->dimension;
    snprintf(run->subject, sizeof run->subject, "tensor sketch N%zu %zu channels to %zu", batch, channels, dimension);
    double *hashes = pb_suite_doubles(run, 4 * channels), *expected = pb_suite_doubles(run, batch * dimension),
           *gradient = pb_suite_doubles(run, batch * channels * channels);
    draw_hashes(run, asked, hashes);
    draw_hashes(run, asked, hashes + 2 * channels);
    struct pb_array x = pb_array_random(run, batch * channels * channels, -1, 2),
                    dy = pb_array_random(run, batch * dimension, -1, 1), h = pb_array_of(run, hashes, 4 * channels),
                    y = pb_array_output(run, batch * dimension), dx = pb_array_output(run, batch * channels * channels);
    for (size_t n = 0; n < batch; n++)
        for (size_t i = 0; i < channels; i++)
            for (size_t j = 0; j < channels; j++) {
                const size_t pair = (n * channels + i) * channels + j;
                const size_t k = n * dimension + (size_t)(hashes[i] + hashes[2 * channels + j]) % dimension;
                const double sign = hashes[channels + i] * hashes[3 * channels + j];
                expected[k] += sign * x.values[pair];
                gradient[pair] = sign * dy.values[k];
            }
    OPERATE(run, tensor_sketch_forward,
            ARGUMENTS(tensor_sketch, .batch = asked->batch, .channels = asked->channels, .dimension = asked->dimension,
                      .x = pb_array_view(&x), .hashes = pb_array_view(&h), .y = pb_array_view(&y)));
    pb_array_expect(run, &y, "y", expected, 0);
    pb_array_unchanged(run, &x, "x");
    pb_array_unchanged(run, &h, "hashes");
    OPERATE(run, tensor_sketch_backward,
            ARGUMENTS(tensor_sketch, .batch = asked->batch, .channels = asked->channels, .dimension = asked->dimension,
                      .hashes = pb_array_view(&h), .dy = pb_array_view(&dy), .dx = pb_array_view(&dx)));
    pb_array_expect(run, &dx, "dx", gradient, 0);
    pb_array_unchanged(run, &dy, "dy");
    pb_array_unchanged(run, &h, "hashes");
}

struct sum_case {
    uint32_t batch, outputs, rank;
};

static void check_signed_sum(struct pb_suite *run, const void *case_of)
{
    const struct sum_case *asked = case_of;
    const size_t batch = asked->batch, outputs = asked->outputs, rank = asked->rank;
    snprintf(run->subject, sizeof run->subject, "signed sum N%zu %zu outputs of %zu values", batch, outputs, rank);
    struct pb_array x = pb_array_random(run, batch * outputs * rank, -1, 1),
                    bias = pb_array_random(run, outputs, -1, 1), dy = pb_array_random(run, batch * outputs, -1, 1),
                    y = pb_array_output(run, batch * outputs), dx = pb_array_output(run, batch * outputs * rank),
                    dbias = pb_array_output(run, outputs);
    double *expected = pb_suite_doubles(run, batch * outputs),
           *gradient = pb_suite_doubles(run, batch * outputs * rank), *columns = pb_suite_doubles(run, outputs);
    for (size_t i = 0; i < batch * outputs; i++) {
        expected[i] = bias.values[i % outputs];
        columns[i % outputs] += dy.values[i];
        for (size_t j = 0; j < rank; j++) {
            const double sign = 2 * j < rank ? 1 : -1;
            expected[i] += sign * x.values[i * rank + j];
            gradient[i * rank + j] = sign * dy.values[i];
        }
    }
    OPERATE(run, signed_sum_forward,
            ARGUMENTS(signed_sum, .batch = asked->batch, .outputs = asked->outputs, .rank = asked->rank,
                      .x = pb_array_view(&x), .bias = pb_array_view(&bias), .y = pb_array_view(&y)));
    pb_array_expect(run, &y, "y", expected, 0);
    pb_array_unchanged(run, &x, "x");
    pb_array_unchanged(run, &bias, "bias");
    OPERATE(run, signed_sum_backward_data,
            ARGUMENTS(signed_sum, .batch = asked->batch, .outputs = asked->outputs, .rank = asked->rank,
                      .dy = pb_array_view(&dy), .dx = pb_array_view(&dx)));
    pb_array_expect(run, &dx, "dx", gradient, 0);
    OPERATE(run, signed_sum_backward_bias,
            ARGUMENTS(signed_sum, .batch = asked->batch, .outputs = asked->outputs, .rank = asked->rank,
                      .dy = pb_array_view(&dy), .dbias = pb_array_view(&dbias)));
    pb_array_expect(run, &dbias, "dbias", columns, 0);
    pb_array_unchanged(run, &dy, "dy");
}

void pb_suite_sketch(struct pb_suite *run)
{
    if (run->device->ops.tensor_sketch_forward.call) {
        pb_suite_case_run(run, check_sketch, &(struct sketch_case){1, 1, 1});
        pb_suite_case_run(run, check_sketch, &(struct sketch_case){2, 5, 3});
        pb_suite_case_run(run, check_sketch, &(struct sketch_case){3, 33, 40});
        pb_suite_case_run(run, check_sketch, &(struct sketch_case){1, 8, 1000});
    }
    if (run->device->ops.signed_sum_forward.call) {
        pb_suite_case_run(run, check_signed_sum, &(struct sum_case){1, 1, 2});
        pb_suite_case_run(run, check_signed_sum, &(struct sum_case){3, 5, 8});
        pb_suite_case_run(run, check_signed_sum, &(struct sum_case){2, 70, 6});
    }
}
