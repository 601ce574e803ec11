/* Trainings and targets that a schedule asks for and that cannot be: refused before anything runs, by what to do instead. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "planning/chain.h"
#include "planning/verb_checks.h"

/* One that can be; each row of the tests changes a little of it. */
#define SOUND .epochs = 5, .lr = .1, .penalty_count = 2

struct refused {
    struct pb_train_spec spec;
    enum pb_status status;
    const char *words;
};

static void test_a_training_is_refused_for_what_is_wrong_with_it(void **state)
{
    (void)state;
    const struct refused rows[] = {
        {{.lr = .1}, PB_ERROR_INPUT, "a training of 0 epochs was asked for; give it at least one"},
        {{SOUND, .warmup_epochs = 6}, PB_ERROR_INPUT, "a warm-up of 6 epochs does not fit a training of 5; shorten it"},
        {{.epochs = 5}, PB_ERROR_INPUT, "a learning rate of 0 was asked for; it must be above 0"},
        {{.epochs = 5, .lr = HUGE_VAL}, PB_ERROR_INPUT, "a learning rate of inf was asked for"},
        {{.epochs = 5, .lr = .1, .penalty_count = PB_PENALTIES_MAX + 1},
         PB_ERROR_INPUT,
         "17 penalties were asked for; a training has at most 16"},
        {{SOUND, .lambda = {0, -1}}, PB_ERROR_INPUT, "a penalty with the λ -1 was asked for; it must be 0 or above"},
        {{SOUND, .lr_policy = PB_LR_CONSTANT + 1}, PB_ERROR_RUN, "a mode that this host does not know"},
        {{SOUND, .soft_zero = PB_ZERO_GAMMA_BETA + 1}, PB_ERROR_RUN, "a mode that this host does not know"},
        {{SOUND, .soft_growth = PB_SOFT_ASYMPTOTIC + 1}, PB_ERROR_RUN, "a mode that this host does not know"},
        {{SOUND, .soft_comeback = PB_COMEBACK_GROWN + 1}, PB_ERROR_RUN, "a mode that this host does not know"},
        {{SOUND, .return_state = PB_RETURN_BEST + 1}, PB_ERROR_RUN, "a mode that this host does not know"},
        {{SOUND, .distillation = PB_DISTILLATION_LOGITS + 1},
         PB_ERROR_RUN,
         "a distillation that this host does not know"},
        {{SOUND, .distillation = PB_DISTILLATION_LOGITS}, PB_ERROR_INPUT, "a teacher's weight of 0 was asked for"},
        {{SOUND, .distillation = PB_DISTILLATION_SOFT_TARGETS, .teacher_weight = 1},
         PB_ERROR_INPUT,
         "a teacher's temperature of 0 was asked for; it must be above 0"},
        {{SOUND, .soft_zero = PB_ZERO_FILTERS, .last_epoch = 1}, PB_ERROR_RUN, "a piece of a training that zeroes"},
        {{SOUND, .return_state = PB_RETURN_BEST, .last_epoch = 1},
         PB_ERROR_RUN,
         "returns its best epoch and is not the last; set its return_state to PB_RETURN_LAST"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pb_error error = {0};
        assert_int_equal(pb_check_spec(&rows[i].spec, &error), rows[i].status);
        if (!strstr(error.text, rows[i].words))
            fail_msg("'%s' does not say '%s'", error.text, rows[i].words);
    }
}

static void test_trainings_at_the_edge_of_what_can_be_are_taken(void **state)
{
    (void)state;
    const struct pb_train_spec taken[] = {
        {SOUND},
        {SOUND, .warmup_epochs = 5},
        {.head_epochs = 1, .lr = .1},
        {SOUND, .return_state = PB_RETURN_BEST, .first_epoch = 1}, /* the last piece */
        {SOUND, .distillation = PB_DISTILLATION_LOGITS, .teacher_weight = 1}, /* has no temperature */
    };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct pb_error error = {0};
        if (pb_check_spec(&taken[i], &error) != PB_OK)
            fail_msg("%s", error.text);
    }
}

static void assert_words(const struct pb_error *error, const char *words)
{
    if (!strstr(error->text, words))
        fail_msg("'%s' does not say '%s'", error->text, words);
}

/* Its cell has no criterion. */
static void test_a_schedule_that_only_trains_gets_no_scores_masks_or_repairs(void **state)
{
    (void)state;
    const struct pb_cell_config config = {.seed = 1};
    const struct pb_target target = {.measure = PB_MEASURE_WEIGHTS, .amount = .5};
    struct pb_chain chain = {.config = &config};
    const struct pb_link *link = NULL;
    struct pb_error error = {0};
    assert_int_equal(pb_chain_score(&chain, &link, &error), PB_ERROR_RUN);
    assert_words(&error, "the schedule says that it only trains, but asks for scores");
    assert_int_equal(pb_chain_repair(&chain, &link, &error), PB_ERROR_RUN);
    assert_words(&error, "the schedule says that it only trains, but asks for scores");
    assert_int_equal(pb_chain_mask(&chain, target, &link, &error), PB_ERROR_RUN);
    assert_words(&error, "the schedule says that it only trains, but asks for masks");
    assert_int_equal(chain.count, 0);
}

static void test_given_channels_leave_one_of_each_group_at_least(void **state)
{
    (void)state;
    const struct pb_cell_config config = {.seed = 1};
    const uint32_t channels[] = {3, 0};
    struct pb_chain chain = {.config = &config};
    const struct pb_link *link = NULL;
    struct pb_error error = {0};
    assert_int_equal(pb_chain_prune_to(&chain, channels, 2, &link, &error), PB_ERROR_RUN);
    assert_words(&error, "the schedule asked to prune group 1 to 0 channels; at least 1 stays");
    assert_int_equal(pb_chain_prune_to(&chain, channels, 0, &link, &error), PB_ERROR_RUN);
    assert_words(&error, "the schedule asked to prune to given channels of no group");
    assert_int_equal(chain.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_training_is_refused_for_what_is_wrong_with_it),
        cmocka_unit_test(test_trainings_at_the_edge_of_what_can_be_are_taken),
        cmocka_unit_test(test_a_schedule_that_only_trains_gets_no_scores_masks_or_repairs),
        cmocka_unit_test(test_given_channels_leave_one_of_each_group_at_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
