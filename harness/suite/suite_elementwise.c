/* The suite's element-wise operators. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct pair {
    size_t count;
    struct pb_array a, b;
    double *expected;
};

/* Values with exact zeros and sixes among them, and a NaN in a. */
static struct pair pair_create(struct pb_suite *run, size_t count, const char *operator)
{
    snprintf(run->subject, sizeof run->subject, "%s over %zu", operator, count);
    struct pair pair = {
        .count = count, .expected = pb_suite_doubles(run, count), .b = pb_array_random(run, count, -2, 2)};
    double *values = pb_suite_doubles(run, count);
    for (size_t i = 0; i < count; i++)
        values[i] = i % 5 == 0 ? 0 : i % 7 == 0 ? 6 : pb_rng_uniform(&run->rng) * 12 - 4;
    if (count > 2)
        values[2] = NAN;
    pair.a = pb_array_of(run, values, count);
    return pair;
}

enum element { RELU, RELU_GRADIENT, RELU6, RELU6_GRADIENT, ADD, MULTIPLY };
static const char *const element_names[] = {"relu_forward",   "relu_backward", "relu6_forward",
                                            "relu6_backward", "add_forward",   "multiply"};

static double element(enum element what, double a, double b)
{
    switch (what) {
    case RELU:
        return a < 0 ? 0 : a;
    case RELU_GRADIENT: /* a is the forward's output */
        return a > 0 ? b : 0;
    case RELU6:
        return a < 0 ? 0 : a > 6 ? 6 : a;
    case RELU6_GRADIENT:
        return a > 0 && a < 6 ? b : 0;
    case ADD:
        return a + b;
    case MULTIPLY:
        return a * b;
    }
    return NAN;
}

static void apply(struct pb_suite *run, enum element what, const struct pair *pair, const struct pb_array *result)
{
    const struct pb_view a = pb_array_view(&pair->a), b = pb_array_view(&pair->b), y = pb_array_view(result);
    switch (what) {
    case RELU:
        OPERATE(run, relu_forward, ARGUMENTS(elementwise, .count = pair->count, .x = a, .y = y));
        break;
    case RELU_GRADIENT:
        OPERATE(run, relu_backward, ARGUMENTS(elementwise, .count = pair->count, .y = a, .dy = b, .dx = y));
        break;
    case RELU6:
        OPERATE(run, relu6_forward, ARGUMENTS(elementwise, .count = pair->count, .x = a, .y = y));
        break;
    case RELU6_GRADIENT:
        OPERATE(run, relu6_backward, ARGUMENTS(elementwise, .count = pair->count, .y = a, .dy = b, .dx = y));
        break;
    case ADD:
        OPERATE(run, add_forward, ARGUMENTS(elementwise, .count = pair->count, .x = a, .other = b, .y = y));
        break;
    case MULTIPLY:
        OPERATE(run, multiply, ARGUMENTS(elementwise, .count = pair->count, .x = a, .other = b, .y = y));
        break;
    }
}

struct element_case {
    enum element what;
    size_t count;
};

static void check(struct pb_suite *run, const void *case_of)
{
    const struct element_case *asked = case_of;
    const enum element what = asked->what;
    const size_t count = asked->count;
    struct pair pair = pair_create(run, count, element_names[what]);
    struct pb_array result = pb_array_output(run, count);
    const bool gradient = what == RELU_GRADIENT || what == RELU6_GRADIENT;
    if (gradient && count > 2)
        pb_array_set(run, &pair.a, 2, 0.5);
    for (size_t i = 0; i < count; i++)
        pair.expected[i] = element(what, pair.a.values[i], pair.b.values[i]);
    apply(run, what, &pair, &result);
    pb_array_expect(run, &result, "result", pair.expected, 0);
    pb_array_unchanged(run, &pair.a, "first operand");
    pb_array_unchanged(run, &pair.b, "second operand");
    /* In place: forwards over the first operand, ReLU's gradient over dy. */
    const struct pb_array *own = gradient ? &pair.b : &pair.a;
    apply(run, what, &pair, own);
    pb_array_expect(run, own, "result in place", pair.expected, 0);
}

