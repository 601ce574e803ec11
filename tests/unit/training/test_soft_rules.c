/*
 * Why soft pruning zeroes γ and β by default: zeroed filters in front of a batch norm outgrow the others within an epoch. What the
 * momentum of zeroed values does, and how the share of masked channels grows.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "plugin/object.h"
#include "support/small_training.h"
#include "training/soft_mask.h"

enum { EPOCHS = 6 };

/* Share of the zeroed scales that still have momentum when the training ends. */
static double momentum_left(const struct pb_network *network)
{
    uint32_t zeroed = 0, moving = 0;
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        for (size_t i = parameter->offset; i < parameter->offset + parameter->count; i++) {
            if (parameter->role != PB_ROLE_GAMMA || network->values[i] != 0)
                continue;
            zeroed++;
            moving += network->velocity[i] != 0;
        }
    }
    return (double)moving / zeroed;
}

/* Share of the masked filters that swap places in an epoch, on the mean over epochs, under a rule of zeroing. */
static double churn(void **state, uint32_t zero, bool clears_momentum, const char *folded, const char *partial,
                    double *moving)
{
    const struct pb_train_spec spec = {.epochs = EPOCHS,
                                       .lr = 0.1,
                                       .lr_policy = PB_LR_CONSTANT,
                                       .momentum = 0.9,
                                       .nesterov = true,
                                       .soft_zero = zero,
                                       .soft_measure = PB_MEASURE_CHANNELS,
                                       .soft_amount = 0.3,
                                       .soft_clears_momentum = clears_momentum};
    struct small_training training;
    struct pb_object object;
    struct pb_error error = {0};
    double masked = 0, revived = 0;
    small_training_open(&training, state, &spec, true);
    if (pb_object_open(PB_TEST_BUILD "/plugins/criterion-filter-norm.so", &object, &error) != PB_OK)
        fail_msg("%s", error.text);
    const struct pb_loaded norm = {.plugin = object.plugins[0], .file = "built"};
    training.config.batch = 3; /* nine steps per epoch */
    training.config.criterion.loaded = &norm;
    training.config.ranking.normalise = PB_NORMALISE_MEAN;
    if (pb_options_create(norm.plugin, &training.config.criterion.options, &error) != PB_OK ||
        pb_options_set(&training.config.criterion.options, "folded", folded, NULL, &error) != PB_OK ||
        small_training_run(&training, partial, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (size_t e = 1; e < EPOCHS; e++) {
        masked += json_number_value(json_object_get(json_array_get(training.rows, e), "masked"));
        revived += json_number_value(json_object_get(json_array_get(training.rows, e), "revived"));
    }
    printf("%s: %.0f %% of the masked filters swap in an epoch\n", partial, 100 * revived / masked);
    if (moving)
        *moving = momentum_left(training.network);
    pb_options_free(&training.config.criterion.options);
    small_training_close(&training);
    return revived / masked;
}

static void test_zeroed_filters_swap_and_zeroed_scales_stay(void **state)
{
    assert_true(churn(state, PB_ZERO_FILTERS, false, "false", "filters", NULL) > 0.2);
    assert_true(churn(state, PB_ZERO_GAMMA_BETA, false, "false", "gamma-beta", NULL) < 0.1);
}

static void test_a_folded_norm_sees_through_the_growth(void **state)
{
    assert_true(churn(state, PB_ZERO_FILTERS, false, "true", "filters, folded", NULL) < 0.15);
}

static void test_cleared_momentum_leaves_what_is_zeroed(void **state)
{
    double kept = 0, cleared = 0;
    assert_true(churn(state, PB_ZERO_FILTERS, true, "false", "momentum cleared", NULL) <
                churn(state, PB_ZERO_FILTERS, false, "false", "momentum kept", NULL));
    churn(state, PB_ZERO_GAMMA_BETA, false, "false", "scales, momentum kept", &kept);
    churn(state, PB_ZERO_GAMMA_BETA, true, "false", "scales, momentum cleared", &cleared);
    assert_true(kept > 0.5);
    assert_true(cleared == 0);
}

/* The curve of ASFP: e^(−kE/8) = 0.2500114. */
static void test_an_asymptotic_share_goes_through_its_three_points(void **state)
{
    (void)state;
    struct pb_train_spec spec = {.epochs = 80, .soft_amount = 1, .soft_growth = PB_SOFT_ASYMPTOTIC};
    assert_true(fabs(pb_soft_share(&spec, 0)) < 1e-15);
    assert_true(fabs(pb_soft_share(&spec, 10) - 0.75) < 1e-12);
    assert_true(fabs(pb_soft_share(&spec, 20) - 0.93751) < 5e-6);
    assert_true(fabs(pb_soft_share(&spec, 40) - 0.99611) < 5e-6);
    assert_true(pb_soft_share(&spec, 80) == 1);
    spec.soft_amount = 0.3;
    assert_true(fabs(pb_soft_share(&spec, 10) - 0.225) < 1e-12);
    spec.soft_growth = PB_SOFT_CONSTANT;
    assert_true(pb_soft_share(&spec, 1) == 0.3);
}

/* Of 16 epochs the second has three quarters of the share, the last one all of it. */
static void test_masks_grow_along_the_curve(void **state)
{
    const struct pb_train_spec spec = {.epochs = 16,
                                       .lr = 0.1,
                                       .lr_policy = PB_LR_CONSTANT,
                                       .soft_zero = PB_ZERO_GAMMA_BETA,
                                       .soft_measure = PB_MEASURE_CHANNELS,
                                       .soft_amount = 0.4,
                                       .soft_growth = PB_SOFT_ASYMPTOTIC};
    struct small_training training;
    struct pb_object object;
    struct pb_error error = {0};
    small_training_open(&training, state, &spec, true);
    if (pb_object_open(PB_TEST_BUILD "/plugins/criterion-filter-norm.so", &object, &error) != PB_OK)
        fail_msg("%s", error.text);
    const struct pb_loaded norm = {.plugin = object.plugins[0], .file = "built"};
    training.config.criterion.loaded = &norm;
    if (pb_options_create(norm.plugin, &training.config.criterion.options, &error) != PB_OK ||
        small_training_run(&training, "growing", &error) != PB_OK)
        fail_msg("%s", error.text);
    struct pb_channel_groups groups;
    assert_int_equal(pb_channel_groups_find(training.network->graph, &groups, &error), PB_OK);
    for (uint32_t epoch = 1; epoch <= 16; epoch++) {
        const json_t *row = json_array_get(training.rows, epoch - 1);
        const double share = epoch == 2 ? 0.3 : epoch == 16 ? 0.4 : pb_soft_share(&spec, epoch);
        assert_int_equal(json_integer_value(json_object_get(row, "masked")), lround(share * groups.total));
    }
    pb_channel_groups_free(&groups);
    pb_options_free(&training.config.criterion.options);
    small_training_close(&training);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_zeroed_filters_swap_and_zeroed_scales_stay),
        TEST(test_a_folded_norm_sees_through_the_growth),
        TEST(test_cleared_momentum_leaves_what_is_zeroed),
        cmocka_unit_test(test_an_asymptotic_share_goes_through_its_three_points),
        TEST(test_masks_grow_along_the_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
