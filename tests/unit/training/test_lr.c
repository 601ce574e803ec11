/* Learning-rate policies against PyTorch 1.13's schedulers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "training/lr.h"

static void assert_close(double a, double b)
{
    if (!(fabs(a - b) <= 1e-12 * fmax(1, fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

static void test_plateau_follows_reduce_lr_on_plateau(void **state)
{
    (void)state;
    /* ReduceLROnPlateau(mode="max", factor=.5, patience=2, threshold=1e-3, min_lr=.03) */
    const double accuracy[] = {.1, .2, .2, .2, .2001, .2, .2, .2, .3, .3, .3, .3, .3};
    const double expected[] = {.1, .1, .1, .1, .1, .05, .05, .05, .03, .03, .03, .03, .03};
    const struct pb_train_spec spec = {.epochs = 13,
                                       .lr = .1,
                                       .lr_policy = PB_LR_PLATEAU,
                                       .lr_factor = .5,
                                       .lr_patience = 2,
                                       .lr_threshold = 1e-3,
                                       .lr_min = .03};
    struct pb_lr lr;
    pb_lr_start(&lr, &spec);
    for (uint32_t epoch = 0; epoch < 13; epoch++) {
        assert_close(pb_lr_at(&lr, &spec, epoch, 0), expected[epoch]);
        pb_lr_observe(&lr, &spec, accuracy[epoch]);
    }
}

static void test_cosine_follows_cosine_annealing(void **state)
{
    (void)state;
    const double expected[] = {0.2,   0.1953503690480396,  0.18185661446562001, 0.16083959896778496, 0.13435661446562,
                               0.105, 0.07564338553437999, 0.04916040103221506};
    const struct pb_train_spec spec = {.epochs = 10, .lr = .2, .lr_policy = PB_LR_COSINE, .lr_min = .01};
    struct pb_lr lr;
    pb_lr_start(&lr, &spec);
    for (uint32_t epoch = 0; epoch < 8; epoch++)
        assert_close(pb_lr_at(&lr, &spec, epoch, 0), expected[epoch]);
    assert_close(pb_lr_at(&lr, &spec, 2, .5), .01 + .19 * .5 * (1 + cos(M_PI * .25)));
}

static void test_one_cycle_rises_from_a_25th_and_ends_at_a_10000th_of_that(void **state)
{
    (void)state;
    const struct pb_train_spec spec = {.epochs = 10, .lr = .4, .lr_policy = PB_LR_ONE_CYCLE};
    struct pb_lr lr;
    pb_lr_start(&lr, &spec);
    assert_close(pb_lr_at(&lr, &spec, 0, 0), .016);
    assert_close(pb_lr_at(&lr, &spec, 3, 0), .4);
    assert_close(pb_lr_at(&lr, &spec, 9, 1), 1.6e-6);
}

static void test_steps_multiply_every_patience_epochs_down_to_the_minimum(void **state)
{
    (void)state;
    const struct pb_train_spec spec = {
        .epochs = 9, .lr = 1, .lr_policy = PB_LR_STEP, .lr_factor = .1, .lr_patience = 3, .lr_min = .05};
    struct pb_lr lr;
    pb_lr_start(&lr, &spec);
    assert_close(pb_lr_at(&lr, &spec, 2, .9), 1);
    assert_close(pb_lr_at(&lr, &spec, 3, 0), .1);
    assert_close(pb_lr_at(&lr, &spec, 6, 0), .05);
}

static void test_warm_up_rises_linearly(void **state)
{
    (void)state;
    const struct pb_train_spec spec = {.epochs = 9, .lr = 2, .lr_policy = PB_LR_CONSTANT, .warmup_epochs = 2};
    struct pb_lr lr;
    pb_lr_start(&lr, &spec);
    assert_close(pb_lr_at(&lr, &spec, 0, .5), .5);
    assert_close(pb_lr_at(&lr, &spec, 1, .5), 1.5);
    assert_close(pb_lr_at(&lr, &spec, 2, 0), 2);
}

static void test_early_stop_counts_epochs_without_improvement(void **state)
{
    (void)state;
    const struct pb_train_spec spec = {.epochs = 9, .lr = 1, .lr_policy = PB_LR_CONSTANT, .early_stop = 2};
    struct pb_lr lr;
    pb_lr_start(&lr, &spec);
    pb_lr_observe(&lr, &spec, .5);
    pb_lr_observe(&lr, &spec, .4);
    assert_false(pb_lr_exhausted(&lr, &spec));
    pb_lr_observe(&lr, &spec, .6);
    pb_lr_observe(&lr, &spec, .6);
    assert_false(pb_lr_exhausted(&lr, &spec));
    pb_lr_observe(&lr, &spec, .5);
    assert_true(pb_lr_exhausted(&lr, &spec));
}

/* By hand: half, then the whole of lr·½(1 + cos(π·epoch/4)). */
static void test_warm_up_multiplies_the_policy_behind_it(void **state)
{
    (void)state;
    const struct pb_train_spec spec = {.epochs = 4, .lr = 1, .lr_policy = PB_LR_COSINE, .warmup_epochs = 2};
    struct pb_lr lr;
    pb_lr_start(&lr, &spec);
    assert_close(pb_lr_at(&lr, &spec, 1, 0), 0.5 * 0.85355339059327376);
    assert_close(pb_lr_at(&lr, &spec, 1, 0.5), 0.75 * 0.69134171618254486);
    assert_close(pb_lr_at(&lr, &spec, 2, 0), 0.5);
    assert_close(pb_lr_at(&lr, &spec, 3, 0), 0.14644660940672627);
}

static void test_a_training_that_resumes_keeps_the_rate_and_forgets_what_was_best(void **state)
{
    (void)state;
    const struct pb_train_spec spec = {
        .epochs = 9, .lr = 1, .lr_policy = PB_LR_PLATEAU, .lr_factor = .1, .lr_patience = 1, .early_stop = 2};
    struct pb_lr lr;
    pb_lr_start(&lr, &spec);
    for (int epoch = 0; epoch < 3; epoch++)
        pb_lr_observe(&lr, &spec, .9);
    assert_true(pb_lr_exhausted(&lr, &spec));
    pb_lr_continue(&lr);
    assert_false(pb_lr_exhausted(&lr, &spec));
    pb_lr_observe(&lr, &spec, .4); /* after a pruning: the best so far */
    pb_lr_observe(&lr, &spec, .4);
    assert_close(pb_lr_at(&lr, &spec, 2, 0), .1);
    assert_false(pb_lr_exhausted(&lr, &spec));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plateau_follows_reduce_lr_on_plateau),
        cmocka_unit_test(test_cosine_follows_cosine_annealing),
        cmocka_unit_test(test_one_cycle_rises_from_a_25th_and_ends_at_a_10000th_of_that),
        cmocka_unit_test(test_steps_multiply_every_patience_epochs_down_to_the_minimum),
        cmocka_unit_test(test_warm_up_rises_linearly),
        cmocka_unit_test(test_warm_up_multiplies_the_policy_behind_it),
        cmocka_unit_test(test_a_training_that_resumes_keeps_the_rate_and_forgets_what_was_best),
        cmocka_unit_test(test_early_stop_counts_epochs_without_improvement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
