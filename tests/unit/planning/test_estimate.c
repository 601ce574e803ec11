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
    if (pb_device_stand_in(1, &estimate.device, &error) || pb_stage_bytes(&estimate, &link, &bytes, &error))
        fail_msg("%s", error.text);
    pb_device_close(&estimate.device);
    pb_estimates_free(&known);
    return bytes;
}

/*
 * VGG-11 of an eighth of its width, 32 pixels, 4 images. Most at the second convolution: relevance of its output and input, 16×16×16
 * and 16×16×8 doubles, and its input's values. Kept: 32²·8, 16²·16, 2·8²·32, 2·4²·64, 2·2²·64 floats. Shown: one array more of the
 * largest layer.
 */
static void test_relevance_is_part_of_the_memory_that_is_predicted(void **state)
{
    (void)state;
    const uint64_t kept = 4 * (8192 + 4096 + 2 * 2048 + 2 * 1024 + 2 * 256), passed = 8 * (8192 + 8192),
                   shown = 4 * 8192;
    assert_int_equal(scoring_bytes(PB_DATA_ACTIVATIONS | PB_DATA_RELEVANCE) - scoring_bytes(PB_DATA_ACTIVATIONS),
                     4 * (kept + passed + shown));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_hessian_product_costs_two_passes_forward_and_backward),
        cmocka_unit_test(test_without_a_count_there_is_one_product),
        cmocka_unit_test(test_relevance_costs_two_more_passes_forward),
        cmocka_unit_test(test_relevance_is_part_of_the_memory_that_is_predicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
