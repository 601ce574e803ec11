/* The criteria of first-order changes that come with the harness, against scores worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/built_criterion.h"

/*
 * Activation times gradient of two images with two positions each, for two channels: channel 0 has 1, −1 and 1, 1; channel 1 has
 * 1, 0 and −1, 0. The gradient of the mean of two losses is a half, that of each loss is 1.
 */
static const float activation[2][2][2] = {{{1, 1}, {-1, 0}}, {{1, -1}, {1, 0}}};
static const float halves[2][2][2] = {{{0.5F, 0.5F}, {0.5F, 0.5F}}, {{0.5F, 0.5F}, {0.5F, 0.5F}}};

static void assert_observed(const char *name, const char *options, struct pb_layer_view layer, uint32_t batches,
                            const double *expected)
{
    struct fed fed;
    double scores[4];
    fed_open(&fed, name, options, &layer, 1);
    for (uint32_t batch = 0; batch < batches; batch++)
        fed_observe(&fed);
    fed_score(&fed, 0, scores);
    assert_scores(scores, expected, layer.channels);
    fed_close(&fed);
}

/* As what is behind the ReLU, and as the output of a convolution without a norm. */
static struct pb_layer_view activations(void)
{
    return (struct pb_layer_view){.channels = 2,
                                  .batch = 2,
                                  .activation_width = 2,
                                  .output_width = 2,
                                  .activation = &activation[0][0][0],
                                  .activation_grad = &halves[0][0][0],
                                  .convolved = &activation[0][0][0],
                                  .convolved_grad = &halves[0][0][0]};
}

static void test_taylor_has_three_codings_that_disagree(void **state)
{
    (void)state;
    assert_observed("taylor", "", activations(), 1, (const double[]){0.5, 0.5});
    assert_observed("taylor", "abs=image", activations(), 1, (const double[]){0.5, 0.5});
    assert_observed("taylor", "abs=position", activations(), 1, (const double[]){1, 0.5});
    assert_observed("taylor", "abs=batch", activations(), 1, (const double[]){0.5, 0});
}

static void test_taylor_is_a_mean_over_images_however_many_batches_they_come_in(void **state)
{
    (void)state;
    assert_observed("taylor", "abs=image", activations(), 3, (const double[]){0.5, 0.5});
    /* The same two images in two batches of one: image and position stay, batch becomes image. */
    static const char *const options[] = {"abs=image", "abs=position", "abs=batch"};
    static const double expected[][2] = {{0.5, 0.5}, {1, 0.5}, {0.5, 0.5}};
    static const float one[2][2] = {{1, 1}, {1, 1}};
    for (size_t i = 0; i < 3; i++) {
        struct pb_layer_view layer = activations();
        struct fed fed;
        double scores[2];
        layer.batch = 1;
        layer.activation_grad = &one[0][0];
        fed_open(&fed, "taylor", options[i], &layer, 1);
        fed_observe(&fed);
        layer.activation = &activation[1][0][0];
        fed_observe(&fed);
        fed_score(&fed, 0, scores);
        assert_scores(scores, expected[i], 2);
        fed_close(&fed);
    }
}

static void test_taylor_fo_squares_the_change_of_each_example_or_of_a_batch(void **state)
{
    (void)state;
    const struct pb_layer_view layer = activations();
    assert_observed("taylor-fo", "", layer, 1, (const double[]){4, 2});
    assert_observed("taylor-fo", "unit=gate per=example", layer, 3, (const double[]){12, 6});
    /* The means of the batch are 1 and 0: channel 1 is dead to it. */
    assert_observed("taylor-fo", "per=batch", layer, 3, (const double[]){3, 0});
}

/* Changes of one image at two places: 2, 1 and 1, −1. NNI squares its addends one by one, which would give 5 and 2. */
static void test_changes_of_an_image_add_up_before_they_are_squared(void **state)
{
    (void)state;
    static const float changes[2][2] = {{2, 1}, {1, -1}}, ones[2][2] = {{1, 1}, {1, 1}};
    const struct pb_layer_view layer = {
        .channels = 2, .batch = 1, .output_width = 2, .convolved = &changes[0][0], .convolved_grad = &ones[0][0]};
    assert_observed("taylor-fo", "unit=gate", layer, 1, (const double[]){9, 0});
    assert_observed("taylor-fo", "unit=weight", layer, 1, (const double[]){9, 0});
    assert_observed("group-fisher", "", layer, 1, (const double[]){9, 0});
}

