/* What allocations leave of each layer, against counts worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "prune/allocation.h"
#include "prune/masking.h"
#include "support/graphs.h"
#include "support/ranking.h"
#include "support/small_networks.h"

#define CHANNELS(share_) ((struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = (share_)})
#define PARAMETERS(share_) ((struct pb_target){.measure = PB_MEASURE_PARAMETERS, .amount = (share_)})

static struct pb_ranking ranking_of(enum pb_allocation allocation)
{
    return (struct pb_ranking){.scope = PB_SCOPE_LAYER, .allocation = allocation, .floor = 1, .round_to = 1};
}

static void assert_allotted(struct pb_allotment *layers, uint32_t count, uint64_t total, const uint64_t *expected)
{
    pb_allot(layers, count, total);
    for (uint32_t l = 0; l < count; l++)
        assert_int_equal(layers[l].kept, expected[l]);
}
#define ASSERT_ALLOTTED(layers, total, ...)                                                                            \
    assert_allotted(layers, sizeof(layers) / sizeof *(layers), total, (const uint64_t[]){__VA_ARGS__})

/* Shares of 10, 4 and 6 are rounded up at ε = .05 .15 .25 …, .125 .375 …, and .083 .25 .417 … */
static void test_totals_are_met_exactly_and_no_layer_gets_less_of_a_larger_one(void **state)
{
    struct pb_allotment layers[] = {{.share = 10, .most = 10}, {.share = 4, .most = 4}, {.share = 6, .most = 6}};
    (void)state;
    ASSERT_ALLOTTED(layers, 10, 5, 2, 3);
    ASSERT_ALLOTTED(layers, 9, 4, 2, 3);
    ASSERT_ALLOTTED(layers, 5, 2, 1, 2); /* the first and the last claim the fifth at .25 */
    ASSERT_ALLOTTED(layers, 0, 0, 0, 0);
    ASSERT_ALLOTTED(layers, 99, 10, 4, 6);
    for (uint64_t total = 0, before[3] = {0}; total <= 20; total++) {
        pb_allot(layers, 3, total);
        assert_int_equal(layers[0].kept + layers[1].kept + layers[2].kept, total);
        for (int l = 0; l < 3; l++) {
            assert_true(layers[l].kept >= before[l]);
            before[l] = layers[l].kept;
        }
    }
}

static void test_what_a_full_layer_cannot_keep_the_others_do(void **state)
{
    struct pb_allotment layers[] = {
        {.share = 5, .most = 2}, {.share = 1, .most = 10}, {.share = 1, .most = 10, .least = 4}};
    (void)state;
    ASSERT_ALLOTTED(layers, 12, 2, 5, 5);
    ASSERT_ALLOTTED(layers, 8, 2, 2, 4);
    ASSERT_ALLOTTED(layers, 3, 0, 0, 4); /* below the sum of the least */
}

/* LeNet-300-100 at 90 %: ε = 26620 / (1084 + 400 + 110) overfills the last layer; the others share 25620 / 1484. */
static void test_erk_of_lenet_keeps_its_last_layer_whole(void **state)
{
    struct pb_allotment layers[] = {
        {.share = 1084, .most = 235200}, {.share = 400, .most = 30000}, {.share = 110, .most = 1000}};
    (void)state;
    ASSERT_ALLOTTED(layers, 26620, 18714, 6906, 1000);
}

/* Weights: conv0 16·3·3·3 = 432, conv1 32·3·3·16 = 4608, fc 10·32 = 320; scores are their numbers. */
struct weights {
    struct pb_network *network;
    struct pb_weight_scores scores;
};

static struct weights weights_create(void)
{
    struct weights made = {0};
    struct pb_graph *graph = graph_begin("m", 4, 4, 3);
    uint32_t node = graph_relu(graph, "relu0", graph_conv(graph, "conv0", 0, 16));
    node = graph_relu(graph, "relu1", graph_conv(graph, "conv1", node, 32));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, 10);
    pb_graph_end_in_classifier(graph);
    made.network = network_of(graph, 1);
    made.scores.layers = pb_calloc(3, sizeof *made.scores.layers);
    assert_non_null(made.scores.layers);
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        if (!pb_can_be_masked(&graph->parameters[p]))
            continue;
        struct pb_weight_layer *layer = &made.scores.layers[made.scores.count++];
        layer->parameter = p;
        layer->count = graph->parameters[p].count;
        layer->scores = pb_calloc(layer->count, sizeof(double));
        assert_non_null(layer->scores);
        for (size_t i = 0; i < layer->count; i++)
            layer->scores[i] = (double)i + 1;
    }
    assert_int_equal(made.scores.count, 3);
    return made;
}

