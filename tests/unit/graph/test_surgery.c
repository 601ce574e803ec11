/* Removing channels: the masked and the compacted network must be one function, worked out without the engine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "graph/cost.h"
#include "graph/graph_json.h"
#include "graph/models.h"
#include "support/evaluate.h"
#include "support/graphs.h"
#include "support/small_networks.h"

#define MAX_PIXELS 12288
#define MAX_CLASSES 16

static struct pb_keep keep_all(const struct pb_channel_groups *groups)
{
    struct pb_error error = {0};
    struct pb_keep keep = {0};
    assert_int_equal(pb_keep_create(groups, &keep, &error), PB_OK);
    return keep;
}

/* About two thirds stay: at least one of each group, and not all where there are several. */
static struct pb_keep keep_some(const struct pb_channel_groups *groups, uint64_t seed)
{
    struct pb_keep keep = keep_all(groups);
    struct pb_rng rng;
    pb_rng_init(&rng, seed, "keep");
    for (uint32_t g = 0; g < groups->count; g++) {
        const uint32_t sure = pb_rng_below(&rng, groups->groups[g].channels);
        const uint32_t gone = (sure + 1) % groups->groups[g].channels;
        for (uint32_t c = 0; c < groups->groups[g].channels; c++)
            keep.keep[g][c] = c == sure || (c != gone && pb_rng_uniform(&rng) < 0.67);
    }
    return keep;
}

static void draw_image(const struct pb_graph *graph, double *image)
{
    struct pb_rng rng;
    pb_rng_init(&rng, 9, "image");
    assert_true(pb_shape_count(graph->nodes[0].shape) <= MAX_PIXELS);
    for (size_t i = 0; i < pb_shape_count(graph->nodes[0].shape); i++)
        image[i] = 2 * pb_rng_uniform(&rng) - 1;
}

static void assert_same_function(const struct pb_network *a, const struct pb_network *b)
{
    static double image[MAX_PIXELS];
    double left[MAX_CLASSES], right[MAX_CLASSES], largest = 0, difference = 0;
    assert_int_equal(a->graph->classes, b->graph->classes);
    draw_image(a->graph, image);
    evaluate_network(a, image, left);
    evaluate_network(b, image, right);
    for (uint32_t k = 0; k < a->graph->classes; k++) {
        largest = fmax(largest, fabs(left[k]));
        difference = fmax(difference, fabs(left[k] - right[k]));
    }
    assert_true(largest > 1e-6);
    if (!(difference <= 1e-12 * largest))
        fail_msg("%s: masked and compacted differ by %g of %g", a->graph->model, difference, largest);
}

/* Takes the graph over. Several random keep masks; every channel of the compacted network must be where it should. */
static void check_graph(struct pb_graph *graph)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct pb_error error = {0};
        struct pb_graph *copy = NULL;
        struct pb_network *compacted = NULL;
        assert_int_equal(pb_graph_copy(graph, &copy, &error), PB_OK);
        struct pb_network *network = network_of(copy, seed);
        struct pb_channel_groups groups = groups_of(copy);
        struct pb_keep keep = keep_some(&groups, seed);
        if (pb_network_compact(network, &keep, &compacted, &error) != PB_OK)
            fail_msg("%s", error.text);
        pb_network_mask(network, &groups, &keep);
        assert_same_function(network, compacted);
        assert_true(pb_graph_cost(compacted->graph).params < pb_graph_cost(graph).params);
        pb_network_free(&compacted);
        pb_network_free(&network);
        pb_keep_free(&keep);
        pb_channel_groups_free(&groups);
    }
    pb_graph_free(&graph);
}

static void check_model(const char *name, uint32_t image_size, double multiplier, bool batch_norm)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    const struct pb_model_spec spec = {.name = name,
                                       .classes = 5,
                                       .image_size = image_size,
                                       .width_multiplier = multiplier,
                                       .batch_norm = batch_norm,
                                       .prunable = PB_PRUNABLE_ALL};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    check_graph(graph);
}

static void test_masked_and_compacted_models_agree(void **state)
{
    (void)state;
    check_model("vgg16-bcnn", 16, 0.05, true);
    check_model("vgg11-bcnn", 33, 0.05, false);
    check_model("vgg11-gap", 16, 0.05, true);
    check_model("vgg11", 35, 0.04, false);
    check_model("alexnet", 63, 0.03, true);
}

