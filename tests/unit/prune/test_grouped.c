/* Channels that repeat in every group of a grouped convolution: scored, ranked, shown, and repaired together. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "graph/cost.h"
#include "prune/repair_mean.h"
#include "support/built_criterion.h"
#include "support/calibration.h"
#include "support/evaluate.h"
#include "support/folder.h"
#include "support/graphs.h"

enum { SIDE = 16, WIDE = 8, GROUPED = 6, PARTS = 2, READ = WIDE / PARTS, MADE = GROUPED / PARTS, ROWS = 4 };

static struct calibrated calibrated;

/* wide (8), norm, ReLU → grouped (6 in 2 groups), norm, ReLU → mean over the pixels → fc. */
static struct pb_network *network(void)
{
    struct pb_graph *graph = graph_begin("grouped", SIDE, SIDE, 3);
    uint32_t node = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "wide", 0, WIDE)));
    node = graph_add(graph,
                     (struct pb_graph_node){.op = PB_OP_CONV2D,
                                            .name = "grouped",
                                            .channels = GROUPED,
                                            .bias = true,
                                            .conv = {.kernel = {3, 3}, .pad = {1, 1}, .groups = PARTS}},
                     node);
    node = graph_relu(graph, "relu2", graph_norm(graph, "bn2", node));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CALIBRATION_CLASSES);
    return network_of(graph, 5);
}

static int open_network(void **state)
{
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, network());
    return 0;
}

static int close_network(void **state)
{
    (void)state;
    calibrated_close(&calibrated);
    return 0;
}

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status score_by_number(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    for (uint32_t k = 0; k < layer->channels; k++)
        scores[k] = k;
    return PB_OK;
}

