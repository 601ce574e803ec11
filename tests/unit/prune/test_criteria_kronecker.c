/* Channel OBS by Kronecker factors, against changes of quadratic losses worked out by hand. */
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
#include "support/hand_consumers.h"

enum { ROWS = 4 };

/* E[x·xᵀ] = [[2, 1], [1, 3]], and of gradients the same. */
static const float pairs_of_values[ROWS * 2] = {2, 2, 2, 0, 0, 2, 0, 2};
static const double moments[2][2] = {{2, 1}, {1, 3}};
static const float all_ones[ROWS] = {1, 1, 1, 1};

/* One batch of examples, of each of which the consumer has one row. gradients: those of each example's own loss. */
static enum pb_status score_rows(struct consumed *consumed, uint32_t rows, const float *gradients, double *scores,
                                 struct pb_error *error)
{
    struct fed *fed = &consumed->fed;
    float of_mean[16];
    assert_in_range(rows * consumed->rows[0].outputs, 1, 16);
    for (uint32_t i = 0; i < rows * consumed->rows[0].outputs; i++)
        of_mean[i] = gradients[i] / (float)rows;
    consumed->layer.batch = rows;
    consumed->rows[0].output_grad_rows = of_mean;
    consumed->rows[0].positions += consumed->rows[0].positions == 0;
    enum pb_status status = pb_host_result(&fed->host, fed->criterion->observe(fed->self, &consumed->layer), error);
    if (status == PB_OK)
        status = pb_host_result(&fed->host, fed->criterion->score(fed->self, &consumed->layer, scores), error);
    return status;
}

