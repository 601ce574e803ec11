/* What a criterion is shown of a batch on either side of the norm, and the gates of single examples, against double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

static struct calibrated calibrated;
static uint32_t calls;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    calls = 0;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    assert_null(layer->normalised);
    assert_null(layer->gate_grad);
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    return PB_OK;
}

static enum pb_status run(const struct pb_criterion *criterion, struct pb_error *error)
{
    const struct pb_plugin plugin = {.name = "probe", .criterion = criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct pb_scores scores = {0};
    const enum pb_status status = pb_score_network(&loaded, NULL, calibrated.network, &calibrated.groups, PB_COUPLE_SUM,
                                                   &calibrated.calibration, &scores, error);
    pb_scores_free(&scores);
    return status;
}

static void observes(uint32_t needs, uint32_t uses,
                     enum pb_status (*observe)(void *self, const struct pb_layer_view *layer))
{
    struct pb_error error = {0};
    const struct pb_criterion criterion = {
        .size = sizeof criterion, .needs = needs, .uses = uses, .create = create, .observe = observe, .score = score};
    if (run(&criterion, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-3 * fabs(expected) + 1e-5))
        fail_msg("%g is not %g", value, expected);
}

static size_t count_of(const struct pb_layer_view *layer)
{
    return (size_t)layer->batch * layer->output_height * layer->output_width * layer->channels;
}

static double slope(const struct pb_layer_view *layer, const char *node, enum pb_role role, size_t value)
{
    return calibrated_slope(&calibrated, layer->batch_index, node, role, value);
}

static double sum_of_channel(const struct pb_layer_view *layer, const float *values, uint32_t channel)
{
    double sum = 0;
    for (size_t i = channel; i < count_of(layer); i += layer->channels)
        sum += (double)values[i];
    return sum;
}

/* A bias moves all values of its channel alike, so that its slope is the sum of their gradients; β and the norm's output likewise. */
static void compare_sums(const struct pb_layer_view *layer)
{
    for (uint32_t c = 0; c < layer->channels; c += 3) {
        assert_near(sum_of_channel(layer, layer->convolved_grad, c),
                    slope(layer, layer->index ? "conv2" : "conv1", PB_ROLE_BIAS, c));
        if (layer->normalised_grad)
            assert_near(sum_of_channel(layer, layer->normalised_grad, c),
                        slope(layer, layer->index ? "bn2" : "bn1", PB_ROLE_BETA, c));
    }
}

static enum pb_status look_at_both_sides(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    calls++;
    size_t negative = 0;
    for (size_t i = 0; i < count_of(layer); i++) {
        const size_t c = i % layer->channels;
        const double sigma = sqrt((double)layer->running_var[c] + layer->norm_eps), gamma = (double)layer->gamma[c];
        const double normed =
            gamma * ((double)layer->convolved[i] - (double)layer->running_mean[c]) / sigma + (double)layer->beta[c];
        const double value = (double)layer->normalised[i], gradient = (double)layer->normalised_grad[i];
        if (!(fabs(value - normed) <= 1e-5 * (1 + fabs(normed))))
            fail_msg("%s, value %zu: %g is not %g", layer->name, i, value, normed);
        assert_true((double)layer->activation[i] == fmax(value, 0));
        assert_true(gradient == (value > 0 ? (double)layer->activation_grad[i] : 0));
        const double before = gradient * gamma / sigma;
        if (!(fabs((double)layer->convolved_grad[i] - before) <= 1e-5 * fabs(before) + 1e-12))
            fail_msg("%s, gradient %zu: %g is not %g", layer->name, i, (double)layer->convolved_grad[i], before);
        negative += value < 0;
    }
    assert_true(negative > 0 && negative < count_of(layer));
    compare_sums(layer);
    return PB_OK;
}

static void test_values_and_gradients_before_the_norm_behind_it_and_behind_the_relu_fit_together(void **state)
{
    calibrated_open(&calibrated, *state);
    observes(PB_DATA_NORM | PB_DATA_CONVOLVED | PB_DATA_CONVOLVED_GRADIENTS | PB_DATA_NORMALISED |
                 PB_DATA_NORMALISED_GRADIENTS | PB_DATA_ACTIVATIONS | PB_DATA_ACTIVATION_GRADIENTS,
             0, look_at_both_sides);
    assert_int_equal(calls, 3 * 2);
    calibrated_close(&calibrated);
}

static enum pb_status look_before_the_norm(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    calls++;
    assert_null(layer->convolved);
    assert_null(layer->normalised);
    assert_null(layer->normalised_grad);
    assert_null(layer->activation_grad);
    compare_sums(layer);
    return PB_OK;
}