static struct pb_scores run(const struct pb_criterion *criterion, enum pb_coupling coupling)
{
    const struct pb_plugin plugin = {.name = "probe", .criterion = criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    if (pb_score_network(&loaded, NULL, calibrated.network, &calibrated.groups, coupling, &calibrated.calibration,
                         &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    return scores;
}

static void test_scores_of_filters_that_repeat_are_combined(void **state)
{
    (void)state;
    const struct pb_criterion criterion = {.size = sizeof criterion, .create = create, .score = score_by_number};
    static const enum pb_coupling couplings[] = {PB_COUPLE_SUM, PB_COUPLE_MEAN, PB_COUPLE_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct pb_scores scores = run(&criterion, couplings[i]);
        assert_int_equal(scores.channels[0], READ);
        assert_int_equal(scores.channels[1], MADE);
        for (uint32_t c = 0; c < READ; c++) {
            const double first = c, second = c + READ;
            const double expected[] = {first + second, (first + second) / 2, second};
            assert_true(scores.values[0][c] == expected[i]);
        }
        pb_scores_free(&scores);
    }
}

static struct pb_pruning rank(struct pb_ranking ranking, uint32_t measure, double amount)
{
    const struct pb_criterion criterion = {.size = sizeof criterion, .create = create, .score = score_by_number};
    struct pb_scores scores = run(&criterion, PB_COUPLE_SUM);
    const struct pb_cost cost = pb_graph_cost(calibrated.network->graph);
    const struct pb_original original = {.channels = WIDE + GROUPED, .params = cost.params, .macs = cost.macs};
    const struct pb_target target = {.size = sizeof target, .measure = measure, .amount = amount};
    struct pb_pruning pruning = {0};
    struct pb_error error = {0};
    if (pb_rank(calibrated.network, &calibrated.groups, &scores, &ranking, target, &original, &pruning, &error) !=
        PB_OK)
        fail_msg("%s", error.text);
    pb_scores_free(&scores);
    return pruning;
}

/* 30 % of 14 channels are 4; sums 3 and 4 are the lowest, of the first channels of both layers, and each takes two filters away. */
static void test_a_share_of_channels_counts_every_repetition(void **state)
{
    (void)state;
    for (int threshold = 0; threshold < 2; threshold++) {
        struct pb_pruning pruning = rank(
            (struct pb_ranking){.scope = PB_SCOPE_GLOBAL, .count = threshold ? PB_COUNT_THRESHOLD : PB_COUNT_EXACT},
            PB_MEASURE_CHANNELS, threshold ? 3.1 / 14 : 0.3);
        assert_int_equal(pruning.layers[0].before, READ);
        assert_int_equal(pruning.layers[0].after, READ - 1);
        assert_int_equal(pruning.layers[1].after, MADE - 1);
        assert_true(fabs(pruning.achieved - 4.0 / 14) < 1e-12);
        pb_pruning_free(&pruning);
    }
}

/* Floors and multiples are of the layers' channels: 4 are two of `wide` and two of `grouped`. */
static void test_floors_and_multiples_count_every_repetition(void **state)
{
    (void)state;
    struct pb_pruning pruning =
        rank((struct pb_ranking){.scope = PB_SCOPE_GLOBAL, .floor = 4}, PB_MEASURE_CHANNELS, 0.9);
    assert_int_equal(pruning.layers[0].after, 2);
    assert_int_equal(pruning.layers[1].after, 2);
    assert_int_equal(pruning.floored, 2 * (2 + 2));
    pb_pruning_free(&pruning);
    pruning = rank((struct pb_ranking){.scope = PB_SCOPE_LAYER, .round_to = 4}, PB_MEASURE_CHANNELS, 0.5);
    assert_int_equal(pruning.layers[0].after, 2);
    assert_int_equal(pruning.layers[1].after, 2);
    pb_pruning_free(&pruning);
    pruning = rank((struct pb_ranking){.scope = PB_SCOPE_LAYER, .allocation = PB_ALLOCATION_ERK, .floor = 4},
                   PB_MEASURE_CHANNELS, 0.4);
    assert_int_equal(2 * (pruning.layers[0].after + pruning.layers[1].after), 8);
    pb_pruning_free(&pruning);
}

/* The MACs that a target leaves are those of the compacted network, as many as fit. */
static void test_a_target_in_macs_is_met_by_joint_savings(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_network *compacted = NULL;
    const struct pb_cost before = pb_graph_cost(calibrated.network->graph);
    struct pb_pruning pruning = rank((struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, PB_MEASURE_MACS, 0.4);
    assert_int_equal(pb_network_compact(calibrated.network, &pruning.keep, &compacted, &error), PB_OK);
    const struct pb_cost after = pb_graph_cost(compacted->graph);
    assert_true((double)after.macs <= 0.6 * (double)before.macs);
    assert_true(fabs(pruning.achieved - (1 - (double)after.macs / (double)before.macs)) < 1e-12);
    const uint64_t wide = 2 * pruning.layers[0].after, grouped = 2 * pruning.layers[1].after;
    assert_int_equal(after.macs, SIDE * SIDE * 9 * (3 * wide + wide / PARTS * grouped) + grouped * CALIBRATION_CLASSES);
    pb_network_free(&compacted);
    pb_pruning_free(&pruning);
}

static uint32_t rows_seen;

/* output = W·input + b for every row of every part. */
static void compare_rows(const struct pb_network_view *shown, uint32_t group, uint32_t consumer)
{
    const struct pb_consumer_view *part = shown->consumer(shown, group, consumer);
    const struct pb_rows_view *rows = shown->rows(shown, group, consumer);
    assert_int_equal(rows->outputs, part->outputs);
    assert_int_equal(rows->width, part->kernel_height * part->kernel_width * part->input_channels);
    for (uint32_t n = 0; n < rows->rows; n++)
        for (uint32_t m = 0; m < rows->outputs; m++, rows_seen++) {
            double sum = (double)part->bias[m];
            for (uint32_t i = 0; i < rows->width; i++)
                sum += (double)part->weight[m * rows->width + i] * (double)rows->input_rows[n * rows->width + i];
            const double output = (double)rows->output_rows[n * rows->outputs + m];
            if (!(fabs(output - sum) <= 1e-4 * (1 + fabs(sum))))
                fail_msg("%s, row %u: %g is not %g", part->name, n, output, sum);
        }
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    const struct pb_network_view *shown = layer->network;
    for (uint32_t g = 0; g < shown->group_count; g++)
        for (uint32_t c = 0; c < shown->group(shown, g)->consumer_count; c++)
            compare_rows(shown, g, c);
    return PB_OK;
}

static enum pb_status look_around(void *self, const struct pb_network_view *shown)
{
    (void)self;
    static const char *const names[] = {"grouped", "grouped (group 2)"};
    const uint32_t grouped = pb_graph_find(calibrated.network->graph, "grouped");
    const float *weights = pb_network_values(calibrated.network, grouped, PB_ROLE_WEIGHT),
                *biases = pb_network_values(calibrated.network, grouped, PB_ROLE_BIAS);
    const size_t part_weights = (size_t)MADE * 9 * READ;
    assert_int_equal(shown->group(shown, 0)->channels, READ);
    assert_int_equal(shown->group(shown, 0)->consumer_count, PARTS);
    for (uint32_t c = 0; c < PARTS; c++) {
        const struct pb_consumer_view *part = shown->consumer(shown, 0, c);
        assert_string_equal(part->name, names[c]);
        assert_int_equal(part->outputs, MADE);
        assert_int_equal(part->input_channels, READ);
        assert_int_equal(part->first, 0);
        assert_memory_equal(part->weight, weights + c * part_weights, part_weights * sizeof(float));
        assert_memory_equal(part->bias, biases + c * MADE, MADE * sizeof(float));
    }
    /* fc reads each of the other group's channels twice. */
    assert_int_equal(shown->group(shown, 1)->consumer_count, 2);
    assert_int_equal(shown->consumer(shown, 1, 1)->first, MADE);
    assert_string_equal(shown->consumer(shown, 1, 1)->name, "fc");
    /* One channel of the first: two filters of wide, and a third of what each part reads. */
    assert_int_equal(shown->group(shown, 0)->channel_macs, SIDE * SIDE * 9 * (2 * 3 + GROUPED));
    return PB_OK;
}

static void test_a_grouped_convolution_is_shown_as_as_many_layers_as_it_has_groups(void **state)
{
    (void)state;
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = PB_DATA_CONSUMERS | PB_DATA_CONSUMER_ROWS,
                                           .consumer_rows = ROWS,
                                           .create = create,
                                           .prepare = look_around,
                                           .observe = observe,
                                           .score = score_by_number};
    rows_seen = 0;
    struct pb_scores scores = run(&criterion, PB_COUPLE_SUM);
    pb_scores_free(&scores);
    /* of two layers each: both parts at ROWS places with MADE outputs, and fc twice */
    assert_int_equal(rows_seen, 2 * CALIBRATION_IMAGES * (PARTS * ROWS * MADE + 2 * CALIBRATION_CLASSES));
}

/* The network without channel 1 of the first group, and channel 0 of the second. */
static struct pb_network *cut(void)
{
    struct pb_error error = {0};
    struct pb_keep keep = {0};
    struct pb_network *smaller = NULL;
    assert_int_equal(pb_keep_create(&calibrated.groups, &keep, &error), PB_OK);
    keep.keep[0][1] = keep.keep[1][0] = false;
    assert_int_equal(pb_network_compact(calibrated.network, &keep, &smaller, &error), PB_OK);
    pb_keep_free(&keep);
    return smaller;
}

static const uint32_t left[] = {1, 2, 4, 5}; /* filters of `grouped` in the cut network */

/* All that `grouped` gives for an image: from malloc. */
static double *outputs_for(const struct pb_network *of, uint32_t n)
{
    static double image[CALIBRATION_FLOATS];
    double *outputs[16], *found = NULL;
    const uint32_t node = pb_graph_find(of->graph, "grouped");
    assert_true(of->graph->node_count <= 16);
    for (uint32_t i = 0; i < CALIBRATION_FLOATS; i++)
        image[i] = (double)calibrated.images[n][i];
    evaluate_nodes(of, image, outputs);
    for (uint32_t i = 0; i < of->graph->node_count; i++)
        if (i == node)
            found = outputs[i];
        else
            free(outputs[i]);
    return found;
}

/* For each filter of the cut network: how far its mean over images and inner positions is from what it was, and the sum of squares. */
static void compare(const struct pb_network *cut_one, double *means, double *squares)
{
    memset(means, 0, 4 * sizeof *means);
    memset(squares, 0, 4 * sizeof *squares);
    for (uint32_t n = 0; n < CALIBRATION_IMAGES; n++) {
        double *before = outputs_for(calibrated.network, n), *now = outputs_for(cut_one, n);
        for (uint32_t y = 1; y < SIDE - 1; y++)
            for (uint32_t x = 1; x < SIDE - 1; x++)
                for (uint32_t m = 0; m < 4; m++) {
                    const size_t place = (size_t)y * SIDE + x;
                    const double difference = now[place * 4 + m] - before[place * GROUPED + left[m]];
                    means[m] += difference / (CALIBRATION_IMAGES * (SIDE - 2.0) * (SIDE - 2.0));
                    squares[m] += difference * difference;
                }
        free(before);
        free(now);
    }
}

static void test_means_of_removed_channels_go_into_every_groups_biases(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_repaired *repaired = NULL;
    uint32_t count = 0;
    double pruned[4], after[4], squares[4];
    struct pb_network *smaller = cut();
    compare(smaller, pruned, squares);
    if (pb_repair_by_means(calibrated.network, smaller, &calibrated.calibration, &repaired, &count, &error) != PB_OK)
        fail_msg("%s", error.text);
    compare(smaller, after, squares);
    assert_int_equal(count, PARTS + 1);
    assert_string_equal(repaired[0].name, "grouped");
    assert_string_equal(repaired[1].name, "grouped (group 2)");
    assert_string_equal(repaired[2].name, "fc");
    for (uint32_t m = 0; m < 4; m++) {
        assert_true(fabs(pruned[m]) > 1e-3);
        assert_true(fabs(after[m]) < 1e-5);
    }
    pb_free(repaired);
    pb_network_free(&smaller);
}

static void test_criteria_repair_each_group(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_repaired *repaired = NULL;
    uint32_t count = 0;
    double means[4], pruned[4], after[4];
    struct pb_network *smaller = cut();
    compare(smaller, means, pruned);
    if (built_repair("thinet", "repair=scalar", calibrated.network, smaller, &calibrated.calibration, &repaired, &count,
                     &error) != PB_OK)
        fail_msg("%s", error.text);
    compare(smaller, means, after);
    assert_int_equal(count, PARTS + 1);
    for (uint32_t l = 0; l < PARTS; l++) {
        assert_string_equal(repaired[l].name, l ? "grouped (group 2)" : "grouped");
        assert_true(repaired[l].error_after < repaired[l].error_before);
    }
    assert_true(after[0] + after[1] < 0.95 * (pruned[0] + pruned[1]));
    assert_true(after[2] + after[3] < 0.95 * (pruned[2] + pruned[3]));
    pb_free(repaired);
    pb_network_free(&smaller);
}

static double square_of(const struct pb_network *of, const char *node, enum pb_role role, size_t value)
{
    const double w = (double)pb_network_values(of, pb_graph_find(of->graph, node), role)[value];
    return w * w;
}

/* group-norm: √ of the squares of filters c and c + 4, their γ, and what both groups read of channel c. */
static void test_group_norm_is_of_all_that_repeats(void **state)
{
    (void)state;
    double expected[READ];
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    for (uint32_t c = 0; c < READ; c++) {
        double sum = 0;
        for (uint32_t k = c; k < WIDE; k += READ) {
            sum += square_of(calibrated.network, "bn1", PB_ROLE_GAMMA, k);
            for (uint32_t i = 0; i < 27; i++)
                sum += square_of(calibrated.network, "wide", PB_ROLE_WEIGHT, k * 27 + i);
        }
        for (uint32_t i = 0; i < GROUPED * 9; i++)
            sum += square_of(calibrated.network, "grouped", PB_ROLE_WEIGHT, i * READ + c);
        expected[c] = sqrt(sum);
    }
    if (built_score("group-norm", "", calibrated.network, NULL, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_scores(scores.values[0], expected, READ);
    pb_scores_free(&scores);
}

/* group-fisher: Σ_n (Σ over the two filters of γ·∂L_n/∂γ + β·∂L_n/∂β)². */
static void test_group_fisher_adds_changes_that_repeat_before_it_squares(void **state)
{
    (void)state;
    double largest = 0, expected[READ] = {0};
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    const uint32_t norm = pb_graph_find(calibrated.network->graph, "bn1");
    static const enum pb_role roles[] = {PB_ROLE_GAMMA, PB_ROLE_BETA};
    for (uint32_t n = 0; n < CALIBRATION_IMAGES; n++)
        for (uint32_t c = 0; c < READ; c++) {
            double change = 0;
            for (uint32_t k = c; k < WIDE; k += READ)
                for (size_t r = 0; r < 2; r++)
                    change += (double)pb_network_values(calibrated.network, norm, roles[r])[k] *
                              calibrated_mean_slope(&calibrated, n, 1, calibrated_cross_entropy, "bn1", roles[r], k);
            expected[c] += change * change;
            largest = fmax(largest, expected[c]);
        }
    if (built_score("group-fisher", "", calibrated.network, &calibrated.calibration, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (uint32_t c = 0; c < READ; c++)
        if (!(fabs(scores.values[0][c] - expected[c]) <= 2e-3 * largest))
            fail_msg("score %u is %g, not %g", c, scores.values[0][c], expected[c]);
    pb_scores_free(&scores);
}

static void test_every_criterion_scores_or_selects_them(void **state)
{
    (void)state;
    static const char *const scoring[] = {
        "activation",   "apoz",       "bn-scale", "chip",     "filter-norm", "fpgm",        "grasp",
        "group-fisher", "group-norm", "hrank",    "kron-obs", "lamp",        "lrp",         "movement",
        "obd",          "random",     "snip",     "synflow",  "taylor-fo",   "taylor-gate", "taylor"};
    static const char *const selecting[] = {"channel-lasso", "thinet"};
    const uint32_t remove[] = {2, 1};
    struct pb_error error = {0};
    for (size_t i = 0; i < sizeof scoring / sizeof *scoring; i++) {
        struct pb_scores scores = {0};
        if (built_score(scoring[i], "", calibrated.network, &calibrated.calibration, &scores, &error) != PB_OK)
            fail_msg("%s: %s", scoring[i], error.text);
        assert_int_equal(scores.channels[0], READ);
        for (uint32_t c = 0; c < READ; c++)
            assert_true(isfinite(scores.values[0][c]));
        pb_scores_free(&scores);
    }
    for (size_t i = 0; i < sizeof selecting / sizeof *selecting; i++) {
        struct pb_keep keep = {0};
        uint32_t kept = 0;
        assert_int_equal(pb_keep_create(&calibrated.groups, &keep, &error), PB_OK);
        if (built_select(selecting[i], "", calibrated.network, &calibrated.calibration, remove, &keep, &error) != PB_OK)
            fail_msg("%s: %s", selecting[i], error.text);
        for (uint32_t c = 0; c < READ; c++)
            kept += keep.keep[0][c];
        assert_int_equal(kept, READ - 2);
        pb_keep_free(&keep);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_network, close_network)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scores_of_filters_that_repeat_are_combined),
        TEST(test_a_share_of_channels_counts_every_repetition),
        TEST(test_floors_and_multiples_count_every_repetition),
        TEST(test_a_target_in_macs_is_met_by_joint_savings),
        TEST(test_a_grouped_convolution_is_shown_as_as_many_layers_as_it_has_groups),
        TEST(test_means_of_removed_channels_go_into_every_groups_biases),
        TEST(test_criteria_repair_each_group),
        TEST(test_group_norm_is_of_all_that_repeats),
        TEST(test_group_fisher_adds_changes_that_repeat_before_it_squares),
        TEST(test_every_criterion_scores_or_selects_them),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
