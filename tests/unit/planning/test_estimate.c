/* What a stage is predicted to cost, by what the criterion says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "planning/estimate.h"

/* A criterion of as many products as the network that it was shown has layers, and three more. */
static uint32_t prepared, lives;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = &prepared;
    prepared = 0;
    lives++;
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
    lives--;
}

static enum pb_status prepare(void *self, const struct pb_network_view *network)
{
    (void)self;
    prepared = network->layer_count;
    return PB_OK;
}

static enum pb_status refuse(void *self, const struct pb_network_view *network)
{
    (void)self;
    (void)network;
    return PB_ERROR_RUN;
}

static uint32_t products(void *self)
{
    return *(const uint32_t *)self + 3;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    (void)layer;
    (void)scores;
    fail_msg("nothing is scored while a cell is planned");
    return PB_ERROR_RUN;
}

static struct pb_criterion criterion;
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "of-a-test", .version = "1",
                                        .criterion = &criterion};
static const struct pb_loaded loaded = {.plugin = &plugin, .file = "test", .sha256 = "00"};

/* The MACs of a score stage in passes over the images: 10 batches of 4, a network of 1000 MACs. */
static double passes_of(struct pb_estimates *known, double left, uint32_t *count)
{
    const struct pb_cell_config config = {
        .criterion = {.label = "of-a-test", .loaded = &loaded},
        .model = {.name = "vgg11-bcnn", .image_size = 32, .width_multiplier = 0.125, .batch_norm = true},
        .calibration_batch = 4,
        .calibration_batches = 10};
    struct pb_estimate estimate = {
        .known = known, .config = &config, .counts = {.classes = 3}, .before = left, .after = 1};
    struct pb_error error = {0};
    const struct pb_link link = {.verb = PB_VERB_SCORE};
    if (pb_predict_products(&estimate, left, false, &estimate.products, &error))
        fail_msg("%s", error.text);
    *count = estimate.products;
    return (double)pb_stage_macs(&estimate, &link, 1000) / (1000 * 40);
}

static void test_every_hessian_product_costs_two_passes_forward_and_backward(void **state)
{
    struct pb_estimates known = {0};
    uint32_t count;
    (void)state;
    criterion = (struct pb_criterion){.size = sizeof criterion,
                                      .needs = PB_DATA_HESSIAN_PRODUCTS | PB_DATA_GRADIENTS,
                                      .hessian_step = 0.003,
                                      .create = create,
                                      .destroy = destroy,
                                      .prepare = prepare,
                                      .products = products,
                                      .score = score};
    assert_true(passes_of(&known, 1, &count) == 3 + (8 + 3) * 2 * 3); /* VGG-11 has 8 convolutions */
    assert_int_equal(count, 8 + 3);
    assert_int_equal(lives, 0);
    /* it is asked once for every network */
    criterion.prepare = refuse;
    assert_true(passes_of(&known, 1, &count) == 3 + (8 + 3) * 2 * 3);
    /* one that refuses the network makes no product; its stage says why */
    assert_true(passes_of(&known, 0.5, &count) == 3);
    assert_int_equal(lives, 0);
    pb_estimates_free(&known);
}

static void test_without_a_count_there_is_one_product(void **state)
{
    struct pb_estimates known = {0};
    uint32_t count;
    (void)state;
    criterion.prepare = NULL;
    criterion.products = NULL;
    assert_true(passes_of(&known, 1, &count) == 3 + 2 * 3);
    pb_estimates_free(&known);
    criterion.needs = PB_DATA_GRADIENTS;
    assert_true(passes_of(&known, 1, &count) == 3);
    assert_int_equal(count, 0);
    pb_estimates_free(&known);
}

/* Beside the forward pass: once for the sums of terms, once for what each term gets. */
static void test_relevance_costs_two_more_passes_forward(void **state)
{
    struct pb_estimates known = {0};
    uint32_t count;
    (void)state;
    criterion.needs = PB_DATA_RELEVANCE;
    assert_true(passes_of(&known, 1, &count) == 3);
    criterion.needs = PB_DATA_RELEVANCE | PB_DATA_GRADIENTS;
    assert_true(passes_of(&known, 1, &count) == 5);
    pb_estimates_free(&known);
}

