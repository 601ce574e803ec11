/* Compact heads on the engine: values by hand, what a sketch estimates, what a step moves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine_internal.h"
#include "support/engine_run.h"
#include "support/graphs.h"
#include "support/masks.h"
#include "support/operators.h"

/* A network on an engine that infers; images: of the whole batch. */
struct inference {
    struct pb_device *device;
    struct pb_network *network;
    struct pb_engine *engine;
};

static struct inference open_inference(struct pb_graph *graph, uint32_t batch)
{
    struct inference opened = {.device = portable_device(1), .network = network_of(graph, 1)};
    const struct pb_engine_options options = {.batch = batch, .mode = PB_ENGINE_INFER};
    struct pb_error error = {0};
    if (pb_engine_create(opened.device, opened.network, &options, &opened.engine, &error))
        fail_msg("%s", error.text);
    return opened;
}

static void close_inference(struct inference *opened)
{
    pb_engine_free(&opened->engine);
    pb_network_free(&opened->network);
    operator_device_close(&opened->device);
}

static void evaluate(struct inference *opened, const float *images, uint32_t count, float *outputs)
{
    struct pb_error error = {0};
    if (pb_engine_load(opened->engine, opened->network, &error) ||
        pb_engine_forward(opened->engine, images, count, outputs, &error))
        fail_msg("%s", error.text);
}

static void set_values(struct inference *opened, const char *node, enum pb_role role, const float *values, size_t count)
{
    const uint32_t index = pb_graph_find(opened->network->graph, node);
    assert_int_equal(opened->network->graph->parameters[opened->network->graph->nodes[index].parameters[role]].count,
                     count);
    memcpy(pb_network_values(opened->network, index, role), values, count * sizeof *values);
}

static struct pb_graph *build_sketch(uint32_t channels, uint32_t outputs)
{
    struct pb_graph *graph = graph_begin("sketch", 1, 1, channels);
    const uint32_t pooled = graph_add(graph, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "bilinear"}, 0);
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_TENSOR_SKETCH, .name = "sketch", .channels = outputs}, pooled);
    return graph;
}

/* x·xᵀ = [[1, 2], [2, 4]]: 1 to output 0 + 2, 2 to 0 + 1, −2 to 1 + 2 modulo 3, −4 to 1 + 1. */
static void test_a_tensor_sketch_by_hand(void **state)
{
    (void)state;
    static const float hashes[] = {0, 1, 1, -1, 2, 1, 1, 1}, image[] = {1, 2}, expected[] = {-2, 2, -3};
    struct inference opened = open_inference(build_sketch(2, 3), 1);
    float outputs[3];
    set_values(&opened, "sketch", PB_ROLE_HASH, hashes, 8);
    evaluate(&opened, image, 1, outputs);
    assert_memory_equal(outputs, expected, sizeof expected);
    close_inference(&opened);
}

static uint32_t project(struct pb_graph *graph, const char *name, uint32_t outputs)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGN_PROJECTION, .name = name, .channels = outputs}, 0);
}

/* (1 − 2)·(1 + 2) at the first position, (4 − 1)·(4 + 1) at the second. */
static void test_random_maclaurin_features_by_hand(void **state)
{
    (void)state;
    static const float first[] = {1, -1}, second[] = {1, 1}, images[] = {1, 2, 4, 1};
    struct pb_graph *graph = graph_begin("maclaurin", 1, 2, 2);
    const uint32_t a = project(graph, "signs_1", 1), b = project(graph, "signs_2", 1);
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "product", .inputs = {0, b}}, a);
    struct inference opened = open_inference(graph, 1);
    float outputs[2];
    set_values(&opened, "signs_1", PB_ROLE_HASH, first, 2);
    set_values(&opened, "signs_2", PB_ROLE_HASH, second, 2);
    evaluate(&opened, images, 1, outputs);
    assert_true(outputs[0] == -3 && outputs[1] == 15);
    close_inference(&opened);
}

