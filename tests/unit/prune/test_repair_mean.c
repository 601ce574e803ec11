/* MeanReplacement: what removed channels gave on average is in the biases behind them, and nothing else has changed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "prune/repair_mean.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

/* 16×16×3 → conv1 (4), ReLU, max-pool → conv2 (5), ReLU → fc over 8×8×5, or over the 5×5 products of channels. No norms. */
static struct pb_network *network(bool products, bool bias)
{
    struct pb_graph *graph = graph_begin("plain", 16, 16, 3);
    uint32_t node = graph_relu(graph, "relu1", graph_conv(graph, "conv1", 0, 4));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pool", .pool = {.kernel = {2, 2}}},
                     node);
    node = graph_add(graph,
                     (struct pb_graph_node){.op = PB_OP_CONV2D,
                                            .name = "conv2",
                                            .channels = 5,
                                            .bias = bias,
                                            .conv = {.kernel = {3, 3}, .pad = {1, 1}}},
                     node);
    node = graph_relu(graph, "relu2", node);
    if (products)
        node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "products"}, node);
    graph_linear(graph, "fc", node, CALIBRATION_CLASSES);
    return network_of(graph, 3);
}

/* The network without channel 1 of the first group, channels 0 and 2 of the second, or both. */
static struct pb_network *cut(const struct calibrated *calibrated, bool first, bool second)
{
    struct pb_error error = {0};
    struct pb_keep keep = {0};
    struct pb_network *smaller = NULL;
    assert_int_equal(pb_keep_create(&calibrated->groups, &keep, &error), PB_OK);
    keep.keep[0][1] = !first;
    keep.keep[1][0] = keep.keep[1][2] = !second;
    assert_int_equal(pb_network_compact(calibrated->network, &keep, &smaller, &error), PB_OK);
    pb_keep_free(&keep);
    return smaller;
}

