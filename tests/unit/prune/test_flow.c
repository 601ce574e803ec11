/* Synaptic flow: by hand, against differences of the sum that it is a part of, and conserved from layer to layer. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "graph/models.h"
#include "plugin/host.h"
#include "prune/flow.h"
#include "support/evaluate.h"
#include "support/graphs.h"
#include "support/small_networks.h"

enum { THREADS = 2 };

/* flow: from calloc. */
static enum pb_status flow_of(const struct pb_network *network, uint32_t threads, double **flow, struct pb_error *error)
{
    struct pb_host_services host;
    *flow = calloc(network->graph->value_count, sizeof **flow);
    assert_non_null(*flow);
    pb_host_init(&host, "test", 1, threads);
    const enum pb_status status = pb_synaptic_flow(network, &host.table, *flow, error);
    pb_host_close(&host);
    return status;
}

static double *good_flow_of(const struct pb_network *network, uint32_t threads)
{
    struct pb_error error = {0};
    double *flow;
    if (flow_of(network, threads, &flow, &error) != PB_OK)
        fail_msg("%s", error.text);
    return flow;
}

static const struct pb_parameter *weight_of(const struct pb_network *network, const char *layer)
{
    const struct pb_node *node = &network->graph->nodes[pb_graph_find(network->graph, layer)];
    return &network->graph->parameters[node->parameters[PB_ROLE_WEIGHT]];
}

static void set_weights(struct pb_network *network, const char *layer, const float *values)
{
    const struct pb_parameter *weight = weight_of(network, layer);
    memcpy(network->values + weight->offset, values, weight->count * sizeof *values);
}

static void assert_flow(const struct pb_network *network, const double *flow, const char *layer, const double *expected)
{
    const struct pb_parameter *weight = weight_of(network, layer);
    for (size_t i = 0; i < weight->count; i++)
        if (!(fabs(flow[weight->offset + i] - expected[i]) <= 1e-12 * fabs(expected[i])))
            fail_msg("flow of weight %zu of '%s' is %.17g, not %.17g", i, layer, flow[weight->offset + i], expected[i]);
}

static double sum_of(const struct pb_network *network, const double *flow, const char *layer)
{
    const struct pb_parameter *weight = weight_of(network, layer);
    double sum = 0;
    for (size_t i = 0; i < weight->count; i++)
        sum += flow[weight->offset + i];
    return sum;
}

static void assert_sum(const struct pb_network *network, const double *flow, const char *layer, double expected,
                       double tolerance)
{
    const double sum = sum_of(network, flow, layer);
    if (!(fabs(sum - expected) <= tolerance * expected))
        fail_msg("the flow of '%s' adds up to %.17g, not %.17g", layer, sum, expected);
}

static struct pb_network *network_from(struct pb_graph *graph)
{
    pb_graph_end_in_classifier(graph);
    return network_of(graph, 3);
}

static void drop(struct pb_network *network, double *flow)
{
    pb_network_free(&network);
    free(flow);
}

/* The example of the catalogue of formulas: |W1| = [[1, 2], [3, 4]], w2 = 1: R = 10. Signs and biases change nothing. */
static void test_two_layers_by_hand(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("two", 1, 1, 2);
    graph_linear(graph, "b", graph_relu(graph, "relu", graph_linear(graph, "a", 0, 2)), 1);
    struct pb_network *network = network_from(graph);
    set_weights(network, "a", (const float[]){1, -2, -3, 4});
    set_weights(network, "b", (const float[]){1, -1});
    double *flow = good_flow_of(network, 1);
    assert_flow(network, flow, "a", (const double[]){1, 2, 3, 4});
    assert_flow(network, flow, "b", (const double[]){3, 7});
    drop(network, flow);
}

/*
 * One place with x = (1, 4): pairs 1, 4, 4, 16, their roots 1, 2, 2, 4, and R = 1·1 + 2·2 + 3·2 + 4·4 = 27. By the derivative
 * x_0 carries 1 + (2 + 3)·√4/2 = 6 of it and x_1 the other 21.
 */
