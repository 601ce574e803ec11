/* Layer-wise relevance: by hand, against a plain program in double precision, and conserved from the logit to the image. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "prune/relevance.h"
#include "support/backends.h"
#include "support/graphs.h"
#include "support/operators.h"
#include "support/relevance_reference.h"
#include "support/small_networks.h"

enum { BATCH = 3, NODES = 40 };

static const struct pb_relevance_rule zplus = {.size = sizeof zplus, .kind = PB_RELEVANCE_ZPLUS};

static struct pb_relevance_rule epsilon(double value)
{
    return (struct pb_relevance_rule){.size = sizeof zplus, .kind = PB_RELEVANCE_EPSILON, .epsilon = value};
}

/* A network with an engine that has run forward, and the relevance of each of its nodes as if it were a layer's activation. */
struct explained {
    struct pb_network *network; /* taken over */
    struct backend built; /* where the engine is one's; else its device is NULL */
    struct pb_device *device;
    struct pb_engine *engine;
    struct pb_host_services host;
    struct pb_prunable_layer nodes[NODES];
    struct pb_prunable_layers layers;
    struct pb_relevance_source source;
    struct pb_relevance *relevance;
    float *images;
    uint32_t *labels;
    struct pb_error error;
};

/* settings: of the backend blis; NULL: the portable operators. images: BATCH of them; NULL: drawn at random. */
static enum pb_status explain_on(const char *settings, struct explained *explained, struct pb_network *network,
                                 struct pb_relevance_rule rule, const float *images)
{
    const size_t count = BATCH * pb_shape_count(network->graph->nodes[0].shape);
    const struct pb_engine_options options = {.batch = BATCH, .mode = PB_ENGINE_CALIBRATE};
    float logits[BATCH * 8];
    *explained = (struct explained){.network = network};
    struct pb_error *error = &explained->error;
    if (settings && backend_open("blis", settings, 2, &explained->built, error) != PB_OK)
        fail_msg("%s", error->text);
    explained->device = settings ? explained->built.device : portable_device(2);
    assert_in_range(network->graph->node_count, 2, NODES);
    pb_host_init(&explained->host, "test", 1, 2);
    explained->images = small_images(network, BATCH, 5);
    explained->labels = small_labels(network, BATCH, 5);
    for (size_t i = 0; images && i < count; i++)
        explained->images[i] = images[i];
    for (uint32_t i = 0; i < network->graph->node_count; i++)
        explained->nodes[i].activation = i;
    explained->layers = (struct pb_prunable_layers){.layers = explained->nodes, .count = network->graph->node_count};
    if (pb_engine_create(explained->device, network, &options, &explained->engine, error) ||
        pb_engine_forward(explained->engine, explained->images, BATCH, logits, error))
        fail_msg("%s", error->text);
    explained->source = (struct pb_relevance_source){
        .host = &explained->host.table, .network = network, .layers = &explained->layers, .rule = rule};
    const struct pb_batch batch = {.images = explained->images, .labels = explained->labels, .count = BATCH};
    enum pb_status status = pb_relevance_check(network->graph, error);
    if (status == PB_OK)
        status = pb_relevance_create(&explained->source, &explained->relevance, error);
    return status == PB_OK ? pb_relevance_compute(explained->relevance, explained->engine, &batch, error) : status;
}

static enum pb_status explain(struct explained *explained, struct pb_network *network, struct pb_relevance_rule rule,
                              const float *images)
{
    return explain_on(NULL, explained, network, rule, images);
}

static void forget(struct explained *explained)
{
    pb_relevance_free(&explained->relevance);
    pb_engine_free(&explained->engine);
    if (explained->built.device)
        backend_close(&explained->built);
    else
        operator_device_close(&explained->device);
    pb_network_free(&explained->network);
    pb_host_close(&explained->host);
    free(explained->images);
    free(explained->labels);
}

