/* What a criterion is shown of relevance, and the criterion lrp. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/built_criterion.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"
#include "support/relevance_reference.h"

/* Two images of one place and three channels. */
static const float shares[] = {1, 2, -1, 3, -4, 3};

static void score_shares(const char *options, const double *expected)
{
    struct pb_layer_view layer = {.channels = 3, .batch = 2, .relevance = shares};
    struct fed fed;
    double scores[3];
    fed_open(&fed, "lrp", options, &layer, 1);
    fed_observe(&fed);
    fed_observe(&fed); /* batches add up */
    fed_score(&fed, 0, scores);
    fed_close(&fed);
    assert_scores(scores, expected, 3);
}

static void test_a_score_is_a_channel_s_share_of_the_layer_s_relevance(void **state)
{
    (void)state;
    score_shares("", (double[]){1, -0.5, 0.5}); /* 4, −2, 2 of 4 */
    score_shares("abs=value", (double[]){4. / 14, 6. / 14, 4. / 14});
}

static void test_the_options_decide_the_rule(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        struct pb_relevance_rule rule;
    } cases[] = {{"", {.kind = PB_RELEVANCE_ZPLUS}},
                 {"rule=epsilon", {.kind = PB_RELEVANCE_EPSILON, .epsilon = 1e-6}},
                 {"rule=epsilon epsilon=0.25", {.kind = PB_RELEVANCE_EPSILON, .epsilon = 0.25}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_layer_view layer = {.channels = 1};
        struct pb_relevance_rule rule = {.size = sizeof rule};
        struct fed fed;
        fed_open(&fed, "lrp", cases[i].options, &layer, 1);
        assert_int_equal(fed.criterion->relevance_rule(fed.self, &rule), PB_OK);
        assert_int_equal(rule.kind, cases[i].rule.kind);
        assert_true(rule.kind == PB_RELEVANCE_ZPLUS || rule.epsilon == cases[i].rule.epsilon);
        fed_close(&fed);
    }
}

static void test_relevance_that_adds_up_to_nothing_is_an_error_with_the_layer_s_name(void **state)
{
    (void)state;
    struct pb_layer_view layer = {.channels = 3, .batch = 1, .relevance = (const float[]){2, -1, -1}};
    struct pb_error error = {0};
    struct fed fed;
    double scores[3];
    fed_open(&fed, "lrp", "", &layer, 1);
    fed_observe(&fed);
    const enum pb_status status = fed.criterion->score(fed.self, &layer, scores);
    assert_int_equal(pb_host_result(&fed.host, status, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "layer 'conv': its channels' relevance adds up to 0"));
    fed_close(&fed);
}

/* Σ of each channel's relevance behind relu1 or relu2, over all calibration images; by the plain program. */
static void sum_channels(const struct calibrated *calibrated, struct pb_relevance_rule rule, const char *node,
                         double *sums)
{
    const struct pb_graph *graph = calibrated->network->graph;
    const uint32_t index = pb_graph_find(graph, node);
    const size_t count = pb_shape_count(graph->nodes[index].shape), channels = graph->nodes[index].shape.channels;
    double pixels[CALIBRATION_FLOATS], *relevance[16];
    assert_in_range(graph->node_count, 1, 16);
    for (size_t c = 0; c < channels; c++)
        sums[c] = 0;
    for (uint32_t n = 0; n < CALIBRATION_IMAGES; n++) {
        for (int i = 0; i < CALIBRATION_FLOATS; i++)
            pixels[i] = (double)calibrated->images[n][i];
        reference_relevance(calibrated->network, rule, pixels, calibrated->labels[n], relevance);
        for (size_t i = 0; i < count; i++)
            sums[i % channels] += relevance[index][i];
        for (uint32_t i = 0; i < graph->node_count; i++)
            free(relevance[i]);
    }
}

