/* The criteria that come with the harness, against scores worked out by hand. */
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

static struct pb_scores score(const char *name, const struct pb_network *network,
                              const struct pb_calibration *calibration)
{
    struct pb_error error = {0};
    struct pb_scores scores = {0};
    if (built_score(name, "", network, calibration, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    return scores;
}

/* Two filters of 1×2×2: weights 3, −4, 0, 0 and 1, −1, 1, −1; γ = −0.5 and 0.25. */
static struct pb_network *hand_network(void)
{
    static const float weights[8] = {3, -4, 0, 0, 1, -1, 1, -1};
    struct pb_graph *graph = graph_begin("hand", 3, 3, 2);
    const uint32_t conv =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONV2D, .name = "conv", .channels = 2, .bias = true, .conv = {.kernel = {1, 2}}},
                  0);
    const uint32_t norm = graph_norm(graph, "bn", conv);
    graph_linear(graph, "fc", graph_relu(graph, "relu", norm), 2);
    struct pb_network *network = network_of(graph, 1);
    memcpy(pb_network_values(network, conv, PB_ROLE_WEIGHT), weights, sizeof(weights));
    pb_network_values(network, norm, PB_ROLE_GAMMA)[0] = -0.5f;
    pb_network_values(network, norm, PB_ROLE_GAMMA)[1] = 0.25f;
    return network;
}

static void test_norms_and_scales_are_those_of_the_weights(void **state)
{
    (void)state;
    static const struct {
        const char *name, *options;
        double scores[2], tolerance;
    } cases[] = {
        {"filter-norm", "", {7, 4}, 0},
        {"filter-norm", "p=2", {5, 2}, 0},
        {"filter-norm", "p=3", {4.497941445275415, 1.5874010519681994}, 1e-14}, /* ∛91, ∛4 */
        {"filter-norm", "p=0.5", {13.92820323027551, 16}, 1e-13}, /* (√3 + 2)², 4² */
        {"filter-norm", "p=100", {4.000000000000013, 1.0139594797900291}, 1e-13}, /* 4·(1 + 0.75^100)^0.01, 4^0.01 */
        {"bn-scale", "", {0.5, 0.25}, 0}};
    struct pb_network *network = hand_network();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_error error = {0};
        struct pb_scores scores = {0};
        assert_int_equal(built_score(cases[i].name, cases[i].options, network, NULL, &scores, &error), PB_OK);
        for (int c = 0; c < 2; c++)
            assert_true(fabs(scores.values[0][c] - cases[i].scores[c]) <= cases[i].tolerance * cases[i].scores[c]);
        pb_scores_free(&scores);
    }
    pb_network_free(&network);
}

static struct pb_network *wide_network(uint32_t width)
{
    struct pb_graph *graph = graph_begin("wide", 2, 2, 3);
    graph_linear(graph, "fc", graph_conv(graph, "b", graph_conv(graph, "a", 0, width), width), 2);
    return network_of(graph, 1);
}

static void test_random_is_uniform_and_only_the_seed_decides(void **state)
{
    (void)state;
    enum { WIDTH = 400 };
    struct pb_network *network = wide_network(WIDTH), *narrow = wide_network(WIDTH - 1);
    struct pb_calibration calibration = {.seed = 7, .threads = 1};
    struct pb_scores first = score("random", network, &calibration), again = score("random", network, &calibration);
    struct pb_scores later = score("random", narrow, &calibration);
    calibration.seed = 8;
    struct pb_scores other = score("random", network, &calibration);
    double sum = 0, lowest = 1, highest = 0;
    for (int c = 0; c < WIDTH; c++) {
        sum += first.values[0][c];
        lowest = fmin(lowest, first.values[0][c]);
        highest = fmax(highest, first.values[0][c]);
    }
    /* Mean 1/2 with standard error 1/√(12·400) = 0.0144. */
    assert_true(fabs(sum / WIDTH - 0.5) < 0.05);
    assert_true(lowest >= 0 && lowest < 0.02 && highest < 1 && highest > 0.98);
    assert_memory_equal(first.values[0], again.values[0], WIDTH * sizeof(double));
    assert_memory_not_equal(first.values[0], first.values[1], WIDTH * sizeof(double));
    assert_memory_not_equal(first.values[0], other.values[0], WIDTH * sizeof(double));
    assert_memory_not_equal(first.values[0], later.values[0], (WIDTH - 1) * sizeof(double));
    pb_scores_free(&first);
    pb_scores_free(&again);
    pb_scores_free(&later);
    pb_scores_free(&other);
    pb_network_free(&network);
    pb_network_free(&narrow);
}

static void test_taylor_gate_sums_squared_first_order_changes_over_batches(void **state)
{
    struct calibrated calibrated;
    calibrated_open(&calibrated, *state);
    struct pb_scores scores = score("taylor-gate", calibrated.network, &calibrated.calibration);
    static const char *const norms[] = {"bn1", "bn2"};
    for (uint32_t g = 0; g < 2; g++) {
        const uint32_t norm = pb_graph_find(calibrated.network->graph, norms[g]);
        const float *gamma = pb_network_values(calibrated.network, norm, PB_ROLE_GAMMA);
        const float *beta = pb_network_values(calibrated.network, norm, PB_ROLE_BETA);
        for (uint32_t c = 0; c < scores.channels[g]; c++) {
            double expected = 0;
            for (uint32_t batch = 0; batch < 3; batch++) {
                const double change =
                    (double)gamma[c] * calibrated_slope(&calibrated, batch, norms[g], PB_ROLE_GAMMA, c) +
                    (double)beta[c] * calibrated_slope(&calibrated, batch, norms[g], PB_ROLE_BETA, c);
                expected += change * change;
            }
            if (!(fabs(scores.values[g][c] - expected) <= 1e-3 * expected + 1e-9))
                fail_msg("%s, channel %u: %g is not %g", norms[g], c, scores.values[g][c], expected);
        }
    }
    pb_scores_free(&scores);
    calibrated_close(&calibrated);
}

static void test_criteria_of_batch_norm_refuse_layers_without(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_scores scores = {0};
    struct pb_network *network = wide_network(2);
    assert_int_equal(built_score("bn-scale", "", network, NULL, &scores, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "'bn-scale'"));
    assert_non_null(strstr(error.text, "layer 'a'"));
    pb_network_free(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norms_and_scales_are_those_of_the_weights),
        cmocka_unit_test(test_random_is_uniform_and_only_the_seed_decides),
        cmocka_unit_test_setup_teardown(test_taylor_gate_sums_squared_first_order_changes_over_batches, folder_setup,
                                        folder_teardown),
        cmocka_unit_test(test_criteria_of_batch_norm_refuse_layers_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
