/* Tensors with sentinels around them, and comparison; shared by the files of the operator suite. */
#ifndef TESTS_SUPPORT_OPERATOR_TOOLS_H
#define TESTS_SUPPORT_OPERATOR_TOOLS_H

#include "engine/device.h"

struct operator_test {
    struct pb_device *device;
    double tolerance;
    struct pb_rng rng;
    uint64_t digest;
    char subject[200]; /* "conv_forward 2×5×7×3 → 4, 3×3 …": in front of messages */
};

/* values: what an input holds (rounded to float); NULL for outputs. */
struct tensor {
    size_t count;
    struct pb_buffer *buffer;
    float *stored; /* what was uploaded, sentinels included */
    double *values;
};

/* Inputs: uniform in [low, high). */
struct tensor tensor_random(struct operator_test *test, size_t count, double low, double high);
struct tensor tensor_of(struct operator_test *test, const double *values, size_t count);
/* Outputs, full of NaN. */
struct tensor tensor_output(struct operator_test *test, size_t count);
struct pb_view tensor_view(const struct tensor *tensor);
void tensor_free(struct operator_test *test, struct tensor *tensor);

/* Changes one value of an input. */
void tensor_set(struct operator_test *test, struct tensor *tensor, size_t index, double value);
/* The values of any tensor as they are now, from calloc. */
double *tensor_download(struct operator_test *test, const struct tensor *tensor);

/* An input is as it was uploaded. */
void tensor_unchanged(struct operator_test *test, const struct tensor *tensor, const char *name);
/* max|tensor − expected| ≤ tolerance·max(max|expected|, scale); NaN exactly where expected has one; nothing written
 * around it. Adds the bits to the digest. */
void tensor_expect(struct operator_test *test, const struct tensor *tensor, const char *name, const double *expected,
                   double scale);

double *doubles(size_t count); /* zeroed; fails the test when memory is out */

/* Fails the test unless status is PB_OK. */
void operator_done(struct operator_test *test, const char *operator, enum pb_status status);

#define OPERATE(test, slot, ...) operator_done(test, #slot, PB_CALL((test)->device, slot, __VA_ARGS__))
/* ARGUMENTS(linear, .batch = 1, …): a struct pb_linear_arguments, with its size. */
#define ARGUMENTS(kind, ...)                                                                                           \
    &(struct pb_##kind##_arguments)                                                                                    \
    {                                                                                                                  \
        .size = sizeof(struct pb_##kind##_arguments), __VA_ARGS__                                                      \
    }

/* ∂(Σ upstream·f)/∂x[i] by central differences; f reads x and writes outputs values. */
typedef void (*function_of)(const void *context, const double *x, double *outputs);
struct differences {
    function_of function;
    const void *context;
    size_t inputs, outputs;
    double step;
};
void numeric_gradient(const struct differences *differences, double *x, const double *upstream, double *gradient);

/* The parts of the suite. */
void suite_convolution(struct operator_test *test);
void suite_fused(struct operator_test *test);
void suite_norm(struct operator_test *test);
void suite_pool(struct operator_test *test);
void suite_elementwise(struct operator_test *test);
void suite_head(struct operator_test *test);
void suite_linear(struct operator_test *test);
void suite_learning(struct operator_test *test);

#endif
