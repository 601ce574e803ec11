/* Criteria that add up activations: apoz and activation, against scores worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"
#include "support/hand_activations.h"

/* Three channels at two places; two images, then one. */
static const float two_images[] = {0, 1, 0, /**/ 2, 3, 0, /**/ 0, 5, 0, /**/ 6, 0, 0};
static const float one_image[] = {0, 7, 0, /**/ 0, 2, 0};
static const struct hand_layer uneven = {
    .channels = 3, .height = 1, .width = 2, .batch_count = 2, .batches = {{2, two_images}, {1, one_image}}};

/* The mean of the batches' shares would be −(1/2 + 1)/2 = −3/4 and −(1/4 + 0)/2 = −1/8. */
static void test_apoz_counts_zeros_over_all_images_also_of_unequal_batches(void **state)
{
    (void)state;
    double scores[3];
    hand_score_well("apoz", "", &uneven, scores);
    assert_scores(scores, (double[]){-4.0 / 6, -1.0 / 6, -1}, 3);
}

static void test_apoz_counts_exact_zeros_and_not_what_is_small(void **state)
{
    (void)state;
    const float values[] = {1e-38f, -0.0f, 0, 1};
    double scores[2];
    hand_score_well(
        "apoz", "",
        &(struct hand_layer){.channels = 2, .height = 2, .width = 1, .batch_count = 1, .batches = {{1, values}}},
        scores);
    assert_scores(scores, (double[]){-0.5, -0.5}, 2);
}

static void test_a_dead_layer_ties_at_minus_one_and_a_live_one_at_zero(void **state)
{
    (void)state;
    const float dead[8] = {0}, live[] = {1, 2, 3, 4, 5, 6, 7, 8};
    double scores[2];
    struct hand_layer layer = {.channels = 2, .height = 2, .width = 2, .batch_count = 1, .batches = {{1, dead}}};
    hand_score_well("apoz", "", &layer, scores);
    assert_true(scores[0] == -1 && scores[1] == -1);
    layer.batches[0].activation = live;
    hand_score_well("apoz", "", &layer, scores);
    assert_true(scores[0] == 0 && scores[1] == 0);
}

/* Channel 0: 0 2 0 6 0 0; channel 1: 1 3 5 0 7 2; channel 2: zeros. */
static void test_statistics_of_activations_are_over_all_images(void **state)
{
    (void)state;
    double scores[3];
    hand_score_well("activation", "", &uneven, scores);
    assert_scores(scores, (double[]){8.0 / 6, 3, 0}, 3);
    hand_score_well("activation", "statistic=mean", &uneven, scores);
    assert_scores(scores, (double[]){8.0 / 6, 3, 0}, 3);
    hand_score_well("activation", "statistic=rms", &uneven, scores);
    assert_scores(scores, (double[]){sqrt(40.0 / 6), sqrt(88.0 / 6), 0}, 3);
    hand_score_well("activation", "statistic=std", &uneven, scores);
    assert_scores(scores, (double[]){sqrt(40.0 / 6 - 64.0 / 36), sqrt(88.0 / 6 - 9), 0}, 3);
}

/* Σa² − (Σa)²/n in float32 would be 0 or worse for both. */
static void test_deviations_of_large_activations_do_not_cancel(void **state)
{
    (void)state;
    const float first[] = {100000, 100001, 100000.5f, 99999}, second[] = {100000.5f, 99999, 100000, 100001};
    double scores[2];
    hand_score_well("activation", "statistic=std",
                    &(struct hand_layer){
                        .channels = 2, .height = 1, .width = 2, .batch_count = 2, .batches = {{1, first}, {1, second}}},
                    scores);
    assert_scores(scores, (double[]){0.25, 1}, 2);
    hand_score_well(
        "activation", "statistic=std",
        &(struct hand_layer){.channels = 1, .height = 2, .width = 2, .batch_count = 1, .batches = {{1, first}}},
        scores);
    assert_scores(scores, (double[]){sqrt(2.1875 / 4)}, 1);
}