/* A pooling of one position of two is another matter, be it by its kernel or by its padding. */
static void test_products_that_are_averaged_are_not_stored(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        const bool averaged = kind == 0;
        struct pb_graph *graph = graph_begin("maclaurin", 1, 2, 2);
        const uint32_t a = project(graph, "signs_1", 1), b = project(graph, "signs_2", 1);
        const uint32_t product =
            graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "product", .inputs = {0, b}}, a);
        struct pb_graph_node pool_of = {.op = PB_OP_AVG_POOL, .name = "gap"};
        if (kind == 1)
            pool_of.pool = (struct pb_pool_attributes){.kernel = {1, 1}, .stride = {1, 2}};
        if (kind == 2)
            pool_of.pool = (struct pb_pool_attributes){.kernel = {1, 2}, .stride = {1, 9}, .pad = {0, 1}};
        graph_add(graph, pool_of, product);
        struct inference opened = open_inference(graph, 1);
        const struct pb_node_layout *nodes = opened.engine->layout.nodes;
        const uint32_t pool = pb_graph_find(opened.network->graph, "gap");
        assert_true((nodes[product].value == PB_NO_STORAGE) == averaged);
        assert_true(nodes[product].pool == (averaged ? pool : PB_NO_PARAMETER));
        assert_true(nodes[pool].value != PB_NO_STORAGE && nodes[pool].skipped == averaged);
        close_inference(&opened);
    }
}

/*
 * Positions (1, 2) and (3, −1), P = [[1, 0], [0, 2]], so PX has (1, 4) and (3, −2). U₊ = (1, 1): (25 + 1)/2 = 13; U₋ = (1, 0):
 * (1 + 9)/2 = 5. With the bias of 0.5, 8.5; of the second class, whose filters are the same the other way round, −8 + 0.25.
 */
static void test_a_low_rank_classifier_by_hand(void **state)
{
    (void)state;
    static const float image[] = {1, 2, 3, -1}, reduce[] = {1, 0, 0, 2}, factors[] = {1, 1, 1, 0, 1, 0, 1, 1},
                       bias[] = {0.5F, 0.25F};
    const struct pb_conv_attributes pointwise = {.kernel = {1, 1}};
    struct pb_graph *graph = graph_begin("low-rank", 1, 2, 2);
    uint32_t node = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "reduce", .channels = 2, .conv = pointwise}, 0);
    node = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "factors", .channels = 4, .conv = pointwise}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "square", .inputs = {0, node}}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGNED_SUM, .name = "fc", .channels = 2}, node);
    struct inference opened = open_inference(graph, 1);
    float outputs[2];
    set_values(&opened, "reduce", PB_ROLE_WEIGHT, reduce, 4);
    set_values(&opened, "factors", PB_ROLE_WEIGHT, factors, 8);
    set_values(&opened, "fc", PB_ROLE_BIAS, bias, 2);
    evaluate(&opened, image, 1, outputs);
    assert_true(outputs[0] == 8.5F && outputs[1] == -7.75F);
    close_inference(&opened);
}

/*
 * E⟨TS(x), TS(y)⟩ = ⟨x, y⟩², with a variance of at most 11/d·‖x‖⁴·‖y‖⁴ (H. Avron 2014, theorem of degree 2: (2 + 3²)/d). Of unit vectors,
 * d = 16 and 4000 draws the mean's standard error is at most 0.0132; asserted are four of them.
 */
static void test_the_mean_over_hashes_of_sketches_products_is_the_squared_product(void **state)
{
    (void)state;
    enum { CHANNELS = 4, OUTPUTS = 16, DRAWS = 4000 };
    static const float pair[2 * CHANNELS] = {0.5F, 0.5F, 0.5F, 0.5F, 0.7F, 0.5F, -0.1F, 0.5F};
    struct inference opened = open_inference(build_sketch(CHANNELS, OUTPUTS), 2);
    const double product = 0.5 * (0.7 + 0.5 - 0.1 + 0.5);
    double mean = 0;
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        float sketches[2 * OUTPUTS];
        pb_network_initialise(opened.network, seed);
        evaluate(&opened, pair, 2, sketches);
        for (int k = 0; k < OUTPUTS; k++)
            mean += (double)sketches[k] * (double)sketches[OUTPUTS + k] / DRAWS;
    }
    if (!(fabs(mean - product * product) <= 4 * 0.0132))
        fail_msg("the mean is %g, the squared product %g", mean, product * product);
    close_inference(&opened);
}

