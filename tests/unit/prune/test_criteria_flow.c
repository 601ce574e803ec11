/* What a criterion is shown of synaptic flow, and the criterion synflow. */
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
#include "support/small_networks.h"

/* Where nothing is calibrated. */
static const struct pb_calibration nothing = {.seed = 1, .threads = 2};

static void test_a_score_is_the_flow_of_a_weight_or_of_a_filter(void **state)
{
    (void)state;
    static const double flow[] = {1, 2, 3, 4e300};
    struct pb_layer_view layer = {.channels = 2, .input_channels = 2, .weight_flow = flow};
    struct fed fed;
    double scores[4];
    fed_open(&fed, "synflow", "", &layer, 1);
    fed_score_weights(&fed, 0, scores);
    assert_scores(scores, flow, 4);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){3, 4e300}, 2);
    fed_close(&fed);
}

/* Through the harness and without an image: |W1| = [[1, 2], [3, 4]], w2 = 1. */
static void test_a_network_is_scored_without_images(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("two", 1, 1, 2);
    graph_linear(graph, "b", graph_relu(graph, "relu", graph_linear(graph, "a", 0, 2)), 1);
    pb_graph_end_in_classifier(graph);
    struct pb_network *network = network_of(graph, 1);
    memcpy(pb_network_values(network, 1, PB_ROLE_WEIGHT), (const float[]){-1, 2, 3, -4}, 4 * sizeof(float));
    memcpy(pb_network_values(network, 3, PB_ROLE_WEIGHT), (const float[]){1, -1}, 2 * sizeof(float));
    struct pb_weight_scores weights = {0};
    struct pb_scores channels = {0};
    struct pb_error error = {0};
    if (built_score_weights("synflow", "", network, &nothing, &weights, &error) != PB_OK ||
        built_score("synflow", "", network, &nothing, &channels, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_scores(weights.layers[0].scores, (const double[]){1, 2, 3, 4}, 4);
    assert_scores(weights.layers[1].scores, (const double[]){3, 7}, 2);
    assert_scores(channels.values[0], (const double[]){3, 7}, 2);
    pb_weight_scores_free(&weights);
    pb_scores_free(&channels);
    pb_network_free(&network);
}

static void test_every_layer_s_scores_add_up_to_the_same(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_BILINEAR, 0);
    struct pb_scores channels = {0};
    struct pb_error error = {0};
    double sums[2] = {0};
    if (built_score("synflow", "", network, &nothing, &channels, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(channels.group_count, 2);
    for (uint32_t g = 0; g < 2; g++)
        for (uint32_t c = 0; c < channels.channels[g]; c++)
            sums[g] += channels.values[g][c];
    assert_true(sums[0] > 0 && fabs(sums[0] - sums[1]) <= 1e-12 * sums[0]);
    pb_scores_free(&channels);
    pb_network_free(&network);
}

static void test_a_layer_of_zeros_fails_with_its_name(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_FLAT, 0);
    struct pb_weight_scores weights = {0};
    struct pb_error error = {0};
    const uint32_t node = pb_graph_find(network->graph, "conv1");
    memset(pb_network_values(network, node, PB_ROLE_WEIGHT), 0, (size_t)5 * 3 * 3 * 2 * sizeof(float));
    assert_int_equal(built_score_weights("synflow", "", network, &nothing, &weights, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "criterion 'synflow'"));
    assert_non_null(strstr(error.text, "layer 'conv1' lets no flow through"));
    pb_network_free(&network);
}

static bool shown;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status prepare(void *self, const struct pb_network_view *network)
{
    (void)self;
    for (uint32_t l = 0; l < network->layer_count; l++)
        assert_int_equal(network->layer(network, l)->weight_flow != NULL, shown);
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    assert_int_equal(layer->weight_flow != NULL, shown);
    assert_null(layer->weight);
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    return PB_OK;
}

static void test_flow_is_shown_where_it_is_asked_for_alone(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_BILINEAR, 0);
    struct pb_channel_groups groups = groups_of(network->graph);
    for (int i = 0; i < 3; i++) {
        shown = i > 0;
        const struct pb_criterion criterion = {.size = sizeof criterion,
                                               .needs = i == 1 ? PB_DATA_SYNAPTIC_FLOW : 0,
                                               .uses = i == 2 ? PB_DATA_SYNAPTIC_FLOW : 0,
                                               .create = create,
                                               .prepare = prepare,
                                               .score = score};
        const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
        const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
        struct pb_scores scores = {0};
        struct pb_error error = {0};
        if (pb_score_network(&loaded, NULL, network, &groups, PB_COUPLE_SUM, &nothing, &scores, &error) != PB_OK)
            fail_msg("%s", error.text);
        pb_scores_free(&scores);
    }
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    for (uint32_t k = 0; k < layer->channels; k++)
        assert_true(layer->weight_flow[k] >= 0 && isfinite(layer->activation[k]));
    return PB_OK;
}

/* Which are floats and checked as such; half of one of these doubles, read as a float, would be NaN. */
static void test_flow_is_shown_beside_the_values_of_batches(void **state)
{
    static const struct pb_criterion criterion = {.size = sizeof criterion,
                                                  .needs = PB_DATA_SYNAPTIC_FLOW | PB_DATA_ACTIVATIONS,
                                                  .create = create,
                                                  .observe = observe,
                                                  .score = score};
    static const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
    static const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    static struct calibrated calibrated;
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    calibrated_open(&calibrated, *state);
    shown = true;
    if (pb_score_network(&loaded, NULL, calibrated.network, &calibrated.groups, PB_COUPLE_SUM, &calibrated.calibration,
                         &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_scores_free(&scores);
    calibrated_close(&calibrated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_score_is_the_flow_of_a_weight_or_of_a_filter),
        cmocka_unit_test(test_a_network_is_scored_without_images),
        cmocka_unit_test(test_every_layer_s_scores_add_up_to_the_same),
        cmocka_unit_test(test_a_layer_of_zeros_fails_with_its_name),
        cmocka_unit_test(test_flow_is_shown_where_it_is_asked_for_alone),
        cmocka_unit_test_setup_teardown(test_flow_is_shown_beside_the_values_of_batches, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