static void test_the_bilinear_head_by_hand(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("head", 1, 1, 2);
    graph_bilinear_head(graph, graph_linear(graph, "a", 0, 2), 1);
    struct pb_network *network = network_of(graph, 3);
    set_weights(network, "a", (const float[]){0.25F, -0.75F, 3, 1});
    set_weights(network, "fc", (const float[]){1, 2, -3, 4});
    double *flow = good_flow_of(network, 1);
    assert_flow(network, flow, "fc", (const double[]){1, 4, 6, 16});
    assert_flow(network, flow, "a", (const double[]){6 * 0.25, 6 * 0.75, 21 * 0.75, 21 * 0.25});
    drop(network, flow);
}

/* R = w_a·w_b: either has all of the derivative, w_a·∂R/∂w_a = R, and gets half of it; so the flow of both is R. */
static void test_a_product_gives_half_of_its_flow_to_either_factor(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("product", 1, 1, 1);
    const uint32_t a = graph_linear(graph, "a", 0, 1), b = graph_linear(graph, "b", 0, 1);
    const uint32_t product =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "product", .inputs = {0, b}}, a);
    graph_linear(graph, "fc", product, 1);
    struct pb_network *network = network_from(graph);
    set_weights(network, "a", (const float[]){3});
    set_weights(network, "b", (const float[]){-5});
    set_weights(network, "fc", (const float[]){2});
    double *flow = good_flow_of(network, 1);
    assert_flow(network, flow, "fc", (const double[]){30});
    assert_flow(network, flow, "a", (const double[]){15});
    assert_flow(network, flow, "b", (const double[]){15});
    drop(network, flow);
}

/* Values that are subtracted carry as much as those that are added. */
static void test_a_signed_sum_passes_all_of_the_flow(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("sums", 1, 1, 1);
    const uint32_t a = graph_linear(graph, "a", 0, 4);
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGNED_SUM, .name = "fc", .channels = 2}, a);
    struct pb_network *network = network_from(graph);
    set_weights(network, "a", (const float[]){3, -5, 2, 1});
    double *flow = good_flow_of(network, 1);
    assert_flow(network, flow, "a", (const double[]){3, 5, 2, 1});
    drop(network, flow);
}

/* Heads without the norm, which has another derivative. */
static uint32_t add_bilinear(struct pb_graph *graph, uint32_t node)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "bilinear"}, node);
}

static uint32_t add_sketch(struct pb_graph *graph, uint32_t node)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_TENSOR_SKETCH, .name = "sketch", .channels = 7},
                     add_bilinear(graph, node));
}

static uint32_t add_projections(struct pb_graph *graph, uint32_t node)
{
    struct pb_graph_node projection = {.op = PB_OP_SIGN_PROJECTION, .name = "signs_1", .channels = 4};
    const uint32_t first = graph_add(graph, projection, node);
    projection.name = "signs_2";
    const uint32_t second = graph_add(graph, projection, node);
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "product", .inputs = {0, second}},
                     first);
}

/* Two convolutions, a pool with ties and edges, and a head. */
static struct pb_network *derivable_network(uint32_t (*add_head)(struct pb_graph *graph, uint32_t node))
{
    struct pb_graph *graph = graph_begin("derivable", 6, 5, 2);
    uint32_t node = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 5)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pool", .pool = {.kernel = {2, 2}}},
                     node);
    node = graph_relu(graph, "relu2", graph_conv(graph, "conv2", node, 3));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGNED_SQRT, .name = "sqrt", .eps = 1e-30},
                     add_head(graph, node));
    graph_linear(graph, "fc", node, 3);
    return network_from(graph);
}