static void check_accumulate(struct pb_suite *run, const void *case_of)
{
    const size_t count = *(const size_t *)case_of;
    struct pair pair = pair_create(run, count, "accumulate");
    for (size_t i = 0; i < count; i++)
        pair.expected[i] = pair.a.values[i] + pair.b.values[i];
    OPERATE(run, accumulate,
            ARGUMENTS(elementwise, .count = count, .x = pb_array_view(&pair.b), .y = pb_array_view(&pair.a)));
    pb_array_expect(run, &pair.a, "accumulator", pair.expected, 0);
    pb_array_unchanged(run, &pair.b, "value");
}

/* Sums of exactly 0 among them, and a NaN. */
static struct pair pair_of_sums(struct pb_suite *run, size_t count)
{
    struct pair pair = pair_create(run, count, "addition with ReLU");
    double *negated = pb_suite_doubles(run, count);
    for (size_t i = 0; i < count; i++)
        negated[i] = i % 4 == 1 ? -pair.a.values[i] : pair.b.values[i];
    pair.b = pb_array_of(run, negated, count);
    for (size_t i = 0; i < count; i++)
        pair.expected[i] = element(RELU, pair.a.values[i] + pair.b.values[i], 0);
    return pair;
}

static void check_rectified_sum(struct pb_suite *run, const void *case_of)
{
    const size_t count = *(const size_t *)case_of;
    const struct pair pair = pair_of_sums(run, count);
    const struct pb_view a = pb_array_view(&pair.a), b = pb_array_view(&pair.b);
    const struct pb_array y = pb_array_output(run, count);
    OPERATE(run, add_relu_forward, ARGUMENTS(elementwise, .count = count, .x = a, .other = b, .y = pb_array_view(&y)));
    pb_array_expect(run, &y, "y", pair.expected, 0);
    pb_array_unchanged(run, &pair.a, "x");
    pb_array_unchanged(run, &pair.b, "other");
    OPERATE(run, add_relu_forward, ARGUMENTS(elementwise, .count = count, .x = a, .other = b, .y = b));
    pb_array_expect(run, &pair.b, "y in other's place", pair.expected, 0);
    const struct pair again = pair_of_sums(run, count);
    const struct pb_view x = pb_array_view(&again.a);
    OPERATE(run, add_relu_forward,
            ARGUMENTS(elementwise, .count = count, .x = x, .other = pb_array_view(&again.b), .y = x));
    pb_array_expect(run, &again.a, "y in x's place", again.expected, 0);
}

/* What passes goes to dx, and to dother: not asked for, written, or added. */
static void check_rectified_gradients(struct pb_suite *run, const void *case_of)
{
    const size_t count = *(const size_t *)case_of;
    struct pair pair = pair_create(run, count, "gradients of an addition with ReLU");
    struct pb_array dx = pb_array_output(run, count), dother = pb_array_output(run, count),
                    sum = pb_array_random(run, count, -2, 2);
    double *added = pb_suite_doubles(run, count);
    if (count > 2)
        pb_array_set(run, &pair.a, 2, 0.5);
    for (size_t i = 0; i < count; i++) {
        pair.expected[i] = element(RELU_GRADIENT, pair.a.values[i], pair.b.values[i]);
        added[i] = sum.values[i] + pair.expected[i];
    }
    struct pb_elementwise_arguments arguments = {.size = sizeof arguments,
                                                 .count = count,
                                                 .y = pb_array_view(&pair.a),
                                                 .dy = pb_array_view(&pair.b),
                                                 .dx = pb_array_view(&dx)};
    OPERATE(run, add_relu_backward, &arguments);
    pb_array_expect(run, &dx, "dx alone", pair.expected, 0);
    arguments.dother = pb_array_view(&dother);
    OPERATE(run, add_relu_backward, &arguments);
    pb_array_expect(run, &dx, "dx", pair.expected, 0);
    pb_array_expect(run, &dother, "dother", pair.expected, 0);
    pb_array_unchanged(run, &pair.a, "y");
    pb_array_unchanged(run, &pair.b, "dy");
    arguments.dother = pb_array_view(&sum);
    arguments.adds_other = true;
    arguments.dx = arguments.dy;
    OPERATE(run, add_relu_backward, &arguments);
    pb_array_expect(run, &pair.b, "dx in place", pair.expected, 0);
    pb_array_expect(run, &sum, "dother, added", added, 1);
}