static uint64_t scoring_bytes(uint32_t needs)
{
    const struct pb_cell_config config = {
        .criterion = {.label = "of-a-test", .loaded = &loaded},
        .model = {.name = "vgg11-bcnn", .image_size = 32, .width_multiplier = 0.125, .batch_norm = true},
        .batch = 1,
        .calibration_batch = 4,
        .calibration_batches = 10};
    struct pb_estimates known = {0};
    struct pb_error error = {0};
    struct pb_estimate estimate = {
        .known = &known, .config = &config, .counts = {.classes = 3}, .threads = 1, .before = 1, .after = 1};
    const struct pb_link link = {.verb = PB_VERB_SCORE};
    uint64_t bytes = 0;
    criterion.needs = needs;
    if (pb_device_substitute(1, &estimate.device, &error) || pb_stage_bytes(&estimate, &link, &bytes, &error))
        fail_msg("%s", error.text);
    pb_device_close(&estimate.device);
    pb_estimates_free(&known);
    return bytes;
}

/*
 * VGG-11 of an eighth of its width, 32 pixels, 4 images. Kept over all batches, in floats for each image: the layers' relevance, 32²·8,
 * 16²·16, 2·8²·32, 2·4²·64, 2·2²·64; the largest input of a pass, 32²·8; and the most room, that of the first convolution: two arrays of
 * its input and its output each, energies in double precision at 33×33 corners, and what every pixel gets. In a pass most at the second
 * convolution of 4×4×64 pixels: relevance of its input and its output; and once its 64 filters of 3×3×64 in two parts, with scale, bias
 * and norm. The engine has arrays for the largest convolution's input (32²·3), output (32²·8) and filters. Shown: one array more of the
 * largest layer.
 */
static void test_relevance_is_part_of_the_memory_that_is_predicted(void **state)
{
    (void)state;
    const uint64_t kept = 8192 + 4096 + 2 * 2048 + 2 * 1024 + 2 * 256, values = 8192,
                   room = 2 * (3072 + 8192) + 2 * 33 * 33 + 32 * 32, passed = 2 * 1024, convolved = 3072 + 8192,
                   shown = 8192, filters = 64 * 576 * 4;
    assert_int_equal(scoring_bytes(PB_DATA_ACTIVATIONS | PB_DATA_RELEVANCE) - scoring_bytes(PB_DATA_ACTIVATIONS),
                     4 * 4 * (kept + values + room + passed + convolved + shown) + 3 * filters + 64 * (2 * 8 + 2 * 4));
}

/* One image, whatever is calibrated: three passes in double precision. */
static void test_synaptic_flow_costs_a_pass_forward_and_backward_of_one_image(void **state)
{
    struct pb_estimates known = {0};
    uint32_t count;
    (void)state;
    criterion.needs = PB_DATA_SYNAPTIC_FLOW;
    assert_true(passes_of(&known, 1, &count) * 40 == 6);
    criterion.needs = PB_DATA_SYNAPTIC_FLOW | PB_DATA_GRADIENTS;
    assert_true(passes_of(&known, 1, &count) * 40 == 3 * 40 + 6);
    pb_estimates_free(&known);
}

/*
 * Of the same network: the flow of every parameter; what convolutions, pools, bilinear pooling, its root and the classifier give; and
 * most at the classifier, with the slopes of its outputs and inputs, and 16 times the inputs.
 */
static void test_synaptic_flow_is_part_of_the_memory_that_is_predicted(void **state)
{
    (void)state;
    const struct pb_model_spec model = {
        .name = "vgg11-bcnn", .classes = 3, .image_size = 32, .width_multiplier = 0.125, .batch_norm = true};
    struct pb_graph *graph = NULL;
    struct pb_error error = {0};
    if (pb_model_build(&model, &graph, &error))
        fail_msg("%s", error.text);
    const uint64_t values = 1024 * (3 + 8) + 256 * (8 + 16) + 64 * (16 + 32 + 32) + 16 * (32 + 64 + 64) +
                            4 * (64 + 64 + 64) + 2 * 4096 + 3,
                   most = 3 + 4096 + 16 * 4096, bytes = 8 * (graph->value_count + values + most);
    pb_graph_free(&graph);
    assert_int_equal(scoring_bytes(PB_DATA_ACTIVATIONS | PB_DATA_SYNAPTIC_FLOW) - scoring_bytes(PB_DATA_ACTIVATIONS),
                     bytes);
    assert_int_equal(scoring_bytes(PB_DATA_SYNAPTIC_FLOW), bytes); /* nothing beside it, without a batch */
}

static double descend(void *self)
{
    (void)self;
    return 1;
}