static void explain_well(struct explained *explained, struct pb_network *network, struct pb_relevance_rule rule,
                         const float *images)
{
    if (explain(explained, network, rule, images) != PB_OK)
        fail_msg("%s", explained->error.text);
}

/* x → one unit with these weights and this bias; its output is the only class. */
static void explain_unit(const float *x, const float *weights, float bias, struct pb_relevance_rule rule,
                         const double *expected)
{
    struct explained explained;
    struct pb_graph *graph = graph_begin("unit", 1, 1, 3);
    const uint32_t fc = graph_linear(graph, "fc", 0, 1);
    struct pb_network *network = network_of(graph, 1);
    float images[BATCH * 3];
    memcpy(pb_network_values(network, fc, PB_ROLE_WEIGHT), weights, 3 * sizeof *weights);
    *pb_network_values(network, fc, PB_ROLE_BIAS) = bias;
    for (size_t i = 0; i < BATCH * 3; i++)
        images[i] = x[i % 3];
    explain_well(&explained, network, rule, images);
    const float *relevance = pb_relevance_of_layer(explained.relevance, 0);
    for (size_t i = 0; i < BATCH * 3; i++)
        if (fabs((double)relevance[i] - expected[i % 3]) > 1e-6 * fabs(expected[i % 3]))
            fail_msg("input %zu has %.9g, not %.9g", i, (double)relevance[i], expected[i % 3]);
    forget(&explained);
}

static const float ones[] = {1, 1, 1}, weights[] = {1, -1, 2};

static void test_one_unit_by_the_rule_z_plus(void **state)
{
    (void)state;
    explain_unit(ones, weights, 1, zplus, (double[]){1, 0, 2}); /* R = 1 − 1 + 2 + 1 = 3 */
    explain_unit((float[]){1, -1, 2}, weights, -3, zplus, (double[]){0.5, 0.5, 2}); /* a negative product is positive */
    explain_unit(ones, (float[]){1, 1, 1}, -5, zplus, (double[]){-2. / 3, -2. / 3, -2. / 3}); /* of a negative logit */
}

static void test_what_the_bias_alone_made_is_shared_by_all(void **state)
{
    (void)state;
    explain_unit(ones, (float[]){-1, -1, -2}, 10, zplus, (double[]){2, 2, 2});
    explain_unit((float[]){0, 0, 0}, weights, 3, zplus, (double[]){1, 1, 1});
    explain_unit((float[]){0, 0, 0}, weights, 3, epsilon(0.5), (double[]){1, 1, 1});
}

static void test_one_unit_by_the_rule_epsilon(void **state)
{
    (void)state;
    /* z = 2, b + ε = 1.5: (t + 0.5)/3.5 of 3 */
    explain_unit(ones, weights, 1, epsilon(0.5), (double[]){9. / 7, -3. / 7, 15. / 7});
    /* z + b = −2, b − ε = −4.5: (t − 1.5)/−2.5 of −2 */
    explain_unit(ones, weights, -4, epsilon(0.5), (double[]){-0.4, -2, 0.4});
}

static struct pb_graph *build_strided(uint32_t height, uint32_t width)
{
    struct pb_graph *graph = graph_begin("strided", height, width, 3);
    const struct pb_conv_attributes strided = {.kernel = {3, 3}, .pad = {1, 1}, .stride = {2, 2}};
    uint32_t last = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 5)));
    last = graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "conv2", .channels = 6, .conv = strided},
                     last);
    last = graph_relu(graph, "relu2", graph_norm(graph, "bn2", last));
    last = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pool", .pool = {.kernel = {2, 2}}},
                     last);
    graph_bilinear_head(graph, last, 4);
    return graph;
}

