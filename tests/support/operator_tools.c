/* Tensors with sentinels, comparison, numeric gradients, and the suite's entry. */
#include "support/operator_tools.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "support/operators.h"

#define GUARD ((size_t)64) /* floats before and behind; a multiple of 64 bytes keeps views aligned */
#define SENTINEL (-7.25e33f)

double *doubles(size_t count)
{
    double *values = calloc(count ? count : 1, sizeof *values);
    assert_non_null(values);
    return values;
}

void operator_done(struct operator_test *test, const char *operator, enum pb_status status)
{
    struct pb_error error = {0};
    if (!status)
        status = test->device->ops.synchronise.call(test->device->ops.synchronise.self);
    if (pb_host_result(&test->device->host, status, &error))
        fail_msg("%s: %s: %s", test->subject, operator, error.text);
}

static void upload(struct operator_test *test, const struct tensor *tensor)
{
    OPERATE(test, upload, (struct pb_view){.buffer = tensor->buffer}, tensor->stored, tensor->count + 2 * GUARD);
}

static struct tensor tensor_create(struct operator_test *test, size_t count)
{
    struct tensor tensor = {.count = count, .stored = calloc(count + 2 * GUARD, sizeof(float))};
    assert_non_null(tensor.stored);
    for (size_t i = 0; i < count + 2 * GUARD; i++)
        tensor.stored[i] = i < GUARD || i >= GUARD + count ? SENTINEL : NAN;
    OPERATE(test, buffer_create, count + 2 * GUARD, &tensor.buffer);
    return tensor;
}

struct tensor tensor_output(struct operator_test *test, size_t count)
{
    struct tensor tensor = tensor_create(test, count);
    upload(test, &tensor);
    return tensor;
}

struct tensor tensor_of(struct operator_test *test, const double *values, size_t count)
{
    struct tensor tensor = tensor_create(test, count);
    tensor.values = doubles(count);
    for (size_t i = 0; i < count; i++) {
        tensor.stored[GUARD + i] = (float)values[i];
        tensor.values[i] = (double)tensor.stored[GUARD + i];
    }
    upload(test, &tensor);
    return tensor;
}

struct tensor tensor_random(struct operator_test *test, size_t count, double low, double high)
{
    double *values = doubles(count);
    for (size_t i = 0; i < count; i++)
        values[i] = low + (high - low) * pb_rng_uniform(&test->rng);
    struct tensor tensor = tensor_of(test, values, count);
    free(values);
    return tensor;
}

void tensor_set(struct operator_test *test, struct tensor *tensor, size_t index, double value)
{
    tensor->stored[GUARD + index] = (float)value;
    tensor->values[index] = (double)tensor->stored[GUARD + index];
    upload(test, tensor);
}

struct pb_view tensor_view(const struct tensor *tensor)
{
    return (struct pb_view){.buffer = tensor->buffer, .offset = GUARD};
}

void tensor_free(struct operator_test *test, struct tensor *tensor)
{
    PB_CALL(test->device, buffer_destroy, tensor->buffer);
    free(tensor->stored);
    free(tensor->values);
    memset(tensor, 0, sizeof *tensor);
}

/* Everything, sentinels included; fails when a sentinel was overwritten. */
static float *download(struct operator_test *test, const struct tensor *tensor, const char *name)
{
    const size_t floats = tensor->count + 2 * GUARD;
    float *values = calloc(floats, sizeof *values);
    assert_non_null(values);
    OPERATE(test, download, values, (struct pb_view){.buffer = tensor->buffer}, floats);
    for (size_t i = 0; i < floats; i++)
        if ((i < GUARD || i >= GUARD + tensor->count) && values[i] != SENTINEL)
            fail_msg("%s: wrote %g at %s[%td], outside its %zu values", test->subject, (double)values[i], name,
                     (ptrdiff_t)i - (ptrdiff_t)GUARD, tensor->count);
    return values;
}

double *tensor_download(struct operator_test *test, const struct tensor *tensor)
{
    float *values = download(test, tensor, "tensor");
    double *result = doubles(tensor->count);
    for (size_t i = 0; i < tensor->count; i++)
        result[i] = (double)values[GUARD + i];
    free(values);
    return result;
}