static void check_head(enum pb_head_choice head)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    const struct pb_model_spec spec = {.name = "resnet20",
                                       .classes = 5,
                                       .image_size = 16,
                                       .width_multiplier = 0.25,
                                       .batch_norm = true,
                                       .head = {.choice = head, .reduction = 7}};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    struct pb_channel_groups groups = groups_of(graph);
    const uint32_t group = pb_node_group(&groups, pb_graph_find(graph, "reduce"));
    assert_int_not_equal(group, PB_NO_GROUP);
    assert_int_equal(groups.groups[group].channels, 7);
    pb_channel_groups_free(&groups);
    check_graph(graph);
}

/* A row and a column of zeros change no other value of a root or projector. */
static void test_masked_and_compacted_matrices_agree(void **state)
{
    (void)state;
    check_head(PB_HEAD_ISQRT);
    check_head(PB_HEAD_GRASSMANN);
}

static void test_masked_and_compacted_flattened_positions_agree(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("flatten", 5, 7, 2);
    const uint32_t conv = graph_relu(graph, "relu", graph_norm(graph, "bn", graph_conv(graph, "conv", 0, 6)));
    const uint32_t pool = graph_add(graph,
                                    (struct pb_graph_node){.op = PB_OP_AVG_POOL,
                                                           .name = "pool",
                                                           .pool = {.kernel = {3, 2}, .stride = {2, 1}, .pad = {1, 0}}},
                                    conv);
    const uint32_t fc6 = graph_linear(graph, "fc6", pool, 4);
    graph_linear(graph, "fc7", graph_relu(graph, "relu6", fc6), 3);
    check_graph(graph);
}

/* conv (2) → fc1 (3) → fc2 (2) over 2×1 images: what is left when channel 0 and neuron 1 go, value by value. */
static void test_compaction_removes_neurons_with_their_rows_and_columns(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("neurons", 2, 1, 1);
    const uint32_t conv = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "conv", .channels = 2, .conv = {.kernel = {1, 1}}},
        0);
    const uint32_t fc1 = graph_linear(graph, "fc1", conv, 3), fc2 = graph_linear(graph, "fc2", fc1, 2);
    struct pb_network *network = network_of(graph, 1), *compacted = NULL;
    for (int i = 0; i < 12; i++) /* row k: position 0 of channels 0 and 1, then position 1 */
        pb_network_values(network, fc1, PB_ROLE_WEIGHT)[i] = (float)i;
    for (int i = 0; i < 6; i++)
        pb_network_values(network, fc2, PB_ROLE_WEIGHT)[i] = (float)i;
    for (int i = 0; i < 3; i++)
        pb_network_values(network, fc1, PB_ROLE_BIAS)[i] = (float)i;
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 2);
    struct pb_keep keep = keep_all(&groups);
    keep.keep[0][0] = keep.keep[1][1] = false;
    assert_int_equal(pb_network_compact(network, &keep, &compacted, &error), PB_OK);
    static const float first[] = {1, 3, 9, 11}, second[] = {0, 2, 3, 5}, bias[] = {0, 2};
    assert_memory_equal(pb_network_values(compacted, fc1, PB_ROLE_WEIGHT), first, sizeof first);
    assert_memory_equal(pb_network_values(compacted, fc1, PB_ROLE_BIAS), bias, sizeof bias);
    assert_memory_equal(pb_network_values(compacted, fc2, PB_ROLE_WEIGHT), second, sizeof second);
    assert_int_equal(compacted->graph->classes, 2);
    const struct pb_cost cost = pb_graph_cost(compacted->graph);
    assert_int_equal(cost.params, 1 + (2 * 2 + 2) + (2 * 2 + 2)); /* of 2 + 15 + 8 */
    assert_int_equal(cost.macs, 2 * 1 + 2 * 2 + 2 * 2); /* of 4 + 12 + 6 */
    pb_network_mask(network, &groups, &keep);
    for (int i = 4; i < 8; i++)
        assert_true(pb_network_values(network, fc1, PB_ROLE_WEIGHT)[i] == 0);
    assert_true(pb_network_values(network, fc1, PB_ROLE_BIAS)[1] == 0);
    pb_network_free(&compacted);
    pb_network_free(&network);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
}