/* Groups, dilation, ReLU6, windows that overlap and reach over the edge, signed values that are added, multiplied and pooled. */
static struct pb_graph *build_everything(void)
{
    struct pb_graph *graph = graph_begin("everything", 9, 8, 4);
    const struct pb_conv_attributes dilated = {.kernel = {3, 3}, .pad = {2, 2}, .dilation = {2, 2}, .groups = 2},
                                    depthwise = {.kernel = {3, 3}, .pad = {1, 1}, .groups = 6};
    const struct pb_pool_attributes overlapping = {.kernel = {3, 2}, .stride = {2, 2}, .pad = {1, 0}};
    uint32_t stem = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "grouped", .channels = 6, .conv = dilated}, 0);
    stem = graph_add(graph, (struct pb_graph_node){.op = PB_OP_RELU6, .name = "cut"}, graph_norm(graph, "bn1", stem));
    const uint32_t branch = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "depthwise", .channels = 6, .conv = depthwise}, stem);
    const uint32_t sum = graph_sum(graph, "join", stem, graph_sum(graph, "twice", branch, branch));
    const uint32_t product =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "product", .inputs = {0, branch}}, sum);
    const uint32_t parts = graph_add(
        graph,
        (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "parts", .inputs = {0, stem, product}, .input_count = 3},
        product);
    const uint32_t pool =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "pool", .pool = overlapping}, parts);
    graph_bilinear_head(graph, graph_conv(graph, "last", pool, 3), 5);
    return graph;
}

static void compare_image(const struct explained *explained, struct pb_relevance_rule rule, uint32_t n)
{
    const struct pb_graph *graph = explained->network->graph;
    const size_t pixels = pb_shape_count(graph->nodes[0].shape);
    double *image = calloc(pixels, sizeof *image), *expected[NODES], input = 0;
    assert_non_null(image);
    for (size_t i = 0; i < pixels; i++)
        image[i] = (double)explained->images[n * pixels + i];
    const double logit = reference_relevance(explained->network, rule, image, explained->labels[n], expected);
    for (uint32_t node = 0; node < graph->node_count; node++) {
        const size_t count = pb_shape_count(graph->nodes[node].shape);
        const float *found = pb_relevance_of_layer(explained->relevance, node) + n * count;
        for (size_t i = 0; i < count; i++) {
            const double difference = fabs((double)found[i] - expected[node][i]) / fabs(logit);
            if (!(difference <= 1e-4))
                fail_msg("%s, node %s: value %zu of image %u has %.9g, not %.9g", graph->model, graph->nodes[node].name,
                         i, n, (double)found[i], expected[node][i]);
            input += node ? 0 : (double)found[i];
        }
        free(expected[node]);
    }
    free(image);
    assert_true(fabs(input - logit) <= 1e-4 * fabs(logit)); /* conserved down to the image */
}

/* Arrays stay for the next batch, which must find nothing of this one in them. */
static void explain_again(struct explained *explained)
{
    const struct pb_batch batch = {.images = explained->images, .labels = explained->labels, .count = BATCH};
    if (pb_relevance_compute(explained->relevance, explained->engine, &batch, &explained->error) != PB_OK)
        fail_msg("%s", explained->error.text);
}

static void compare_network(struct pb_network *network, struct pb_relevance_rule rule)
{
    struct explained explained;
    explain_well(&explained, network, rule, NULL);
    explain_again(&explained);
    for (uint32_t n = 0; n < BATCH; n++)
        compare_image(&explained, rule, n);
    forget(&explained);
}

static void test_small_networks_are_as_a_plain_program_has_them(void **state)
{
    (void)state;
    for (int kind = SMALL_BILINEAR; kind <= SMALL_FLAT; kind++) {
        compare_network(small_network((enum small_network)kind, 0.5), zplus);
        compare_network(small_network((enum small_network)kind, 0.5), epsilon(0.25));
    }
    for (int kind = SMALL_SKETCHED; kind <= SMALL_PROJECTED; kind++) {
        compare_network(small_network((enum small_network)kind, 0), zplus);
        compare_network(small_network((enum small_network)kind, 0), epsilon(0.25));
    }
}

static void test_every_operator_is_as_a_plain_program_has_it(void **state)
{
    (void)state;
    compare_network(network_of(build_everything(), 4), zplus);
    compare_network(network_of(build_everything(), 4), epsilon(0.25));
}

