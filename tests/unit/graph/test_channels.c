/* What goes together: channel groups of plain, residual, depthwise and grouped trunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "graph/models.h"
#include "support/graphs.h"

static void test_vgg16_has_4224_prunable_channels_in_13_groups(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    const struct pb_model_spec spec = {
        .name = "vgg16-bcnn", .classes = 100, .image_size = 224, .width_multiplier = 1, .batch_norm = true};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 13);
    assert_int_equal(groups.total, 4224);
    for (uint32_t g = 0; g < groups.count; g++) {
        assert_int_equal(groups.groups[g].producer_count, 1);
        assert_int_equal(groups.groups[g].norms[0], groups.groups[g].producers[0] + 1);
        assert_int_equal(groups.groups[g].activation, groups.groups[g].producers[0] + 2);
    }
    assert_int_equal(groups.groups[12].producers[0], pb_graph_find(graph, "conv5_3"));
    const uint32_t l2 = pb_graph_find(graph, "l2");
    assert_int_equal(pb_node_group(&groups, l2), 12);
    assert_true(groups.nodes[l2].pairs);
    assert_int_equal(pb_node_group(&groups, pb_graph_find(graph, "fc")), PB_NO_GROUP);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

static void test_neurons_of_hidden_linear_layers_are_prunable_where_the_model_says_so(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        struct pb_error error = {0};
        struct pb_graph *graph = NULL;
        const struct pb_model_spec spec = {.name = "vgg16",
                                           .classes = 100,
                                           .image_size = 32,
                                           .width_multiplier = 1,
                                           .prunable = all ? PB_PRUNABLE_ALL : PB_PRUNABLE_CONVOLUTIONS};
        assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
        struct pb_channel_groups groups = groups_of(graph);
        assert_int_equal(groups.count, all ? 15 : 13);
        assert_int_equal(groups.total, all ? 4224 + 2 * 4096 : 4224);
        assert_int_equal(pb_node_group(&groups, pb_graph_find(graph, "drop7")), all ? 14 : PB_NO_GROUP);
        assert_int_equal(pb_node_group(&groups, pb_graph_find(graph, "fc8")), PB_NO_GROUP);
        if (all) {
            assert_int_equal(groups.groups[13].producers[0], pb_graph_find(graph, "fc6"));
            assert_int_equal(groups.groups[13].activation, pb_graph_find(graph, "relu6"));
        }
        pb_channel_groups_free(&groups);
        pb_graph_free(&graph);
    }
}

static void test_a_heads_convolution_is_prunable_unless_the_trunk_alone_is(void **state)
{
    (void)state;
    for (int trunk = 0; trunk < 2; trunk++) {
        struct pb_error error = {0};
        struct pb_graph *graph = NULL;
        const struct pb_model_spec spec = {.name = "vgg11-bcnn",
                                           .head = {.choice = PB_HEAD_LOW_RANK},
                                           .classes = 10,
                                           .image_size = 32,
                                           .width_multiplier = 1,
                                           .prunable = trunk ? PB_PRUNABLE_TRUNK : PB_PRUNABLE_CONVOLUTIONS};
        assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
        struct pb_channel_groups groups = groups_of(graph);
        assert_int_equal(groups.count, trunk ? 8 : 9);
        assert_int_equal(pb_node_group(&groups, pb_graph_find(graph, "reduce")), trunk ? PB_NO_GROUP : 8);
        pb_channel_groups_free(&groups);
        pb_graph_free(&graph);
    }
}

/* A plain network from a file: nothing in it is known as its head. */
static void test_without_a_head_hidden_neurons_are_fixed_but_for_all(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        struct pb_graph *graph = graph_begin("perceptron", 4, 4, 3);
        const uint32_t hidden = graph_linear(graph, "hidden", graph_conv(graph, "conv", 0, 4), 5);
        const uint32_t last = graph_linear(graph, "fc", graph_relu(graph, "relu", hidden), 2);
        graph->parts.classifier = last;
        pb_model_fix_layers(all ? PB_PRUNABLE_ALL : PB_PRUNABLE_TRUNK, graph);
        struct pb_channel_groups groups = groups_of(graph);
        assert_int_equal(groups.count, all ? 2 : 1);
        assert_int_equal(groups.groups[0].producers[0], pb_graph_find(graph, "conv"));
        pb_channel_groups_free(&groups);
        pb_graph_free(&graph);
    }
}

