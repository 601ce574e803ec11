/* The criteria of gradients that come with the harness, run by it on small networks, against differences of the loss in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/built_criterion.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

enum { K = 4, C = 3, IMAGES = CALIBRATION_IMAGES, CLASSES = CALIBRATION_CLASSES, PIXELS = 16 * 16 };

static struct calibrated calibrated;

/* conv (1×1, no ReLU) → mean over the pixels → fc: the loss is smooth. */
static struct pb_network *smooth_network(void)
{
    struct pb_graph *graph = graph_begin("smooth", 16, 16, C);
    uint32_t node =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONV2D, .name = "conv", .channels = K, .bias = true, .conv = {.kernel = {1, 1}}},
                  0);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CLASSES);
    return network_of(graph, 5);
}

/* a → relu1 → { b } → relu1 + b → relu2 → gap → fc: a and b are coupled; b reads relu1 and fc what the sum is. */
static struct pb_network *coupled_network(void)
{
    struct pb_graph *graph = graph_begin("coupled", 16, 16, C);
    const uint32_t first = graph_relu(graph, "relu1", graph_conv(graph, "a", 0, K));
    uint32_t node = graph_relu(graph, "relu2", graph_sum(graph, "sum", first, graph_conv(graph, "b", first, K)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CLASSES);
    return network_of(graph, 5);
}

static void open_with(const char *folder, struct pb_network *network)
{
    calibrated_open(&calibrated, folder);
    calibrated_use(&calibrated, network);
}

/* ∂/∂value of the mean loss of some images. */
static double slope(uint32_t first, uint32_t count, const char *node, enum pb_role role, size_t value)
{
    return calibrated_mean_slope(&calibrated, first, count, calibrated_cross_entropy, node, role, value);
}

/* w·∂L_n/∂w of one value. */
static double effect(uint32_t image, const char *node, enum pb_role role, size_t value)
{
    const uint32_t found = pb_graph_find(calibrated.network->graph, node);
    return (double)pb_network_values(calibrated.network, found, role)[value] * slope(image, 1, node, role, value);
}

static void assert_near(const double *scores, const double *expected, size_t count, double tolerance)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(expected[i]));
    assert_true(largest > 0);
    for (size_t i = 0; i < count; i++)
        if (!(fabs(scores[i] - expected[i]) <= tolerance * largest))
            fail_msg("score %zu is %g, not %g", i, scores[i], expected[i]);
}