/* In place: magnitudes of weights and signs, no biases, norms that change nothing. */
static void make_linear(struct pb_network *network)
{
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        float *values = network->values + parameter->offset;
        for (size_t i = 0; i < parameter->count; i++) {
            if (parameter->role == PB_ROLE_WEIGHT || parameter->role == PB_ROLE_HASH)
                values[i] = fabsf(values[i]);
            else if (parameter->role == PB_ROLE_GAMMA)
                values[i] = 1;
            else if (parameter->role == PB_ROLE_RUNNING_VAR)
                values[i] = (float)(1 - network->graph->nodes[parameter->node].attributes.bn.eps);
            else
                values[i] = 0;
        }
    }
}

/* Of a network that make_linear has changed, by the tests' own plain evaluation. */
static double output_sum(const struct pb_network *network)
{
    double ones[256], logits[16], sum = 0;
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        ones[i] = 1;
    assert_in_range(pb_shape_count(network->graph->nodes[0].shape), 1, sizeof ones / sizeof *ones);
    evaluate_network(network, ones, logits);
    for (uint32_t k = 0; k < network->graph->classes; k++)
        sum += logits[k];
    return sum;
}

static double slope(const struct pb_network *network, float *weight)
{
    const float before = *weight, step = before * 0x1p-10F;
    *weight = before + step;
    const double right = (double)*weight, above = output_sum(network);
    *weight = before - step;
    const double left = (double)*weight, below = output_sum(network);
    *weight = before;
    return (above - below) / (right - left);
}

static void compare_with_differences(struct pb_network *network)
{
    double *flow = good_flow_of(network, THREADS);
    make_linear(network);
    const double sum = output_sum(network);
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        for (size_t i = 0; parameter->role == PB_ROLE_WEIGHT && i < parameter->count; i++) {
            float *weight = network->values + parameter->offset + i;
            const double expected = (double)*weight * slope(network, weight), found = flow[parameter->offset + i];
            if (!(fabs(found - expected) <= 1e-6 * sum))
                fail_msg("model '%s', '%s', weight %zu: %.12g, not %.12g of %.12g", network->graph->model,
                         parameter->name, i, found, expected, sum);
        }
    }
    assert_sum(network, flow, network->graph->nodes[network->graph->parts.classifier].name, sum, 1e-6);
    drop(network, flow);
}

static void test_flow_is_weight_times_derivative_of_the_sum_of_outputs(void **state)
{
    (void)state;
    compare_with_differences(derivable_network(add_bilinear));
    compare_with_differences(derivable_network(add_sketch));
    compare_with_differences(derivable_network(add_projections));
    compare_with_differences(small_network(SMALL_RESIDUAL, 0));
    compare_with_differences(small_network(SMALL_FLAT, 0.5));
}

/* Layers that all paths pass. */
static void test_every_layer_has_the_same_flow(void **state)
{
    (void)state;
    static const char *const layers[SMALL_NETWORK_COUNT][3] = {
        [SMALL_BILINEAR] = {"conv1", "conv2", "fc"},
        [SMALL_RESIDUAL] = {"stem", "fc"},
        [SMALL_FLAT] = {"conv1", "fc1", "fc2"},
        [SMALL_MIXED] = {"grouped", "last", "fc"},
        [SMALL_BRANCHED] = {"stem", "fc"},
        [SMALL_SKETCHED] = {"conv1", "fc"},
        [SMALL_PROJECTED] = {"conv1", "reduce", "factors"},
        [SMALL_MOBILE] = {"stem", "fc"},
    };
    for (int kind = 0; kind <= SMALL_BRANCHED; kind++) {
        struct pb_network *network = small_network((enum small_network)kind, 0.5);
        double *flow = good_flow_of(network, THREADS);
        const double sum = sum_of(network, flow, layers[kind][0]);
        assert_true(sum > 0);
        for (size_t l = 1; l < 3 && layers[kind][l]; l++)
            assert_sum(network, flow, layers[kind][l], sum, 1e-12);
        drop(network, flow);
    }
}

static void test_the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    for (int kind = 0; kind <= SMALL_BRANCHED; kind++) {
        struct pb_network *network = small_network((enum small_network)kind, 0);
        double *one = good_flow_of(network, 1), *three = good_flow_of(network, 3);
        assert_memory_equal(one, three, network->graph->value_count * sizeof *one);
        free(one);
        drop(network, three);
    }
}