static void expect(struct consumed *consumed, uint32_t rows, const float *gradients, const double *expected)
{
    struct pb_error error = {0};
    double scores[4];
    if (score_rows(consumed, rows, gradients, scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_scores(scores, expected, consumed->layer.channels);
    consumed_close(consumed);
}

/* Two channels that a layer without a kernel reads. */
static struct consumed *two_channels(const char *options, uint32_t outputs, const float *weight, uint32_t rows)
{
    static struct consumed consumed;
    consumed_open(&consumed, "kron-obs", options, 2, 1);
    consumed_read(&consumed, 0, outputs, weight, rows, pairs_of_values, NULL);
    return &consumed;
}

/* OBS's own example, as the one output's G is 1: ½·w²/[A⁻¹]_cc. */
static void test_one_output_with_unit_gradients_scores_as_single_weights_do(void **state)
{
    (void)state;
    static const float ones[] = {1, 1};
    expect(two_channels("damping=0", 1, ones, ROWS), ROWS, all_ones, (const double[]){5.0 / 6, 1.25});
    expect(two_channels("damping=0 terms=single", 1, ones, ROWS), ROWS, all_ones, (const double[]){5.0 / 6, 1.25});
    /* at each of three positions */
    struct consumed *consumed = two_channels("damping=0", 1, ones, ROWS);
    consumed->rows[0].positions = 3;
    expect(consumed, ROWS, all_ones, (const double[]){2.5, 3.75});
}

/* [A⁻¹]_cc = 3/5 and 2/5, as of G; w_cᵀ·G·w_c = 7 for w_c = (1, 1), 10 for (2, 0) … */
static void test_outputs_that_matter_together_cost_more_than_their_single_weights(void **state)
{
    (void)state;
    static const float ones[] = {1, 1, 1, 1};
    expect(two_channels("damping=0", 2, ones, ROWS), ROWS, pairs_of_values,
           (const double[]){7.0 / 2 * 5 / 3, 7.0 / 2 * 5 / 2});
    expect(two_channels("damping=0 terms=single", 2, ones, ROWS), ROWS, pairs_of_values,
           (const double[]){25.0 / 12 * 5 / 3, 25.0 / 12 * 5 / 2});
}

/* ½·tr(G·D·A·Dᵀ) */
static double rise(double change[2][2])
{
    double sum = 0;
    for (int m = 0; m < 2; m++)
        for (int n = 0; n < 2; n++)
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 2; j++)
                    sum += moments[m][n] * change[n][i] * moments[i][j] * change[m][j] / 2;
    return sum;
}

static void test_the_loss_rises_by_the_score_once_the_layer_is_repaired(void **state)
{
    (void)state;
    static const float weight[] = {1, -0.5f, 2, 0.25f}; /* M×C */
    struct pb_error error = {0};
    double scores[2], without[2];
    struct consumed *consumed = two_channels("damping=0", 2, weight, ROWS);
    assert_int_equal(score_rows(consumed, ROWS, pairs_of_values, scores, &error), PB_OK);
    for (int gone = 0; gone < 2; gone++) {
        const int left = 1 - gone;
        float inputs[ROWS], outputs[ROWS * 2], repaired[2] = {weight[left], weight[2 + left]};
        for (int n = 0; n < ROWS; n++) {
            inputs[n] = pairs_of_values[2 * n + left];
            for (int m = 0; m < 2; m++)
                outputs[2 * n + m] =
                    weight[2 * m] * pairs_of_values[2 * n] + weight[2 * m + 1] * pairs_of_values[2 * n + 1];
        }
        const struct pb_repair_view view = {.size = sizeof view,
                                            .name = "next",
                                            .outputs = 2,
                                            .kernel_height = 1,
                                            .kernel_width = 1,
                                            .input_channels = 1,
                                            .rows = ROWS,
                                            .inputs = inputs,
                                            .outputs_before = outputs};
        double change[2][2];
        for (int m = 0; m < 2; m++) {
            change[m][gone] = -(double)weight[2 * m + gone];
            change[m][left] = 0;
        }
        without[gone] = rise(change);
        if (hand_repair("kron-obs", "damping=0", &view, repaired, NULL, &error) != PB_OK)
            fail_msg("%s", error.text);
        for (int m = 0; m < 2; m++)
            change[m][left] = (double)repaired[m] - (double)weight[2 * m + left];
        assert_true(fabs(rise(change) - scores[gone]) <= 1e-6 * scores[gone]);
        assert_true(scores[gone] < 0.9 * without[gone]);
    }
    consumed_close(consumed);
}

/* All that one channel is read by goes with it: ½·wᵀ·A·w, where nothing is left to adapt. */
static void test_a_window_loses_all_its_places_of_a_channel(void **state)
{
    (void)state;
    static const float ones[] = {1, 1};
    for (int single = 0; single < 2; single++) {
        struct consumed consumed;
        consumed_open(&consumed, "kron-obs", single ? "damping=0 terms=single" : "damping=0", 1, 1);
        consumed.consumers[0].kernel_width = 2;
        consumed.consumers[0].outputs = consumed.rows[0].outputs = 1;
        consumed.consumers[0].weight = ones;
        consumed.rows[0].rows = ROWS;
        consumed.rows[0].width = 2;
        consumed.rows[0].input_rows = pairs_of_values;
        expect(&consumed, ROWS, all_ones, (const double[]){single ? 25.0 / 12 : 3.5});
    }
}

/* With one row, (2, 2), and as many unknowns as rows: A = [[4, 4], [4, 4]] and λ = ¼·4; of G = [[1]] alike. */
static void test_damping_makes_up_for_rows_that_are_missing(void **state)
{
    (void)state;
    static const float ones[] = {1, 1};
    struct pb_error error = {0};
    double scores[2];
    const double expected = 0.5 * (5 * 5 - 4 * 4) / 5;
    expect(two_channels("damping=0.25", 1, ones, 1), 1, all_ones, (const double[]){expected, expected});
    expect(two_channels("damping=0.25 terms=single", 1, ones, 1), 1, all_ones,
           (const double[]){1.25 * expected, 1.25 * expected});
    /* four rows, λ = 2/5·2.5 = 1: [[3, 1], [1, 4]] */
    expect(two_channels("damping=0.4", 1, ones, ROWS), ROWS, all_ones, (const double[]){0.5 * 11 / 4, 0.5 * 11 / 3});
    struct consumed *consumed = two_channels("damping=0", 1, ones, 1);
    assert_int_equal(score_rows(consumed, 1, all_ones, scores, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "layer 'next'"));
    assert_non_null(strstr(error.text, "set a larger damping"));
    consumed_close(consumed);
}

static void test_layers_that_read_zeros_or_do_not_matter_cost_nothing(void **state)
{
    (void)state;
    static const float ones[] = {1, 1}, zeros[ROWS * 2] = {0};
    expect(two_channels("damping=0", 1, ones, ROWS), ROWS, zeros, (const double[]){0, 0});
    struct consumed *consumed = two_channels("damping=0", 1, ones, ROWS);
    consumed->rows[0].input_rows = zeros;
    expect(consumed, ROWS, all_ones, (const double[]){0, 0});
}

/* x = (x₀₀, x₀₁, x₁₀, x₁₁): channel 0 adds w₀₀x₀₀ + w₀₁x₀₁ + w₁₀x₁₀, and nothing adapts. */
static void test_products_of_channels_go_with_either(void **state)
{
    (void)state;
    static const float weight[] = {1, 2, -1, 3}, inputs[] = {1, 2, 2, 4, 1, -1, -1, 1}, gradients[] = {2, 4};
    struct consumed consumed;
    consumed_open(&consumed, "kron-obs", "damping=0", 2, 1);
    consumed.consumers[0].input_channels = 4;
    consumed.consumers[0].pairs = true;
    consumed_read(&consumed, 0, 1, weight, 2, inputs, NULL);
    /* G = 10; the rows have 1 + 4 − 2 = 3 and 1 − 2 + 1 = 0, and 12 + 4 − 2 = 14 and 3 − 2 + 1 = 2 */
    expect(&consumed, 2, gradients, (const double[]){5 * (9.0 + 0) / 2, 5 * (196.0 + 4) / 2});
}

static void test_values_that_are_not_finite_are_refused_by_layer(void **state)
{
    (void)state;
    static const float ones[] = {1, 1}, gradients[] = {1, NAN, 1, 1};
    struct pb_error error = {0};
    double scores[2];
    struct consumed *consumed = two_channels("", 1, ones, ROWS);
    assert_int_equal(score_rows(consumed, ROWS, gradients, scores, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "layer 'next' reads values or has gradients that are not finite"));
    consumed_close(consumed);
}

/* Layers that are read twice, by a convolution and behind a sum: a channel's columns are those of all its pieces. */
static void test_networks_with_shared_channels_are_scored(void **state)
{
    struct calibrated calibrated;
    struct pb_graph *graph = graph_begin("shared", 16, 16, 3);
    const uint32_t first = graph_relu(graph, "relu1", graph_conv(graph, "a", 0, 4));
    uint32_t node = graph_relu(graph, "relu2", graph_sum(graph, "sum", first, graph_conv(graph, "b", first, 4)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "twice", .inputs = {0, node}}, node);
    graph_bilinear_head(graph, graph_relu(graph, "relu3", graph_conv(graph, "c", node, 5)), CALIBRATION_CLASSES);
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, network_of(graph, 5));
    static const char *const options[] = {"", "terms=single"};
    for (size_t i = 0; i < 2; i++) {
        struct pb_scores scores = {0};
        struct pb_error error = {0};
        if (built_score("kron-obs", options[i], calibrated.network, &calibrated.calibration, &scores, &error) != PB_OK)
            fail_msg("%s", error.text);
        assert_int_equal(scores.group_count, 2);
        for (uint32_t g = 0; g < 2; g++)
            for (uint32_t c = 0; c < scores.channels[g]; c++)
                assert_true(scores.values[g][c] > 0);
        pb_scores_free(&scores);
    }
    calibrated_close(&calibrated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_output_with_unit_gradients_scores_as_single_weights_do),
        cmocka_unit_test(test_outputs_that_matter_together_cost_more_than_their_single_weights),
        cmocka_unit_test(test_the_loss_rises_by_the_score_once_the_layer_is_repaired),
        cmocka_unit_test(test_a_window_loses_all_its_places_of_a_channel),
        cmocka_unit_test(test_damping_makes_up_for_rows_that_are_missing),
        cmocka_unit_test(test_layers_that_read_zeros_or_do_not_matter_cost_nothing),
        cmocka_unit_test(test_products_of_channels_go_with_either),
        cmocka_unit_test(test_values_that_are_not_finite_are_refused_by_layer),
        cmocka_unit_test_setup_teardown(test_networks_with_shared_channels_are_scored, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
