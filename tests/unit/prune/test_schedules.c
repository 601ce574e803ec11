/* The schedules that come with the harness, over verbs that only note what they were asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/noted_run.h"

static void asks(const char *name, struct given given, const char *expected)
{
    char asked[NOTED_SIZE];
    assert_int_equal(noted_run(name, name, &given, 1, PB_MEASURE_MACS, 0, asked), PB_OK);
    assert_string_equal(asked, expected);
}

static void test_one_shot_prunes_once_to_the_last_target(void **state)
{
    (void)state;
    asks("one-shot", (struct given){0}, "train 60; score; prune 0.6; train 150; ");
}

static void test_iterative_walks_the_targets(void **state)
{
    (void)state;
    asks("iterative", (struct given){0},
         "train 60; score; prune 0.2; train 30; score; prune 0.4; train 80; score; prune 0.6; train 150; ");
}

static void test_targets_that_count_weights_are_masked(void **state)
{
    char asked[NOTED_SIZE];
    (void)state;
    assert_int_equal(noted_run("one-shot", "one-shot", NULL, 0, PB_MEASURE_WEIGHTS, 0, asked), PB_OK);
    assert_string_equal(asked, "train 60; mask 0.6; train 150; ");
    assert_int_equal(noted_run("iterative", "iterative", NULL, 0, PB_MEASURE_WEIGHTS, 0, asked), PB_OK);
    assert_string_equal(asked, "train 60; mask 0.2; train 30; mask 0.4; train 80; mask 0.6; train 150; ");
    assert_int_equal(noted_run("iterative", "iterative", NULL, 0, PB_MEASURE_WEIGHTS, 4, asked), PB_ERROR_RUN);
    assert_string_equal(asked, "train 60; mask 0.2; train 30; mask 0.4; ");
}

static void test_soft_masks_while_it_trains_and_prunes_at_the_end(void **state)
{
    (void)state;
    asks("soft", (struct given){0},
         "train 60; train 150 zeroing gamma and beta of 0.6; score; prune 0.6; recalibrate; ");
    asks("soft", (struct given){"zero", "filters"},
         "train 60; train 150 zeroing filters of 0.6; score; prune 0.6; recalibrate; ");
    asks("soft", (struct given){"zero", "gamma-beta"},
         "train 60; train 150 zeroing gamma and beta of 0.6; score; prune 0.6; recalibrate; ");
    asks("soft", (struct given){"comeback", "ranked"},
         "train 60; train 150 zeroing gamma and beta of 0.6 as ranked; score; prune 0.6; recalibrate; ");
    asks("soft", (struct given){"recalibrate", "false"},
         "train 60; train 150 zeroing gamma and beta of 0.6; score; prune 0.6; ");
}

static void test_a_failed_verb_ends_the_program_at_once(void **state)
{
    (void)state;
    static const char *const names[] = {"one-shot", "iterative", "soft"};
    static const int verbs[] = {4, 10, 5};
    for (int i = 0; i < 3; i++) {
        char whole[NOTED_SIZE], asked[NOTED_SIZE];
        assert_int_equal(noted_run(names[i], names[i], NULL, 0, PB_MEASURE_MACS, 0, whole), PB_OK);
        for (int fail_at = 1; fail_at <= verbs[i]; fail_at++) {
            int calls = 0;
            assert_int_equal(noted_run(names[i], names[i], NULL, 0, PB_MEASURE_MACS, fail_at, asked), PB_ERROR_RUN);
            for (const char *c = asked; *c; c++)
                calls += *c == ';';
            assert_int_equal(calls, fail_at);
            assert_memory_equal(asked, whole, strlen(asked));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_shot_prunes_once_to_the_last_target),
        cmocka_unit_test(test_iterative_walks_the_targets),
        cmocka_unit_test(test_targets_that_count_weights_are_masked),
        cmocka_unit_test(test_soft_masks_while_it_trains_and_prunes_at_the_end),
        cmocka_unit_test(test_a_failed_verb_ends_the_program_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