void tensor_unchanged(struct operator_test *test, const struct tensor *tensor, const char *name)
{
    float *values = download(test, tensor, name);
    if (memcmp(values, tensor->stored, (tensor->count + 2 * GUARD) * sizeof *values) != 0)
        fail_msg("%s: changed its input %s", test->subject, name);
    free(values);
}

/* FNV-1a over the bits. */
static void digest(struct operator_test *test, const float *values, size_t count)
{
    const unsigned char *bytes = (const unsigned char *)values;
    for (size_t i = 0; i < count * sizeof *values; i++)
        test->digest = (test->digest ^ bytes[i]) * UINT64_C(0x100000001b3);
}

void tensor_expect(struct operator_test *test, const struct tensor *tensor, const char *name, const double *expected,
                   double scale)
{
    float *values = download(test, tensor, name);
    double largest = scale;
    for (size_t i = 0; i < tensor->count; i++)
        if (fabs(expected[i]) > largest)
            largest = fabs(expected[i]);
    for (size_t i = 0; i < tensor->count; i++) {
        const double value = (double)values[GUARD + i];
        if (isnan(expected[i]) ? isnan(value) : fabs(value - expected[i]) <= test->tolerance * largest)
            continue;
        fail_msg("%s: %s[%zu] = %.9g instead of %.9g (off by %.2g of the largest, %.3g; tolerance %.1g)", test->subject,
                 name, i, value, expected[i], fabs(value - expected[i]) / largest, largest, test->tolerance);
    }
    digest(test, values + GUARD, tensor->count);
    free(values);
}

void numeric_gradient(const struct differences *differences, double *x, const double *upstream, double *gradient)
{
    double *outputs = doubles(differences->outputs);
    for (size_t i = 0; i < differences->inputs; i++) {
        const double middle = x[i];
        double slope = 0;
        for (int side = -1; side <= 1; side += 2) {
            x[i] = middle + side * differences->step;
            differences->function(differences->context, x, outputs);
            for (size_t o = 0; o < differences->outputs; o++)
                slope += side * upstream[o] * outputs[o];
        }
        x[i] = middle;
        gradient[i] = slope / (2 * differences->step);
    }
    free(outputs);
}

uint64_t operator_suite(struct pb_device *device, double tolerance)
{
    struct operator_test test = {.device = device, .tolerance = tolerance, .digest = UINT64_C(0xcbf29ce484222325)};
    pb_rng_init(&test.rng, 20, "operator suite");
    suite_convolution(&test);
    suite_norm(&test);
    suite_fused(&test);
    suite_pool(&test);
    suite_elementwise(&test);
    suite_head(&test);
    suite_linear(&test);
    suite_learning(&test);
    return test.digest;
}

/* What a registry would have found; kept with the device, which points to it. */
struct standalone {
    struct pb_plugin plugin;
    struct pb_loaded loaded;
};

struct pb_device *operator_device(const struct pb_backend *table, const char *name, uint32_t threads)
{
    struct standalone *standalone = calloc(1, sizeof *standalone);
    assert_non_null(standalone);
    standalone->plugin =
        (struct pb_plugin){PB_PLUGIN_HEADER(PB_KIND_BACKEND), .name = name,
                           .summary = "a table of operators under test", .version = "1.0.0", .backend = table};
    standalone->loaded = (struct pb_loaded){.plugin = &standalone->plugin, .file = name};
    struct pb_device *device = NULL;
    struct pb_error error = {0};
    if (pb_device_open(&standalone->loaded, NULL, threads, &device, &error))
        fail_msg("%s: %s", name, error.text);
    return device;
}

static enum pb_status create_nothing(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static const char *describe_plain(void *self)
{
    (void)self;
    return "plain";
}

struct pb_device *portable_device(uint32_t threads)
{
    static const struct pb_backend plain = {
        .size = sizeof(struct pb_backend), .on_host = true, .create = create_nothing, .describe = describe_plain};
    return operator_device(&plain, "plain", threads);
}

void operator_device_close(struct pb_device **device)
{
    if (!*device)
        return;
    void *standalone = (char *)(uintptr_t)(*device)->loaded - offsetof(struct standalone, loaded);
    pb_device_close(device);
    free(standalone);
}