/* Distiller's pruner keeps argsort(ascending)[: −k], which removes the most active channel: number 1 here. */
static void test_the_least_active_channel_is_removed_first(void **state)
{
    (void)state;
    static const float values[] = {2, 9, 1, 4};
    double scores[4], *rows[] = {scores};
    hand_score_well(
        "activation", "",
        &(struct hand_layer){.channels = 4, .height = 1, .width = 1, .batch_count = 1, .batches = {{1, values}}},
        scores);
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("four", 2, 2, 1);
    graph_linear(graph, "fc", graph_relu(graph, "relu", graph_conv(graph, "conv", 0, 4)), 2);
    struct pb_network *network = network_of(graph, 1);
    struct pb_channel_groups groups = groups_of(graph);
    const struct pb_scores all = {.values = rows, .channels = (uint32_t[]){4}, .group_count = 1};
    const struct pb_ranking ranking = {.floor = 1, .round_to = 1, .normalise = PB_NORMALISE_L2};
    const struct pb_target target = {.size = sizeof target, .measure = PB_MEASURE_CHANNELS, .amount = 0.25};
    const struct pb_original original = {.channels = 4, .params = UINT32_MAX, .macs = UINT32_MAX};
    struct pb_pruning pruning = {0};
    if (pb_rank(network, &groups, &all, &ranking, target, &original, &pruning, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_memory_equal(pruning.keep.keep[0], ((bool[]){true, true, false, true}), 4 * sizeof(bool));
    pb_pruning_free(&pruning);
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

/* conv1's outputs in double precision, 16×16 with bias, norm and ReLU. */
static double first_activation(const struct calibrated *calibrated, uint32_t image, int y, int x, uint32_t filter)
{
    const struct pb_network *network = calibrated->network;
    const uint32_t conv = pb_graph_find(network->graph, "conv1"), norm = pb_graph_find(network->graph, "bn1");
    const float *weight = pb_network_values(network, conv, PB_ROLE_WEIGHT) + (size_t)filter * 27;
    double sum = (double)pb_network_values(network, conv, PB_ROLE_BIAS)[filter];
    for (int r = 0; r < 3; r++)
        for (int s = 0; s < 3; s++)
            for (int c = 0; c < 3; c++)
                if (y + r >= 1 && y + r <= 16 && x + s >= 1 && x + s <= 16)
                    sum += (double)weight[(r * 3 + s) * 3 + c] *
                           (double)calibrated->images[image][((y + r - 1) * 16 + x + s - 1) * 3 + c];
    const double mean = (double)pb_network_values(network, norm, PB_ROLE_RUNNING_MEAN)[filter];
    const double variance = (double)pb_network_values(network, norm, PB_ROLE_RUNNING_VAR)[filter];
    const double scale = (double)pb_network_values(network, norm, PB_ROLE_GAMMA)[filter] /
                         sqrt(variance + (double)network->graph->nodes[norm].attributes.bn.eps);
    sum = (sum - mean) * scale + (double)pb_network_values(network, norm, PB_ROLE_BETA)[filter];
    return sum > 0 ? sum : 0;
}

static void test_a_network_is_scored_by_what_its_layers_give_behind_norm_and_relu(void **state)
{
    struct calibrated calibrated;
    struct pb_scores zeros = {0}, means = {0};
    struct pb_error error = {0};
    calibrated_open(&calibrated, *state);
    if (built_score("apoz", "", calibrated.network, &calibrated.calibration, &zeros, &error) != PB_OK ||
        built_score("activation", "", calibrated.network, &calibrated.calibration, &means, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(zeros.group_count, 2);
    for (uint32_t c = 0; c < 4; c++) {
        double sum = 0, count = 0;
        for (uint32_t image = 0; image < CALIBRATION_IMAGES; image++)
            for (int place = 0; place < 256; place++) {
                const double value = first_activation(&calibrated, image, place / 16, place % 16, c);
                sum += value;
                count += value == 0;
            }
        /* a value within float32's rounding of zero may be on its other side */
        assert_true(fabs(zeros.values[0][c] + count / (256 * CALIBRATION_IMAGES)) < 1.5 / (256 * CALIBRATION_IMAGES));
        assert_true(fabs(means.values[0][c] - sum / (256 * CALIBRATION_IMAGES)) <= 1e-5 * (1 + sum / 256));
    }
    pb_scores_free(&zeros);
    pb_scores_free(&means);
    calibrated_close(&calibrated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apoz_counts_zeros_over_all_images_also_of_unequal_batches),
        cmocka_unit_test(test_apoz_counts_exact_zeros_and_not_what_is_small),
        cmocka_unit_test(test_a_dead_layer_ties_at_minus_one_and_a_live_one_at_zero),
        cmocka_unit_test(test_statistics_of_activations_are_over_all_images),
        cmocka_unit_test(test_deviations_of_large_activations_do_not_cancel),
        cmocka_unit_test(test_the_least_active_channel_is_removed_first),
        cmocka_unit_test_setup_teardown(test_a_network_is_scored_by_what_its_layers_give_behind_norm_and_relu,
                                        folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
