/* The criteria that come with the harness and look at weights alone, against scores worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/built_criterion.h"
#include "support/graphs.h"

static uint32_t convolution(struct pb_graph *graph, const char *name, uint32_t input, uint32_t filters, uint32_t kernel)
{
    return graph_add(
        graph,
        (struct pb_graph_node){
            .op = PB_OP_CONV2D, .name = name, .channels = filters, .bias = true, .conv = {.kernel = {kernel, kernel}}},
        input);
}

static void set(const struct pb_network *network, const char *node, enum pb_role role, const float *values,
                size_t count)
{
    const uint32_t found = pb_graph_find(network->graph, node);
    memcpy(pb_network_values(network, found, role), values, count * sizeof *values);
}

/* One convolution over a kernel×kernel image of `inputs` channels, read by a linear layer. */
static struct pb_network *one_layer(uint32_t filters, uint32_t kernel, uint32_t inputs, const float *weights)
{
    struct pb_graph *graph = graph_begin("one", kernel, kernel, inputs);
    graph_linear(graph, "fc", convolution(graph, "conv", 0, filters, kernel), 2);
    struct pb_network *network = network_of(graph, 1);
    set(network, "conv", PB_ROLE_WEIGHT, weights, (size_t)filters * kernel * kernel * inputs);
    return network;
}

