/* The criteria of second-order changes that come with the harness, against scores worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/built_criterion.h"

/* The loss ½·wᵀHw of two weights at w = (1, 1); its gradient is Hw. */
static const double hessian[] = {2, 1, 1, 3};
static const float ones[2] = {1, 1}, gradient[2] = {3, 4};

static struct pb_layer_view two_weights(void)
{
    return (struct pb_layer_view){.channels = 2, .weight = ones, .weight_grad = gradient};
}

static void test_obd_with_the_exact_diagonal_predicts_the_change_without_a_weight(void **state)
{
    (void)state;
    struct pb_layer_view layer = two_weights();
    struct pb_layer_view layers[2] = {{.channels = 1, .weight = ones}, {.channels = 1, .weight = ones}};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "obd", "estimator=exact", &layer, 1);
    fed_observe(&fed);
    assert_int_equal(fed_products(&fed, hessian), 2);
    fed_score_weights(&fed, 0, scores);
    assert_scores(scores, (const double[]){1, 1.5}, 2);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){1, 1.5}, 2);
    fed_close(&fed);
    /* The same two weights in two layers. */
    fed_open(&fed, "obd", "estimator=exact", layers, 2);
    fed_observe(&fed);
    assert_int_equal(fed_products(&fed, hessian), 2);
    fed_score_weights(&fed, 0, &scores[0]);
    fed_score_weights(&fed, 1, &scores[1]);
    assert_scores(scores, (const double[]){1, 1.5}, 2);
    fed_close(&fed);
}

/* One code's "OBD" is w·h: neither squared nor halved. */
static void test_obd_squares_the_weight_and_adds_up_a_filter(void **state)
{
    (void)state;
    static const float weights[2] = {-3, 2};
    struct pb_layer_view layer = {.channels = 1, .input_channels = 2, .weight = weights};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "obd", "estimator=exact", &layer, 1);
    fed_observe(&fed);
    fed_products(&fed, hessian);
    fed_score_weights(&fed, 0, scores);
    assert_scores(scores, (const double[]){9, 6}, 2);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){15}, 1);
    fed_close(&fed);
}

static void test_obd_with_random_probes_is_exact_on_a_diagonal_and_near_on_average(void **state)
{
    (void)state;
    static const double diagonal[] = {2, 0, 0, 3};
    struct pb_layer_view layer = two_weights();
    struct fed fed;
    double scores[2];
    fed_open(&fed, "obd", "estimator=hutchinson probes=1", &layer, 1);
    assert_int_equal(fed_products(&fed, diagonal), 1);
    fed_score_weights(&fed, 0, scores);
    assert_scores(scores, (const double[]){1, 1.5}, 2);
    fed_close(&fed);
    /* Each probe gives ½·(2 ± 1) and ½·(3 ± 1); the mean of 4000 has a standard error of 0.008. */
    fed_open(&fed, "obd", "estimator=hutchinson probes=4000", &layer, 1);
    assert_int_equal(fed_products(&fed, hessian), 4000);
    fed_score_weights(&fed, 0, scores);
    assert_true(fabs(scores[0] - 1) < 0.04 && fabs(scores[1] - 1.5) < 0.04);
    assert_true(scores[0] != 1); /* it was drawn */
    fed_close(&fed);
}

/* The gradients of two examples: (1, 2) and (3, −4). */
static void test_obd_with_the_fisher_averages_squares_of_single_examples(void **state)
{
    (void)state;
    static const float first[2] = {1, 2}, second[2] = {3, -4};
    struct pb_layer_view layer = two_weights();
    struct fed fed;
    double scores[2];
    fed_open(&fed, "obd", "", &layer, 1);
    layer.weight_grad = first;
    fed_observe(&fed);
    layer.weight_grad = second;
    fed_observe(&fed);
    assert_int_equal(fed_products(&fed, hessian), 0);
    fed_score_weights(&fed, 0, scores);
    /* The mean gradient squared is 4 and 1: ½ of it would have the second weight go. */
    assert_scores(scores, (const double[]){2.5, 5}, 2);
    fed_close(&fed);
}

/* The derivative of a batch's objective by the first of two logits that are 0 is ±½. */
static void ask_signs(struct fed *fed, uint32_t batch, uint32_t examples, double *signs)
{
    static const float logits[2 * 64] = {0};
    static const uint32_t labels[64] = {0};
    const struct pb_logits_view view = {.size = sizeof view,
                                        .batch = examples,
                                        .batch_index = batch,
                                        .batch_count = batch + 1,
                                        .classes = 2,
                                        .logits = logits,
                                        .labels = labels};
    float derivative[2 * 64];
    assert_int_equal(fed->criterion->objective_grad(fed->self, &view, derivative), PB_OK);
    for (uint32_t n = 0; n < examples; n++) {
        signs[n] = -2 * (double)derivative[2 * n];
        assert_true(fabs(signs[n]) == 1 && derivative[2 * n + 1] == -derivative[2 * n]);
    }
}