static void test_masked_and_compacted_residual_networks_agree(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("residual", 9, 8, 3);
    const uint32_t skip = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "first", 0, 6)));
    const uint32_t inner = graph_relu(graph, "relu2", graph_norm(graph, "bn2", graph_conv(graph, "inner", skip, 5)));
    const uint32_t outer = graph_norm(graph, "bn3", graph_conv(graph, "outer", inner, 6));
    uint32_t sum = graph_relu(graph, "relu3", graph_sum(graph, "sum", outer, skip));
    /* A second block without a norm of its own on the branch, and one behind the sum (pre-activation). */
    const uint32_t branch = graph_conv(graph, "branch", sum, 6);
    sum = graph_relu(graph, "relu4", graph_norm(graph, "bn4", graph_sum(graph, "sum2", branch, sum)));
    const uint32_t down = graph_add(
        graph,
        (struct pb_graph_node){.op = PB_OP_CONV2D,
                               .name = "down",
                               .channels = 7,
                               .bias = true,
                               .conv = {.kernel = {3, 3}, .stride = {2, 1}, .pad = {0, 2}, .dilation = {1, 2}}},
        sum);
    graph_bilinear_head(graph, graph_relu(graph, "relu5", down), 4);
    check_graph(graph);
}

static void test_masked_and_compacted_depthwise_networks_agree(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("separable", 6, 6, 3);
    const uint32_t point = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "point1", 0, 6)));
    const uint32_t depth = graph_add(graph,
                                     (struct pb_graph_node){.op = PB_OP_CONV2D,
                                                            .name = "depth",
                                                            .channels = 6,
                                                            .bias = true,
                                                            .conv = {.kernel = {3, 3}, .pad = {1, 1}, .groups = 6}},
                                     point);
    const uint32_t second = graph_conv(graph, "point2", graph_relu(graph, "relu2", depth), 8);
    const uint32_t grouped =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONV2D, .name = "grouped", .channels = 4, .conv = {.kernel = {1, 1}, .groups = 2}},
                  graph_relu(graph, "relu3", second));
    const uint32_t last = graph_conv(graph, "last", grouped, 5);
    const uint32_t gap = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, last);
    graph_linear(graph, "fc", gap, 3);
    check_graph(graph);
}

static uint32_t grouped_conv(struct pb_graph *graph, const char *name, uint32_t input, uint32_t filters, uint32_t parts)
{
    return graph_add(graph,
                     (struct pb_graph_node){.op = PB_OP_CONV2D,
                                            .name = name,
                                            .channels = filters,
                                            .bias = true,
                                            .conv = {.kernel = {3, 3}, .pad = {1, 1}, .groups = parts}},
                     input);
}

/* A residual block of grouped convolutions as in ResNeXt; all positions of a folded group are read by a linear layer. */
static void test_masked_and_compacted_grouped_networks_agree(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("grouped", 5, 4, 3);
    const uint32_t stem = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "stem", 0, 12)));
    const uint32_t narrow = graph_relu(graph, "relu2", graph_norm(graph, "bn2", graph_conv(graph, "narrow", stem, 8)));
    const uint32_t grouped = graph_norm(graph, "bn3", grouped_conv(graph, "grouped", narrow, 12, 4));
    const uint32_t depth = grouped_conv(graph, "depth", graph_relu(graph, "relu3", grouped), 12, 12);
    const uint32_t sum = graph_relu(graph, "relu4", graph_sum(graph, "sum", depth, stem));
    const uint32_t last = graph_relu(graph, "relu5", grouped_conv(graph, "last", sum, 9, 3));
    graph_linear(graph, "fc", last, 4);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 3);
    assert_int_equal(groups.groups[0].channels, 1); /* of 12 what 4 groups make and 3 groups read */
    assert_int_equal(groups.groups[1].channels, 2);
    assert_int_equal(groups.groups[2].channels, 3);
    pb_channel_groups_free(&groups);
    check_graph(graph);
}

static void test_masked_and_compacted_grouped_concatenations_agree(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("grouped_pieces", 4, 5, 3);
    const uint32_t wide = graph_conv(graph, "wide", 0, 12),
                   narrow = graph_relu(graph, "relu", graph_conv(graph, "narrow", 0, 6));
    const uint32_t both =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "both", .inputs = {0, narrow}}, wide);
    const uint32_t grouped = grouped_conv(graph, "grouped", graph_norm(graph, "bn", both), 6, 3);
    const uint32_t again =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "again", .inputs = {0, both}}, grouped);
    graph_bilinear_head(graph, graph_conv(graph, "last", again, 4), 3);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 3);
    assert_int_equal(groups.groups[0].channels, 6);
    pb_channel_groups_free(&groups);
    check_graph(graph);
}

