/* What a criterion sees of a descent over the calibration batches, and the criterion movement. */
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
#include "support/masks.h"

enum { K = 4, C = 3, BATCHES = 3 };

static struct calibrated calibrated;

/* The example of the catalogue of formulas: w = 1, ∂L/∂w = −2, η = 0.1, five steps: S = 1. */
static void test_a_weight_that_moves_away_from_zero_by_hand(void **state)
{
    (void)state;
    static const float weights[2] = {1, -1}, gradients[2] = {-2, -2};
    struct pb_layer_view layer = {.channels = 2, .weight = weights, .weight_grad = gradients};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "movement", "rate=0.1", &layer, 1);
    for (int step = 0; step < 5; step++)
        fed_observe(&fed);
    fed_score_weights(&fed, 0, scores);
    assert_scores(scores, (const double[]){1, -1}, 2); /* the other one moves towards 0 */
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){1, -1}, 2);
    fed_close(&fed);
    layer.channels = 1;
    layer.input_channels = 2;
    fed_open(&fed, "movement", "rate=0.1", &layer, 1);
    fed_observe(&fed);
    layer.weight_grad = (const float[]){-2, -7};
    fed_observe(&fed);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){-0.5}, 1); /* 0.4 − 0.9 */
    fed_close(&fed);
}

static void refuse_still(struct pb_layer_view layer, const char *expected)
{
    struct pb_error error = {0};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "movement", "", &layer, 1);
    fed_observe(&fed);
    const enum pb_status status = fed.criterion->score_weights(fed.self, &layer, scores);
    assert_int_equal(pb_host_result(&fed.host, status, &error), PB_ERROR_RUN);
    if (!strstr(error.text, expected))
        fail_msg("'%s' does not say '%s'", error.text, expected);
    fed_close(&fed);
}

static void test_a_layer_in_which_nothing_moves_is_named(void **state)
{
    (void)state;
    static const float zeros[2] = {0}, ones[2] = {1, 1};
    refuse_still((struct pb_layer_view){.channels = 2, .weight = zeros, .weight_grad = ones},
                 "layer 'conv': no weight moves, so all its scores would be 0; its weights are all 0");
    refuse_still((struct pb_layer_view){.channels = 2, .weight = ones, .weight_grad = zeros},
                 "no gradient reaches a weight that is not 0");
}

static void test_a_gradient_that_is_not_a_number_is_the_score_of_its_weight_alone(void **state)
{
    (void)state;
    struct pb_layer_view layer = {
        .channels = 2, .weight = (const float[]){1, 1}, .weight_grad = (const float[]){3, NAN}};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "movement", "", &layer, 1);
    fed_observe(&fed);
    fed_score_weights(&fed, 0, scores);
    assert_true(isfinite(scores[0]) && isnan(scores[1]));
    fed_close(&fed);
}

/* conv (1×1, no ReLU) → mean over the pixels → fc: the loss is smooth, and every parameter has a part in it. */
static struct pb_network *smooth_network(void)
{
    struct pb_graph *graph = graph_begin("smooth", 16, 16, C);
    uint32_t node =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONV2D, .name = "conv", .channels = K, .bias = true, .conv = {.kernel = {1, 1}}},
                  0);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CALIBRATION_CLASSES);
    pb_graph_end_in_classifier(graph);
    return network_of(graph, 5);
}

static void open_smooth(const char *folder)
{
    calibrated_open(&calibrated, folder);
    calibrated_use(&calibrated, smooth_network());
}

/* A step by differences of the loss of one batch; sums: −η·w·∂L/∂w of every value, added to. */
static void descend(uint32_t batch, double rate, double *sums)
{
    struct pb_network *network = calibrated.network;
    const struct pb_graph *graph = network->graph;
    float moved[64];
    assert_in_range(graph->value_count, 1, sizeof moved / sizeof *moved);
    memcpy(moved, network->values, graph->value_count * sizeof *moved);
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        for (size_t i = 0; i < parameter->count; i++) {
            const double gradient =
                calibrated_slope(&calibrated, batch, graph->nodes[parameter->node].name, parameter->role, i);
            if (pb_mask_has(pb_weight_mask(network, p), i))
                continue;
            sums[parameter->offset + i] -= rate * (double)network->values[parameter->offset + i] * gradient;
            moved[parameter->offset + i] -= (float)(rate * gradient);
        }
    }
    memcpy(network->values, moved, graph->value_count * sizeof *moved);
}