/* The authors' code sets output_padding to 1, which fits images of even size alone. */
static void test_a_stride_of_two_takes_even_and_odd_images(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{8, 8}, {9, 9}, {8, 9}, {9, 8}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        compare_network(network_of(build_strided(sizes[i][0], sizes[i][1]), 2), zplus);
        compare_network(network_of(build_strided(sizes[i][0], sizes[i][1]), 2), epsilon(0.25));
    }
}

/*
 * Winograd's tiles carry errors from their brightest pixels to their darkest, where a bias alone makes the outputs: by a divisor that is
 * nothing but such an error, relevance would be anything.
 */
static void test_what_a_fast_convolution_rounds_is_no_divisor(void **state)
{
    (void)state;
    enum { SIDE = 12, CHANNELS = 4, FLOATS = SIDE * SIDE * CHANNELS };
    static float images[BATCH * FLOATS];
    for (size_t i = 0; i < BATCH * FLOATS; i++) {
        const size_t column = i / CHANNELS % SIDE;
        images[i] = column < SIDE / 2 - 1 ? 0 : column < SIDE / 2 ? 1e-7f : (float)(50 + i * 37 % 101);
    }
    const struct pb_relevance_rule rules[] = {zplus, epsilon(0.25)};
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        struct pb_graph *graph = graph_begin("dark", SIDE, SIDE, CHANNELS);
        const uint32_t conv = graph_conv(graph, "conv", 0, 8);
        graph_linear(graph, "fc", graph_relu(graph, "relu", conv), 3);
        struct pb_network *network = network_of(graph, 3);
        for (uint32_t k = 0; k < 8; k++)
            pb_network_values(network, conv, PB_ROLE_BIAS)[k] = 20;
        struct explained explained;
        if (explain_on("algorithm=winograd", &explained, network, rules[r], images) != PB_OK)
            fail_msg("%s", explained.error.text);
        assert_string_equal(pb_engine_algorithm(explained.engine, conv), "winograd");
        for (uint32_t n = 0; n < BATCH; n++)
            compare_image(&explained, rules[r], n);
        forget(&explained);
    }
}

static void refuse(struct pb_network *network, struct pb_relevance_rule rule, enum pb_status expected,
                   const char *message)
{
    struct explained explained;
    assert_int_equal(explain(&explained, network, rule, NULL), expected);
    if (!strstr(explained.error.text, message))
        fail_msg("'%s' is not in: %s", message, explained.error.text);
    forget(&explained);
}

static void test_an_operator_without_a_rule_is_refused_by_name(void **state)
{
    (void)state;
    refuse(small_network(SMALL_ISQRT, 0), zplus, PB_ERROR_UNSUPPORTED,
           "node 'pairs' (covariance_pool): there is no rule");
    refuse(small_network(SMALL_GRASSMANN, 0), zplus, PB_ERROR_UNSUPPORTED,
           "node 'projector' (grassmann_pool): there is no rule");
}

static void test_the_upper_triangle_is_as_a_plain_program_has_it(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("upper", 3, 3, 2);
    uint32_t node = graph_relu(graph, "relu", graph_conv(graph, "conv", 0, 4));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "pairs"}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_UPPER_TRIANGLE, .name = "upper"}, node);
    graph_linear(graph, "fc", node, 3);
    compare_network(network_of(graph, 2), zplus);
}

static void test_norms_that_cannot_be_folded_are_refused_by_name(void **state)
{
    (void)state;
    refuse(small_network(SMALL_MIXED, 0), zplus, PB_ERROR_UNSUPPORTED,
           "norm 'bn0' does not directly follow a convolution or linear layer, but 'input'");
    struct pb_graph *graph = graph_begin("shared", 4, 4, 2);
    const uint32_t conv = graph_conv(graph, "conv", 0, 3);
    graph_linear(graph, "fc", graph_sum(graph, "add", graph_norm(graph, "bn", conv), conv), 2);
    refuse(network_of(graph, 1), zplus, PB_ERROR_UNSUPPORTED, "norm 'bn' is not all that reads 'conv'");
}