/* A fixed convolution keeps its filters, and whatever an addition couples with them. */
static void test_a_fixed_layer_fixes_its_group(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("fixed", 4, 4, 3);
    const uint32_t fixed =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONV2D, .name = "kept", .channels = 4, .conv = {.kernel = {1, 1}}, .fixed = true},
                  0);
    const uint32_t beside = graph_conv(graph, "beside", 0, 4);
    const uint32_t last = graph_conv(graph, "last", graph_sum(graph, "sum", fixed, beside), 5);
    graph_linear(graph, "fc", last, 2);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 1);
    assert_int_equal(groups.groups[0].producers[0], last);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

static void test_add_couples_its_producers(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("residual", 6, 6, 3);
    const uint32_t first = graph_conv(graph, "first", 0, 4);
    const uint32_t skip = graph_relu(graph, "relu1", graph_norm(graph, "bn1", first));
    const uint32_t inner = graph_conv(graph, "inner", skip, 5);
    const uint32_t outer = graph_conv(graph, "outer", graph_relu(graph, "relu2", inner), 4);
    const uint32_t sum = graph_sum(graph, "sum", graph_norm(graph, "bn3", outer), skip);
    const uint32_t last = graph_relu(graph, "relu3", sum);
    graph_bilinear_head(graph, last, 3);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 2);
    assert_int_equal(groups.total, 9);
    assert_int_equal(groups.groups[0].producer_count, 2);
    assert_int_equal(groups.groups[0].producers[0], first);
    assert_int_equal(groups.groups[0].producers[1], outer);
    assert_int_equal(groups.groups[0].norms[0], pb_graph_find(graph, "bn1"));
    assert_int_equal(groups.groups[0].norms[1], pb_graph_find(graph, "bn3"));
    assert_int_equal(groups.groups[0].activation, last);
    assert_int_equal(groups.groups[0].activations[0], skip);
    assert_int_equal(groups.groups[0].activations[1], last);
    assert_int_equal(groups.groups[1].producers[0], inner);
    assert_int_equal(groups.groups[1].norms[0], UINT32_MAX);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

static void test_channels_that_reach_the_output_or_the_input_stay(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("fixed", 4, 4, 3);
    const uint32_t beside_input = graph_conv(graph, "beside_input", 0, 3);
    const uint32_t sum = graph_sum(graph, "sum", beside_input, 0);
    const uint32_t free_one = graph_conv(graph, "free", sum, 6);
    const uint32_t scores = graph_conv(graph, "scores", free_one, 5);
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, scores);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 1);
    assert_int_equal(groups.groups[0].producers[0], free_one);
    assert_int_equal(graph->classes, 5);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

static uint32_t grouped_conv(struct pb_graph *graph, const char *name, uint32_t input, uint32_t filters, uint32_t parts)
{
    return graph_add(
        graph,
        (struct pb_graph_node){
            .op = PB_OP_CONV2D, .name = name, .channels = filters, .conv = {.kernel = {1, 1}, .groups = parts}},
        input);
}

static uint32_t beside(struct pb_graph *graph, const char *name, uint32_t a, uint32_t b)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = name, .inputs = {0, b}}, a);
}

static void test_a_depthwise_convolution_joins_its_inputs_group(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("depthwise", 5, 5, 3);
    const uint32_t point = graph_conv(graph, "point", 0, 4), depth = grouped_conv(graph, "depth", point, 4, 4);
    assert_true(graph->nodes[depth].attributes.conv.depthwise);
    graph_linear(graph, "fc", depth, 2);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 1);
    assert_int_equal(groups.groups[0].producer_count, 2);
    assert_int_equal(groups.groups[0].producers[0], point);
    assert_int_equal(groups.groups[0].producers[1], depth);
    assert_int_equal(groups.groups[0].activation, depth);
    assert_int_equal(groups.groups[0].repeats, 1);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