/* All that a descent of three batches adds up, from a network that is afterwards as it was. */
static void assert_descent(double rate, const char *options)
{
    struct pb_weight_scores scores = {0};
    struct pb_error error = {0};
    double sums[64] = {0}, largest = 0;
    struct pb_network *network = calibrated.network, *before = NULL;
    assert_int_equal(pb_network_copy(network, &before, &error), PB_OK);
    if (built_score_weights("movement", options, network, &calibrated.calibration, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_memory_equal(network->values, before->values, network->graph->value_count * sizeof(float));
    for (uint32_t batch = 0; batch < BATCHES; batch++)
        descend(batch, rate, sums);
    for (size_t i = 0; i < network->graph->value_count; i++)
        largest = fmax(largest, fabs(sums[i]));
    for (uint32_t l = 0; l < scores.count; l++) {
        const uint32_t index = scores.layers[l].parameter;
        const struct pb_parameter *parameter = &network->graph->parameters[index];
        size_t unmasked = 0;
        for (size_t i = 0; i < parameter->count; i++) {
            if (pb_mask_has(pb_weight_mask(network, index), i))
                continue;
            const double found = scores.layers[l].scores[unmasked++], expected = sums[parameter->offset + i];
            if (!(fabs(found - expected) <= 1e-4 * largest))
                fail_msg("'%s', weight %zu: %.9g, not %.9g", parameter->name, i, found, expected);
        }
        assert_int_equal(unmasked, scores.layers[l].count);
    }
    pb_weight_scores_free(&scores);
    pb_network_free(&before);
}

/* At this rate the loss of the third batch has other gradients than at the beginning: without the steps the scores differ. */
static void test_each_batch_is_seen_where_the_ones_before_it_have_led(void **state)
{
    open_smooth(*state);
    assert_descent(2, "rate=2");
    calibrated_close(&calibrated);
}

static void test_masked_weights_do_not_move(void **state)
{
    open_smooth(*state);
    mask_some(calibrated.network, 0.4, 2);
    assert_true(pb_network_has_masks(calibrated.network));
    assert_descent(2, "rate=2");
    calibrated_close(&calibrated);
}

static double rate;
static uint32_t asked, observed;
static float weight, moved_weight;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    asked = observed = 0;
    return PB_OK;
}

static double choose_rate(void *self)
{
    (void)self;
    asked++;
    assert_int_equal(observed, 0);
    return rate;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    if (!observed++)
        weight = layer->weight[0];
    moved_weight = layer->weight[0];
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    assert_true(layer->weight[0] == weight && layer->network->layer(layer->network, 0)->weight[0] == weight);
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    return PB_OK;
}

static enum pb_status probe(struct pb_error *error)
{
    static const struct pb_criterion criterion = {.size = sizeof criterion,
                                                  .needs = PB_DATA_WEIGHTS | PB_DATA_GRADIENTS,
                                                  .create = create,
                                                  .observe = observe,
                                                  .score = score,
                                                  .descent = choose_rate};
    static const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct pb_scores scores = {0};
    const enum pb_status status = pb_score_network(&loaded, NULL, calibrated.network, &calibrated.groups, PB_COUPLE_SUM,
                                                   &calibrated.calibration, &scores, error);
    pb_scores_free(&scores);
    return status;
}

static void test_the_network_is_itself_again_when_it_is_scored(void **state)
{
    struct pb_error error = {0};
    open_smooth(*state);
    rate = 0.1;
    if (probe(&error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(asked, 1);
    assert_int_equal(observed, BATCHES);
    assert_true(moved_weight != weight);
    calibrated_close(&calibrated);
}

static void test_a_rate_that_cannot_be_descended_at_is_refused(void **state)
{
    static const double bad[] = {0, -1, NAN, INFINITY};
    struct pb_error error = {0};
    open_smooth(*state);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rate = bad[i];
        assert_int_equal(probe(&error), PB_ERROR_RUN);
        assert_non_null(strstr(error.text, "criterion 'probe' descends at a rate of"));
    }
    calibrated_close(&calibrated);
}

static void test_a_parameter_that_is_not_a_number_ends_it_before_any_step(void **state)
{
    struct pb_error error = {0};
    open_smooth(*state);
    rate = 0.1;
    pb_network_values(calibrated.network, pb_graph_find(calibrated.network->graph, "fc"), PB_ROLE_BIAS)[1] = NAN;
    assert_int_equal(probe(&error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "'fc', channel 1"));
    assert_int_equal(observed, 0);
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_weight_that_moves_away_from_zero_by_hand),
        cmocka_unit_test(test_a_layer_in_which_nothing_moves_is_named),
        cmocka_unit_test(test_a_gradient_that_is_not_a_number_is_the_score_of_its_weight_alone),
        TEST(test_each_batch_is_seen_where_the_ones_before_it_have_led),
        TEST(test_masked_weights_do_not_move),
        TEST(test_the_network_is_itself_again_when_it_is_scored),
        TEST(test_a_rate_that_cannot_be_descended_at_is_refused),
        TEST(test_a_parameter_that_is_not_a_number_ends_it_before_any_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