/* 13 convolutions, whose products are squared, with values times `gain` everywhere. */
static void check_vgg16(uint32_t image_size, double width, float gain)
{
    const struct pb_model_spec spec = {
        .name = "vgg16-bcnn", .classes = 5, .image_size = image_size, .width_multiplier = width, .batch_norm = true};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    struct pb_error error = {0};
    if (pb_model_build(&spec, &graph, &error) != PB_OK || pb_network_create(graph, &network, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_network_initialise(network, 1);
    for (size_t i = 0; i < network->graph->value_count; i++)
        network->values[i] *= gain;
    double *flow = good_flow_of(network, THREADS);
    const double sum = sum_of(network, flow, "fc");
    assert_true(isfinite(sum) && sum * sum > (double)FLT_MAX); /* as bilinear pooling has it */
    for (uint32_t i = 0; i < network->graph->node_count; i++)
        if (network->graph->nodes[i].op == PB_OP_CONV2D)
            assert_sum(network, flow, network->graph->nodes[i].name, sum, 1e-6);
    drop(network, flow);
}

/*
 * As wide and as large as it is used, which takes 10 s on two cores; sanitized ten times as long, so that there the width is smaller, and a
 * gain in its place.
 */
static void test_vgg16_with_a_bilinear_head_is_finite_beyond_single_precision(void **state)
{
    (void)state;
    check_vgg16(32, 0.25, 5);
#ifdef __SANITIZE_ADDRESS__
    check_vgg16(224, 0.0625, 100);
#else
    check_vgg16(224, 1, 1);
#endif
}

static void refuse_as(struct pb_network *network, enum pb_status status, const char *expected)
{
    struct pb_error error = {0};
    double *flow;
    assert_int_equal(flow_of(network, 1, &flow, &error), status);
    if (!strstr(error.text, expected))
        fail_msg("'%s' does not say '%s'", error.text, expected);
    drop(network, flow);
}

static void refuse(struct pb_network *network, const char *expected)
{
    refuse_as(network, PB_ERROR_RUN, expected);
}

static void test_an_operator_without_a_rule_is_refused_by_name(void **state)
{
    (void)state;
    refuse_as(small_network(SMALL_ISQRT, 0), PB_ERROR_UNSUPPORTED, "node 'pairs' (covariance_pool): there is no rule");
    refuse_as(small_network(SMALL_GRASSMANN, 0), PB_ERROR_UNSUPPORTED,
              "node 'projector' (grassmann_pool): there is no rule");
}

/* One place with x = (1, 4): of the pairs 1, 4, 4, 16 the upper triangle has 1, 4, 16, and R = 1 + 2·4 + 4·16 = 73. */
static void test_the_upper_triangle_by_hand(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("upper", 1, 1, 2);
    uint32_t node = graph_linear(graph, "a", 0, 2);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "bilinear"}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_UPPER_TRIANGLE, .name = "upper"}, node);
    graph_linear(graph, "fc", node, 1);
    struct pb_network *network = network_from(graph);
    set_weights(network, "a", (const float[]){0.25F, -0.75F, 3, 1});
    set_weights(network, "fc", (const float[]){1, -2, 4});
    double *flow = good_flow_of(network, 1);
    assert_flow(network, flow, "fc", (const double[]){1, 8, 64});
    assert_flow(network, flow, "a", (const double[]){5 * 0.25, 5 * 0.75, 68 * 0.75, 68 * 0.25});
    drop(network, flow);
}

static void test_a_layer_of_zeros_is_named(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_FLAT, 0);
    const struct pb_parameter *weight = weight_of(network, "fc1");
    memset(network->values + weight->offset, 0, weight->count * sizeof(float));
    refuse(network, "layer 'fc1' lets no flow through");
}