static void test_taylor_fo_of_gates_looks_behind_the_norm(void **state)
{
    (void)state;
    static const float zeros[8] = {0};
    struct pb_layer_view layer = activations();
    layer.normalised = layer.convolved;
    layer.normalised_grad = layer.convolved_grad;
    layer.convolved = zeros;
    assert_observed("taylor-fo", "unit=gate", layer, 1, (const double[]){4, 2});
    assert_observed("taylor-fo", "unit=weight", layer, 1, (const double[]){0, 0});
}

/* The convolution's output is the activation of above and a bias, which is no weight. */
static void test_taylor_fo_of_weights_leaves_the_bias_out(void **state)
{
    (void)state;
    static const float bias[2] = {3, -5};
    float convolved[2][2][2];
    for (size_t i = 0; i < 8; i++)
        (&convolved[0][0][0])[i] = (&activation[0][0][0])[i] + bias[i % 2];
    struct pb_layer_view layer = {.channels = 2,
                                  .batch = 2,
                                  .output_width = 2,
                                  .bias = bias,
                                  .convolved = &convolved[0][0][0],
                                  .convolved_grad = &halves[0][0][0]};
    assert_observed("taylor-fo", "unit=weight", layer, 1, (const double[]){4, 2});
    assert_observed("taylor-fo", "unit=weight per=batch", layer, 2, (const double[]){2, 0});
    layer.bias = NULL;
    layer.convolved = &activation[0][0][0];
    assert_observed("taylor-fo", "unit=weight", layer, 1, (const double[]){4, 2});
}

static void test_group_fisher_adds_coupled_layers_before_it_squares(void **state)
{
    (void)state;
    /* Sums of the images: 1, 1 and −1, 2. */
    static const float normalised[2][2][2] = {{{1, 3}, {0, -2}}, {{-3, 1}, {2, 1}}};
    const struct pb_layer_view layer = activations();
    assert_observed("group-fisher", "", layer, 1, (const double[]){4, 2});
    assert_observed("group-fisher", "", layer, 2, (const double[]){8, 4});

    struct pb_layer_view layers[2] = {layer, layer};
    struct fed fed;
    double scores[2];
    layers[1].normalised = &normalised[0][0][0];
    layers[1].normalised_grad = &halves[0][0][0];
    fed_open(&fed, "group-fisher", "", layers, 2);
    fed_observe(&fed);
    for (uint32_t l = 0; l < 2; l++) {
        fed_score(&fed, l, scores);
        /* (0+1)² + (2−1)² and (1+1)² + (−1+2)²; squared apart they would be 6 and 7. */
        assert_scores(scores, (const double[]){2, 5}, 2);
    }
    layers[0].batch = layers[1].batch =
        1; /* the last batch may be shorter; the gradient is half that of its one example */
    fed_observe(&fed);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){2.25, 6}, 2);
    fed_close(&fed);
}

static void test_group_fisher_divides_by_the_macs_of_a_channel(void **state)
{
    (void)state;
    struct pb_layer_view layer = activations();
    struct fed fed;
    double scores[2];
    fed_open(&fed, "group-fisher", "cost=macs", &layer, 1);
    fed.group.channel_macs = 500000000;
    fed_observe(&fed);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){8, 4}, 2);
    fed_close(&fed);
}

static void test_snip_is_a_share_of_the_whole_network(void **state)
{
    (void)state;
    static const float ones[2] = {1, -1}, gradients[2] = {3, 4};
    struct pb_layer_view layer = {.channels = 2, .weight = ones, .weight_grad = gradients};
    struct pb_layer_view layers[2] = {{.channels = 1, .weight = ones, .weight_grad = gradients},
                                      {.channels = 1, .weight = ones + 1, .weight_grad = gradients + 1}};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "snip", "", &layer, 1);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){3.0 / 7, 4.0 / 7}, 2);
    fed_score_weights(&fed, 0, scores);
    assert_scores(scores, (const double[]){3.0 / 7, 4.0 / 7}, 2);
    fed_close(&fed);
    /* Divided layer by layer, both would be 1. */
    fed_open(&fed, "snip", "", layers, 2);
    fed_score(&fed, 1, &scores[1]);
    fed_score_weights(&fed, 0, &scores[0]);
    assert_scores(scores, (const double[]){3.0 / 7, 4.0 / 7}, 2);
    fed_close(&fed);
    /* One filter of two weights: the sum of magnitudes. */
    layer.channels = 1;
    layer.input_channels = 2;
    fed_open(&fed, "snip", "", &layer, 1);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){1}, 1);
    fed_close(&fed);
}

