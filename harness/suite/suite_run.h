/* What the files of the suite share: arrays with sentinels around them, comparison, numeric gradients. */
#ifndef PB_SUITE_SUITE_RUN_H
#define PB_SUITE_SUITE_RUN_H

#include <setjmp.h>

#include "base/rng.h"
#include "engine/device.h"
#include "suite/suite_report.h"

/* An array on the device. */
struct pb_array {
    size_t count;
    struct pb_buffer *buffer;
    float *stored; /* what was uploaded, sentinels included */
    double *values; /* what an input holds (rounded to float); NULL for outputs */
};

/* What a case has allocated; released when it ends. */
struct pb_suite_held;

/* A run of the suite. Functions that need memory or an operator do not return without it: the case ends there. */
struct pb_suite {
    struct pb_device *device;
    struct pb_suite_report *report;
    struct pb_suite_result *operator; /* the last one that was called */
    struct pb_rng rng;
    char subject[200]; /* the case: "conv N2 7x7x6 K9 …" */
    struct pb_suite_held *held;
    jmp_buf leave;
    bool left; /* a case ended early */
    enum pb_status status; /* PB_ERROR_MEMORY ends the run */
    struct pb_error *error;
};

/* Runs one case; `case_of` is handed to it. */
typedef void (*pb_suite_case)(struct pb_suite *run, const void *case_of);
void pb_suite_case_run(struct pb_suite *run, pb_suite_case run_case, const void *case_of);

/* Notes what is wrong with the last operator. */
void pb_suite_problem(struct pb_suite *run, const char *format, ...) PB_PRINTF(2, 3);

double *pb_suite_doubles(struct pb_suite *run, size_t count); /* zeroed */
void *pb_suite_memory(struct pb_suite *run, size_t bytes); /* zeroed */
struct pb_conv_plan *pb_suite_conv_plan(struct pb_suite *run, const struct pb_conv_shape *shape);

/* Inputs: uniform in [low, high). */
struct pb_array pb_array_random(struct pb_suite *run, size_t count, double low, double high);
struct pb_array pb_array_of(struct pb_suite *run, const double *values, size_t count);
/* Outputs, full of NaN. */
struct pb_array pb_array_output(struct pb_suite *run, size_t count);
struct pb_view pb_array_view(const struct pb_array *array);

/* Changes one value of an input. */
void pb_array_set(struct pb_suite *run, struct pb_array *array, size_t index, double value);
/* The values of any array as they are now. */
double *pb_array_download(struct pb_suite *run, const struct pb_array *array);

/* The last operator's input is as it was uploaded. */
void pb_array_unchanged(struct pb_suite *run, const struct pb_array *array, const char *name);
/*
 * The last operator's output against what its definition gives. Deviations are measured against `scale` where the expected
 * values are smaller: where nothing but rounding is left of larger terms. Adds the bits to the digest.
 */
void pb_array_expect(struct pb_suite *run, const struct pb_array *array, const char *name, const double *expected,
                     double scale);

/* Calls an operator: OPERATE(run, relu_forward, ARGUMENTS(elementwise, .count = 3, …)). */
#define OPERATE(run, slot, ...)                                                                                        \
    (pb_suite_begin(run, #slot), pb_suite_end(run, #slot, PB_CALL((run)->device, slot, __VA_ARGS__)))
/* Calls one that returns no status: PLAIN_CALL(run, conv_workspace, plan). */
#define PLAIN_CALL(run, slot, ...) (pb_suite_begin(run, #slot), PB_CALL((run)->device, slot, __VA_ARGS__))
/* From now on this operator is the last one; it is noted in pb_place. A case that needs a skipped one ends. */
void pb_suite_begin(struct pb_suite *run, const char *slot);
void pb_suite_end(struct pb_suite *run, const char *slot, enum pb_status status);
/* Makes it the last one without a call. */
struct pb_suite_result *pb_suite_blame(struct pb_suite *run, const char *slot);
/* A struct pb_KIND_arguments, with its size. */
#define ARGUMENTS(kind, ...)                                                                                           \
    &(struct pb_##kind##_arguments)                                                                                    \
    {                                                                                                                  \
        .size = sizeof(struct pb_##kind##_arguments), __VA_ARGS__                                                      \
    }

/* ∂(Σ upstream·f)/∂x[i] by central differences; f reads x and writes outputs values. */
typedef void (*pb_suite_function)(const void *context, const double *x, double *outputs);
struct pb_differences {
    pb_suite_function function;
    const void *context;
    size_t inputs, outputs;
    double step;
};
void pb_numeric_gradient(struct pb_suite *run, const struct pb_differences *differences, double *x,
                         const double *upstream, double *gradient);

/* The parts of the suite. */
void pb_suite_convolution(struct pb_suite *run);
void pb_suite_fused(struct pb_suite *run);
void pb_suite_norm(struct pb_suite *run);
void pb_suite_pool(struct pb_suite *run);
void pb_suite_elementwise(struct pb_suite *run);
void pb_suite_head(struct pb_suite *run);
void pb_suite_linear(struct pb_suite *run);
void pb_suite_learning(struct pb_suite *run);
void pb_suite_penalty(struct pb_suite *run);
void pb_suite_matrix(struct pb_suite *run);
void pb_suite_sketch(struct pb_suite *run);

#endif
