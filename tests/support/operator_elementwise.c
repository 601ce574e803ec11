/* The suite's element-wise operators. */
#include "support/operator_tools.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct pair {
    size_t count;
    struct tensor a, b;
    double *expected;
};

/* Values with exact zeros among them, and a NaN in a. */
static struct pair pair_create(struct operator_test *test, size_t count, const char *operator)
{
    snprintf(test->subject, sizeof test->subject, "%s over %zu", operator, count);
    struct pair pair = {.count = count, .expected = doubles(count), .b = tensor_random(test, count, -2, 2)};
    double *values = doubles(count);
    for (size_t i = 0; i < count; i++)
        values[i] = i % 5 == 0 ? 0 : pb_rng_uniform(&test->rng) * 4 - 2;
    if (count > 2)
        values[2] = NAN;
    pair.a = tensor_of(test, values, count);
    free(values);
    return pair;
}

static void pair_free(struct operator_test *test, struct pair *pair)
{
    tensor_free(test, &pair->a);
    tensor_free(test, &pair->b);
    free(pair->expected);
}

enum element { RELU, RELU_GRADIENT, ADD, MULTIPLY };
static const char *const element_names[] = {"relu_forward", "relu_backward", "add_forward", "multiply"};

static double element(enum element what, double a, double b)
{
    switch (what) {
    case RELU:
        return a < 0 ? 0 : a;
    case RELU_GRADIENT: /* a is the forward's output */
        return a > 0 ? b : 0;
    case ADD:
        return a + b;
    case MULTIPLY:
        return a * b;
    }
    return NAN;
}

static void apply(struct operator_test *test, enum element what, const struct pair *pair, const struct tensor *result)
{
    const struct pb_view a = tensor_view(&pair->a), b = tensor_view(&pair->b), y = tensor_view(result);
    switch (what) {
    case RELU:
        OPERATE(test, relu_forward, ARGUMENTS(elementwise, .count = pair->count, .x = a, .y = y));
        break;
    case RELU_GRADIENT:
        OPERATE(test, relu_backward, ARGUMENTS(elementwise, .count = pair->count, .y = a, .dy = b, .dx = y));
        break;
    case ADD:
        OPERATE(test, add_forward, ARGUMENTS(elementwise, .count = pair->count, .x = a, .other = b, .y = y));
        break;
    case MULTIPLY:
        OPERATE(test, multiply, ARGUMENTS(elementwise, .count = pair->count, .x = a, .other = b, .y = y));
        break;
    }
}

static void check(struct operator_test *test, enum element what, size_t count)
{
    struct pair pair = pair_create(test, count, element_names[what]);
    struct tensor result = tensor_output(test, count);
    if (what == RELU_GRADIENT && count > 2)
        tensor_set(test, &pair.a, 2, 0.5);
    for (size_t i = 0; i < count; i++)
        pair.expected[i] = element(what, pair.a.values[i], pair.b.values[i]);
    apply(test, what, &pair, &result);
    tensor_expect(test, &result, "result", pair.expected, 0);
    tensor_unchanged(test, &pair.a, "first operand");
    tensor_unchanged(test, &pair.b, "second operand");
    /* In place: forwards over the first operand, ReLU's gradient over dy. */
    const struct tensor *own = what == RELU_GRADIENT ? &pair.b : &pair.a;
    apply(test, what, &pair, own);
    tensor_expect(test, own, "result in place", pair.expected, 0);
    tensor_free(test, &result);
    pair_free(test, &pair);
}

static void check_accumulate(struct operator_test *test, size_t count)
{
    struct pair pair = pair_create(test, count, "accumulate");
    for (size_t i = 0; i < count; i++)
        pair.expected[i] = pair.a.values[i] + pair.b.values[i];
    OPERATE(test, accumulate,
            ARGUMENTS(elementwise, .count = count, .x = tensor_view(&pair.b), .y = tensor_view(&pair.a)));
    tensor_expect(test, &pair.a, "accumulator", pair.expected, 0);
    tensor_unchanged(test, &pair.b, "value");
    pair_free(test, &pair);
}

static void check_memory(struct operator_test *test)
{
    snprintf(test->subject, sizeof test->subject, "memory");
    struct pb_buffer *buffer = NULL;
    float values[100];
    OPERATE(test, buffer_create, 100, &buffer);
    OPERATE(test, fill, (struct pb_view){.buffer = buffer, .offset = 16}, 3.5F, 20);
    OPERATE(test, download, values, (struct pb_view){.buffer = buffer}, 100);
    double got[100], expected[100];
    for (size_t i = 0; i < 100; i++) {
        got[i] = (double)values[i];
        expected[i] = i >= 16 && i < 36 ? 3.5 : 0;
    }
    struct tensor tensor = tensor_of(test, got, 100);
    tensor_expect(test, &tensor, "fresh memory, partly filled", expected, 0);
    tensor_free(test, &tensor);
    PB_CALL(test->device, buffer_destroy, buffer);
}

void suite_elementwise(struct operator_test *test)
{
    static const size_t counts[] = {1, 3, 100, 16384, 40001};
    check_memory(test);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (int what = RELU; what <= MULTIPLY; what++)
            check(test, (enum element)what, counts[i]);
        check_accumulate(test, counts[i]);
    }
}