static void test_gradients_of_zero_give_scores_of_zero(void **state)
{
    (void)state;
    static const float zeros[8] = {0}, ones[2] = {1, 1};
    struct pb_layer_view layer = {.channels = 2,
                                  .batch = 2,
                                  .activation_width = 2,
                                  .output_width = 2,
                                  .weight = ones,
                                  .weight_grad = zeros,
                                  .convolved = &activation[0][0][0],
                                  .convolved_grad = zeros,
                                  .activation = &activation[0][0][0],
                                  .activation_grad = zeros};
    static const char *const names[] = {"taylor", "taylor-fo", "group-fisher"};
    for (size_t i = 0; i < 3; i++)
        assert_observed(names[i], "", layer, 1, (const double[]){0, 0});
    struct fed fed;
    double scores[2];
    fed_open(&fed, "snip", "", &layer, 1);
    fed_score_weights(&fed, 0, scores);
    assert_scores(scores, (const double[]){0, 0}, 2);
    fed_close(&fed);
}

/* The host names the channel whose score is NaN: no criterion may turn it into a number, or into that of another channel. */
static void test_a_gradient_that_is_not_a_number_is_the_score_of_its_channel_alone(void **state)
{
    (void)state;
    static const struct {
        const char *name, *options;
    } cases[] = {{"taylor", "abs=image"}, {"taylor", "abs=position"},   {"taylor", "abs=batch"},
                 {"taylor-fo", ""},       {"taylor-fo", "unit=weight"}, {"group-fisher", ""}};
    float spoilt[2][2][2];
    memcpy(spoilt, halves, sizeof spoilt);
    spoilt[1][0][1] = NAN;
    struct pb_layer_view layer = activations();
    layer.activation_grad = layer.convolved_grad = &spoilt[0][0][0];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fed fed;
        double scores[2];
        fed_open(&fed, cases[i].name, cases[i].options, &layer, 1);
        fed_observe(&fed);
        fed_score(&fed, 0, scores);
        assert_true(isfinite(scores[0]) && isnan(scores[1]));
        fed_close(&fed);
    }
}

static void test_snip_gives_a_gradient_that_is_not_a_number_to_its_weight_alone(void **state)
{
    (void)state;
    static const float ones[2] = {1, 1}, gradients[2] = {3, NAN};
    struct pb_layer_view layer = {.channels = 2, .weight = ones, .weight_grad = gradients};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "snip", "", &layer, 1);
    fed_score(&fed, 0, scores);
    assert_true(isfinite(scores[0]) && isnan(scores[1]));
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taylor_has_three_codings_that_disagree),
        cmocka_unit_test(test_taylor_is_a_mean_over_images_however_many_batches_they_come_in),
        cmocka_unit_test(test_taylor_fo_squares_the_change_of_each_example_or_of_a_batch),
        cmocka_unit_test(test_changes_of_an_image_add_up_before_they_are_squared),
        cmocka_unit_test(test_taylor_fo_of_gates_looks_behind_the_norm),
        cmocka_unit_test(test_taylor_fo_of_weights_leaves_the_bias_out),
        cmocka_unit_test(test_group_fisher_adds_coupled_layers_before_it_squares),
        cmocka_unit_test(test_group_fisher_divides_by_the_macs_of_a_channel),
        cmocka_unit_test(test_snip_is_a_share_of_the_whole_network),
        cmocka_unit_test(test_gradients_of_zero_give_scores_of_zero),
        cmocka_unit_test(test_a_gradient_that_is_not_a_number_is_the_score_of_its_channel_alone),
        cmocka_unit_test(test_snip_gives_a_gradient_that_is_not_a_number_to_its_weight_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