/* E z(x)·z(y) = ⟨x, y⟩² of each feature z; its square is at most (E⟨w, x⟩⁴·E⟨w, y⟩⁴) ≤ 3²·‖x‖⁴·‖y‖⁴, so 0.0119 with 16·4000 of them. */
static void test_the_mean_over_signs_of_maclaurin_features_is_the_squared_product(void **state)
{
    (void)state;
    enum { CHANNELS = 4, OUTPUTS = 16, DRAWS = 4000 };
    static const float pair[2 * CHANNELS] = {0.5F, 0.5F, 0.5F, 0.5F, 0.7F, 0.5F, -0.1F, 0.5F};
    struct pb_graph *graph = graph_begin("maclaurin", 1, 1, CHANNELS);
    const uint32_t a = project(graph, "signs_1", OUTPUTS), b = project(graph, "signs_2", OUTPUTS);
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "product", .inputs = {0, b}}, a);
    struct inference opened = open_inference(graph, 2);
    const double product = 0.5 * (0.7 + 0.5 - 0.1 + 0.5);
    double mean = 0;
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        float features[2 * OUTPUTS];
        pb_network_initialise(opened.network, seed);
        evaluate(&opened, pair, 2, features);
        for (int k = 0; k < OUTPUTS; k++)
            mean += (double)features[k] * (double)features[OUTPUTS + k] / (DRAWS * OUTPUTS);
    }
    if (!(fabs(mean - product * product) <= 4 * 0.0119))
        fail_msg("the mean is %g, the squared product %g", mean, product * product);
    close_inference(&opened);
}

/* With momentum, weight decay, masks on half of all weights, and penalties on all that can have them. */
static void test_steps_move_everything_but_hashes_and_signs(void **state)
{
    (void)state;
    for (int kind = SMALL_SKETCHED; kind <= SMALL_PROJECTED; kind++) {
        struct run run = run_create((enum small_network)kind, PB_ENGINE_TRAIN, 1);
        struct pb_network *before = run_copy_of(run.network);
        const struct pb_graph *graph = before->graph;
        bool hashed = false;
        if (pb_engine_penalise_norms(run.engine, 0.25, 0.5, &run.error))
            fail_msg("%s", run.error.text);
        for (int i = 0; i < 3; i++) {
            run_backward(&run, NULL);
            run_step(&run, &plain_step);
        }
        run_store(&run);
        for (uint32_t p = 0; p < graph->parameter_count; p++) {
            const struct pb_parameter *parameter = &graph->parameters[p];
            const bool same = !memcmp(before->values + parameter->offset, run.network->values + parameter->offset,
                                      parameter->count * sizeof(float));
            assert_int_equal(same, parameter->role == PB_ROLE_HASH);
            hashed = hashed || parameter->role == PB_ROLE_HASH;
        }
        assert_true(hashed);
        pb_network_free(&before);
        run_free(&run);
    }
}

static void test_hashes_and_signs_have_no_masks_and_no_penalties(void **state)
{
    (void)state;
    for (int kind = SMALL_SKETCHED; kind <= SMALL_PROJECTED; kind++) {
        struct pb_network *network = small_network((enum small_network)kind, 0), *before = run_copy_of(network);
        mask_some(network, 0.5, 3);
        for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
            const struct pb_parameter *parameter = &network->graph->parameters[p];
            struct pb_penalty_layout layout;
            if (parameter->role != PB_ROLE_HASH)
                continue;
            assert_false(pb_can_be_masked(parameter));
            assert_memory_equal(network->values + parameter->offset, before->values + parameter->offset,
                                parameter->count * sizeof(float));
            for (uint32_t unit = PB_UNIT_NORM_SCALES; unit <= PB_UNIT_SHAPES; unit++)
                assert_false(pb_penalty_layout(network->graph, p, (enum pb_penalty_unit)unit, &layout));
        }
        pb_network_free(&before);
        pb_network_free(&network);
    }
}