struct columns_case {
    size_t rows, columns, x_columns, x_first, y_columns, y_first;
};

static void check_columns(struct pb_suite *run, const void *case_of)
{
    const struct columns_case *c = case_of;
    snprintf(run->subject, sizeof run->subject, "%zu of %zu columns to %zu, %zu rows", c->columns, c->x_columns,
             c->y_columns, c->rows);
    struct pb_array x = pb_array_random(run, c->rows * c->x_columns, -1, 1),
                    y = pb_array_random(run, c->rows * c->y_columns, -1, 1);
    double *expected = pb_suite_doubles(run, y.count);
    memcpy(expected, y.values, y.count * sizeof *expected);
    for (size_t row = 0; row < c->rows; row++)
        for (size_t k = 0; k < c->columns; k++)
            expected[row * c->y_columns + c->y_first + k] = x.values[row * c->x_columns + c->x_first + k];
    OPERATE(run, copy_columns,
            ARGUMENTS(columns, .rows = c->rows, .columns = c->columns, .x_columns = c->x_columns, .x_first = c->x_first,
                      .y_columns = c->y_columns, .y_first = c->y_first, .x = pb_array_view(&x),
                      .y = pb_array_view(&y)));
    pb_array_expect(run, &y, "y", expected, 0);
    pb_array_unchanged(run, &x, "x");
}

static void check_memory(struct pb_suite *run, const void *case_of)
{
    (void)case_of;
    snprintf(run->subject, sizeof run->subject, "memory");
    struct pb_array array = pb_array_output(run, 100);
    double expected[100];
    OPERATE(run, fill, pb_array_view(&array), 0, 100);
    struct pb_view part = pb_array_view(&array);
    part.offset += 16;
    OPERATE(run, fill, part, 3.5F, 20);
    for (size_t i = 0; i < 100; i++)
        expected[i] = i >= 16 && i < 36 ? 3.5 : 0;
    pb_array_expect(run, &array, "memory, partly filled", expected, 0);
}

static void check_fresh_memory(struct pb_suite *run, const void *case_of)
{
    (void)case_of;
    snprintf(run->subject, sizeof run->subject, "fresh memory");
    float values[100];
    struct pb_buffer *buffer = NULL;
    OPERATE(run, buffer_create, 100, &buffer);
    OPERATE(run, download, values, (struct pb_view){.buffer = buffer}, 100);
    PLAIN_CALL(run, buffer_destroy, buffer);
    pb_suite_blame(run, "buffer_create");
    for (size_t i = 0; i < 100; i++)
        if (values[i] != 0)
            pb_suite_problem(run, "value %zu of a new buffer is %g instead of 0", i, (double)values[i]);
}

void pb_suite_elementwise(struct pb_suite *run)
{
    static const size_t counts[] = {1, 3, 100, 16384, 40001};
    static const struct columns_case columns[] = {
        {1, 1, 1, 0, 1, 0}, {7, 3, 3, 0, 10, 4}, {9, 4, 13, 9, 4, 0}, {1000, 17, 40, 3, 50, 33}};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        pb_suite_case_run(run, check_columns, &columns[i]);
    pb_suite_case_run(run, check_memory, NULL);
    pb_suite_case_run(run, check_fresh_memory, NULL);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (int what = RELU; what <= MULTIPLY; what++)
            pb_suite_case_run(run, check, &(struct element_case){(enum element)what, counts[i]});
        pb_suite_case_run(run, check_accumulate, &counts[i]);
        if (!run->device->ops.add_relu_forward.call)
            continue;
        pb_suite_case_run(run, check_rectified_sum, &counts[i]);
        pb_suite_case_run(run, check_rectified_gradients, &counts[i]);
    }
}
