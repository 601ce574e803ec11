/* Why soft pruning zeroes γ and β by default: zeroed filters in front of a batch norm outgrow the others within an epoch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "plugin/object.h"
#include "support/small_training.h"

enum { EPOCHS = 6 };

/* Share of the masked filters that swap places in an epoch, on the mean over epochs, under a rule of zeroing. */
static double churn(void **state, uint32_t zero, const char *folded, const char *partial)
{
    const struct pb_train_spec spec = {.epochs = EPOCHS,
                                       .lr = 0.1,
                                       .lr_policy = PB_LR_CONSTANT,
                                       .momentum = 0.9,
                                       .nesterov = true,
                                       .soft_zero = zero,
                                       .soft_measure = PB_MEASURE_CHANNELS,
                                       .soft_amount = 0.3};
    struct small_training training;
    struct pb_object object;
    struct pb_error error = {0};
    double masked = 0, revived = 0;
    small_training_open(&training, state, &spec, true);
    if (pb_object_open(PB_TEST_BUILD "/plugins/criterion-l1-norm.so", &object, &error) != PB_OK)
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
    pb_options_free(&training.config.criterion.options);
    small_training_close(&training);
    return revived / masked;
}

static void test_zeroed_filters_swap_and_zeroed_scales_stay(void **state)
{
    assert_true(churn(state, PB_ZERO_FILTERS, "false", "filters") > 0.2);
    assert_true(churn(state, PB_ZERO_GAMMA_BETA, "false", "gamma-beta") < 0.1);
}

static void test_a_folded_norm_sees_through_the_growth(void **state)
{
    assert_true(churn(state, PB_ZERO_FILTERS, "true", "filters, folded") < 0.15);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_zeroed_filters_swap_and_zeroed_scales_stay),
        TEST(test_a_folded_norm_sees_through_the_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