/* 4 groups of 2 channels and 2 filters: value by value what is left of them, and of the layers on both sides. */
static void test_a_grouped_convolution_loses_the_same_of_every_group(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("equally", 1, 1, 1);
    const uint32_t conv = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "conv", .channels = 4, .conv = {.kernel = {1, 1}}},
        0);
    const uint32_t grouped =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONV2D, .name = "grouped", .channels = 4, .conv = {.kernel = {1, 1}, .groups = 2}},
                  conv);
    const uint32_t fc = graph_linear(graph, "fc", grouped, 1);
    struct pb_network *network = network_of(graph, 1), *compacted = NULL, *again = NULL;
    for (int i = 0; i < 8; i++) /* row k: what filter k reads of its group's two channels */
        pb_network_values(network, grouped, PB_ROLE_WEIGHT)[i] = (float)i;
    for (int i = 0; i < 4; i++) {
        pb_network_values(network, conv, PB_ROLE_WEIGHT)[i] = (float)i;
        pb_network_values(network, fc, PB_ROLE_WEIGHT)[i] = (float)i;
    }
    struct pb_channel_groups groups = groups_of(graph);
    struct pb_keep keep = keep_all(&groups);
    keep.keep[0][0] = keep.keep[1][1] = false;
    assert_int_equal(pb_network_compact(network, &keep, &compacted, &error), PB_OK);
    static const float first[] = {1, 3}, weights[] = {1, 5}, last[] = {0, 2};
    assert_memory_equal(pb_network_values(compacted, conv, PB_ROLE_WEIGHT), first, sizeof first);
    assert_memory_equal(pb_network_values(compacted, grouped, PB_ROLE_WEIGHT), weights, sizeof weights);
    assert_memory_equal(pb_network_values(compacted, fc, PB_ROLE_WEIGHT), last, sizeof last);
    /* 2 groups of 1 channel and 1 filter are no depthwise convolution: its filters stay a group of their own. */
    assert_false(compacted->graph->nodes[grouped].attributes.conv.depthwise);
    assert_int_equal(compacted->group_count, 2);
    assert_int_equal(compacted->origin[0][0], 1);
    assert_int_equal(compacted->origin[1][0], 0);
    char *text = NULL;
    struct pb_graph *read = NULL;
    assert_int_equal(pb_graph_to_json(compacted->graph, &text, &error), PB_OK);
    assert_int_equal(pb_graph_from_json(text, "text", &read, &error), PB_OK);
    assert_true(read->nodes[grouped].attributes.conv.grouped);
    assert_int_equal(pb_network_copy(compacted, &again, &error), PB_OK);
    again->values[0] = 9;
    assert_int_equal(pb_network_rewind(again, network, &error), PB_OK);
    assert_memory_equal(again->values, compacted->values, compacted->graph->value_count * sizeof(float));
    pb_free(text);
    pb_graph_free(&read);
    pb_network_free(&again);
    pb_network_free(&compacted);
    pb_network_free(&network);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
}

/* Concatenated channels, an input twice among them, under a batch norm, a convolution, a product, and in pairs. */
static void test_masked_and_compacted_concatenations_agree(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("dense", 6, 5, 3);
    const uint32_t a = graph_conv(graph, "a", 0, 5), b = graph_relu(graph, "b_relu", graph_conv(graph, "b", a, 4));
    const uint32_t both =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "both", .inputs = {0, b}}, a);
    const uint32_t c = graph_conv(graph, "c", graph_norm(graph, "bn", both), 5);
    const uint32_t product =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "product", .inputs = {0, c}}, a);
    const uint32_t all = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "all", .inputs = {0, product, b}, .input_count = 3},
        both);
    const uint32_t cut = graph_add(graph, (struct pb_graph_node){.op = PB_OP_RELU6, .name = "cut"}, all);
    graph_bilinear_head(graph, cut, 3);
    struct pb_channel_groups groups = groups_of(graph);
    assert_int_equal(groups.count, 2); /* the product couples a and c */
    assert_int_equal(groups.groups[0].producer_count, 2);
    pb_channel_groups_free(&groups);
    check_graph(graph);
}

/* Heads that nothing learns: their hashes and signs go with the channels of the trunk. */
static void test_masked_and_compacted_sketches_and_projections_agree(void **state)
{
    (void)state;
    for (int kind = SMALL_SKETCHED; kind <= SMALL_PROJECTED; kind++) {
        struct pb_error error = {0};
        struct pb_graph *graph = NULL;
        struct pb_network *network = small_network((enum small_network)kind, 0);
        assert_int_equal(pb_graph_copy(network->graph, &graph, &error), PB_OK);
        check_graph(graph);
        pb_network_free(&network);
    }
}