/* Norm and ReLU are then computed together. */
static void test_gradients_before_the_norm_do_not_require_values_behind_it(void **state)
{
    calibrated_open(&calibrated, *state);
    observes(PB_DATA_CONVOLVED_GRADIENTS, 0, look_before_the_norm);
    assert_int_equal(calls, 3 * 2);
    calibrated_close(&calibrated);
}

static enum pb_status look_at_values_alone(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    calls++;
    assert_null(layer->normalised_grad);
    assert_null(layer->convolved_grad);
    assert_int_equal(layer->normalised != NULL, layer->index == 0);
    return PB_OK;
}

static void test_a_layer_without_a_norm_has_no_values_behind_it(void **state)
{
    struct pb_error error = {0};
    const struct pb_criterion needing = {.size = sizeof needing,
                                         .needs = PB_DATA_NORMALISED,
                                         .create = create,
                                         .observe = look_at_values_alone,
                                         .score = score};
    struct pb_graph *graph = graph_begin("half", 16, 16, 3);
    const uint32_t normed = graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 4));
    graph_linear(graph, "fc", graph_relu(graph, "relu2", graph_conv(graph, "conv2", normed, 5)), CALIBRATION_CLASSES);
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, network_of(graph, 3));
    observes(0, PB_DATA_NORMALISED, look_at_values_alone);
    assert_int_equal(calls, 3 * 2);
    assert_int_equal(run(&needing, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "layer 'conv2' has none"));
    calibrated_close(&calibrated);
}

/*
 * γ and β are the gate's own: relu(s·(γx̂ + β)) = s·relu(γx̂ + β) for s > 0, so that the gate's derivative is
 * γ·∂f_n/∂γ + β·∂f_n/∂β of one image alone, which differences in double precision give.
 */
static enum pb_status look_at_gates(void *self, const struct pb_layer_view *layer)
{
    static const char *const norms[] = {"bn1", "bn2"};
    const char *norm = norms[layer->index];
    (void)self;
    calls++;
    assert_null(layer->activation);
    assert_null(layer->activation_grad);
    for (uint32_t n = 0; n < layer->batch; n++)
        for (uint32_t k = 0; k < layer->channels; k++) {
            const uint32_t node = pb_graph_find(calibrated.network->graph, norm);
            const uint32_t image = layer->batch_index * CALIBRATION_BATCH + n;
            const double gate =
                (double)pb_network_values(calibrated.network, node, PB_ROLE_GAMMA)[k] *
                    calibrated_mean_slope(&calibrated, image, 1, calibrated_cross_entropy, norm, PB_ROLE_GAMMA, k) +
                (double)pb_network_values(calibrated.network, node, PB_ROLE_BETA)[k] *
                    calibrated_mean_slope(&calibrated, image, 1, calibrated_cross_entropy, norm, PB_ROLE_BETA, k);
            assert_near((double)layer->gate_grad[n * layer->channels + k], gate);
        }
    return PB_OK;
}

static void test_gates_are_those_of_each_example_on_its_own(void **state)
{
    calibrated_open(&calibrated, *state);
    observes(PB_DATA_GATE_GRADIENTS, 0, look_at_gates);
    assert_int_equal(calls, 3 * 2);
    calibrated_close(&calibrated);
}

/* The definition, from the arrays that can be asked for beside it. */
static enum pb_status compute_gates(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    calls++;
    const size_t places = (size_t)layer->activation_height * layer->activation_width;
    for (uint32_t n = 0; n < layer->batch; n++)
        for (uint32_t k = 0; k < layer->channels; k++) {
            double sum = 0;
            for (size_t i = 0; i < places; i++)
                sum += (double)layer->activation[(n * places + i) * layer->channels + k] *
                       (double)layer->activation_grad[(n * places + i) * layer->channels + k];
            const double gate = (double)layer->gate_grad[n * layer->channels + k];
            assert_true(fabs(gate - layer->batch * sum) <= 1e-6 * fabs(gate));
        }
    return PB_OK;
}

static void test_gates_and_activations_can_be_asked_for_together(void **state)
{
    calibrated_open(&calibrated, *state);
    observes(PB_DATA_GATE_GRADIENTS | PB_DATA_ACTIVATIONS | PB_DATA_ACTIVATION_GRADIENTS, 0, compute_gates);
    assert_int_equal(calls, 3 * 2);
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_values_and_gradients_before_the_norm_behind_it_and_behind_the_relu_fit_together),
        TEST(test_gradients_before_the_norm_do_not_require_values_behind_it),
        TEST(test_a_layer_without_a_norm_has_no_values_behind_it),
        TEST(test_gates_are_those_of_each_example_on_its_own),
        TEST(test_gates_and_activations_can_be_asked_for_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