static void test_rules_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    refuse(small_network(SMALL_FLAT, 0), epsilon(0), PB_ERROR_INPUT, "epsilon of 0; it must be above 0");
    refuse(small_network(SMALL_FLAT, 0), epsilon((double)NAN), PB_ERROR_INPUT, "it must be above 0");
    refuse(small_network(SMALL_FLAT, 0), (struct pb_relevance_rule){.kind = 2}, PB_ERROR_INPUT, "rule 2");
}

static void test_where_relevance_is_not_conserved_the_node_is_named(void **state)
{
    (void)state;
    struct pb_network *network = small_network(SMALL_FLAT, 0);
    float *weight = pb_network_values(network, pb_graph_find(network->graph, "conv1"), PB_ROLE_WEIGHT);
    *weight = (float)NAN;
    refuse(network, zplus, PB_ERROR_RUN, "does not conserve relevance: image 0 of the batch has nan");
}

static void test_every_failed_allocation_is_reported(void **state)
{
    struct explained explained;
    (void)state;
    explain_well(&explained, small_network(SMALL_BILINEAR, 0), zplus, NULL);
    const struct pb_batch batch = {.images = explained.images, .labels = explained.labels, .count = BATCH};
    enum pb_status status = PB_ERROR_MEMORY;
    long failures = -1;
    while (status == PB_ERROR_MEMORY) {
        pb_relevance_free(&explained.relevance);
        pb_memory_fail_after(++failures);
        status = pb_relevance_create(&explained.source, &explained.relevance, &explained.error);
        if (status == PB_OK)
            status = pb_relevance_compute(explained.relevance, explained.engine, &batch, &explained.error);
        pb_memory_fail_after(-1);
    }
    assert_int_equal(status, PB_OK);
    assert_in_range(failures, 20, 200);
    forget(&explained);
}

static void test_memory_is_that_of_the_arrays_which_are_alive_at_once(void **state)
{
    (void)state;
    /*
     * 2×2×3 → conv of 5 → fc of 2, from which relevance passes: 2 + 20 of it, to 20 that are kept. Values of 20. The convolution would
     * have room for two arrays of 12 and 20 each, 9 energies in double precision, and one value for each pixel.
     */
    struct pb_graph *graph = graph_begin("sizes", 2, 2, 3);
    graph_linear(graph, "fc", graph_conv(graph, "conv", 0, 5), 2);
    pb_graph_end_in_classifier(graph);
    assert_int_equal(pb_relevance_bytes(graph, 7), 7 * (2 + 20 + 20 + 20 + 2 * (12 + 20) + 2 * 9 + 4) * 4);
    pb_graph_free(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_unit_by_the_rule_z_plus),
        cmocka_unit_test(test_what_the_bias_alone_made_is_shared_by_all),
        cmocka_unit_test(test_one_unit_by_the_rule_epsilon),
        cmocka_unit_test(test_small_networks_are_as_a_plain_program_has_them),
        cmocka_unit_test(test_every_operator_is_as_a_plain_program_has_it),
        cmocka_unit_test(test_a_stride_of_two_takes_even_and_odd_images),
        cmocka_unit_test(test_what_a_fast_convolution_rounds_is_no_divisor),
        cmocka_unit_test(test_norms_that_cannot_be_folded_are_refused_by_name),
        cmocka_unit_test(test_an_operator_without_a_rule_is_refused_by_name),
        cmocka_unit_test(test_the_upper_triangle_is_as_a_plain_program_has_it),
        cmocka_unit_test(test_rules_that_make_no_sense_are_refused),
        cmocka_unit_test(test_where_relevance_is_not_conserved_the_node_is_named),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
        cmocka_unit_test(test_memory_is_that_of_the_arrays_which_are_alive_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
