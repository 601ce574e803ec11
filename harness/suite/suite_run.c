/* Arrays with sentinels, comparison, numeric gradients; and what a case holds until it ends. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/place.h"

#define GUARD ((size_t)64) /* floats before and behind; a multiple of 64 bytes keeps views aligned */
#define SENTINEL (-7.25e33f)

/* One of three things. */
struct pb_suite_held {
    struct pb_suite_held *next;
    void *memory;
    struct pb_buffer *buffer;
    struct pb_conv_plan *plan;
};

struct pb_suite_result *pb_suite_blame(struct pb_suite *run, const char *slot)
{
    for (uint32_t i = 0; i < run->report->count; i++)
        if (!strcmp(run->report->results[i].name, slot))
            run->operator= & run->report->results[i];
    return run->operator;
}

/* Notes that the operator is about to be called; false: it must not be. */
static bool enter(struct pb_suite *run, const char *slot)
{
    const struct pb_suite_result *entered = pb_suite_blame(run, slot);
    if (entered->skipped)
        return false;
    pb_place_node(run->device->host.name, run->subject, pb_clock());
    pb_place->portable = entered->portable;
    snprintf(pb_place->operation, sizeof pb_place->operation, "%s", slot);
    return true;
}

static _Noreturn void leave_case(struct pb_suite *run)
{
    run->left = true;
    longjmp(run->leave, 1);
}

static void release_all(struct pb_suite *run)
{
    while (run->held) {
        struct pb_suite_held *held = run->held;
        run->held = held->next;
        if (held->plan && enter(run, "conv_plan_destroy"))
            PB_CALL(run->device, conv_plan_destroy, held->plan);
        if (held->buffer && enter(run, "buffer_destroy"))
            PB_CALL(run->device, buffer_destroy, held->buffer);
        pb_free(held->memory);
        pb_free(held);
    }
}

void pb_suite_case_run(struct pb_suite *run, pb_suite_case run_case, const void *case_of)
{
    if (run->status)
        return;
    run->subject[0] = '\0';
    if (!setjmp(run->leave))
        run_case(run, case_of);
    release_all(run);
}

static _Noreturn void leave_without_memory(struct pb_suite *run, size_t bytes)
{
    run->status = pb_fail_memory(run->error, bytes);
    leave_case(run);
}

static struct pb_suite_held *hold(struct pb_suite *run)
{
    struct pb_suite_held *held = pb_calloc(1, sizeof *held);
    if (!held)
        leave_without_memory(run, sizeof *held);
    held->next = run->held;
    run->held = held;
    return held;
}

void *pb_suite_memory(struct pb_suite *run, size_t bytes)
{
    struct pb_suite_held *held = hold(run);
    held->memory = pb_calloc(bytes ? bytes : 1, 1);
    if (!held->memory)
        leave_without_memory(run, bytes);
    return held->memory;
}

double *pb_suite_doubles(struct pb_suite *run, size_t count)
{
    return pb_suite_memory(run, count * sizeof(double));
}

struct pb_conv_plan *pb_suite_conv_plan(struct pb_suite *run, const struct pb_conv_shape *shape)
{
    struct pb_suite_held *held = hold(run);
    OPERATE(run, conv_plan_create, shape, &held->plan);
    return held->plan;
}

void pb_suite_problem(struct pb_suite *run, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!run->operator->problem[0])
        snprintf(run->operator->problem, sizeof run->operator->problem, "%s (%.110s)", text, run->subject);
}

void pb_suite_begin(struct pb_suite *run, const char *slot)
{
    if (!enter(run, slot))
        leave_case(run);
}

void pb_suite_end(struct pb_suite *run, const char *slot, enum pb_status status)
{
    struct pb_error refusal = {0};
    struct pb_suite_result *last = run->operator;
    const struct pb_device_operators *ops = &run->device->ops;
    if (!status && enter(run, "synchronise"))
        status = ops->synchronise.call(ops->synchronise.self);
    run->operator= last;
    pb_place->operation_entered = 0;
    if (!pb_host_result(&run->device->host, status, &refusal))
        return;
    pb_suite_problem(run, "%s failed: %.160s", slot, refusal.text);
    leave_case(run);
}

/* Copies to and from the device are not what is looked at: the operator stays the last one that computed. */
static void copy_done(struct pb_suite *run, struct pb_suite_result *last)
{
    run->operator= last;
}

static void upload(struct pb_suite *run, const struct pb_array *array)
{
    struct pb_suite_result *last = run->operator;
    OPERATE(run, upload, (struct pb_view){.buffer = array->buffer}, array->stored, array->count + 2 * GUARD);
    copy_done(run, last);
}