static void test_compaction_picks_the_pairs_columns(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("pairs", 1, 1, 1);
    const uint32_t conv = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "conv", .channels = 3, .conv = {.kernel = {1, 1}}},
        0);
    graph_bilinear_head(graph, conv, 1);
    struct pb_network *network = network_of(graph, 1), *compacted = NULL;
    const uint32_t fc = pb_graph_find(graph, "fc");
    for (int column = 0; column < 9; column++) {
        pb_network_values(network, fc, PB_ROLE_WEIGHT)[column] = (float)column;
        pb_network_velocity(network, fc, PB_ROLE_WEIGHT)[column] = (float)(100 + column);
    }
    struct pb_channel_groups groups = groups_of(graph);
    struct pb_keep keep = keep_all(&groups);
    keep.keep[0][1] = false;
    assert_int_equal(pb_network_compact(network, &keep, &compacted, &error), PB_OK);
    const float *columns = pb_network_values(compacted, fc, PB_ROLE_WEIGHT);
    const float *momentum = pb_network_velocity(compacted, fc, PB_ROLE_WEIGHT);
    const int expected[] = {0, 2, 6, 8}; /* pairs 00, 02, 20, 22 */
    for (int column = 0; column < 4; column++) {
        assert_int_equal((int)columns[column], expected[column]);
        assert_int_equal((int)momentum[column], 100 + expected[column]);
    }
    assert_int_equal(compacted->graph->nodes[conv].shape.channels, 2);
    assert_int_equal(compacted->origin[0][0], 0);
    assert_int_equal(compacted->origin[0][1], 2);
    assert_int_equal(compacted->original_widths[0], 3);
    pb_network_free(&compacted);
    pb_network_free(&network);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
}

static void test_compaction_refuses_to_empty_a_layer(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("empty", 4, 4, 3);
    graph_bilinear_head(graph, graph_conv(graph, "trunk", 0, 2), 2);
    struct pb_network *network = network_of(graph, 1), *compacted = NULL;
    struct pb_channel_groups groups = groups_of(graph);
    struct pb_keep keep = keep_all(&groups);
    keep.keep[0][0] = keep.keep[0][1] = false;
    assert_int_equal(pb_network_compact(network, &keep, &compacted, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "'trunk'"));
    assert_null(compacted);
    pb_network_free(&network);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
}

static void test_zeroing_filters_leaves_batch_norm_alone(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("soft", 4, 4, 3);
    const uint32_t conv = graph_conv(graph, "conv", 0, 3);
    const uint32_t norm = graph_norm(graph, "bn", conv);
    graph_bilinear_head(graph, norm, 2);
    struct pb_network *network = network_of(graph, 1);
    struct pb_channel_groups groups = groups_of(graph);
    struct pb_keep keep = keep_all(&groups);
    keep.keep[0][1] = false;
    const float gamma = pb_network_values(network, norm, PB_ROLE_GAMMA)[1];
    const float neighbour = pb_network_values(network, conv, PB_ROLE_WEIGHT)[26];
    pb_network_zero_filters(network, &groups, &keep);
    const float *weights = pb_network_values(network, conv, PB_ROLE_WEIGHT);
    for (int i = 27; i < 54; i++)
        assert_true(weights[i] == 0);
    assert_true(pb_network_values(network, conv, PB_ROLE_BIAS)[1] == 0);
    assert_true(weights[26] == neighbour && weights[54] != 0);
    assert_true(pb_network_values(network, norm, PB_ROLE_GAMMA)[1] == gamma && gamma != 0);
    pb_network_mask(network, &groups, &keep);
    assert_true(pb_network_values(network, norm, PB_ROLE_GAMMA)[1] == 0);
    assert_true(pb_network_values(network, norm, PB_ROLE_BETA)[1] == 0);
    assert_true(pb_network_values(network, norm, PB_ROLE_GAMMA)[0] != 0);
    pb_network_free(&network);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
}

static struct pb_network *compact_with(const struct pb_network *network, uint64_t seed)
{
    struct pb_error error = {0};
    struct pb_network *compacted = NULL;
    struct pb_channel_groups groups = groups_of(network->graph);
    struct pb_keep keep = keep_some(&groups, seed);
    assert_int_equal(pb_network_compact(network, &keep, &compacted, &error), PB_OK);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
    return compacted;
}

