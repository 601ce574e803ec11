/* Which single weights are masked, against masks worked out by hand and a sort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "plugin/object.h"
#include "prune/lowest.h"
#include "prune/masking.h"
#include "support/graphs.h"
#include "support/masks.h"

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Many ties, both signs, both zeros, large and tiny numbers. */
static void test_the_lowest_of_several_lists_are_those_of_a_sort(void **state)
{
    enum { COUNT = 500, FIRST = 123 };
    double values[COUNT], sorted[COUNT];
    struct pb_rng rng;
    struct pb_error error = {0};
    (void)state;
    pb_rng_init(&rng, 3, "values");
    for (int i = 0; i < COUNT; i++) {
        const double drawn = (double)pb_rng_below(&rng, 41) - 20;
        values[i] = i % 5 == 0 ? drawn * 1e300 : i % 5 == 1 ? drawn * 1e-310 : i % 50 == 2 ? -0.0 : drawn;
    }
    memcpy(sorted, values, sizeof values);
    qsort(sorted, COUNT, sizeof *sorted, ascending);
    const struct pb_number_list lists[] = {{values, FIRST}, {NULL, 0}, {values + FIRST, COUNT - FIRST}};
    for (uint64_t asked = 1; asked <= COUNT; asked++) {
        struct pb_lowest lowest;
        uint64_t below = 0;
        must(pb_lowest_find(lists, 3, asked, &lowest, &error), &error);
        assert_true(lowest.limit == sorted[asked - 1]);
        for (int i = 0; i < COUNT; i++)
            below += values[i] < lowest.limit;
        assert_int_equal(below + lowest.ties, asked);
    }
}

/* conv: 4 weights, fc: 6. */
struct scored {
    struct pb_network *network;
    struct pb_weight_scores scores;
};

static struct scored scored_of(const double *conv, const double *fc)
{
    struct scored made = {0};
    struct pb_graph *graph = graph_begin("m", 1, 1, 2);
    const uint32_t node = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "conv", .channels = 2, .conv = {.kernel = {1, 1}}},
        0);
    graph_linear(graph, "fc", graph_relu(graph, "relu", node), 3);
    made.network = network_of(graph, 2);
    made.scores.layers = pb_calloc(2, sizeof *made.scores.layers);
    made.scores.count = 2;
    for (uint32_t p = 0, l = 0; p < graph->parameter_count; p++) {
        if (!pb_can_be_masked(&graph->parameters[p]))
            continue;
        struct pb_weight_layer *layer = &made.scores.layers[l];
        const double *from = l++ ? fc : conv;
        const size_t count = graph->parameters[p].count;
        *layer = (struct pb_weight_layer){.parameter = p, .scores = pb_calloc(count, sizeof(double)), .count = count};
        memcpy(layer->scores, from, count * sizeof *from);
    }
    return made;
}

static void scored_free(struct scored *scored)
{
    pb_weight_scores_free(&scored->scores);
    pb_network_free(&scored->network);
}

/* "0110 000001": 1 where masked. */
static void assert_masks(const struct scored *scored, const char *expected)
{
    char text[32] = "";
    size_t length = 0;
    for (uint32_t l = 0; l < scored->scores.count; l++) {
        const uint32_t parameter = scored->scores.layers[l].parameter;
        if (l)
            text[length++] = ' ';
        for (size_t i = 0; i < scored->network->graph->parameters[parameter].count; i++)
            text[length++] = pb_mask_has(pb_weight_mask(scored->network, parameter), i) ? '1' : '0';
    }
    text[length] = '\0';
    assert_string_equal(text, expected);
    assert_masked_are_zero(scored->network);
}

static const double conv_scores[4] = {5, 1, 2, 6}, fc_scores[6] = {3, 4, 1, 9, 8, 7};

static struct pb_masking mask_with(struct scored *scored, struct pb_ranking ranking, double share)
{
    struct pb_error error = {0};
    struct pb_masking masking;
    must(pb_mask_weights(scored->network, &scored->scores, &ranking, share, &masking, &error), &error);
    return masking;
}