static struct pb_array array_create(struct pb_suite *run, size_t count)
{
    struct pb_suite_result *last = run->operator;
    struct pb_array array = {.count = count, .stored = pb_suite_memory(run, (count + 2 * GUARD) * sizeof(float))};
    for (size_t i = 0; i < count + 2 * GUARD; i++)
        array.stored[i] = i < GUARD || i >= GUARD + count ? SENTINEL : NAN;
    struct pb_suite_held *held = hold(run);
    OPERATE(run, buffer_create, count + 2 * GUARD, &held->buffer);
    array.buffer = held->buffer;
    copy_done(run, last);
    return array;
}

struct pb_array pb_array_output(struct pb_suite *run, size_t count)
{
    struct pb_array array = array_create(run, count);
    upload(run, &array);
    return array;
}

struct pb_array pb_array_of(struct pb_suite *run, const double *values, size_t count)
{
    struct pb_array array = array_create(run, count);
    array.values = pb_suite_doubles(run, count);
    for (size_t i = 0; i < count; i++) {
        array.stored[GUARD + i] = (float)values[i];
        array.values[i] = (double)array.stored[GUARD + i];
    }
    upload(run, &array);
    return array;
}

struct pb_array pb_array_random(struct pb_suite *run, size_t count, double low, double high)
{
    double *values = pb_suite_doubles(run, count);
    for (size_t i = 0; i < count; i++)
        values[i] = low + (high - low) * pb_rng_uniform(&run->rng);
    return pb_array_of(run, values, count);
}

void pb_array_set(struct pb_suite *run, struct pb_array *array, size_t index, double value)
{
    array->stored[GUARD + index] = (float)value;
    array->values[index] = (double)array->stored[GUARD + index];
    upload(run, array);
}

struct pb_view pb_array_view(const struct pb_array *array)
{
    return (struct pb_view){.buffer = array->buffer, .offset = GUARD};
}

/* Everything, sentinels included; one that was overwritten is a problem. */
static float *download(struct pb_suite *run, const struct pb_array *array, const char *name)
{
    struct pb_suite_result *last = run->operator;
    const size_t floats = array->count + 2 * GUARD;
    float *values = pb_suite_memory(run, floats * sizeof *values);
    OPERATE(run, download, values, (struct pb_view){.buffer = array->buffer}, floats);
    copy_done(run, last);
    for (size_t i = 0; i < floats; i++)
        if ((i < GUARD || i >= GUARD + array->count) && values[i] != SENTINEL)
            pb_suite_problem(run, "wrote %g at %s[%td], outside its %zu values", (double)values[i], name,
                             (ptrdiff_t)i - (ptrdiff_t)GUARD, array->count);
    return values;
}

double *pb_array_download(struct pb_suite *run, const struct pb_array *array)
{
    const float *values = download(run, array, "an array");
    double *result = pb_suite_doubles(run, array->count);
    for (size_t i = 0; i < array->count; i++)
        result[i] = (double)values[GUARD + i];
    return result;
}

void pb_array_unchanged(struct pb_suite *run, const struct pb_array *array, const char *name)
{
    const float *values = download(run, array, name);
    if (memcmp(values, array->stored, (array->count + 2 * GUARD) * sizeof *values) != 0)
        pb_suite_problem(run, "changed its input %s", name);
}

/* FNV-1a over the bits. */
static void digest(struct pb_suite *run, const float *values, size_t count)
{
    const unsigned char *bytes = (const unsigned char *)values;
    for (size_t i = 0; i < count * sizeof *values; i++)
        run->report->digest = (run->report->digest ^ bytes[i]) * UINT64_C(0x100000001b3);
}

/* Root mean square of the values that are numbers. */
static double root_mean_square(const double *values, size_t count)
{
    double sum = 0;
    size_t finite = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            sum += values[i] * values[i];
            finite++;
        }
    return finite ? sqrt(sum / (double)finite) : 0;
}

static double deviation(double value, double expected, double floor)
{
    if (isnan(expected) || isnan(value))
        return isnan(expected) && isnan(value) ? 0 : INFINITY;
    const double off = fabs(value - expected), size = fmax(fabs(expected), floor);
    return off == 0 ? 0 : off / size;
}

void pb_array_expect(struct pb_suite *run, const struct pb_array *array, const char *name, const double *expected,
                     double scale)
{
    struct pb_suite_result *result = run->operator;
    const float *values = download(run, array, name);
    double floor = scale;
    if (result->measure == PB_SUITE_BY_RMS)
        floor = fmax(floor, root_mean_square(expected, array->count));
    for (size_t i = 0; i < array->count; i++) {
        const double off = deviation((double)values[GUARD + i], expected[i], floor);
        if (off <= result->worst)
            continue;
        result->worst = off;
        snprintf(result->where, sizeof result->where, "%s[%zu] of %s", name, i, run->subject);
    }
    result->outputs++;
    digest(run, values + GUARD, array->count);
}

void pb_numeric_gradient(struct pb_suite *run, const struct pb_differences *differences, double *x,
                         const double *upstream, double *gradient)
{
    double *outputs = pb_suite_doubles(run, differences->outputs);
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
}
