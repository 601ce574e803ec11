/* The suite's entry, and the operators that it knows with their tolerances. */
#include "suite/suite.h"

#include <math.h>
#include <string.h>

#include "suite/suite_run.h"

/* One rounding or a few; sums of products; a convolution, which Winograd's transforms may compute; the same behind a norm, whose
 * values are not small beside their terms. About twice to five times what the built-in backends are off by. */
#define ROUNDING 5e-7
#define SUMS 5e-6
#define CONVOLUTION 2e-4
#define NORMED 2e-5

static const struct {
    const char *name;
    enum pb_suite_measure measure;
    double tolerance;
} known[] = {
    {"buffer_create", PB_SUITE_NOT_COMPARED, 0},
    {"buffer_destroy", PB_SUITE_NOT_COMPARED, 0},
    {"upload", PB_SUITE_NOT_COMPARED, 0},
    {"download", PB_SUITE_NOT_COMPARED, 0},
    {"synchronise", PB_SUITE_NOT_COMPARED, 0},
    {"fill", PB_SUITE_BY_ELEMENT, 0},
    {"conv_plan_create", PB_SUITE_NOT_COMPARED, 0},
    {"conv_plan_destroy", PB_SUITE_NOT_COMPARED, 0},
    {"conv_workspace", PB_SUITE_NOT_COMPARED, 0},
    {"conv_filter_floats", PB_SUITE_NOT_COMPARED, 0},
    {"conv_forward", PB_SUITE_BY_RMS, CONVOLUTION},
    {"conv_backward_data", PB_SUITE_BY_RMS, CONVOLUTION},
    {"conv_backward_weights", PB_SUITE_BY_RMS, CONVOLUTION},
    {"conv_filter_transform", PB_SUITE_NOT_COMPARED, 0},
    {"conv_norm_evaluate", PB_SUITE_BY_RMS, NORMED},
    {"conv_norm_forward", PB_SUITE_BY_RMS, NORMED},
    {"bn_forward", PB_SUITE_BY_RMS, SUMS},
    {"bn_evaluate", PB_SUITE_BY_RMS, SUMS},
    {"bn_backward", PB_SUITE_BY_RMS, SUMS},
    {"bn_evaluate_backward", PB_SUITE_BY_RMS, SUMS},
    {"bn_relu_backward", PB_SUITE_BY_RMS, SUMS},
    {"bn_relu_pool_backward", PB_SUITE_BY_RMS, SUMS},
    {"relu_forward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"relu_backward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"relu6_forward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"relu6_backward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"add_forward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"accumulate", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"multiply", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"add_relu_forward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"add_relu_backward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"product_pool_forward", PB_SUITE_BY_RMS, SUMS},
    {"product_pool_backward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"copy_columns", PB_SUITE_BY_ELEMENT, 0},
    {"max_pool_forward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"max_pool_backward", PB_SUITE_BY_RMS, SUMS},
    {"avg_pool_forward", PB_SUITE_BY_RMS, SUMS},
    {"avg_pool_backward", PB_SUITE_BY_RMS, SUMS},
    {"linear_forward", PB_SUITE_BY_RMS, SUMS},
    {"linear_backward_data", PB_SUITE_BY_RMS, SUMS},
    {"linear_backward_weights", PB_SUITE_BY_RMS, SUMS},
    {"bilinear_forward", PB_SUITE_BY_RMS, SUMS},
    {"bilinear_backward", PB_SUITE_BY_RMS, SUMS},
    {"signed_sqrt_forward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"signed_sqrt_backward", PB_SUITE_BY_ELEMENT, ROUNDING},
    {"l2_norm_forward", PB_SUITE_BY_RMS, SUMS},
    {"l2_norm_backward", PB_SUITE_BY_RMS, SUMS},
    {"softmax_cross_entropy", PB_SUITE_BY_RMS, SUMS},
    {"sgd_step", PB_SUITE_BY_RMS, SUMS},
    {"penalise", PB_SUITE_BY_RMS, SUMS},
    {"centre_positions", PB_SUITE_BY_RMS, SUMS},
    {"matrix_product", PB_SUITE_BY_RMS, SUMS},
    {"matrix_root_begin", PB_SUITE_BY_RMS, SUMS},
    {"matrix_root_end", PB_SUITE_BY_RMS, SUMS},
    {"matrix_root_backward", PB_SUITE_BY_RMS, SUMS},
    {"grassmann_forward", PB_SUITE_BY_RMS, SUMS},
    {"grassmann_backward", PB_SUITE_BY_RMS, SUMS},
    {"tensor_sketch_forward", PB_SUITE_BY_RMS, SUMS},
    {"tensor_sketch_backward", PB_SUITE_BY_ELEMENT, 0},
    {"signed_sum_forward", PB_SUITE_BY_RMS, SUMS},
    {"signed_sum_backward_data", PB_SUITE_BY_ELEMENT, 0},
    {"signed_sum_backward_bias", PB_SUITE_BY_RMS, SUMS},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])
_Static_assert(KNOWN_COUNT <= PB_SUITE_RESULTS_MAX, "more operators than a report holds");

bool pb_suite_passed(const struct pb_suite_result *result)
{
    return !result->unchecked && !result->problem[0] && result->worst <= result->tolerance;
}

static bool is_among(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (!strcmp(*names, name))
            return true;
    return false;
}

/* Operators that no case reached. */
static void mark_unchecked(const struct pb_device *device, struct pb_suite_report *report)
{
    bool portable;
    for (uint32_t i = 0; i < report->count; i++) {
        struct pb_suite_result *result = &report->results[i];
        result->unchecked = result->measure != PB_SUITE_NOT_COMPARED && !result->outputs && !result->problem[0] &&
                            !result->skipped && pb_device_find(device, result->name, &portable);
    }
}

bool pb_suite_knows(const char *name)
{
    bool found = false;
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        found = found || !strcmp(known[i].name, name);
    return found;
}

void pb_suite_list(struct pb_suite_report *report)
{
    memset(report, 0, sizeof *report);
    report->count = KNOWN_COUNT;
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        report->results[i] = (struct pb_suite_result){
            .name = known[i].name, .measure = known[i].measure, .tolerance = known[i].tolerance};
}

enum pb_status pb_suite_run(struct pb_device *device, const char *const *skipped, struct pb_suite_report *report,
                            struct pb_error *error)
{
    pb_suite_list(report);
    report->digest = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < report->count; i++) {
        struct pb_suite_result *result = &report->results[i];
        result->skipped = is_among(skipped, result->name);
        pb_device_find(device, result->name, &result->portable);
    }
    struct pb_suite run = {.device = device, .report = report, .operator= report->results, .error = error};
    pb_rng_init(&run.rng, 20, "operator suite");
    void (*const parts[])(struct pb_suite *) = {
        pb_suite_convolution, pb_suite_norm,     pb_suite_fused,   pb_suite_pool,   pb_suite_elementwise, pb_suite_head,
        pb_suite_linear,      pb_suite_learning, pb_suite_penalty, pb_suite_matrix, pb_suite_sketch};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !run.status; i++)
        parts[i](&run);
    if (run.left)
        mark_unchecked(device, report);
    return run.status;
}
