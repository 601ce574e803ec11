/* Optimal Brain Surgeon, against changes of quadratic losses worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/built_criterion.h"
#include "support/calibration.h"
#include "support/folder.h"

/* The scores of two weights of the loss ½·wᵀHw. */
static enum pb_status score_two(const char *criterion, const char *options, const double *hessian, const float *weights,
                                double *scores, struct pb_error *error)
{
    struct pb_layer_view layer = {.channels = 2, .weight = weights};
    struct fed fed;
    fed_open(&fed, criterion, options, &layer, 1);
    assert_int_equal(fed_products(&fed, hessian), 2);
    const enum pb_status status =
        pb_host_result(&fed.host, fed.criterion->score_weights(fed.self, &layer, scores), error);
    fed_close(&fed);
    return status;
}

static void expect_two(const char *criterion, const char *options, const double *hessian, const float *weights,
                       const double *expected)
{
    struct pb_error error = {0};
    double scores[2];
    if (score_two(criterion, options, hessian, weights, scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_scores(scores, expected, 2);
}

static double change(const double *hessian, double first, double second)
{
    return (first * first * hessian[0] + first * second * (hessian[1] + hessian[2]) + second * second * hessian[3]) / 2;
}

static void test_a_score_is_the_change_when_the_other_weight_adapts(void **state)
{
    (void)state;
    static const double hessian[] = {2, 1, 1, 3}, steep[] = {2, 1.2, 1.2, 1};
    static const float ones[] = {1, 1}, weights[] = {1, 1.3f};
    expect_two("obs", "estimator=exact damping=0", hessian, ones, (const double[]){5.0 / 6, 1.25});
    expect_two("obd", "estimator=exact", hessian, ones, (const double[]){1, 1.5});
    /* The first weight away from the minimum at 0, the second by −[H⁻¹]₁₀/[H⁻¹]₀₀ = 1/3; and the other way round by ½. */
    assert_true(fabs(change(hessian, -1, 1.0 / 3) - 5.0 / 6) < 1e-12);
    assert_true(fabs(change(hessian, 0.5, -1) - 1.25) < 1e-12);
    /* The diagonal alone predicts several times as much. */
    expect_two("obs", "estimator=exact damping=0", steep, weights, (const double[]){0.28, 0.2366});
    expect_two("obd", "estimator=exact", steep, weights, (const double[]){1, 0.845});
    for (double adapted = -1; adapted <= 2; adapted += 1.0 / 64)
        assert_true(change(steep, -1, adapted) >= 0.28 - 1e-12);
}

static void test_differences_of_gradients_are_made_symmetric(void **state)
{
    (void)state;
    static const double skew[] = {2, 0.75, 1.25, 3};
    expect_two("obs", "estimator=exact damping=0", skew, (const float[]){1, 1}, (const double[]){5.0 / 6, 1.25});
}

/* H⁻¹ of [[2 + 0.5·2.5, 1], [1, 3 + 0.5·2.5]] */
static void test_damping_is_a_share_of_the_mean_diagonal(void **state)
{
    (void)state;
    static const double hessian[] = {2, 1, 1, 3};
    const double determinant = 3.25 * 4.25 - 1;
    expect_two("obs", "estimator=exact damping=0.5", hessian, (const float[]){1, 1},
               (const double[]){0.5 * determinant / 4.25, 0.5 * determinant / 3.25});
}

static void test_a_weight_that_is_masked_does_not_adapt(void **state)
{
    (void)state;
    static const double hessian[] = {2, 1, 1, 3};
    expect_two("obs", "estimator=exact damping=0", hessian, (const float[]){1, 0}, (const double[]){1, 0});
}

static void test_a_hessian_that_cannot_be_inverted_is_refused_by_layer(void **state)
{
    (void)state;
    static const double refused[][4] = {{1, 1, 1, 1}, {1, 0, 0, 0}, {1, 2, 2, 1}, {-1, 0, 0, -1}, {1, 0, 0, NAN}};
    static const float ones[] = {1, 1};
    double scores[2];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct pb_error error = {0};
        assert_int_equal(score_two("obs", "estimator=exact damping=0", refused[i], ones, scores, &error), PB_ERROR_RUN);
        if (!strstr(error.text, "layer 'conv'") || !strstr(error.text, "set a larger damping"))
            fail_msg("%s", error.text);
    }
    /* of [[1.1, 1], [1, 1.1]] */
    expect_two("obs", "estimator=exact damping=0.1", refused[0], ones,
               (const double[]){0.5 * 0.21 / 1.1, 0.5 * 0.21 / 1.1});
    expect_two("obs", "estimator=exact damping=0", (const double[]){0, 0, 0, 0}, ones,
               (const double[]){0, 0}); /* no weight matters */
    expect_two("obs", "estimator=exact damping=0", refused[0], (const float[]){0, 0}, (const double[]){0, 0});
}

/* The gradients of two examples, (1, 2) and (3, −4): H = ½·[[10, −10], [−10, 20]], of which the inverse is [[0.4, 0.2], [0.2, 0.2]]. */
static void test_the_fisher_averages_outer_products_of_single_examples(void **state)
{
    (void)state;
    static const float ones[] = {1, 1}, gradients[2][2] = {{1, 2}, {3, -4}};
    struct pb_layer_view layer = {.channels = 2, .weight = ones};
    struct pb_error error = {0};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "obs", "damping=0", &layer, 1);
    for (int n = 0; n < 2; n++) {
        layer.weight_grad = gradients[n];
        fed_observe(&fed);
    }
    assert_int_equal(fed.criterion->products(fed.self), 0);
    fed_score_weights(&fed, 0, scores);
    assert_scores(scores, (const double[]){1.25, 2.5}, 2);
    fed_close(&fed);
    /* One example for two weights is singular; a batch's gradient is a mean. */
    for (int damped = 0; damped < 2; damped++) {
        fed_open(&fed, "obs", damped ? "damping=1" : "damping=0", &layer, 1);
        layer.batch = 2;
        layer.weight_grad = gradients[0];
        fed_observe(&fed);
        const enum pb_status status =
            pb_host_result(&fed.host, fed.criterion->score_weights(fed.self, &layer, scores), &error);
        assert_int_equal(status, damped ? PB_OK : PB_ERROR_RUN);
        fed_close(&fed);
    }
    /* ½·4·[[1, 2], [2, 4]] and the mean diagonal of 5: [[7, 4], [4, 13]] */
    assert_scores(scores, (const double[]){0.5 * 75 / 13, 0.5 * 75 / 7}, 2);
}