static void weights_free(struct weights *weights)
{
    pb_weight_scores_free(&weights->scores);
    pb_network_free(&weights->network);
}

static void assert_unmasked(struct pb_ranking ranking, double share, const uint64_t expected[3])
{
    struct weights weights = weights_create();
    struct pb_masking masking = {0};
    struct pb_error error = {0};
    if (pb_mask_weights(weights.network, &weights.scores, &ranking, share, &masking, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (uint32_t l = 0; l < 3; l++) {
        const unsigned char *mask = pb_weight_mask(weights.network, masking.layers[l].parameter);
        const uint64_t gone = masking.layers[l].masked;
        assert_int_equal(masking.layers[l].weights - gone, expected[l]);
        if (gone) /* the lowest of the layer */
            assert_true(pb_mask_has(mask, gone - 1) && !pb_mask_has(mask, gone));
    }
    pb_masking_free(&masking);
    weights_free(&weights);
}
#define ASSERT_UNMASKED(ranking, share, ...) assert_unmasked(ranking, share, (const uint64_t[]){__VA_ARGS__})

static void refuses_weights(struct pb_ranking ranking, double share, const char *message)
{
    struct weights weights = weights_create();
    struct pb_masking masking = {0};
    struct pb_error error = {0};
    assert_int_equal(pb_mask_weights(weights.network, &weights.scores, &ranking, share, &masking, &error),
                     PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(masking.layers);
    weights_free(&weights);
}

static void test_weights_are_masked_as_the_allocation_says(void **state)
{
    (void)state;
    ASSERT_UNMASKED(ranking_of(PB_ALLOCATION_UNIFORM), 0.5, 216, 2304, 160);
    /* 1072 stay. Sums of dimensions 25, 54, 42: at 1072/121 the last layer overflows; 752/79 for the others. */
    ASSERT_UNMASKED(ranking_of(PB_ALLOCATION_ERK), 0.8, 238, 514, 320);
    /* 2680 stay: conv0 whole, 2248/4928 of the others. */
    ASSERT_UNMASKED(ranking_of(PB_ALLOCATION_UNIFORM_PLUS), 0.5, 432, 2102, 146);
    /* 640/4928 of the classifier would be 42 weights; a fifth is 64. */
    ASSERT_UNMASKED(ranking_of(PB_ALLOCATION_UNIFORM_PLUS), 0.8, 432, 576, 64);
}

static void test_weights_that_an_allocation_cannot_mask_are_refused_with_the_layer(void **state)
{
    (void)state;
    refuses_weights(ranking_of(PB_ALLOCATION_UNIFORM), 0.999,
                    "allocation=\"uniform\" leaves layer 'conv0' none of its 432 unmasked weights at this target");
    refuses_weights(ranking_of(PB_ALLOCATION_UNIFORM_PLUS), 0.92,
                    "allocation=\"uniform-plus\" leaves layer 'conv1' none of its 4608 unmasked weights");
    struct pb_ranking floored = ranking_of(PB_ALLOCATION_UNIFORM_PLUS);
    floored.floor = 2;
    refuses_weights(floored, 0.92,
                    "keeps at least 498 unmasked weights (432 of layer 'conv0'), more than the target allows");
    floored.allocation = PB_ALLOCATION_UNIFORM;
    ASSERT_UNMASKED(floored, 0.9985, 2, 4, 2); /* 8 stay */
}

/* The number of channels that each layer keeps. */
static void assert_widths(const struct pb_pruning *pruning, const uint32_t *expected)
{
    for (uint32_t g = 0; g < pruning->group_count; g++)
        assert_int_equal(pruning->layers[g].after, expected[g]);
}
#define ASSERT_WIDTHS(pruning, ...) assert_widths(pruning, (const uint32_t[]){__VA_ARGS__})

static void test_an_allocation_of_channels_removes_the_lowest_of_each_layer(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){5, 2}, 2, (const double[]){9, 1, 5, 3, 7, 200, 100});
    /* 4 of 7 stay: of five at ε = .1 .3 .5 …, of two at .25 .75. By scope="layer" it would be 2 and 1, and 3 too few. */
    struct pb_pruning pruning = ranked_rank(&ranked, ranking_of(PB_ALLOCATION_UNIFORM), CHANNELS(0.45));
    assert_kept(&ranked, &pruning, "10101 10");
    assert_true(pruning.layers[0].threshold == 3 && pruning.layers[1].threshold == 100);
    pb_pruning_free(&pruning);
    struct pb_ranking drawn = ranking_of(PB_ALLOCATION_UNIFORM);
    drawn.permute = true;
    pruning = ranked_rank(&ranked, drawn, CHANNELS(0.45));
    ASSERT_WIDTHS(&pruning, 3, 1);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

/*
 * 1×1 filters that read 1, 4 and 8 channels: shares 4·7/4, 8·(8+2+4)/(8·4), 8·(8+2+8)/(8·8). Later rounds count by the unpruned
 * network: by the current one conv0 would keep 4 of 6 channels, not 3.
 */
static void test_erk_of_channels_counts_by_the_unpruned_network(void **state)
{
    static const double scores[20] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){4, 8, 8}, 3, scores);
    struct pb_pruning pruning = ranked_rank(&ranked, ranking_of(PB_ALLOCATION_ERK), CHANNELS(0.5));
    ASSERT_WIDTHS(&pruning, 4, 4, 2);
    ranked_cut(&ranked, &pruning);
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, ranking_of(PB_ALLOCATION_ERK), CHANNELS(0.7));
    ASSERT_WIDTHS(&pruning, 3, 2, 1);
    assert_true(pruning.achieved == 0.7);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void test_uniform_plus_keeps_the_first_convolution_whole(void **state)
{
    static const double scores[20] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){4, 6, 10}, 3, scores);
    struct pb_pruning pruning = ranked_rank(&ranked, ranking_of(PB_ALLOCATION_UNIFORM_PLUS), CHANNELS(0.4));
    ASSERT_WIDTHS(&pruning, 4, 3, 5);
    assert_true(isnan(pruning.layers[0].threshold));
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