/* Each of the three groups reads 4 of the 12 channels and makes 2 of the 6. */
static void test_what_a_grouped_convolution_reads_and_makes_repeats(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("grouped", 5, 5, 3);
    const uint32_t before = graph_conv(graph, "before", 0, 12),
                   grouped = grouped_conv(graph, "grouped", graph_relu(graph, "relu", before), 6, 3);
    const uint32_t depth = grouped_conv(graph, "depth", grouped, 6, 6);
    graph_linear(graph, "fc", depth, 2);
    assert_true(graph->nodes[grouped].attributes.conv.grouped);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 2);
    assert_int_equal(groups.groups[0].channels, 4);
    assert_int_equal(groups.groups[0].repeats, 3);
    assert_int_equal(groups.groups[1].channels, 2);
    assert_int_equal(groups.groups[1].repeats, 3);
    assert_int_equal(groups.groups[1].producer_count, 2);
    assert_int_equal(groups.groups[1].producers[1], depth);
    assert_int_equal(groups.total, 18);
    const struct pb_node_channels *channels = &groups.nodes[before];
    assert_int_equal(channels->count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(channels->segments[i].group, 0);
        assert_int_equal(channels->segments[i].channels, 4);
    }
    assert_int_equal(pb_node_group(&groups, before), 0);
    assert_int_equal(pb_node_repeats(&groups, depth), 3);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

/* Groups of 4 and of 6 channels on the two sides of 12: what goes repeats every 2 of them, on every branch of the sum. */
static void test_repetitions_of_two_grouped_convolutions_agree(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("both", 5, 5, 3);
    const uint32_t first = graph_conv(graph, "first", 0, 12), plain = graph_conv(graph, "plain", first, 12);
    const uint32_t threes = grouped_conv(graph, "threes", first, 12, 3);
    const uint32_t twos = grouped_conv(graph, "twos", graph_sum(graph, "sum", plain, threes), 4, 2);
    graph_linear(graph, "fc", twos, 2);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 3);
    assert_int_equal(groups.groups[0].channels, 4);
    assert_int_equal(groups.groups[1].channels, 2);
    assert_int_equal(groups.groups[1].repeats, 6);
    assert_int_equal(groups.groups[1].producer_count, 2);
    assert_int_equal(groups.groups[2].channels, 2);
    assert_int_equal(groups.total, 12 + 12 + 4);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

/* Two groups read 4 + 4 of one convolution, and then 4 of a third: the third's channels go with either half. */
static void test_a_grouped_convolution_couples_whole_pieces_of_a_concatenation(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("pieces", 5, 5, 3);
    const uint32_t wide = graph_conv(graph, "wide", 0, 8), narrow = graph_conv(graph, "narrow", 0, 4);
    const uint32_t grouped = grouped_conv(graph, "grouped", beside(graph, "both", wide, narrow), 6, 3);
    graph_linear(graph, "fc", grouped, 2);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 2);
    assert_int_equal(groups.groups[0].channels, 4);
    assert_int_equal(groups.groups[0].producer_count, 2);
    assert_int_equal(groups.groups[0].repeats, 2); /* of the widest */
    assert_int_equal(pb_node_repeats(&groups, narrow), 1);
    assert_int_equal(groups.total, 8 + 6);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

/* Each group reads 3 channels of one convolution and 2 of another; the four convolutions make two groups. */
static void test_a_grouped_convolution_couples_equal_pieces_within_its_groups(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("within", 5, 5, 3);
    const uint32_t a = graph_conv(graph, "a", 0, 3), b = graph_conv(graph, "b", 0, 2), c = graph_conv(graph, "c", 0, 3),
                   d = graph_conv(graph, "d", 0, 2);
    const uint32_t all = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "all", .inputs = {0, b, c, d}, .input_count = 4}, a);
    graph_linear(graph, "fc", grouped_conv(graph, "grouped", all, 6, 2), 2);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 3);
    assert_int_equal(groups.groups[0].producers[1], c);
    assert_int_equal(groups.groups[0].channels, 3);
    assert_int_equal(groups.groups[1].producers[1], d);
    assert_int_equal(groups.groups[1].channels, 2);
    assert_int_equal(groups.groups[0].repeats, 1);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