static struct pb_repaired *repair(const struct calibrated *calibrated, struct pb_network *smaller, uint32_t expected)
{
    struct pb_error error = {0};
    struct pb_repaired *repaired = NULL;
    uint32_t count = 0;
    if (pb_repair_by_means(calibrated->network, smaller, &calibrated->calibration, &repaired, &count, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(count, expected);
    return repaired;
}

/* What a node gives for images, computed by an engine: from calloc. */
static float *outputs(const struct calibrated *calibrated, const struct pb_network *of, const char *name,
                      const float *images, size_t *floats)
{
    struct pb_error error = {0};
    struct pb_engine *engine = NULL;
    const uint32_t node = pb_graph_find(of->graph, name);
    const struct pb_engine_options options = {.batch = CALIBRATION_IMAGES, .mode = PB_ENGINE_CALIBRATE};
    float logits[CALIBRATION_IMAGES * CALIBRATION_CLASSES];
    *floats = pb_shape_count(of->graph->nodes[node].shape);
    float *values = calloc(CALIBRATION_IMAGES * *floats, sizeof *values);
    assert_non_null(values);
    assert_int_equal(pb_engine_create(calibrated->calibration.device, of, &options, &engine, &error), PB_OK);
    assert_int_equal(pb_engine_forward(engine, images, CALIBRATION_IMAGES, logits, &error), PB_OK);
    assert_int_equal(pb_engine_activation(engine, node, values, NULL, &error), PB_OK);
    pb_engine_free(&engine);
    return values;
}

/* How far the means over calibration images and inner positions are apart, at most; all channels of the node are in both networks. */
static double apart(const struct calibrated *calibrated, const struct pb_network *other, const char *name)
{
    const struct pb_shape shape =
        calibrated->network->graph->nodes[pb_graph_find(calibrated->network->graph, name)].shape;
    const uint32_t border = shape.height > 1;
    size_t floats;
    float *before = outputs(calibrated, calibrated->network, name, calibrated->images[0], &floats);
    float *after = outputs(calibrated, other, name, calibrated->images[0], &floats);
    double most = 0;
    for (uint32_t m = 0; m < shape.channels; m++) {
        double sum = 0, count = 0;
        for (uint32_t n = 0; n < CALIBRATION_IMAGES; n++)
            for (uint32_t y = border; y < shape.height - border; y++)
                for (uint32_t x = border; x < shape.width - border; x++, count++) {
                    const size_t at = n * floats + ((size_t)y * shape.width + x) * shape.channels + m;
                    sum += (double)after[at] - (double)before[at];
                }
        most = fmax(most, fabs(sum / count));
    }
    free(before);
    free(after);
    return most;
}

/* ‖after − before‖ of a node on images that were not sampled: moved by three and five pixels. */
static double error_on_others(const struct calibrated *calibrated, const struct pb_network *other, const char *name)
{
    static float images[CALIBRATION_IMAGES][CALIBRATION_FLOATS];
    for (uint32_t n = 0; n < CALIBRATION_IMAGES; n++)
        for (uint32_t i = 0; i < CALIBRATION_FLOATS; i++) {
            const uint32_t y = (i / 48 + 3) % 16, x = (i / 3 + 5) % 16;
            images[n][i] = calibrated->images[n][(y * 16 + x) * 3 + i % 3];
        }
    size_t floats;
    float *before = outputs(calibrated, calibrated->network, name, images[0], &floats);
    float *after = outputs(calibrated, other, name, images[0], &floats);
    double sum = 0;
    for (size_t i = 0; i < CALIBRATION_IMAGES * floats; i++)
        sum += ((double)after[i] - (double)before[i]) * ((double)after[i] - (double)before[i]);
    free(before);
    free(after);
    return sqrt(sum);
}

static void check(const char *folder, bool products, bool first, const char *consumer)
{
    struct calibrated calibrated;
    calibrated_open(&calibrated, folder);
    calibrated_use(&calibrated, network(products, true));
    struct pb_network *smaller = cut(&calibrated, first, !first);
    const double mean = apart(&calibrated, smaller, consumer), error = error_on_others(&calibrated, smaller, consumer);
    struct pb_repaired *repaired = repair(&calibrated, smaller, 1);
    assert_string_equal(repaired[0].name, consumer);
    assert_false(repaired[0].without_bias);
    assert_true(repaired[0].rows > 0);
    assert_true(repaired[0].error_after < repaired[0].error_before);
    assert_true(mean > 1e-2);
    assert_true(apart(&calibrated, smaller, consumer) < 1e-5);
    assert_true(error_on_others(&calibrated, smaller, consumer) < error);
    pb_free(repaired);
    pb_network_free(&smaller);
    calibrated_close(&calibrated);
}

static void test_a_convolution_has_its_mean_back_wherever_its_window_is_in_the_image(void **state)
{
    check(*state, false, true, "conv2");
}

static void test_a_linear_layer_has_its_mean_back(void **state)
{
    check(*state, false, false, "fc");
}

static void test_products_of_removed_channels_have_their_means_too(void **state)
{
    check(*state, true, false, "fc");
}

static void test_filters_that_stayed_get_the_shift_that_they_had_among_all(void **state)
{
    static const uint32_t left[] = {1, 3, 4};
    struct calibrated calibrated;
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, network(false, true));
    struct pb_network *one = cut(&calibrated, true, false), *both = cut(&calibrated, true, true);
    pb_free(repair(&calibrated, one, 1));
    pb_free(repair(&calibrated, both, 2));
    const float *all = pb_network_values(one, pb_graph_find(one->graph, "conv2"), PB_ROLE_BIAS);
    const float *some = pb_network_values(both, pb_graph_find(both->graph, "conv2"), PB_ROLE_BIAS);
    for (size_t m = 0; m < 3; m++)
        assert_memory_equal(&some[m], &all[left[m]], sizeof *some);
    pb_network_free(&one);
    pb_network_free(&both);
    calibrated_close(&calibrated);
}

static void test_a_layer_without_bias_is_named_and_left_as_it_was(void **state)
{
    struct calibrated calibrated;
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, network(false, false));
    struct pb_network *smaller = cut(&calibrated, true, false), *repaired = cut(&calibrated, true, false);
    struct pb_repaired *rows = repair(&calibrated, repaired, 1);
    assert_string_equal(rows[0].name, "conv2");
    assert_true(rows[0].without_bias);
    assert_true(rows[0].error_after == rows[0].error_before);
    assert_memory_equal(repaired->values, smaller->values, repaired->graph->value_count * sizeof *repaired->values);
    pb_free(rows);
    pb_network_free(&smaller);
    pb_network_free(&repaired);
    calibrated_close(&calibrated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_convolution_has_its_mean_back_wherever_its_window_is_in_the_image,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_linear_layer_has_its_mean_back, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_products_of_removed_channels_have_their_means_too, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_filters_that_stayed_get_the_shift_that_they_had_among_all, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_layer_without_bias_is_named_and_left_as_it_was, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