static void compare_scores(const struct calibrated *calibrated, const char *options, struct pb_relevance_rule rule)
{
    static const char *const nodes[] = {"relu1", "relu2"};
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    if (built_score("lrp", options, calibrated->network, &calibrated->calibration, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (uint32_t g = 0; g < 2; g++) {
        double sums[8], all = 0;
        sum_channels(calibrated, rule, nodes[g], sums);
        for (uint32_t c = 0; c < scores.channels[g]; c++)
            all += sums[c];
        for (uint32_t c = 0; c < scores.channels[g]; c++)
            if (!(fabs(scores.values[g][c] - sums[c] / all) <= 1e-4))
                fail_msg("%s, channel %u: %.9g is not %.9g", nodes[g], c, scores.values[g][c], sums[c] / all);
    }
    pb_scores_free(&scores);
}

static void test_a_network_s_scores_are_those_of_a_plain_program_over_all_batches(void **state)
{
    struct calibrated calibrated;
    calibrated_open(&calibrated, *state);
    compare_scores(&calibrated, "", (struct pb_relevance_rule){.kind = PB_RELEVANCE_ZPLUS});
    compare_scores(&calibrated, "rule=epsilon epsilon=0.25",
                   (struct pb_relevance_rule){.kind = PB_RELEVANCE_EPSILON, .epsilon = 0.25});
    calibrated_close(&calibrated);
}

static uint32_t asked, observed;
static bool shown;
static enum pb_status answer;
static struct pb_relevance_rule chosen;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    asked = observed = 0;
    return PB_OK;
}

static enum pb_status choose_rule(void *self, struct pb_relevance_rule *rule)
{
    (void)self;
    asked++;
    assert_int_equal(observed, 0);
    assert_int_equal(rule->size, sizeof *rule);
    rule->kind = chosen.kind;
    rule->epsilon = chosen.epsilon;
    return answer;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    observed++;
    assert_int_equal(layer->relevance != NULL, shown);
    assert_null(layer->activation);
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    assert_null(layer->relevance);
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    return PB_OK;
}

static enum pb_status probe(const struct calibrated *calibrated, uint32_t needs, uint32_t uses, struct pb_error *error)
{
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = needs,
                                           .uses = uses,
                                           .create = create,
                                           .observe = observe,
                                           .score = score,
                                           .relevance_rule = choose_rule};
    const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct pb_scores scores = {0};
    const enum pb_status status = pb_score_network(&loaded, NULL, calibrated->network, &calibrated->groups,
                                                   PB_COUPLE_SUM, &calibrated->calibration, &scores, error);
    pb_scores_free(&scores);
    return status;
}

static void test_the_rule_is_asked_for_once_before_the_first_batch(void **state)
{
    struct calibrated calibrated;
    struct pb_error error = {0};
    calibrated_open(&calibrated, *state);
    chosen = (struct pb_relevance_rule){.kind = PB_RELEVANCE_ZPLUS};
    shown = true;
    assert_int_equal(probe(&calibrated, PB_DATA_RELEVANCE, 0, &error), PB_OK);
    assert_int_equal(asked, 1);
    assert_int_equal(observed, 3 * 2);
    chosen = (struct pb_relevance_rule){.kind = PB_RELEVANCE_EPSILON};
    assert_int_equal(probe(&calibrated, PB_DATA_RELEVANCE, 0, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "criterion 'probe'"));
    assert_non_null(strstr(error.text, "epsilon of 0"));
    answer = PB_ERROR_RUN;
    assert_int_equal(probe(&calibrated, PB_DATA_RELEVANCE, 0, &error), PB_ERROR_RUN);
    answer = PB_OK;
    calibrated_close(&calibrated);
}

static void test_a_network_without_relevance_is_refused_where_it_is_needed_alone(void **state)
{
    struct calibrated calibrated;
    struct pb_error error = {0};
    calibrated_open(&calibrated, *state);
    struct pb_graph *graph = graph_begin("norm-first", 16, 16, 3);
    const uint32_t conv = graph_conv(graph, "conv", graph_norm(graph, "bn0", 0), 4);
    graph_linear(graph, "fc", graph_relu(graph, "relu", conv), CALIBRATION_CLASSES);
    pb_graph_end_in_classifier(graph);
    calibrated_use(&calibrated, network_of(graph, 1));
    assert_int_equal(probe(&calibrated, PB_DATA_RELEVANCE, 0, &error), PB_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "criterion 'probe'"));
    assert_non_null(strstr(error.text, "norm 'bn0'"));
    shown = false;
    assert_int_equal(probe(&calibrated, PB_DATA_LABELS, PB_DATA_RELEVANCE, &error), PB_OK);
    assert_int_equal(asked, 0);
    assert_int_equal(observed, 3);
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_score_is_a_channel_s_share_of_the_layer_s_relevance),
        cmocka_unit_test(test_the_options_decide_the_rule),
        cmocka_unit_test(test_relevance_that_adds_up_to_nothing_is_an_error_with_the_layer_s_name),
        TEST(test_a_network_s_scores_are_those_of_a_plain_program_over_all_batches),
        TEST(test_the_rule_is_asked_for_once_before_the_first_batch),
        TEST(test_a_network_without_relevance_is_refused_where_it_is_needed_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
