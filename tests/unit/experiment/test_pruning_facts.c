/* What a pruning step and a soft epoch leave on record: counts of γ, thresholds, masks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "experiment/gamma.h"
#include "results/record_fields.h"
#include "experiment/pruning_facts.h"
#include "training/soft_mask.h"
#include "support/graphs.h"
#include "support/small_cells.h"

/* conv1 (6 filters) with a batch norm, conv2 (3) without, a linear head. */
struct fixture {
    struct pb_network *network;
    struct pb_channel_groups groups;
};

static void open_fixture(struct fixture *fixture)
{
    static const float GAMMAS[] = {0.0f, -0.004f, 0.5f, -1.0f, 0.999f, 0.25f};
    struct pb_graph *graph = graph_begin("small", 4, 4, 1);
    uint32_t node = graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 6));
    const uint32_t norm = node;
    node = graph_conv(graph, "conv2", graph_relu(graph, "relu1", node), 3);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, 2);
    fixture->network = network_of(graph, 1);
    fixture->groups = groups_of(fixture->network->graph);
    memcpy(pb_network_values(fixture->network, norm, PB_ROLE_GAMMA), GAMMAS, sizeof GAMMAS);
}

static void close_fixture(struct fixture *fixture)
{
    pb_channel_groups_free(&fixture->groups);
    pb_network_free(&fixture->network);
}

static uint32_t sum(const struct pb_gamma_record *gamma)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < gamma->bin_count; i++)
        total += gamma->bins[i];
    return total;
}

static void test_gammas_are_counted_by_magnitude_over_their_full_range(void **state)
{
    (void)state;
    struct fixture fixture;
    struct pb_error error = {0};
    struct pb_gamma_record gamma = {0}, none = {0};
    open_fixture(&fixture);
    must(pb_gamma_count(fixture.network, &fixture.groups, 0, 2, &gamma, &error), &error);
    assert_int_equal(gamma.bin_count, 128);
    near(gamma.max, 1);
    assert_int_equal(sum(&gamma), 6); /* conv2 has none */
    assert_int_equal(gamma.bins[0], 2); /* 0 and 0.004 < 1/128 */
    assert_int_equal(gamma.bins[32], 1);
    assert_int_equal(gamma.bins[64], 1); /* 0.5 begins the upper half */
    assert_int_equal(gamma.bins[127], 2); /* the largest is in the last bin, not behind it */
    near(pb_gamma_near_zero(&gamma), 1.0 / 3);
    must(pb_gamma_count(fixture.network, &fixture.groups, 1, 2, &none, &error), &error);
    assert_null(none.bins);
    assert_true(isnan(pb_gamma_near_zero(&none)));
    pb_gamma_record_free(&gamma);
    close_fixture(&fixture);
}

/* Cuts conv1's channels 0, 1 and 5; nothing was to leave conv2. */
static json_t *facts_of_a_cut(const struct fixture *fixture, double requested)
{
    struct pb_error error = {0};
    struct pb_layer_pruning layers[] = {{.before = 6, .after = 3, .floored = 1, .ties = 2, .threshold = 0.25},
                                        {.before = 3, .after = 3, .threshold = NAN}};
    struct pb_pruning pruning = {.layers = layers,
                                 .group_count = 2,
                                 .threshold = 0.25,
                                 .requested = requested,
                                 .achieved = 1.0 / 3,
                                 .floored = 1};
    struct pb_network *after = NULL;
    json_t *facts = json_object();
    must(pb_keep_create(&fixture->groups, &pruning.keep, &error), &error);
    pruning.keep.keep[0][0] = pruning.keep.keep[0][1] = pruning.keep.keep[0][5] = false;
    must(pb_network_compact(fixture->network, &pruning.keep, &after, &error), &error);
    must(pb_pruning_to_facts(&(struct pb_pruning_done){.before = fixture->network,
                                                       .after = after,
                                                       .groups = &fixture->groups,
                                                       .pruning = &pruning,
                                                       .equivalence = 1e-7},
                             facts, &error),
         &error);
    pb_network_free(&after);
    pb_keep_free(&pruning.keep);
    return facts;
}

