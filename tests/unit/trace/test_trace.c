/* Recorded trainings: they are reproduced, deviations are found where they are, other files are refused by name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "trace/trace_verify.h"
#include "support/folder.h"
#include "support/operators.h"

#define GOLDEN PB_TEST_SOURCES "/golden/"
#define TINY GOLDEN "bcnn-tiny.safetensors"

static struct pb_trace_report verified(const char *path, uint32_t threads)
{
    struct pb_device *device = portable_device(threads);
    struct pb_trace trace = {0};
    struct pb_trace_report report = {0};
    struct pb_error error = {0};
    if (pb_trace_open(path, &trace, &error) || pb_trace_verify(&trace, device, &report, &error))
        fail_msg("%s", error.text);
    pb_trace_close(&trace);
    operator_device_close(&device);
    return report;
}

/* Direct convolution in float32: at most a quarter of this is reached. */
static const double PORTABLE[PB_TRACE_GROUP_COUNT] = {
    [PB_TRACE_LOGITS] = 1e-6, [PB_TRACE_LOSSES] = 4e-7,     [PB_TRACE_GRADIENTS] = 3e-5,
    [PB_TRACE_STATES] = 2e-6, [PB_TRACE_STATISTICS] = 1e-6, [PB_TRACE_EVALUATION] = 4e-7,
};

static void test_the_golden_traces_are_reproduced(void **state)
{
    (void)state;
    const char *const names[] = {"bcnn-tiny", "odd-widths", "one-channel"};
    const uint32_t steps[] = {3, 2, 5}, gradients[] = {18, 14, 70};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        snprintf(path, sizeof path, GOLDEN "%s.safetensors", names[i]);
        const struct pb_trace_report report = verified(path, 1 + (uint32_t)i % 2);
        assert_int_equal(report.steps, steps[i]);
        assert_int_equal(report.groups[PB_TRACE_GRADIENTS].tensors, gradients[i]);
        assert_int_equal(report.groups[PB_TRACE_LOSSES].tensors, steps[i]);
        assert_int_equal(report.groups[PB_TRACE_EVALUATION].tensors, 1);
        for (int group = 0; group < PB_TRACE_GROUP_COUNT; group++)
            if (!(report.groups[group].worst < PORTABLE[group]))
                fail_msg("%s: %s are off by %g in %s", names[i], pb_trace_group_name((enum pb_trace_group)group),
                         report.groups[group].worst, report.groups[group].tensor);
    }
}

/* A copy of the tiny trace with its tensors open to change. */
struct forgery {
    struct pb_safetensors file;
    const char *path;
    float *values; /* of the tensor in change */
};

static struct forgery forge(void **state)
{
    struct forgery forgery = {.path = folder_path(state, "trace.safetensors")};
    struct pb_error error = {0};
    if (pb_safetensors_open(TINY, &forgery.file, &error))
        fail_msg("%s", error.text);
    return forgery;
}

