/* How far each convolution algorithm of the blis backend is from double precision, on the layers of a VGG; printed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "support/backends.h"

enum { SIZE = 32, SAMPLES = 300 };

/* One 3×3 layer with as many filters as channels: what goes in, and what comes out of each pass. */
struct layer {
    size_t channels;
    float *x, *w, *dy, *y, *dx, *dw, *workspace;
};

static float *floats(size_t count)
{
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

static void draw(struct pb_rng *rng, float *values, size_t count, double scale, bool rectified)
{
    for (size_t i = 0; i < count; i++) {
        const double value = scale * pb_rng_normal(rng);
        values[i] = (float)(rectified && value < 0 ? 0 : value);
    }
}

/* Activations behind a ReLU, filters as He draws them, gradients of both signs. */
static struct layer layer_of(size_t channels)
{
    const size_t plane = SIZE * SIZE * channels, weights = channels * 9 * channels;
    struct layer layer = {channels,      floats(plane), floats(weights), floats(plane),
                          floats(plane), floats(plane), floats(weights), NULL};
    struct pb_rng rng;
    pb_rng_init(&rng, channels, "tests/convolution-error");
    draw(&rng, layer.x, plane, 1, true);
    draw(&rng, layer.w, weights, sqrt(2.0 / 9 / (double)channels), false);
    draw(&rng, layer.dy, plane, 1, false);
    return layer;
}

static void layer_free(struct layer *layer)
{
    float *all[] = {layer->x, layer->w, layer->dy, layer->y, layer->dx, layer->dw};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static struct pb_view view(float *values)
{
    return (struct pb_view){.buffer = (struct pb_buffer *)(void *)values};
}

static void compute(struct pb_device *device, struct layer *layer)
{
    const uint32_t channels = (uint32_t)layer->channels;
    const struct pb_conv_shape shape = {.size = sizeof shape,
                                        .batch = 1,
                                        .height = SIZE,
                                        .width = SIZE,
                                        .channels = channels,
                                        .filters = channels,
                                        .kernel_height = 3,
                                        .kernel_width = 3,
                                        .stride_height = 1,
                                        .stride_width = 1,
                                        .pad_height = 1,
                                        .pad_width = 1,
                                        .dilation_height = 1,
                                        .dilation_width = 1,
                                        .groups = 1,
                                        .output_height = SIZE,
                                        .output_width = SIZE,
                                        .training = true};
    struct pb_conv_plan *plan;
    assert_int_equal(PB_CALL(device, conv_plan_create, &shape, &plan), PB_OK);
    const size_t workspace_floats = PB_CALL(device, conv_workspace, plan);
    float *workspace = aligned_alloc(64, (workspace_floats * sizeof(float) + 63) / 64 * 64);
    assert_non_null(workspace);
    const struct pb_conv_arguments arguments = {.size = sizeof arguments,
                                                .plan = plan,
                                                .x = view(layer->x),
                                                .w = view(layer->w),
                                                .y = view(layer->y),
                                                .dy = view(layer->dy),
                                                .dx = view(layer->dx),
                                                .dw = view(layer->dw),
                                                .workspace = view(workspace)};
    assert_int_equal(PB_CALL(device, conv_forward, &arguments), PB_OK);
    assert_int_equal(PB_CALL(device, conv_backward_data, &arguments), PB_OK);
    assert_int_equal(PB_CALL(device, conv_backward_weights, &arguments), PB_OK);
    free(workspace);
    PB_CALL(device, conv_plan_destroy, plan);
}

static double at(const struct layer *layer, const float *plane, size_t h, size_t w, size_t c)
{
    return h < SIZE && w < SIZE ? (double)plane[(h * SIZE + w) * layer->channels + c] : 0; /* −1 wraps: too large */
}

static double exact_y(const struct layer *layer, size_t h, size_t w, size_t k)
{
    double sum = 0;
    for (size_t tap = 0; tap < 9; tap++)
        for (size_t c = 0; c < layer->channels; c++)
            sum += at(layer, layer->x, h + tap / 3 - 1, w + tap % 3 - 1, c) *
                   (double)layer->w[(k * 9 + tap) * layer->channels + c];
    return sum;
}

static double exact_dx(const struct layer *layer, size_t h, size_t w, size_t c)
{
    double sum = 0;
    for (size_t tap = 0; tap < 9; tap++)
        for (size_t k = 0; k < layer->channels; k++)
            sum += at(layer, layer->dy, h + 1 - tap / 3, w + 1 - tap % 3, k) *
                   (double)layer->w[(k * 9 + tap) * layer->channels + c];
    return sum;
}

static double exact_dw(const struct layer *layer, size_t k, size_t tap, size_t c)
{
    double sum = 0;
    for (size_t h = 0; h < SIZE; h++)
        for (size_t w = 0; w < SIZE; w++)
            sum += at(layer, layer->dy, h, w, k) * at(layer, layer->x, h + tap / 3 - 1, w + tap % 3 - 1, c);
    return sum;
}

/* Root mean square of the error over that of the values, on sampled elements of each pass. */
static void errors_of(const struct layer *layer, double errors[3])
{
    struct pb_rng rng;
    const uint32_t channels = (uint32_t)layer->channels;
    double squares[3] = {0}, wrong[3] = {0};
    pb_rng_init(&rng, layer->channels, "tests/convolution-error/samples");
    for (int i = 0; i < SAMPLES; i++) {
        const size_t h = pb_rng_below(&rng, SIZE), w = pb_rng_below(&rng, SIZE), tap = pb_rng_below(&rng, 9);
        const size_t k = pb_rng_below(&rng, channels), c = pb_rng_below(&rng, channels);
        const double exact[3] = {exact_y(layer, h, w, k), exact_dx(layer, h, w, c), exact_dw(layer, k, tap, c)};
        const double found[3] = {at(layer, layer->y, h, w, k), at(layer, layer->dx, h, w, c),
                                 (double)layer->dw[(k * 9 + tap) * layer->channels + c]};
        for (int pass = 0; pass < 3; pass++) {
            squares[pass] += exact[pass] * exact[pass];
            wrong[pass] += (found[pass] - exact[pass]) * (found[pass] - exact[pass]);
        }
    }
    for (int pass = 0; pass < 3; pass++)
        errors[pass] = sqrt(wrong[pass] / squares[pass]);
}

static void check(const char *options, double limit)
{
    static const size_t widths[] = {64, 128, 256, 512};
    struct backend backend;
    struct pb_error error = {0};
    if (backend_open("blis", options, 2, &backend, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        struct layer layer = layer_of(widths[i]);
        double errors[3];
        compute(backend.device, &layer);
        errors_of(&layer, errors);
        print_message("%s, %3zu channels: relative error forward %.1e, backward data %.1e, backward weights %.1e\n",
                      options, widths[i], errors[0], errors[1], errors[2]);
        for (int pass = 0; pass < 3; pass++)
            assert_true(errors[pass] < limit);
        layer_free(&layer);
    }
    backend_close(&backend);
}

/* Sums in blocks, as BLIS makes them. */
static void test_products_are_as_exact_as_float32_sums(void **state)
{
    (void)state;
    check("algorithm=gemm", 1e-6);
}

static void skip_without_vectors(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return;
    print_message("this processor lacks AVX2 or FMA\n");
    skip();
}

/* One sum of up to 4608 terms: the error grows as the root of their number. */
static void test_register_tiles_are_as_exact_as_float32_sums(void **state)
{
    (void)state;
    skip_without_vectors();
    check("algorithm=direct", 2e-6);
}

/* Thirds of a value leave out less than float32 rounds away; blocks of a weight gradient are added in single precision. */
static void test_products_of_thirds_are_as_exact_as_float32_sums(void **state)
{
    (void)state;
    __builtin_cpu_init();
    struct backend backend;
    struct pb_error error = {0};
    if (backend_open("blis", "algorithm=products", 2, &backend, &error) != PB_OK) {
        assert_non_null(strstr(error.text, "needs kernel set amx"));
        print_message("this processor lacks AMX\n");
        skip();
    }
    backend_close(&backend);
    check("algorithm=products", 2e-6);
}

/* The transforms' constants go up to 8·8 and cancel: about ten times the error (A. Lavin, S. Gray 2015, §5.3). */
static void test_winograd_costs_a_digit(void **state)
{
    (void)state;
    skip_without_vectors();
    check("algorithm=winograd", 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_are_as_exact_as_float32_sums),
        cmocka_unit_test(test_register_tiles_are_as_exact_as_float32_sums),
        cmocka_unit_test(test_products_of_thirds_are_as_exact_as_float32_sums),
        cmocka_unit_test(test_winograd_costs_a_digit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