/* On a network, calibrated as in every cell. */
static void test_defaults_score_a_small_network(void **state)
{
    struct calibrated calibrated;
    struct pb_weight_scores scores = {0};
    struct pb_error error = {0};
    calibrated_open(&calibrated, *state);
    if (built_score_weights("obs", "", calibrated.network, &calibrated.calibration, &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_weight_scores_free(&scores);
    assert_int_equal(
        built_score_weights("obs", "damping=0", calibrated.network, &calibrated.calibration, &scores, &error),
        PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "layer 'conv1'"));
    calibrated_close(&calibrated);
}

static void test_blocks_of_layers_are_inverted_alone(void **state)
{
    (void)state;
    static const double hessian[] = {2, 1, 1, 3};
    static const float ones[] = {1, 1};
    struct pb_layer_view layers[2] = {{.channels = 1, .weight = ones}, {.channels = 1, .weight = ones}};
    struct fed fed;
    double scores[2];
    fed_open(&fed, "obs", "estimator=exact damping=0", layers, 2);
    assert_int_equal(fed_products(&fed, hessian), 2);
    fed_score_weights(&fed, 0, &scores[0]);
    fed_score_weights(&fed, 1, &scores[1]);
    assert_scores(scores, (const double[]){1, 1.5}, 2);
    fed_close(&fed);
}

static void test_layers_that_are_too_large_are_refused_by_name(void **state)
{
    (void)state;
    static const float weights[2] = {1, 1};
    struct pb_layer_view layer = {.channels = 1, .weight = weights};
    struct pb_error error = {0};
    struct fed fed;
    fed_open(&fed, "obs", "estimator=exact damping=0", &layer, 1);
    layer.channels = 5000;
    assert_int_equal(pb_host_result(&fed.host, fed.criterion->prepare(fed.self, &fed.network), &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "layer 'conv' has 5000 weights"));
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_score_is_the_change_when_the_other_weight_adapts),
        cmocka_unit_test(test_differences_of_gradients_are_made_symmetric),
        cmocka_unit_test(test_damping_is_a_share_of_the_mean_diagonal),
        cmocka_unit_test(test_a_weight_that_is_masked_does_not_adapt),
        cmocka_unit_test(test_a_hessian_that_cannot_be_inverted_is_refused_by_layer),
        cmocka_unit_test(test_the_fisher_averages_outer_products_of_single_examples),
        cmocka_unit_test_setup_teardown(test_defaults_score_a_small_network, folder_setup, folder_teardown),
        cmocka_unit_test(test_blocks_of_layers_are_inverted_alone),
        cmocka_unit_test(test_layers_that_are_too_large_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