/* Two prunings in a row, values trained over, then rewound: the same as the two prunings of the early values. */
static void test_rewinding_gives_survivors_their_early_values(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("rewind", 5, 5, 3);
    uint32_t node = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 9)));
    node = graph_relu(graph, "relu2", graph_norm(graph, "bn2", graph_conv(graph, "conv2", node, 8)));
    graph_bilinear_head(graph, node, 3);
    struct pb_network *early = network_of(graph, 3);
    struct pb_network *once = compact_with(early, 5);
    struct pb_network *twice = compact_with(once, 6);
    struct pb_network *rewound = NULL;
    assert_int_equal(pb_network_copy(twice, &rewound, &error), PB_OK);
    for (size_t i = 0; i < rewound->graph->value_count; i++)
        rewound->values[i] += 1;
    assert_int_equal(pb_network_rewind(rewound, early, &error), PB_OK);
    assert_memory_equal(rewound->values, twice->values, twice->graph->value_count * sizeof(float));
    assert_null(rewound->velocity);
    /* The other way round there are channels that the "earlier" network never had. */
    assert_int_equal(pb_network_rewind(early, twice, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "conv1"));
    pb_network_free(&early);
    pb_network_free(&once);
    pb_network_free(&twice);
    pb_network_free(&rewound);
}

static void test_a_depthwise_layer_pruned_to_one_channel_can_be_pruned_and_rewound_on(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("narrow", 4, 4, 3);
    const uint32_t depth = graph_add(
        graph,
        (struct pb_graph_node){
            .op = PB_OP_CONV2D, .name = "depth", .channels = 2, .conv = {.kernel = {3, 3}, .pad = {1, 1}, .groups = 2}},
        graph_conv(graph, "point", 0, 2));
    graph_linear(graph, "fc", depth, 2);
    struct pb_network *network = network_of(graph, 1), *narrow = NULL;
    struct pb_channel_groups groups = groups_of(graph);
    struct pb_keep keep = keep_all(&groups);
    keep.keep[0][0] = false;
    assert_int_equal(pb_network_compact(network, &keep, &narrow, &error), PB_OK);
    assert_int_equal(narrow->group_count, 1);
    assert_int_equal(narrow->origin[0][0], 1);
    if (pb_network_rewind(narrow, network, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_network_free(&network);
    pb_network_free(&narrow);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
}

static void test_compaction_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("memory", 4, 4, 3);
    graph_bilinear_head(graph, graph_norm(graph, "bn", graph_conv(graph, "conv", 0, 4)), 2);
    struct pb_network *network = network_of(graph, 1);
    struct pb_channel_groups groups = groups_of(graph);
    struct pb_keep keep = keep_some(&groups, 2);
    for (long n = 0;; n++) {
        struct pb_error error = {0};
        struct pb_network *compacted = NULL;
        pb_memory_fail_after(n);
        const enum pb_status status = pb_network_compact(network, &keep, &compacted, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_true(n > 20);
            pb_network_free(&compacted);
            break;
        }
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(compacted);
    }
    pb_network_free(&network);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masked_and_compacted_models_agree),
        cmocka_unit_test(test_masked_and_compacted_matrices_agree),
        cmocka_unit_test(test_masked_and_compacted_flattened_positions_agree),
        cmocka_unit_test(test_compaction_removes_neurons_with_their_rows_and_columns),
        cmocka_unit_test(test_masked_and_compacted_residual_networks_agree),
        cmocka_unit_test(test_masked_and_compacted_depthwise_networks_agree),
        cmocka_unit_test(test_masked_and_compacted_grouped_networks_agree),
        cmocka_unit_test(test_masked_and_compacted_grouped_concatenations_agree),
        cmocka_unit_test(test_a_grouped_convolution_loses_the_same_of_every_group),
        cmocka_unit_test(test_masked_and_compacted_concatenations_agree),
        cmocka_unit_test(test_masked_and_compacted_sketches_and_projections_agree),
        cmocka_unit_test(test_compaction_picks_the_pairs_columns),
        cmocka_unit_test(test_compaction_refuses_to_empty_a_layer),
        cmocka_unit_test(test_zeroing_filters_leaves_batch_norm_alone),
        cmocka_unit_test(test_rewinding_gives_survivors_their_early_values),
        cmocka_unit_test(test_a_depthwise_layer_pruned_to_one_channel_can_be_pruned_and_rewound_on),
        cmocka_unit_test(test_compaction_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