static void masks(struct pb_ranking ranking, double share, const char *expected)
{
    struct scored scored = scored_of(conv_scores, fc_scores);
    struct pb_masking masking = mask_with(&scored, ranking, share);
    assert_masks(&scored, expected);
    assert_int_equal(masking.weights, 10);
    assert_true(masking.requested == share);
    assert_true(masking.achieved == (double)masking.masked / 10);
    assert_int_equal(masking.layers[0].masked + masking.layers[1].masked, masking.masked);
    pb_masking_free(&masking);
    scored_free(&scored);
}

static void test_a_global_scope_masks_the_lowest_and_a_scope_of_layers_the_same_share_of_each(void **state)
{
    (void)state;
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.1,
          "0100 000000"); /* of two scores of 1, the first layer's; by "≤ the threshold" both would go */
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.2, "0100 001000");
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.5, "0110 111000");
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.54, "0110 111000"); /* round(5.4) */
    masks((struct pb_ranking){.scope = PB_SCOPE_LAYER}, 0.5, "0110 111000");
    masks((struct pb_ranking){.scope = PB_SCOPE_LAYER}, 0.75, "1110 111011"); /* round(4.5) of six is 5, away from 0 */
    /* of 6/20 … against 9/32 …: normalised by their sums, fc's 3 and 4 come before conv's 2 */
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL, .normalise = PB_NORMALISE_SUM}, 0.3, "0100 101000");
}

static void test_every_layer_keeps_its_floor_and_the_others_give_what_it_keeps(void **state)
{
    (void)state;
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.7, "1110 111001"); /* the floor is 1 at least */
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.8, "1110 111011");
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL, .floor = 3}, 0.5, "0100 111000"); /* both at their floor */
    masks((struct pb_ranking){.scope = PB_SCOPE_GLOBAL, .floor = 3}, 0.3,
          "0100 101000"); /* conv's 2 is kept: fc gives 3 */
    masks((struct pb_ranking){.scope = PB_SCOPE_LAYER, .floor = 3}, 0.9, "0100 111000");
}

static void test_a_later_mask_holds_the_earlier_one(void **state)
{
    (void)state;
    struct scored scored = scored_of(conv_scores, fc_scores);
    struct pb_masking masking = mask_with(&scored, (struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.3);
    assert_masks(&scored, "0110 001000");
    pb_masking_free(&masking);
    /* scores of what is left, turned round: the highest before are the lowest now */
    const double conv[2] = {-5, -6}, fc[5] = {-3, -4, -9, -8, -7};
    memcpy(scored.scores.layers[0].scores, conv, sizeof conv);
    memcpy(scored.scores.layers[1].scores, fc, sizeof fc);
    scored.scores.layers[0].count = 2;
    scored.scores.layers[1].count = 5;
    masking = mask_with(&scored, (struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.5);
    assert_masks(&scored, "0110 001110"); /* −9 and −8 join */
    assert_int_equal(masking.masked, 5);
    pb_masking_free(&masking);
    scored_free(&scored);
}

static void test_a_permuted_mask_has_as_many_of_each_layer_but_not_the_lowest(void **state)
{
    (void)state;
    uint32_t different = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct scored scored = scored_of(conv_scores, fc_scores), plain = scored_of(conv_scores, fc_scores);
        const struct pb_ranking ranking = {.scope = PB_SCOPE_GLOBAL, .permute = true, .seed = seed};
        struct pb_masking masking = mask_with(&scored, ranking, 0.5);
        struct pb_masking lowest = mask_with(&plain, (struct pb_ranking){.scope = PB_SCOPE_GLOBAL}, 0.5);
        for (uint32_t l = 0; l < 2; l++) {
            const uint32_t p = masking.layers[l].parameter;
            assert_int_equal(masking.layers[l].masked, lowest.layers[l].masked);
            different += memcmp(pb_weight_mask(scored.network, p), pb_weight_mask(plain.network, p), 1) != 0;
        }
        assert_masked_are_zero(scored.network);
        pb_masking_free(&masking);
        pb_masking_free(&lowest);
        scored_free(&scored);
        scored_free(&plain);
    }
    assert_in_range(different, 8, 16);
}

static void test_scores_of_another_network_are_refused(void **state)
{
    (void)state;
    struct scored scored = scored_of(conv_scores, fc_scores);
    struct pb_error error = {0};
    struct pb_masking masking;
    scored.scores.layers[1].count = 5;
    assert_int_equal(pb_mask_weights(scored.network, &scored.scores, &(struct pb_ranking){0}, 0.5, &masking, &error),
                     PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "layer 'fc' has other scores than weights"));
    scored.scores.layers[1].count = 6;
    assert_int_equal(pb_mask_weights(scored.network, &scored.scores, &(struct pb_ranking){0}, 1, &masking, &error),
                     PB_ERROR_INPUT);
    scored_free(&scored);
}

