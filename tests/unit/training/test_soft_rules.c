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
#include "support/built_plugin.h"
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

/* One rule of zeroing, and what ranks. */
struct rule {
    const char *name; /* of the folder for its partial state, too */
    const char *criterion;
    const char *folded; /* of filter-norm; NULL for other criteria */
    uint32_t zero, comeback;
    bool clears_momentum, redraws;
};

/* Share of the masked filters that swap places in an epoch, on the mean over epochs. moving: momentum_left; may be NULL. */
static double churn(void **state, struct rule rule, double *moving)
{
    const struct pb_train_spec spec = {.epochs = EPOCHS,
                                       .lr = 0.1,
                                       .lr_policy = PB_LR_CONSTANT,
                                       .momentum = 0.9,
                                       .nesterov = true,
                                       .soft_zero = rule.zero,
                                       .soft_measure = PB_MEASURE_CHANNELS,
                                       .soft_amount = 0.3,
                                       .soft_comeback = rule.comeback,
                                       .soft_clears_momentum = rule.clears_momentum};
    struct small_training training;
    struct pb_error error = {0};
    double masked = 0, revived = 0;
    char object[64];
    small_training_open(&training, state, &spec, true);
    snprintf(object, sizeof object, "criterion-%s", rule.criterion);
    const struct pb_loaded criterion = {.plugin = built_plugin(object, rule.criterion), .file = "built"};
    training.config.batch = 3; /* nine steps per epoch */
    training.config.calibration_batches = 2;
    training.config.criterion.loaded = &criterion;
    training.config.ranking.normalise = PB_NORMALISE_MEAN;
    training.config.ranking.redraw = rule.redraws;
    enum pb_status status = pb_options_create(criterion.plugin, &training.config.criterion.options, &error);
    if (status == PB_OK && rule.folded)
        status = pb_options_set(&training.config.criterion.options, "folded", rule.folded, NULL, &error);
    if (status != PB_OK || small_training_run(&training, rule.name, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (size_t e = 1; e < EPOCHS; e++) {
        masked += json_number_value(json_object_get(json_array_get(training.rows, e), "masked"));
        revived += json_number_value(json_object_get(json_array_get(training.rows, e), "revived"));
    }
    printf("%s: %.0f %% of the masked filters swap in an epoch\n", rule.name, 100 * revived / masked);
    if (moving)
        *moving = momentum_left(training.network);
    pb_options_free(&training.config.criterion.options);
    small_training_close(&training);
    return revived / masked;
}

#define NORM .criterion = "filter-norm", .folded

static void test_zeroed_filters_swap_and_zeroed_scales_stay(void **state)
{
    assert_true(churn(state, (struct rule){"filters", NORM = "false", .zero = PB_ZERO_FILTERS}, NULL) > 0.2);
    assert_true(churn(state, (struct rule){"gamma-beta", NORM = "false", .zero = PB_ZERO_GAMMA_BETA}, NULL) < 0.1);
}

static void test_a_folded_norm_sees_through_the_growth(void **state)
{
    assert_true(churn(state, (struct rule){"filters, folded", NORM = "true", .zero = PB_ZERO_FILTERS}, NULL) < 0.15);
}

static void test_cleared_momentum_leaves_what_is_zeroed(void **state)
{
    const struct rule filters_kept = {"momentum kept", NORM = "false", .zero = PB_ZERO_FILTERS};
    const struct rule filters_cleared = {"momentum cleared", NORM = "false", PB_ZERO_FILTERS, .clears_momentum = true};
    const struct rule scales_kept = {"scales, momentum kept", NORM = "false", .zero = PB_ZERO_GAMMA_BETA};
    const struct rule scales_cleared = {"scales, momentum cleared", NORM = "false", PB_ZERO_GAMMA_BETA,
                                        .clears_momentum = true};
    double kept = 0, cleared = 0;
    assert_true(churn(state, filters_cleared, NULL) < churn(state, filters_kept, NULL));
    churn(state, scales_kept, &kept);
    churn(state, scales_cleared, &cleared);
    assert_true(kept > 0.5);
    assert_true(cleared == 0);
}

/* Where β alone has grown, a channel is never 0, and the share of zeros says that it matters most. */
static void test_scores_that_see_no_scale_swap_masks_unless_these_have_grown(void **state)
{
    struct rule rule = {"zeros, ranked", .criterion = "apoz", .zero = PB_ZERO_GAMMA_BETA};
    assert_true(churn(state, rule, NULL) > 0.2);
    rule.name = "zeros, grown";
    rule.comeback = PB_COMEBACK_GROWN;
    assert_true(churn(state, rule, NULL) < 0.05);
    rule.name = "zeros, grown, in a matrix that redraws its random masks";
    rule.redraws = true;
    assert_true(churn(state, rule, NULL) < 0.05);
}

/* Sets γ of channel c to length and β to 0. */
static void set_scale(struct pb_network *network, const struct pb_channel_group *group, uint32_t c, float length)
{
    pb_network_values(network, group->norms[0], PB_ROLE_GAMMA)[c] = length;
    pb_network_values(network, group->norms[0], PB_ROLE_BETA)[c] = 0;
}

static void grow_filter(struct pb_network *network, const struct pb_channel_group *group, uint32_t c)
{
    const uint32_t node = group->producers[0];
    const struct pb_parameter *weight =
        &network->graph->parameters[network->graph->nodes[node].parameters[PB_ROLE_WEIGHT]];
    const size_t filter = weight->count / weight->dims[0];
    float *values = pb_network_values(network, node, PB_ROLE_WEIGHT) + c * filter;
    for (size_t i = 0; i < filter; i++)
        values[i] = 1e3F;
}

/* Three masked filters outgrow all others. One has the norm of γ and β that the smallest of the others has, one a little less, one none. */
static void test_a_channel_comes_back_from_the_norm_of_the_smallest_other_on(void **state)
{
    const struct pb_train_spec spec = {.epochs = 2,
                                       .soft_zero = PB_ZERO_GAMMA_BETA,
                                       .soft_measure = PB_MEASURE_CHANNELS,
                                       .soft_amount = 0.5,
                                       .soft_comeback = PB_COMEBACK_GROWN};
    const struct pb_loaded norm = {.plugin = built_plugin("criterion-filter-norm", "filter-norm"), .file = "built"};
    struct small_training training;
    struct pb_soft soft = {0};
    struct pb_error error = {0};
    uint32_t masked[3], count = 0;
    small_training_open(&training, state, &spec, true);
    training.config.criterion.loaded = &norm;
    training.config.ranking.scope = PB_SCOPE_LAYER;
    struct pb_network *network = training.initial;
    if (pb_options_create(norm.plugin, &training.config.criterion.options, &error) != PB_OK ||
        pb_soft_start(&soft, network, NULL, &error) != PB_OK ||
        pb_soft_mask(&soft, &training.job, 1, network, &error) != PB_OK)
        fail_msg("%s", error.text);
    const struct pb_channel_group *group = &soft.groups.groups[soft.groups.count - 1];
    for (uint32_t c = 0; c < group->channels; c++) {
        if (soft.keep.keep[soft.groups.count - 1][c])
            set_scale(network, group, c, 2 + (float)c);
        else if (count < 3)
            masked[count++] = c;
    }
    assert_int_equal(count, 3);
    uint32_t least = 0;
    while (!soft.keep.keep[soft.groups.count - 1][least])
        least++;
    for (int i = 0; i < 3; i++)
        grow_filter(network, group, masked[i]);
    set_scale(network, group, masked[0], 2 + (float)least);
    set_scale(network, group, masked[1], 1.99F + (float)least);
    if (pb_soft_mask(&soft, &training.job, 2, network, &error) != PB_OK)
        fail_msg("%s", error.text);
    const bool *keep = soft.keep.keep[soft.groups.count - 1];
    assert_true(keep[masked[0]]);
    assert_false(keep[masked[1]]);
    assert_false(keep[masked[2]]);
    assert_int_equal(soft.revived, 1);
    pb_soft_free(&soft);
    pb_options_free(&training.config.criterion.options);
    small_training_close(&training);
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
    struct pb_error error = {0};
    const struct pb_loaded norm = {.plugin = built_plugin("criterion-filter-norm", "filter-norm"), .file = "built"};
    small_training_open(&training, state, &spec, true);
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
        TEST(test_scores_that_see_no_scale_swap_masks_unless_these_have_grown),
        TEST(test_a_channel_comes_back_from_the_norm_of_the_smallest_other_on),
        cmocka_unit_test(test_an_asymptotic_share_goes_through_its_three_points),
        TEST(test_masks_grow_along_the_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