static void test_facts_of_a_pruning_come_back_through_a_file(void **state)
{
    (void)state;
    struct fixture fixture;
    struct pb_error error = {0};
    struct pb_pruning_record row = {0};
    open_fixture(&fixture);
    json_t *facts = facts_of_a_cut(&fixture, 0.4);
    char *text = json_dumps(facts, JSON_REAL_PRECISION(17));
    json_t *stored = json_loads(text, 0, NULL);
    must(pb_pruning_from_facts(stored, &row, &error), &error);
    near(row.requested, 0.4);
    near(row.achieved, 1.0 / 3);
    near(row.threshold, 0.25);
    near(row.equivalence, 1e-7);
    assert_int_equal(row.floored, 1);
    assert_int_equal(row.layer_count, 2);
    const struct pb_pruned_layer_record *layer = &row.layers[0];
    assert_string_equal(layer->name, "conv1");
    assert_true(layer->before == 6 && layer->after == 3 && layer->floored == 1 && layer->ties == 2);
    near(layer->threshold, 0.25);
    assert_int_equal(sum(&layer->gamma_before), 6);
    assert_int_equal(sum(&layer->gamma_after), 3);
    assert_int_equal(layer->gamma_after.bins[0], 0); /* the near-zero ones are gone */
    assert_int_equal(layer->gamma_after.bins[64], 1);
    assert_string_equal(row.layers[1].name, "conv2");
    assert_true(isnan(row.layers[1].threshold));
    assert_null(row.layers[1].gamma_before.bins);
    assert_int_equal(sum(&row.gamma_before), 6);
    assert_int_equal(sum(&row.gamma_after), 3);
    pb_pruning_record_free(&row);
    json_decref(stored);
    json_decref(facts);
    free(text);
    close_fixture(&fixture);
}

static void test_a_threshold_has_no_share_that_was_requested(void **state)
{
    (void)state;
    struct fixture fixture;
    struct pb_error error = {0};
    struct pb_pruning_record row = {0};
    open_fixture(&fixture);
    json_t *facts = facts_of_a_cut(&fixture, (double)NAN);
    assert_null(json_object_get(facts, "requested"));
    must(pb_pruning_from_facts(facts, &row, &error), &error);
    assert_true(isnan(row.requested));
    near(row.achieved, 1.0 / 3);
    pb_pruning_record_free(&row);
    json_decref(facts);
    close_fixture(&fixture);
}

static void test_facts_without_histograms_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct pb_error error = {0};
    struct pb_pruning_record row = {0};
    open_fixture(&fixture);
    json_t *facts = facts_of_a_cut(&fixture, 0.4);
    json_object_del(json_array_get(json_object_get(facts, "layers"), 0), "gamma-after");
    assert_int_equal(pb_pruning_from_facts(facts, &row, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "histogram"));
    assert_null(row.layers);
    json_decref(facts);
    close_fixture(&fixture);
}

static void test_a_soft_mask_is_a_word_of_digits_per_layer(void **state)
{
    (void)state;
    struct fixture fixture;
    struct pb_error error = {0};
    struct pb_soft soft = {0};
    open_fixture(&fixture);
    soft.groups = fixture.groups;
    json_t *none = pb_soft_mask_to_json(&soft);
    assert_true(json_is_null(none));
    must(pb_keep_create(&fixture.groups, &soft.keep, &error), &error);
    soft.keep.keep[0][0] = soft.keep.keep[0][3] = soft.keep.keep[0][5] = false; /* 1001 01.. */
    soft.keep.keep[1][2] = false; /* 001. */
    json_t *mask = pb_soft_mask_to_json(&soft);
    assert_string_equal(json_string_value(mask), "94 2");
    json_decref(mask);
    pb_keep_free(&soft.keep);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gammas_are_counted_by_magnitude_over_their_full_range),
        cmocka_unit_test(test_facts_of_a_pruning_come_back_through_a_file),
        cmocka_unit_test(test_a_threshold_has_no_share_that_was_requested),
        cmocka_unit_test(test_facts_without_histograms_are_refused),
        cmocka_unit_test(test_a_soft_mask_is_a_word_of_digits_per_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