static struct pb_tensor *tensor_of(struct forgery *forgery, const char *name)
{
    for (size_t i = 0; i < forgery->file.count; i++)
        if (!strcmp(forgery->file.tensors[i].name, name))
            return &forgery->file.tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

/* Lets a tensor's values be changed; once per forgery. */
static float *open_values(struct forgery *forgery, const char *name)
{
    struct pb_tensor *tensor = tensor_of(forgery, name);
    forgery->values = malloc(tensor->bytes);
    assert_non_null(forgery->values);
    memcpy(forgery->values, tensor->data, tensor->bytes);
    tensor->data = forgery->values;
    return forgery->values;
}

static void set_metadata(struct forgery *forgery, const char *key, const char *value)
{
    for (size_t i = 0; i < forgery->file.metadata_count; i++)
        if (!strcmp(forgery->file.metadata_keys[i], key)) {
            pb_free(forgery->file.metadata_values[i]);
            forgery->file.metadata_values[i] = pb_strdup(value);
            assert_non_null(forgery->file.metadata_values[i]);
            return;
        }
    fail_msg("no metadata %s", key);
}

static void forgery_write(struct forgery *forgery)
{
    struct pb_error error = {0};
    const struct pb_safetensors *file = &forgery->file;
    if (pb_safetensors_write(forgery->path, file->tensors, file->count, (const char *const *)file->metadata_keys,
                             (const char *const *)file->metadata_values, file->metadata_count, &error))
        fail_msg("%s", error.text);
}

static void forgery_free(struct forgery *forgery)
{
    pb_safetensors_close(&forgery->file);
    free(forgery->values);
}

static void expect_refused(struct forgery *forgery, const char *message)
{
    struct pb_trace trace = {0};
    struct pb_error error = {0};
    forgery_write(forgery);
    assert_int_equal(pb_trace_open(forgery->path, &trace, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message) || !strstr(error.text, "trace.safetensors"))
        fail_msg("'%s' does not say '%s'", error.text, message);
    forgery_free(forgery);
}

static void test_a_deviation_is_found_in_its_tensor(void **state)
{
    static const struct {
        const char *tensor;
        enum pb_trace_group group;
    } cases[] = {{"step1.logits", PB_TRACE_LOGITS},
                 {"step2.loss", PB_TRACE_LOSSES},
                 {"grad0.convs.2.weight", PB_TRACE_GRADIENTS},
                 {"step3.bns.1.weight", PB_TRACE_STATES},
                 {"step2.bns.0.running_var", PB_TRACE_STATISTICS},
                 {"eval3.logits", PB_TRACE_EVALUATION}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct forgery forgery = forge(state);
        float *values = open_values(&forgery, cases[i].tensor);
        const size_t count = tensor_of(&forgery, cases[i].tensor)->count;
        size_t largest = 0;
        for (size_t k = 0; k < count; k++)
            largest = fabsf(values[k]) > fabsf(values[largest]) ? k : largest;
        values[largest] *= 1.001f;
        forgery_write(&forgery);
        const struct pb_trace_report report = verified(forgery.path, 1);
        for (int group = 0; group < PB_TRACE_GROUP_COUNT; group++)
            assert_int_equal(report.groups[group].worst > pb_trace_tolerance((enum pb_trace_group)group),
                             group == (int)cases[i].group);
        assert_true(fabs(report.groups[cases[i].group].worst - 1e-3) < 1e-5);
        assert_string_equal(report.groups[cases[i].group].tensor, cases[i].tensor);
        forgery_free(&forgery);
    }
}

static double root_mean_square(const float *values, size_t count)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (double)values[i] * (double)values[i];
    return sqrt(squares / (double)count);
}

/* A value much smaller than the others of its tensor may be off by a share of their root mean square, not of itself; and not of the
 * largest, which is more. */
static void test_a_small_value_is_measured_against_the_root_mean_square(void **state)
{
    struct forgery forgery = forge(state);
    float *values = open_values(&forgery, "step1.logits");
    const size_t count = tensor_of(&forgery, "step1.logits")->count;
    const double scale = root_mean_square(values, count);
    size_t smallest = 0;
    for (size_t k = 0; k < count; k++)
        smallest = fabsf(values[k]) < fabsf(values[smallest]) ? k : smallest;
    assert_true(fabs((double)values[smallest]) < 0.5 * scale);
    values[smallest] += (float)(1e-3 * scale);
    forgery_write(&forgery);
    const struct pb_trace_report report = verified(forgery.path, 1);
    assert_true(fabs(report.groups[PB_TRACE_LOGITS].worst - 1e-3) < 1e-5);
    forgery_free(&forgery);
}

/* The bias's own scale is rounding; a thousandth of the largest gradients' root mean square is what counts. */
static void test_gradients_that_are_rounding_are_measured_against_their_group(void **state)
{
    double largest = 0;
    struct forgery forgery = forge(state);
    for (size_t i = 0; i < forgery.file.count; i++) {
        const struct pb_tensor *tensor = &forgery.file.tensors[i];
        if (strncmp(tensor->name, "grad0.", 6) != 0)
            continue;
        float *values = malloc(tensor->bytes);
        assert_non_null(values);
        memcpy(values, tensor->data, tensor->bytes);
        largest = fmax(largest, root_mean_square(values, tensor->count));
        free(values);
    }
    open_values(&forgery, "grad0.convs.0.bias")[2] = (float)(1e-6 * largest);
    forgery_write(&forgery);
    const double worst = verified(forgery.path, 1).groups[PB_TRACE_GRADIENTS].worst;
    assert_true(worst > 9.9e-4 && worst < 1.01e-3);
    forgery_free(&forgery);
}