/* Batches of both examples: with one sign for the two, cross terms would make the scores 4 and 1. */
static void test_the_signs_of_the_fisher_remove_cross_terms(void **state)
{
    (void)state;
    enum { BATCHES = 4000 };
    struct pb_layer_view layer = two_weights();
    struct fed fed;
    double scores[2];
    float mean[2];
    fed_open(&fed, "obd", "estimator=fisher", &layer, 1);
    layer.batch = 2;
    layer.weight_grad = mean;
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        double signs[2];
        ask_signs(&fed, batch, 2, signs);
        mean[0] = (float)(signs[0] * 1 + signs[1] * 3) / 2;
        mean[1] = (float)(signs[0] * 2 - signs[1] * 4) / 2;
        fed_observe(&fed);
    }
    fed_score_weights(&fed, 0, scores);
    /* ½·(10 ± 6)/2 and ½·(20 ± 16)/2, with standard errors of 0.024 and 0.063 */
    assert_true(fabs(scores[0] - 2.5) < 0.12 && fabs(scores[1] - 5) < 0.3);
    fed_close(&fed);
}

static void test_signs_are_of_the_first_pass_and_differ_from_batch_to_batch(void **state)
{
    (void)state;
    struct pb_layer_view layer = two_weights();
    struct fed fed;
    double first[64], again[64], other[64], sum = 0;
    uint32_t different = 0;
    fed_open(&fed, "obd", "estimator=exact", &layer, 1);
    ask_signs(&fed, 0, 64, first);
    ask_signs(&fed, 0, 64, again);
    ask_signs(&fed, 1, 64, other);
    for (int n = 0; n < 64; n++) {
        sum += first[n];
        different += first[n] != other[n];
        assert_true(first[n] == again[n]);
    }
    assert_true(fabs(sum) < 40 && different > 8 && different < 56);
    fed_products(&fed, hessian);
    ask_signs(&fed, 0, 64, again); /* H is that of the loss itself */
    for (int n = 0; n < 64; n++)
        assert_true(again[n] == 1);
    fed_close(&fed);
}

static void test_grasp_keeps_what_the_gradient_flows_through(void **state)
{
    (void)state;
    struct pb_layer_view layer = two_weights();
    struct fed fed;
    double scores[2];
    fed_open(&fed, "grasp", "", &layer, 1);
    assert_int_equal(fed_products(&fed, hessian), 1);
    fed_score_weights(&fed, 0, scores);
    /* −θ⊙Hg is −10 and −15, of which the higher goes first: the first weight. */
    assert_scores(scores, (const double[]){10, 15}, 2);
    fed_close(&fed);
    /* A filter's is the sum with its signs. */
    static const float mixed[2] = {1, -1};
    layer = (struct pb_layer_view){.channels = 1, .input_channels = 2, .weight = mixed, .weight_grad = gradient};
    fed_open(&fed, "grasp", "", &layer, 1);
    fed_products(&fed, hessian);
    fed_score(&fed, 0, scores);
    assert_scores(scores, (const double[]){-5}, 1);
    fed_close(&fed);
}

static void test_grasp_divides_logits_by_the_temperature(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        double expected[3];
    } cases[] = {{"", {0.75 - 1, 0.125, 0.125}}, {"temperature=1e6", {(1.0 / 3 - 1) / 1e6, 1e-6 / 3, 1e-6 / 3}}};
    const float logits[3] = {(float)log(6), 0, 0};
    const uint32_t label = 0, missing = 3;
    struct pb_layer_view layer = two_weights();
    for (size_t i = 0; i < 2; i++) {
        struct pb_logits_view view = {
            .size = sizeof view, .batch = 1, .batch_count = 1, .classes = 3, .logits = logits, .labels = &label};
        struct fed fed;
        float derivative[3];
        fed_open(&fed, "grasp", cases[i].options, &layer, 1);
        assert_int_equal(fed.criterion->objective_grad(fed.self, &view, derivative), PB_OK);
        for (int k = 0; k < 3; k++)
            assert_true(fabs((double)derivative[k] / cases[i].expected[k] - 1) < 1e-5);
        view.labels = &missing;
        assert_int_equal(fed.criterion->objective_grad(fed.self, &view, derivative), PB_ERROR_INPUT);
        fed_close(&fed);
    }
}

static void test_curvature_that_is_not_a_number_is_the_score_of_its_weight_alone(void **state)
{
    (void)state;
    static const double spoilt[] = {2, 0, 0, NAN};
    static const float broken[2] = {1, NAN};
    static const char *const options[] = {"estimator=exact", "estimator=fisher"};
    struct pb_layer_view layer = two_weights();
    layer.weight_grad = broken;
    for (size_t i = 0; i < 2; i++) {
        struct fed fed;
        double scores[2];
        fed_open(&fed, "obd", options[i], &layer, 1);
        fed_observe(&fed);
        fed_products(&fed, spoilt);
        fed_score_weights(&fed, 0, scores);
        assert_true(isnan(scores[1]) && isfinite(scores[0]));
        fed_close(&fed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_obd_with_the_exact_diagonal_predicts_the_change_without_a_weight),
        cmocka_unit_test(test_obd_squares_the_weight_and_adds_up_a_filter),
        cmocka_unit_test(test_obd_with_random_probes_is_exact_on_a_diagonal_and_near_on_average),
        cmocka_unit_test(test_obd_with_the_fisher_averages_squares_of_single_examples),
        cmocka_unit_test(test_the_signs_of_the_fisher_remove_cross_terms),
        cmocka_unit_test(test_signs_are_of_the_first_pass_and_differ_from_batch_to_batch),
        cmocka_unit_test(test_grasp_keeps_what_the_gradient_flows_through),
        cmocka_unit_test(test_grasp_divides_logits_by_the_temperature),
        cmocka_unit_test(test_curvature_that_is_not_a_number_is_the_score_of_its_weight_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