/* In two groups 4 + 6 channels, 2 + 3 beside 5, and 2 + 4 + 2: the groups would not lose the same places. */
static void test_pieces_that_a_grouped_convolution_cannot_share_stay(void **state)
{
    (void)state;
    static const uint32_t cases[][3] = {{4, 6, 0}, {2, 3, 5}, {2, 4, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_graph *graph = graph_begin("crossing", 5, 5, 3);
        const uint32_t a = graph_conv(graph, "a", 0, cases[i][0]), b = graph_conv(graph, "b", 0, cases[i][1]);
        uint32_t all = beside(graph, "both", a, b);
        if (cases[i][2])
            all = beside(graph, "all", all, graph_conv(graph, "c", 0, cases[i][2]));
        const uint32_t grouped = grouped_conv(graph, "grouped", all, 6, 2);
        graph_linear(graph, "fc", grouped, 2);
        struct pb_channel_groups groups = groups_of(graph);
        assert_int_equal(groups.count, 1);
        assert_int_equal(groups.groups[0].producers[0], grouped);
        assert_int_equal(groups.groups[0].channels, 3);
        pb_channel_groups_free(&groups);
        pb_graph_free(&graph);
    }
}

/* A dense block: each convolution reads all before it, through a concatenation of concatenations. */
static void test_concatenated_channels_stay_in_their_own_groups(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("dense", 5, 5, 3);
    const uint32_t first = graph_conv(graph, "first", 0, 4), second = graph_conv(graph, "second", first, 6);
    const uint32_t both =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "both", .inputs = {0, second}}, first);
    const uint32_t third = graph_conv(graph, "third", graph_norm(graph, "bn", both), 2);
    const uint32_t all =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "all", .inputs = {0, third}}, both);
    graph_linear(graph, "fc", all, 2);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 3);
    assert_int_equal(groups.total, 12);
    const struct pb_node_channels *channels = &groups.nodes[all];
    assert_int_equal(channels->count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(channels->segments[i].group, i);
        assert_int_equal(channels->segments[i].channels, groups.groups[i].channels);
        assert_int_equal(groups.groups[i].norms[0], UINT32_MAX);
    }
    assert_int_equal(pb_node_group(&groups, both), PB_NO_GROUP);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

/* 4 + 6 channels beside 10 of one convolution: no channel can be removed on one side alone. */
static void test_pieces_that_do_not_match_stay(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("mismatch", 5, 5, 3);
    const uint32_t a = graph_conv(graph, "a", 0, 4), b = graph_conv(graph, "b", 0, 6),
                   whole = graph_conv(graph, "whole", 0, 10);
    const uint32_t both =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "both", .inputs = {0, b}}, a);
    const uint32_t free_one = graph_conv(graph, "free", graph_sum(graph, "sum", both, whole), 3);
    graph_linear(graph, "fc", free_one, 2);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 1);
    assert_int_equal(groups.groups[0].producers[0], free_one);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

static void test_finding_groups_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("small", 4, 4, 3);
    graph_bilinear_head(graph, graph_conv(graph, "conv", 0, 4), 2);
    for (long n = 0;; n++) {
        struct pb_channel_groups groups = {0};
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_channel_groups_find(graph, &groups, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_true(n > 4);
            pb_channel_groups_free(&groups);
            break;
        }
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(groups.groups);
    }
    pb_graph_free(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vgg16_has_4224_prunable_channels_in_13_groups),
        cmocka_unit_test(test_neurons_of_hidden_linear_layers_are_prunable_where_the_model_says_so),
        cmocka_unit_test(test_a_heads_convolution_is_prunable_unless_the_trunk_alone_is),
        cmocka_unit_test(test_without_a_head_hidden_neurons_are_fixed_but_for_all),
        cmocka_unit_test(test_a_fixed_layer_fixes_its_group),
        cmocka_unit_test(test_add_couples_its_producers),
        cmocka_unit_test(test_channels_that_reach_the_output_or_the_input_stay),
        cmocka_unit_test(test_a_depthwise_convolution_joins_its_inputs_group),
        cmocka_unit_test(test_what_a_grouped_convolution_reads_and_makes_repeats),
        cmocka_unit_test(test_repetitions_of_two_grouped_convolutions_agree),
        cmocka_unit_test(test_a_grouped_convolution_couples_whole_pieces_of_a_concatenation),
        cmocka_unit_test(test_a_grouped_convolution_couples_equal_pieces_within_its_groups),
        cmocka_unit_test(test_pieces_that_a_grouped_convolution_cannot_share_stay),
        cmocka_unit_test(test_concatenated_channels_stay_in_their_own_groups),
        cmocka_unit_test(test_pieces_that_do_not_match_stay),
        cmocka_unit_test(test_finding_groups_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