/* Of the first group. */
static void assert_scored(const char *name, const char *options, const double *expected)
{
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    if (built_score(name, options, calibrated.network, &calibrated.calibration, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(scores.channels[0], K);
    assert_near(scores.values[0], expected, K, 1e-3);
    pb_scores_free(&scores);
}

static void assert_conv_weights(const char *name, const char *options, const double *expected, double tolerance)
{
    struct pb_weight_scores scores = {0};
    struct pb_error error = {0};
    if (built_score_weights(name, options, calibrated.network, &calibrated.calibration, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(scores.layers[0].count, K * C);
    assert_near(scores.layers[0].scores, expected, K * C, tolerance);
    pb_weight_scores_free(&scores);
}

static void test_first_order_criteria_see_each_image_whatever_its_batch(void **state)
{
    double weight[K] = {0}, gate[K] = {0}, magnitude[K] = {0};
    open_with(*state, smooth_network());
    for (uint32_t n = 0; n < IMAGES; n++)
        for (uint32_t k = 0; k < K; k++) {
            double change = 0;
            for (uint32_t c = 0; c < C; c++)
                change += effect(n, "conv", PB_ROLE_WEIGHT, k * C + c);
            weight[k] += change * change;
            change += effect(n, "conv", PB_ROLE_BIAS, k); /* the activation has the bias in it */
            gate[k] += change * change;
            magnitude[k] += fabs(change) / PIXELS / IMAGES;
        }
    assert_scored("taylor-fo", "unit=weight", weight);
    assert_scored("taylor-fo", "unit=gate", gate);
    assert_scored("group-fisher", "", gate);
    assert_scored("taylor", "abs=image", magnitude);
    calibrated_close(&calibrated);
}

/* γ·∂L/∂γ + β·∂L/∂β of each batch, squared and added up, is what taylor-gate computes from the gradients of γ and β. */
static void test_taylor_fo_of_gates_and_batches_is_taylor_gate(void **state)
{
    struct pb_scores gate = {0}, first_order = {0};
    struct pb_error error = {0};
    calibrated_open(&calibrated, *state);
    if (built_score("taylor-gate", "", calibrated.network, &calibrated.calibration, &gate, &error) != PB_OK ||
        built_score("taylor-fo", "per=batch", calibrated.network, &calibrated.calibration, &first_order, &error) !=
            PB_OK)
        fail_msg("%s", error.text);
    for (uint32_t g = 0; g < 2; g++)
        assert_near(first_order.values[g], gate.values[g], gate.channels[g], 1e-4);
    pb_scores_free(&gate);
    pb_scores_free(&first_order);
    calibrated_close(&calibrated);
}

/* Where the channels are read: Σ over b's and fc's columns of w·∂L_n/∂w, which is Σ_hw of what they read times its gradient. */
static void test_group_fisher_is_the_same_where_channels_are_read(void **state)
{
    double raw[K] = {0}, per_mac[K];
    open_with(*state, coupled_network());
    for (uint32_t n = 0; n < IMAGES; n++)
        for (uint32_t k = 0; k < K; k++) {
            double change = 0;
            for (uint32_t i = 0; i < K * 9; i++)
                change += effect(n, "b", PB_ROLE_WEIGHT, i * K + k);
            for (uint32_t i = 0; i < CLASSES; i++)
                change += effect(n, "fc", PB_ROLE_WEIGHT, i * K + k);
            raw[k] += change * change;
        }
    /* One filter of a, what K² − (K − 1)² pairs of b's filters and inputs cost, and a column of fc. */
    const double macs = PIXELS * 9 * C + PIXELS * 9 * (2 * K - 1) + CLASSES;
    for (uint32_t k = 0; k < K; k++)
        per_mac[k] = raw[k] / (macs / 1e9);
    assert_scored("group-fisher", "", raw);
    assert_scored("group-fisher", "cost=macs", per_mac);
    calibrated_close(&calibrated);
}

/* ½·w²·∂²L/∂w² by second differences. */
static void test_obd_with_the_exact_diagonal_has_the_curvature_of_the_loss(void **state)
{
    double expected[K * C];
    open_with(*state, smooth_network());
    float *weight =
        pb_network_values(calibrated.network, pb_graph_find(calibrated.network->graph, "conv"), PB_ROLE_WEIGHT);
    for (size_t i = 0; i < K * C; i++) {
        const float before = weight[i], step = 0x1p-10F;
        weight[i] = before + step;
        const double above = slope(0, IMAGES, "conv", PB_ROLE_WEIGHT, i), right = (double)weight[i];
        weight[i] = before - step;
        const double below = slope(0, IMAGES, "conv", PB_ROLE_WEIGHT, i), left = (double)weight[i];
        weight[i] = before;
        expected[i] = 0.5 * (double)before * (double)before * (above - below) / (right - left);
    }
    assert_conv_weights("obd", "estimator=exact", expected, 5e-3);
    calibrated_close(&calibrated);
}

static void test_obd_with_the_fisher_is_exact_for_batches_of_one_image(void **state)
{
    double expected[K * C] = {0};
    struct pb_error error = {0};
    struct pb_batches *batches = NULL;
    open_with(*state, smooth_network());
    const struct pb_batches_spec spec = {.samples = calibrated.scene.data->train,
                                         .sample_count = calibrated.scene.data->train_count,
                                         .batch = 1,
                                         .threads = 1};
    if (pb_batches_create(calibrated.cache, &calibrated.scene.preprocess, &spec, &batches, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_batches_free(&calibrated.calibration.batches);
    calibrated.calibration.batches = batches;
    calibrated.calibration.batch = 1;
    calibrated.calibration.batch_count = IMAGES;
    for (uint32_t n = 0; n < IMAGES; n++)
        for (size_t i = 0; i < K * C; i++) {
            const double change = effect(n, "conv", PB_ROLE_WEIGHT, i);
            expected[i] += 0.5 * change * change / IMAGES;
        }
    assert_conv_weights("obd", "", expected, 1e-3);
    calibrated_close(&calibrated);
}

static void test_snip_divides_by_all_weights_that_are_scored(void **state)
{
    double expected[K * C], total = 0;
    open_with(*state, smooth_network());
    for (size_t i = 0; i < K * C; i++) {
        const uint32_t conv = pb_graph_find(calibrated.network->graph, "conv");
        expected[i] = fabs((double)pb_network_values(calibrated.network, conv, PB_ROLE_WEIGHT)[i] *
                           slope(0, IMAGES, "conv", PB_ROLE_WEIGHT, i));
        total += expected[i];
    }
    for (size_t i = 0; i < CLASSES * K; i++) {
        const uint32_t fc = pb_graph_find(calibrated.network->graph, "fc");
        total += fabs((double)pb_network_values(calibrated.network, fc, PB_ROLE_WEIGHT)[i] *
                      slope(0, IMAGES, "fc", PB_ROLE_WEIGHT, i));
    }
    for (size_t i = 0; i < K * C; i++)
        expected[i] /= total;
    assert_conv_weights("snip", "", expected, 1e-3);
    calibrated_close(&calibrated);
}

/* The mean gradient of every parameter: conv's weights and bias, fc's weights and bias, one after another. */
enum { PARAMETERS = K * C + K + CLASSES * K + CLASSES };
static const struct {
    const char *node;
    enum pb_role role;
    size_t count;
} parts[] = {{"conv", PB_ROLE_WEIGHT, K *C},
             {"conv", PB_ROLE_BIAS, K},
             {"fc", PB_ROLE_WEIGHT, CLASSES *K},
             {"fc", PB_ROLE_BIAS, CLASSES}};

static void move_along(const double *gradient, const float *start, double step)
{
    size_t at = 0;
    for (size_t p = 0; p < 4; p++) {
        float *values = pb_network_values(calibrated.network, pb_graph_find(calibrated.network->graph, parts[p].node),
                                          parts[p].role);
        for (size_t i = 0; i < parts[p].count; i++, at++)
            values[i] = (float)((double)start[at] + step * gradient[at]);
    }
}

static void test_grasp_is_half_of_what_the_gradients_norm_loses_with_a_weight(void **state)
{
    double gradient[PARAMETERS], expected[K * C];
    float start[PARAMETERS];
    const double step = 0x1p-8;
    size_t at = 0;
    open_with(*state, smooth_network());
    for (size_t p = 0; p < 4; p++) {
        const uint32_t node = pb_graph_find(calibrated.network->graph, parts[p].node);
        for (size_t i = 0; i < parts[p].count; i++, at++) {
            start[at] = pb_network_values(calibrated.network, node, parts[p].role)[i];
            gradient[at] = slope(0, IMAGES, parts[p].node, parts[p].role, i);
        }
    }
    for (size_t i = 0; i < K * C; i++) {
        move_along(gradient, start, step);
        const double above = slope(0, IMAGES, "conv", PB_ROLE_WEIGHT, i);
        move_along(gradient, start, -step);
        const double below = slope(0, IMAGES, "conv", PB_ROLE_WEIGHT, i);
        move_along(gradient, start, 0);
        expected[i] = (double)start[i] * (above - below) / (2 * step);
    }
    assert_conv_weights("grasp", "", expected, 5e-3);
    calibrated_close(&calibrated);
}

static void test_an_exact_diagonal_of_a_large_network_is_refused(void **state)
{
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("large", 16, 16, C);
    uint32_t node = graph_conv(graph, "second", graph_conv(graph, "first", 0, 47), 47);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CLASSES);
    open_with(*state, network_of(graph, 5));
    assert_int_equal(
        built_score("obd", "estimator=exact", calibrated.network, &calibrated.calibration, &scores, &error),
        PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "each of 21150 weights"));
    assert_non_null(strstr(error.text, "hutchinson"));
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_first_order_criteria_see_each_image_whatever_its_batch),
        TEST(test_taylor_fo_of_gates_and_batches_is_taylor_gate),
        TEST(test_group_fisher_is_the_same_where_channels_are_read),
        TEST(test_obd_with_the_exact_diagonal_has_the_curvature_of_the_loss),
        TEST(test_obd_with_the_fisher_is_exact_for_batches_of_one_image),
        TEST(test_snip_divides_by_all_weights_that_are_scored),
        TEST(test_grasp_is_half_of_what_the_gradients_norm_loses_with_a_weight),
        TEST(test_an_exact_diagonal_of_a_large_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