/* Of group g of the network. */
static void assert_group(const char *name, const char *options, const struct pb_network *network, uint32_t g,
                         const double *expected)
{
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    if (built_score(name, options, network, NULL, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_scores(scores.values[g], expected, scores.channels[g]);
    pb_scores_free(&scores);
}

static void assert_layer(const char *name, const char *options, uint32_t filters, uint32_t kernel, uint32_t inputs,
                         const float *weights, const double *expected)
{
    struct pb_network *network = one_layer(filters, kernel, inputs, weights);
    assert_group(name, options, network, 0, expected);
    pb_network_free(&network);
}

/* Three filters of 2×2×2: 11 … 18, 21 … 28, 31 … 38, the tensor of Distiller's test of thresholds. */
static const float *distillers(void)
{
    static float weights[24];
    for (int i = 0; i < 24; i++)
        weights[i] = (float)(10 * (i / 8 + 1) + i % 8 + 1);
    return weights;
}

static void test_fpgm_sums_distances_to_all_filters_of_the_layer(void **state)
{
    (void)state;
    /* Between squares, as one library has it, the distances are 3, 6, 3: the second filter would stay and not go. */
    assert_layer("fpgm", "", 3, 1, 1, (const float[]){-2, 1, 2}, (const double[]){7, 4, 5});
    const double ten = 10 * sqrt(8);
    assert_layer("fpgm", "", 3, 2, 2, distillers(), (const double[]){3 * ten, 2 * ten, 3 * ten});
    assert_true(fabs(3 * ten - 84.853) < 5e-4 && fabs(2 * ten - 56.569) < 5e-4);
}

/* The released code cannot run two of the three: its condition is always true. */
static void test_fpgm_has_three_distances(void **state)
{
    (void)state;
    assert_layer("fpgm", "distance=l1", 3, 2, 2, distillers(), (const double[]){240, 160, 240});
    const double half = sqrt(0.5);
    const float corners[] = {1, 0, 0, 3, 2, 2};
    assert_layer("fpgm", "distance=cosine", 3, 1, 2, corners, (const double[]){2 - half, 2 - half, 2 - 2 * half});
    assert_layer("fpgm", "distance=l2", 3, 1, 2, corners,
                 (const double[]){sqrt(10) + sqrt(5), sqrt(10) + sqrt(5), 2 * sqrt(5)});
}

static void test_fpgm_has_an_answer_for_filters_of_zeros_and_for_equal_ones(void **state)
{
    (void)state;
    assert_layer("fpgm", "distance=cosine", 3, 1, 2, (const float[]){0, 0, 0, 0, 1, 2}, (const double[]){2, 2, 2});
    assert_layer("fpgm", "", 2, 1, 2, (const float[]){0, 0, 0, 0}, (const double[]){0, 0});
    assert_layer("fpgm", "", 2, 1, 2, (const float[]){3, 1, 3, 1}, (const double[]){0, 0});
}

static void test_lamp_of_filters_divides_by_those_that_are_left(void **state)
{
    (void)state;
    assert_layer("lamp", "", 3, 1, 1, (const float[]){1, 2, 3}, (const double[]){1.0 / 14, 4.0 / 13, 1});
    assert_layer("lamp", "", 3, 1, 1, (const float[]){-3, 1, 2}, (const double[]){1, 1.0 / 14, 4.0 / 13});
    /* Σw² are 1724, 4844 and 9564. */
    assert_layer("lamp", "", 3, 2, 2, distillers(), (const double[]){1724.0 / 16132, 4844.0 / 14408, 1});
    assert_true(fabs(1724.0 / 16132 - 0.10687) < 5e-6 && fabs(4844.0 / 14408 - 0.33620) < 5e-6);
}

static void assert_weights(const char *name, uint32_t filters, uint32_t inputs, const float *weights,
                           const double *expected)
{
    struct pb_network *network = one_layer(filters, 1, inputs, weights);
    struct pb_weight_scores scores = {0};
    struct pb_error error = {0};
    if (built_score_weights(name, "", network, NULL, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(scores.layers[0].count, filters * inputs);
    assert_scores(scores.layers[0].scores, expected, filters * inputs);
    pb_weight_scores_free(&scores);
    pb_network_free(&network);
}

static void test_lamp_of_single_weights_sorts_the_whole_layer(void **state)
{
    (void)state;
    assert_weights("lamp", 1, 3, (const float[]){2, -1, 3}, (const double[]){4.0 / 13, 1.0 / 14, 1});
    /* A filter at a time, the first weight of each would have 1/5 and 9/25. */
    assert_weights("lamp", 2, 2, (const float[]){1, 2, 3, 4}, (const double[]){1.0 / 30, 4.0 / 29, 9.0 / 25, 1});
}

static void test_lamp_lets_the_first_of_equal_values_go_first(void **state)
{
    (void)state;
    assert_layer("lamp", "", 4, 1, 1, (const float[]){2, -1, 1, 2}, (const double[]){4.0 / 8, 1.0 / 10, 1.0 / 9, 1});
    assert_weights("lamp", 1, 3, (const float[]){1, -1, 1}, (const double[]){1.0 / 3, 1.0 / 2, 1});
    assert_weights("lamp", 1, 3, (const float[]){0, 0, 5}, (const double[]){0, 0, 1});
    assert_layer("lamp", "", 2, 1, 1, (const float[]){0, 0}, (const double[]){0, 0});
}

/* conv (2) → bn → relu → gap → fc. */
static void test_group_norm_counts_scales_and_the_weights_that_read_the_channel(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("plain", 2, 2, 1);
    uint32_t node = graph_relu(graph, "relu", graph_norm(graph, "bn", convolution(graph, "conv", 0, 2, 1)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, 2);
    struct pb_network *network = network_of(graph, 1);
    set(network, "conv", PB_ROLE_WEIGHT, (const float[]){3, 1}, 2);
    set(network, "bn", PB_ROLE_GAMMA, (const float[]){-2, 0}, 2);
    set(network, "fc", PB_ROLE_WEIGHT, (const float[]){1, 2, 1, 4}, 4);
    /* The norm of the filters alone is 3 and 1: the other order. */
    assert_group("group-norm", "", network, 0, (const double[]){sqrt(9 + 4 + 1 + 1), sqrt(1 + 0 + 4 + 16)});
    pb_network_free(&network);
}

/* { a, b } → add → fc over 1×2 positions. */
static void test_group_norm_adds_all_coupled_layers_before_the_root(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("coupled", 1, 2, 1);
    const uint32_t a = convolution(graph, "a", 0, 2, 1), b = convolution(graph, "b", 0, 2, 1);
    graph_linear(graph, "fc", graph_sum(graph, "sum", a, b), 1);
    struct pb_network *network = network_of(graph, 1);
    set(network, "a", PB_ROLE_WEIGHT, (const float[]){1, 2}, 2);
    set(network, "b", PB_ROLE_WEIGHT, (const float[]){3, 1}, 2);
    set(network, "fc", PB_ROLE_WEIGHT, (const float[]){1, 2, 5, 0}, 4); /* position by position */
    assert_group("group-norm", "", network, 0, (const double[]){sqrt(1 + 9 + 1 + 25), sqrt(4 + 1 + 4 + 0)});
    pb_network_free(&network);
}

/* { a (2), b (1) } → concatenation → conv: b's channel is the third that it reads. */
static void test_group_norm_finds_a_group_in_a_concatenation(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("joined", 1, 1, 1);
    const uint32_t a = convolution(graph, "a", 0, 2, 1), b = convolution(graph, "b", 0, 1, 1);
    const uint32_t joined = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "joined", .inputs = {0, b}, .input_count = 2}, a);
    graph_linear(graph, "fc", convolution(graph, "last", joined, 2, 1), 1);
    struct pb_network *network = network_of(graph, 1);
    set(network, "a", PB_ROLE_WEIGHT, (const float[]){1, 2}, 2);
    set(network, "b", PB_ROLE_WEIGHT, (const float[]){3}, 1);
    set(network, "last", PB_ROLE_WEIGHT, (const float[]){1, 2, 3, 4, 5, 6}, 6);
    assert_group("group-norm", "", network, 0, (const double[]){sqrt(1 + 1 + 16), sqrt(4 + 4 + 25)});
    assert_group("group-norm", "", network, 1, (const double[]){sqrt(9 + 9 + 36)});
    pb_network_free(&network);
}

static void test_group_norm_counts_every_product_with_the_channel_once(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("pairs", 1, 1, 1);
    graph_bilinear_head(graph, convolution(graph, "conv", 0, 2, 1), 1);
    struct pb_network *network = network_of(graph, 1);
    set(network, "conv", PB_ROLE_WEIGHT, (const float[]){1, 2}, 2);
    set(network, "fc", PB_ROLE_WEIGHT, (const float[]){3, 4, 5, 6}, 4); /* 00, 01, 10, 11 */
    assert_group("group-norm", "", network, 0, (const double[]){sqrt(1 + 9 + 16 + 25), sqrt(4 + 16 + 25 + 36)});
    pb_network_free(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fpgm_sums_distances_to_all_filters_of_the_layer),
        cmocka_unit_test(test_fpgm_has_three_distances),
        cmocka_unit_test(test_fpgm_has_an_answer_for_filters_of_zeros_and_for_equal_ones),
        cmocka_unit_test(test_lamp_of_filters_divides_by_those_that_are_left),
        cmocka_unit_test(test_lamp_of_single_weights_sorts_the_whole_layer),
        cmocka_unit_test(test_lamp_lets_the_first_of_equal_values_go_first),
        cmocka_unit_test(test_group_norm_counts_scales_and_the_weights_that_read_the_channel),
        cmocka_unit_test(test_group_norm_adds_all_coupled_layers_before_the_root),
        cmocka_unit_test(test_group_norm_finds_a_group_in_a_concatenation),
        cmocka_unit_test(test_group_norm_counts_every_product_with_the_channel_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