static void score_with(const char *name, const struct pb_network *network, struct pb_weight_scores *scores)
{
    struct pb_error error = {0};
    struct pb_object object;
    struct pb_options options = {0};
    char file[512];
    snprintf(file, sizeof file, PB_TEST_BUILD "/plugins/criterion-%s.so", name);
    must(pb_object_open(file, &object, &error), &error);
    const struct pb_loaded loaded = {.plugin = object.plugins[0], .file = "built"};
    struct pb_channel_groups groups = groups_of(network->graph);
    must(pb_options_create(loaded.plugin, &options, &error), &error);
    must(pb_score_weights(&loaded, &options, network, &groups, NULL, scores, &error), &error);
    pb_options_free(&options);
    pb_channel_groups_free(&groups);
}

static void test_magnitudes_are_those_of_every_unmasked_weight_of_every_layer(void **state)
{
    (void)state;
    struct scored scored = scored_of(conv_scores, fc_scores);
    const struct pb_graph *graph = scored.network->graph;
    struct pb_weight_scores scores = {0};
    mask_some(scored.network, 0.3, 2);
    score_with("magnitude", scored.network, &scores);
    assert_int_equal(scores.count, 2); /* the classifier, too */
    for (uint32_t l = 0; l < 2; l++) {
        const struct pb_parameter *parameter = &graph->parameters[scores.layers[l].parameter];
        const unsigned char *mask = pb_weight_mask(scored.network, scores.layers[l].parameter);
        size_t next = 0;
        assert_true(mask != NULL);
        for (size_t i = 0; i < parameter->count; i++) {
            const float value = scored.network->values[parameter->offset + i];
            if (!pb_mask_has(mask, i))
                assert_true(scores.layers[l].scores[next++] == (double)(value < 0 ? -value : value));
        }
        assert_int_equal(scores.layers[l].count, next);
    }
    pb_weight_scores_free(&scores);
    scored_free(&scored);
}

static void test_random_scores_of_weights_are_the_same_again_and_differ_between_layers(void **state)
{
    (void)state;
    struct scored scored = scored_of(conv_scores, fc_scores);
    struct pb_weight_scores first = {0}, second = {0};
    score_with("random", scored.network, &first);
    score_with("random", scored.network, &second);
    assert_memory_equal(first.layers[1].scores, second.layers[1].scores, 6 * sizeof(double));
    assert_memory_not_equal(first.layers[0].scores, first.layers[1].scores, 4 * sizeof(double));
    pb_weight_scores_free(&first);
    pb_weight_scores_free(&second);
    scored_free(&scored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_lowest_of_several_lists_are_those_of_a_sort),
        cmocka_unit_test(test_a_global_scope_masks_the_lowest_and_a_scope_of_layers_the_same_share_of_each),
        cmocka_unit_test(test_every_layer_keeps_its_floor_and_the_others_give_what_it_keeps),
        cmocka_unit_test(test_a_later_mask_holds_the_earlier_one),
        cmocka_unit_test(test_a_permuted_mask_has_as_many_of_each_layer_but_not_the_lowest),
        cmocka_unit_test(test_scores_of_another_network_are_refused),
        cmocka_unit_test(test_magnitudes_are_those_of_every_unmasked_weight_of_every_layer),
        cmocka_unit_test(test_random_scores_of_weights_are_the_same_again_and_differ_between_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