/* Of both signs: one released implementation moves the positive ones alone. */
static void test_a_step_moves_every_filter_of_a_low_rank_classifier(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_PROJECTED, PB_ENGINE_TRAIN, 1);
    struct pb_network *before = run_copy_of(run.network);
    const uint32_t node = pb_graph_find(before->graph, "factors");
    const size_t filters = before->graph->nodes[node].shape.channels, size = 5;
    run_backward(&run, NULL);
    run_step(&run, &(struct pb_step){.lr = 0.1});
    run_store(&run);
    const float *old = pb_network_values(before, node, PB_ROLE_WEIGHT),
                *now = pb_network_values(run.network, node, PB_ROLE_WEIGHT);
    for (size_t f = 0; f < filters; f++)
        assert_memory_not_equal(old + f * size, now + f * size, size * sizeof(float));
    pb_network_free(&before);
    run_free(&run);
}

/* The classifier has a bias and no weights; what is in front of it is the head's, too. */
static void test_a_head_only_step_moves_a_low_rank_head(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_PROJECTED, PB_ENGINE_TRAIN, 1);
    struct pb_network *before = run_copy_of(run.network);
    const struct pb_graph *graph = before->graph;
    struct pb_step how = plain_step;
    how.head_only = true;
    run_backward(&run, NULL);
    run_step(&run, &how);
    run_store(&run);
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        const bool same = !memcmp(before->values + parameter->offset, run.network->values + parameter->offset,
                                  parameter->count * sizeof(float));
        if (parameter->trainable)
            assert_int_equal(same, parameter->node < graph->parts.head);
    }
    pb_network_free(&before);
    run_free(&run);
}

/* The portable operators read the host that they belong to. */
static enum pb_status create_portable(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    memcpy(self, &host, sizeof host);
    return PB_OK;
}

/* A table that was made for an earlier ABI, of a backend whose buffers are on a device. */
static void test_a_device_without_an_operator_is_refused_by_node(void **state)
{
    (void)state;
    struct pb_backend table = pb_portable_backend;
    const struct pb_engine_options options = {.batch = 2, .mode = PB_ENGINE_INFER};
    struct pb_error error = {0};
    struct pb_engine *engine = NULL;
    table.on_host = false;
    table.create = create_portable;
    struct pb_network *sketched = small_network(SMALL_SKETCHED, 0), *bilinear = small_network(SMALL_BILINEAR, 0);
    table.size = offsetof(struct pb_backend, tensor_sketch_forward);
    struct pb_device *device = operator_device(&table, "old", 1);
    assert_string_equal(device->fallbacks, "");
    assert_int_equal(pb_engine_create(device, sketched, &options, &engine, &error), PB_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "node 'sketch' (tensor_sketch): backend 'old' has no tensor_sketch_forward"));
    struct pb_engine_memory memory;
    assert_int_equal(pb_engine_predict(device, bilinear->graph, &options, &memory, &error), PB_OK);
    operator_device_close(&device);
    pb_network_free(&sketched);
    pb_network_free(&bilinear);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tensor_sketch_by_hand),
        cmocka_unit_test(test_random_maclaurin_features_by_hand),
        cmocka_unit_test(test_products_that_are_averaged_are_not_stored),
        cmocka_unit_test(test_a_low_rank_classifier_by_hand),
        cmocka_unit_test(test_the_mean_over_hashes_of_sketches_products_is_the_squared_product),
        cmocka_unit_test(test_the_mean_over_signs_of_maclaurin_features_is_the_squared_product),
        cmocka_unit_test(test_steps_move_everything_but_hashes_and_signs),
        cmocka_unit_test(test_hashes_and_signs_have_no_masks_and_no_penalties),
        cmocka_unit_test(test_a_step_moves_every_filter_of_a_low_rank_classifier),
        cmocka_unit_test(test_a_head_only_step_moves_a_low_rank_head),
        cmocka_unit_test(test_a_device_without_an_operator_is_refused_by_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
