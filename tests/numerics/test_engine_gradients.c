/* Gradients of whole networks against differences of the loss, in training and in calibration. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/engine.h"
#include "support/backends.h"
#include "support/operators.h"
#include "support/small_networks.h"

#define BATCH 6

struct experiment {
    struct pb_device *device;
    struct pb_network *network;
    struct pb_engine *engine;
    float *images;
    uint32_t *labels;
};

/* The device stays the caller's. */
static struct experiment experiment_create(struct pb_device *device, enum small_network kind, double dropout,
                                           enum pb_engine_mode mode)
{
    struct experiment e = {.device = device, .network = small_network(kind, dropout)};
    const struct pb_engine_options options = {.batch = BATCH, .mode = mode, .seed = 5};
    struct pb_error error = {0};
    if (pb_engine_create(e.device, e.network, &options, &e.engine, &error))
        fail_msg("%s: %s", small_network_name(kind), error.text);
    e.images = small_images(e.network, BATCH, 1);
    e.labels = small_labels(e.network, BATCH, 1);
    return e;
}

static void experiment_free(struct experiment *e)
{
    pb_engine_free(&e->engine);
    pb_network_free(&e->network);
    free(e->images);
    free(e->labels);
}

/* The loss with the network's values as they are; the same dropout masks each time. */
static double loss_of(struct experiment *e)
{
    struct pb_error error = {0};
    double loss = NAN;
    pb_engine_set_step(e->engine, 3);
    if (pb_engine_load(e->engine, e->network, &error) ||
        pb_engine_backward(e->engine, e->images, e->labels, &loss, NULL, &error))
        fail_msg("%s", error.text);
    return loss;
}

static double slope_along(struct experiment *e, const struct pb_parameter *parameter, const double *direction)
{
    float *values = e->network->values + parameter->offset;
    float *kept = malloc(parameter->count * sizeof *kept);
    const double step = 5e-4;
    double slope = 0;
    assert_non_null(kept);
    memcpy(kept, values, parameter->count * sizeof *kept);
    for (int side = -1; side <= 1; side += 2) {
        for (size_t i = 0; i < parameter->count; i++)
            values[i] = (float)((double)kept[i] + side * step * direction[i]);
        slope += side * loss_of(e) / (2 * step);
    }
    memcpy(values, kept, parameter->count * sizeof *kept);
    free(kept);
    return slope;
}

static double length(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    return sqrt(sum);
}

/* Along the gradient itself, where the slope must be its length, and along a random direction. */
static void check_parameter(struct experiment *e, const struct pb_parameter *parameter, const double *gradient,
                            double scale)
{
    double *direction = calloc(parameter->count, sizeof *direction);
    struct pb_rng rng;
    assert_non_null(direction);
    pb_rng_init(&rng, 9, parameter->name);
    for (int kind = 0; kind < 2; kind++) {
        double expected = 0;
        for (size_t i = 0; i < parameter->count; i++)
            direction[i] = kind ? pb_rng_normal(&rng) : gradient[i];
        const double size = length(direction, parameter->count);
        for (size_t i = 0; i < parameter->count; i++) {
            direction[i] = size > 0 ? direction[i] / size : 0;
            expected += direction[i] * gradient[i];
        }
        const double slope = slope_along(e, parameter, direction);
        if (!(fabs(slope - expected) <= 0.02 * fabs(expected) + 0.002 * scale))
            fail_msg("%s, %s: %s: the loss falls by %g, the gradient says %g (largest gradient: %g)",
                     e->network->graph->model, kind ? "random direction" : "along the gradient", parameter->name, slope,
                     expected, scale);
    }
    free(direction);
}

static void check_network_on(struct pb_device *device, enum small_network kind, double dropout,
                             enum pb_engine_mode mode)
{
    struct experiment e = experiment_create(device, kind, dropout, mode);
    const struct pb_graph *graph = e.network->graph;
    double **gradients = calloc(graph->parameter_count, sizeof *gradients);
    double scale = 0;
    assert_non_null(gradients);
    loss_of(&e);
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        float *values = calloc(parameter->count, sizeof *values);
        struct pb_error error = {0};
        gradients[p] = calloc(parameter->count, sizeof **gradients);
        assert_non_null(values);
        assert_non_null(gradients[p]);
        if (parameter->trainable && pb_engine_gradient(e.engine, p, values, &error))
            fail_msg("%s", error.text);
        for (size_t i = 0; i < parameter->count; i++)
            gradients[p][i] = (double)values[i];
        scale = fmax(scale, length(gradients[p], parameter->count));
        free(values);
    }
    assert_true(scale > 1e-3);
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        if (graph->parameters[p].trainable)
            check_parameter(&e, &graph->parameters[p], gradients[p], scale);
        free(gradients[p]);
    }
    free(gradients);
    experiment_free(&e);
}

static void check_network(enum small_network kind, double dropout, enum pb_engine_mode mode)
{
    struct pb_device *device = portable_device(1);
    check_network_on(device, kind, dropout, mode);
    operator_device_close(&device);
}

static void test_training_gradients_are_slopes_of_the_loss(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++)
        check_network((enum small_network)kind, 0, PB_ENGINE_TRAIN);
}

static void test_gradients_under_dropout_are_slopes_of_the_loss_with_the_same_masks(void **state)
{
    (void)state;
    check_network(SMALL_FLAT, 0.4, PB_ENGINE_TRAIN);
}

static void test_calibration_gradients_are_slopes_of_the_loss_on_running_statistics(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++)
        check_network((enum small_network)kind, 0.4, PB_ENGINE_CALIBRATE);
}

static double first_loss(struct pb_device *device, enum pb_engine_mode mode)
{
    struct experiment e = experiment_create(device, SMALL_MOBILE, 0, mode);
    const double loss = loss_of(&e);
    experiment_free(&e);
    return loss;
}

/* Its own kernels compute ReLU6 with batch norms, convolutions and depthwise ones; maximum pooling with a ReLU alone. */
static void test_a_mobile_network_on_blis_has_the_hosts_loss_and_its_slopes(void **state)
{
    (void)state;
    struct pb_device *portable = portable_device(1);
    struct backend blis;
    struct pb_error error = {0};
    if (backend_open("blis", NULL, 2, &blis, &error))
        fail_msg("%s", error.text);
    for (int mode = PB_ENGINE_TRAIN; mode <= PB_ENGINE_CALIBRATE; mode++) {
        const double expected = first_loss(portable, (enum pb_engine_mode)mode);
        assert_true(fabs(first_loss(blis.device, (enum pb_engine_mode)mode) - expected) < 1e-5 * expected);
        check_network_on(blis.device, SMALL_MOBILE, 0, (enum pb_engine_mode)mode);
    }
    backend_close(&blis);
    operator_device_close(&portable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_gradients_are_slopes_of_the_loss),
        cmocka_unit_test(test_gradients_under_dropout_are_slopes_of_the_loss_with_the_same_masks),
        cmocka_unit_test(test_calibration_gradients_are_slopes_of_the_loss_on_running_statistics),
        cmocka_unit_test(test_a_mobile_network_on_blis_has_the_hosts_loss_and_its_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