/* Parameters 4 + 4·8 + 8·2 + 2 = 54, of which 27 may stay. Of 6 to 8 channels (2, 4), (2, 5), (3, 5) have 20, 24, 30. */
static void test_other_measures_are_met_by_the_largest_allocation_that_fits(void **state)
{
    (void)state;
    struct ranked ranked =
        ranked_create((const uint32_t[]){4, 8}, 2, (const double[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    struct pb_pruning pruning = ranked_rank(&ranked, ranking_of(PB_ALLOCATION_UNIFORM), PARAMETERS(0.5));
    ASSERT_WIDTHS(&pruning, 2, 5);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void refuses(const struct ranked *ranked, struct pb_ranking ranking, struct pb_target target,
                    const char *message)
{
    struct pb_error error = {0};
    struct pb_pruning pruning = {0};
    assert_int_equal(pb_rank(ranked->network, &ranked->groups, &ranked->scores, &ranking, target, &ranked->original,
                             &pruning, &error),
                     PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(pruning.layers);
}

static void test_channels_that_an_allocation_cannot_leave_are_refused_with_the_layer(void **state)
{
    double scores[22];
    (void)state;
    for (int i = 0; i < 22; i++)
        scores[i] = i;
    struct ranked ranked = ranked_create((const uint32_t[]){2, 20}, 2, scores);
    struct pb_ranking ranking = ranking_of(PB_ALLOCATION_UNIFORM);
    refuses(&ranked, ranking, CHANNELS(0.9),
            "allocation=\"uniform\" leaves layer 'conv0' none of its 2 channels at this target; lower the target");
    ranking.floor = 2;
    struct pb_pruning pruning = ranked_rank(&ranked, ranking, CHANNELS(0.8)); /* 4 of 22 stay */
    ASSERT_WIDTHS(&pruning, 2, 2);
    pb_pruning_free(&pruning);
    ranking.floor = 3;
    refuses(&ranked, ranking, CHANNELS(0.8), "keeps at least 5 channels (3 of layer 'conv1')");
    refuses(&ranked, ranking_of(PB_ALLOCATION_UNIFORM_PLUS), PARAMETERS(0.99), "leaves layer 'conv1' none of its 20");
    ranked_free(&ranked);
}

/* A linear layer of 6 that reads 2×2 values of 4 channels: share 6·(6 + 16)/(6·16); the convolution's is 7. */
static void test_erk_counts_what_a_linear_layer_reads_of_the_unpruned_network(void **state)
{
    struct pb_allotment layers[2];
    struct pb_graph *graph = graph_begin("m", 2, 2, 1);
    const uint32_t conv = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "conv", .channels = 4, .conv = {.kernel = {1, 1}}},
        0);
    const uint32_t hidden = graph_linear(graph, "hidden", graph_relu(graph, "relu", conv), 6);
    graph_linear(graph, "fc", graph_relu(graph, "relu2", hidden), 2);
    struct pb_network *network = network_of(graph, 1), *smaller = NULL;
    struct pb_channel_groups groups = groups_of(network->graph);
    const struct pb_ranking erk = ranking_of(PB_ALLOCATION_ERK);
    struct pb_keep keep = {0};
    struct pb_error error = {0};
    (void)state;
    assert_int_equal(groups.count, 2);
    assert_int_equal(pb_keep_create(&groups, &keep, &error), PB_OK);
    for (uint32_t g = 0; g < 2; g++)
        for (uint32_t c = 2; c < groups.groups[g].channels; c++)
            keep.keep[g][c] = false;
    assert_int_equal(pb_network_compact(network, &keep, &smaller, &error), PB_OK);
    for (int round = 0; round < 2; round++) {
        const struct pb_network *now = round ? smaller : network;
        struct pb_channel_groups own = groups_of(now->graph);
        pb_allotments_of_groups(&erk, now, &own, layers);
        assert_true(layers[0].share == 7 && layers[1].share == 1.375);
        assert_int_equal(layers[1].most, round ? 2 : 6);
        pb_channel_groups_free(&own);
    }
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
    pb_network_free(&smaller);
    pb_network_free(&network);
}

/* Channels that an addition couples are one layer, with the sums of what makes them. */
static void test_every_small_network_is_divided_among_its_groups(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < SMALL_NETWORK_COUNT; kind++) {
        struct pb_network *network = small_network((enum small_network)kind, 0);
        struct pb_channel_groups groups = groups_of(network->graph);
        struct pb_allotment *layers = pb_calloc(groups.count, sizeof *layers);
        assert_non_null(layers);
        for (enum pb_allocation rule = PB_ALLOCATION_UNIFORM; rule <= PB_ALLOCATION_ERK; rule++) {
            const struct pb_ranking ranking = ranking_of(rule);
            uint64_t kept = 0, least = 0;
            pb_allotments_of_groups(&ranking, network, &groups, layers);
            for (uint32_t g = 0; g < groups.count; g++)
                least += layers[g].least;
            const uint64_t total = groups.total / 2 > least ? groups.total / 2 : least;
            pb_allot(layers, groups.count, total);
            for (uint32_t g = 0; g < groups.count; g++) {
                assert_true(layers[g].share > 0 && isfinite(layers[g].share));
                kept += layers[g].kept;
            }
            assert_int_equal(kept, total);
        }
        pb_free(layers);
        pb_channel_groups_free(&groups);
        pb_network_free(&network);
    }
}

static void test_allocations_survive_failed_memory(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){3, 3}, 2, (const double[]){5, 1, 4, 2, 6, 3});
    const struct pb_ranking ranking = ranking_of(PB_ALLOCATION_ERK);
    for (long n = 0;; n++) {
        struct pb_error error = {0};
        struct pb_pruning pruning = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_rank(ranked.network, &ranked.groups, &ranked.scores, &ranking, PARAMETERS(0.3),
                                              &ranked.original, &pruning, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_true(n > 20);
            pb_pruning_free(&pruning);
            break;
        }
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(pruning.layers);
    }
    ranked_free(&ranked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals_are_met_exactly_and_no_layer_gets_less_of_a_larger_one),
        cmocka_unit_test(test_what_a_full_layer_cannot_keep_the_others_do),
        cmocka_unit_test(test_erk_of_lenet_keeps_its_last_layer_whole),
        cmocka_unit_test(test_weights_are_masked_as_the_allocation_says),
        cmocka_unit_test(test_weights_that_an_allocation_cannot_mask_are_refused_with_the_layer),
        cmocka_unit_test(test_an_allocation_of_channels_removes_the_lowest_of_each_layer),
        cmocka_unit_test(test_erk_of_channels_counts_by_the_unpruned_network),
        cmocka_unit_test(test_uniform_plus_keeps_the_first_convolution_whole),
        cmocka_unit_test(test_other_measures_are_met_by_the_largest_allocation_that_fits),
        cmocka_unit_test(test_channels_that_an_allocation_cannot_leave_are_refused_with_the_layer),
        cmocka_unit_test(test_erk_counts_what_a_linear_layer_reads_of_the_unpruned_network),
        cmocka_unit_test(test_every_small_network_is_divided_among_its_groups),
        cmocka_unit_test(test_allocations_survive_failed_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