static void test_a_nan_is_an_infinite_deviation(void **state)
{
    struct forgery forgery = forge(state);
    open_values(&forgery, "step1.logits")[0] = NAN;
    forgery_write(&forgery);
    assert_true(isinf(verified(forgery.path, 1).groups[PB_TRACE_LOGITS].worst));
    forgery_free(&forgery);
}

static void test_a_missing_tensor_is_named(void **state)
{
    static const char *const names[] = {"input", "labels", "step0.fc.weight", "step0.bns.2.running_mean",
                                        "step0.convs.1.bias"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct forgery forgery = forge(state);
        struct pb_tensor *tensor = tensor_of(&forgery, names[i]);
        tensor->name[0] = 'x';
        expect_refused(&forgery, names[i]);
    }
}

static void test_a_missing_recorded_state_is_named(void **state)
{
    struct forgery forgery = forge(state);
    struct pb_device *device = portable_device(1);
    struct pb_trace trace = {0};
    struct pb_trace_report report;
    struct pb_error error = {0};
    tensor_of(&forgery, "step2.fc.bias")->name[0] = 'x';
    forgery_write(&forgery);
    assert_int_equal(pb_trace_open(forgery.path, &trace, &error), PB_OK);
    assert_int_equal(pb_trace_verify(&trace, device, &report, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "step2.fc.bias"));
    pb_trace_close(&trace);
    operator_device_close(&device);
    forgery_free(&forgery);
}

static void test_metadata_that_disagrees_is_refused(void **state)
{
    static const struct {
        const char *key, *value, *message;
    } cases[] = {{"widths", "8,12,16,11", "says 11 for layer 3"},
                 {"widths", "8,12", "one number for each"},
                 {"pools", "0,1,1", "one number for each"},
                 {"pools", "0,1,2,0", "2 is neither 0 nor 1"},
                 {"pools", "a", "list of numbers"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct forgery forgery = forge(state);
        set_metadata(&forgery, cases[i].key, cases[i].value);
        expect_refused(&forgery, cases[i].message);
    }
    struct forgery forgery = forge(state);
    for (size_t i = 0; i < forgery.file.metadata_count; i++)
        if (!strcmp(forgery.file.metadata_keys[i], "pools"))
            forgery.file.metadata_keys[i][0] = 'x';
    expect_refused(&forgery, "no metadata 'pools'");
}

static void test_shapes_and_labels_that_do_not_fit_are_refused(void **state)
{
    struct forgery forgery = forge(state);
    struct pb_tensor *tensor = tensor_of(&forgery, "step0.convs.1.weight");
    tensor->dims[1] = 4;
    tensor->dims[2] = 6;
    expect_refused(&forgery, "6×3; traces hold 3×3");
    forgery = forge(state);
    tensor = tensor_of(&forgery, "step0.fc.weight");
    tensor->dims[0] = 10;
    tensor->dims[1] = 50;
    expect_refused(&forgery, "step0.fc.weight");
    forgery = forge(state);
    tensor = tensor_of(&forgery, "step0.bns.0.bias");
    tensor->rank = 2;
    tensor->dims[0] = 4;
    tensor->dims[1] = 2;
    expect_refused(&forgery, "has 2 dimensions instead of 1");
    forgery = forge(state);
    const int64_t label = 5;
    memcpy(open_values(&forgery, "labels") + 2, &label, sizeof label);
    expect_refused(&forgery, "label 5 of image 1");
}

static void test_a_file_of_another_kind_is_refused(void **state)
{
    (void)state;
    struct pb_trace trace = {0};
    struct pb_error error = {0};
    assert_int_equal(pb_trace_open(GOLDEN "thesis-costs.tsv", &trace, &error), PB_ERROR_INPUT);
    assert_int_equal(pb_trace_open(GOLDEN "absent.safetensors", &trace, &error) == PB_OK, false);
    assert_non_null(strstr(error.text, "absent.safetensors"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_golden_traces_are_reproduced),
        cmocka_unit_test_setup_teardown(test_a_deviation_is_found_in_its_tensor, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_small_value_is_measured_against_the_root_mean_square, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_gradients_that_are_rounding_are_measured_against_their_group, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_nan_is_an_infinite_deviation, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_missing_tensor_is_named, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_missing_recorded_state_is_named, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_metadata_that_disagrees_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_shapes_and_labels_that_do_not_fit_are_refused, folder_setup,
                                        folder_teardown),
        cmocka_unit_test(test_a_file_of_another_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