/* The copy, its momentum, and a gradient that is at most as large. */
static void test_a_descent_takes_three_networks_more(void **state)
{
    (void)state;
    struct pb_estimates known = {0};
    struct pb_error error = {0};
    struct pb_network_sizes sizes = {0};
    const struct pb_cell_config config = {
        .model = {.name = "vgg11-bcnn", .image_size = 32, .width_multiplier = 0.125, .batch_norm = true}};
    if (pb_estimate_network(&known, &config, 3, &sizes, &error))
        fail_msg("%s", error.text);
    const uint64_t without = scoring_bytes(PB_DATA_GRADIENTS);
    criterion.descent = descend;
    assert_int_equal(scoring_bytes(PB_DATA_GRADIENTS) - without, 3 * sizes.bytes);
    criterion.descent = NULL;
    pb_estimates_free(&known);
}

/* A training of 2 epochs on 10 images, learning from a stage, or from a file where one is given. */
static const struct pb_cell_config taught_config = {
    .model = {.name = "vgg11-bcnn", .image_size = 32, .width_multiplier = 0.125, .batch_norm = true},
    .preprocess.image_size = 32,
    .batch = 5};

static struct pb_estimate taught_estimate(struct pb_estimates *known)
{
    return (struct pb_estimate){.known = known,
                                .config = &taught_config,
                                .counts = {.classes = 3, .train = 10, .validation = 4},
                                .threads = 1,
                                .before = 1,
                                .after = 1};
}

static struct pb_link taught_link(pb_stage teacher)
{
    return (struct pb_link){
        .verb = PB_VERB_TRAIN,
        .spec = {.epochs = 2, .lr = .1, .distillation = PB_DISTILLATION_LOGITS, .teacher = teacher}};
}

static void test_a_teachers_file_costs_the_passes_of_its_own_network(void **state)
{
    (void)state;
    struct pb_estimates known = {0};
    struct pb_estimate estimate = taught_estimate(&known);
    const struct pb_known_teacher file = {.macs = 700};
    const struct pb_link from_file = taught_link(PB_STAGE_TEACHER_FILE), from_stage = taught_link(1);
    const uint64_t own = 2 * 1000 * (3 * 10 + 4);
    assert_int_equal(pb_stage_macs(&estimate, &from_file, 1000), own); /* the file is not here */
    estimate.teacher_file = &file;
    assert_int_equal(pb_stage_macs(&estimate, &from_file, 1000), own + 2 * 700 * 10);
    estimate.teacher = 0.5;
    assert_int_equal(pb_stage_macs(&estimate, &from_stage, 1000), own + 2 * 500 * 10);
}

static uint64_t taught_bytes(const struct pb_estimate *estimate, pb_stage teacher)
{
    struct pb_error error = {0};
    const struct pb_link link = taught_link(teacher);
    uint64_t bytes = 0;
    if (pb_stage_bytes(estimate, &link, &bytes, &error))
        fail_msg("%s", error.text);
    return bytes;
}

/* It is read without momentum, so that it takes the network's parameters less than the same network as a stage. */
static void test_a_teachers_file_takes_the_memory_of_its_own_network(void **state)
{
    (void)state;
    struct pb_estimates known = {0};
    struct pb_error error = {0};
    struct pb_estimate estimate = taught_estimate(&known);
    struct pb_model_spec model = taught_config.model;
    struct pb_known_teacher file = {0};
    model.classes = 3;
    if (pb_device_substitute(1, &estimate.device, &error) || pb_model_build(&model, &file.graph, &error))
        fail_msg("%s", error.text);
    estimate.teacher = 1;
    const uint64_t stage = taught_bytes(&estimate, 1), missing = taught_bytes(&estimate, PB_STAGE_TEACHER_FILE);
    estimate.teacher_file = &file;
    const uint64_t same = taught_bytes(&estimate, PB_STAGE_TEACHER_FILE);
    assert_int_equal(stage - same, file.graph->value_count * sizeof(float));
    assert_true(same > missing);
    pb_graph_free(&file.graph);
    pb_device_close(&estimate.device);
    pb_estimates_free(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_hessian_product_costs_two_passes_forward_and_backward),
        cmocka_unit_test(test_without_a_count_there_is_one_product),
        cmocka_unit_test(test_relevance_costs_two_more_passes_forward),
        cmocka_unit_test(test_relevance_is_part_of_the_memory_that_is_predicted),
        cmocka_unit_test(test_synaptic_flow_costs_a_pass_forward_and_backward_of_one_image),
        cmocka_unit_test(test_synaptic_flow_is_part_of_the_memory_that_is_predicted),
        cmocka_unit_test(test_a_descent_takes_three_networks_more),
        cmocka_unit_test(test_a_teachers_file_costs_the_passes_of_its_own_network),
        cmocka_unit_test(test_a_teachers_file_takes_the_memory_of_its_own_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