/* Where another path is left, the layer's flow is 0. */
static void test_a_branch_of_zeros_carries_nothing(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_RESIDUAL, 0);
    const struct pb_parameter *weight = weight_of(network, "short");
    memset(network->values + weight->offset, 0, weight->count * sizeof(float));
    double *flow = good_flow_of(network, 1);
    assert_true(sum_of(network, flow, "short") == 0);
    assert_sum(network, flow, "block2", sum_of(network, flow, "fc"), 1e-12);
    drop(network, flow);
}

/* Pairs with a channel that is 0 have a root without a derivative: nothing flows through them. */
static void test_a_channel_of_zeros_in_front_of_the_head_spoils_no_other(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_BILINEAR, 0);
    const struct pb_parameter *weight = weight_of(network, "conv2");
    const size_t filter = weight->count / weight->dims[0];
    memset(network->values + weight->offset + 2 * filter, 0, filter * sizeof(float));
    double *flow = good_flow_of(network, 1);
    for (size_t i = 0; i < filter; i++)
        assert_true(flow[weight->offset + 2 * filter + i] == 0);
    assert_sum(network, flow, "conv2", sum_of(network, flow, "fc"), 1e-12);
    assert_sum(network, flow, "conv1", sum_of(network, flow, "fc"), 1e-12);
    drop(network, flow);
}

static void test_a_weight_that_is_not_a_number_is_named(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_FLAT, 0);
    network->values[weight_of(network, "fc1")->offset + 7] = NAN;
    refuse(network, "layer 'fc1': weight 7 is nan");
}

static void test_a_flow_that_double_precision_cannot_hold_is_named(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("deep", 1, 1, 1);
    uint32_t node = 0;
    static const char *const names[] = {"l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9"};
    for (size_t i = 0; i < 10; i++)
        node = graph_linear(graph, names[i], node, 1);
    struct pb_network *network = network_from(graph);
    for (size_t i = 0; i < 10; i++)
        set_weights(network, names[i],
                    (const float[]){1e36F}); /* 10^288 behind the eighth, and 10^324 behind the ninth */
    refuse(network, "node 'l8': the flow of magnitudes is larger than double precision can hold");
}

static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_BILINEAR, 0);
    enum pb_status status = PB_ERROR_MEMORY;
    long failures = -1;
    while (status == PB_ERROR_MEMORY) {
        struct pb_host_services host;
        struct pb_error error = {0};
        double *flow = calloc(network->graph->value_count, sizeof *flow);
        assert_non_null(flow);
        pb_host_init(&host, "test", 1, 1);
        pb_memory_fail_after(++failures);
        status = pb_synaptic_flow(network, &host.table, flow, &error);
        pb_memory_fail_after(-1);
        pb_host_close(&host);
        free(flow);
    }
    assert_int_equal(status, PB_OK);
    assert_in_range(failures, 15, 100);
    pb_network_free(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_layers_by_hand),
        cmocka_unit_test(test_the_bilinear_head_by_hand),
        cmocka_unit_test(test_a_product_gives_half_of_its_flow_to_either_factor),
        cmocka_unit_test(test_a_signed_sum_passes_all_of_the_flow),
        cmocka_unit_test(test_flow_is_weight_times_derivative_of_the_sum_of_outputs),
        cmocka_unit_test(test_every_layer_has_the_same_flow),
        cmocka_unit_test(test_the_number_of_threads_changes_no_bit),
        cmocka_unit_test(test_vgg16_with_a_bilinear_head_is_finite_beyond_single_precision),
        cmocka_unit_test(test_a_layer_of_zeros_is_named),
        cmocka_unit_test(test_an_operator_without_a_rule_is_refused_by_name),
        cmocka_unit_test(test_the_upper_triangle_by_hand),
        cmocka_unit_test(test_a_branch_of_zeros_carries_nothing),
        cmocka_unit_test(test_a_channel_of_zeros_in_front_of_the_head_spoils_no_other),
        cmocka_unit_test(test_a_weight_that_is_not_a_number_is_named),
        cmocka_unit_test(test_a_flow_that_double_precision_cannot_hold_is_named),
        cmocka_unit_test(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
