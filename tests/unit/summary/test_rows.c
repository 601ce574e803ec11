/* Statistics of one row of a table, worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "summary/summary.h"
#include "support/folder.h"
#include "support/small_cells.h"

static void test_cells_that_differ_in_the_seed_alone_make_one_row(void **state)
{
    small_write_two_seeds(state);
    struct pb_summary summary = small_summary(state);
    assert_string_equal(summary.matrix, "tiny");
    assert_int_equal(summary.section_count, 1);
    assert_int_equal(summary.sections[0].schedule_count, 1);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    assert_int_equal(schedule->row_count, 2);
    const struct pb_summary_row *row = &schedule->rows[0];
    assert_string_equal(row->criterion, "l1");
    assert_int_equal(row->ok_count, 2);
    const struct pb_summary_value *top1 = pb_summary_find(row, "top1", "final", 0);
    near(top1->over_seeds.mean, 0.695);
    near(top1->over_seeds.sd, 0.03 / sqrt(2));
    /* √((0.68·0.32 + 0.71·0.29)/400/2) */
    near(top1->image_error, sqrt((0.68 * 0.32 + 0.71 * 0.29) / 800));
    near(pb_summary_mean(row, "top1", "pruned", 0), 0.32);
    near(pb_summary_mean(row, "top1-delta", "final", 0), -0.025);
    near(pb_summary_find(row, "top1-delta", "final", 0)->over_seeds.sd, 0.01 / sqrt(2));
    near(pb_summary_mean(row, "params", "pruned", 0), 500);
    near(pb_summary_mean(row, "params-reduction", "pruned", 0), 0.5);
    near(pb_summary_mean(row, "macs-reduction", "pruned", 0), 0.75);
    near(pb_summary_mean(row, "median-ms", "pruned", 1), 4);
    near(pb_summary_mean(row, "speed-up", "pruned", 1), 2.5);
    assert_null(pb_summary_find(row, "median-ms", "pruned", 16));
    assert_true(isnan(pb_summary_mean(row, "equivalence", "", 0)));
    pb_summary_free(&summary);
}

static void test_the_baseline_counts_each_seed_once(void **state)
{
    small_write_two_seeds(state);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_row *baseline = &summary.sections[0].schedules[0].baseline;
    assert_int_equal(baseline->ok_count, 2);
    near(pb_summary_mean(baseline, "top1", "base", 0), 0.72);
    near(pb_summary_mean(baseline, "params", "base", 0), 1000);
    near(pb_summary_mean(baseline, "median-ms", "base", 1), 10);
    assert_null(pb_summary_find(baseline, "top1", "final", 0));
    pb_summary_free(&summary);
}

static void test_criteria_are_compared_by_seed_and_the_control_is_subtracted(void **state)
{
    small_write_two_seeds(state);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    assert_int_equal(schedule->comparison_count, 1);
    const struct pb_summary_comparison *comparison = &schedule->comparisons[0];
    assert_string_equal(comparison->a->criterion, "l1");
    assert_string_equal(comparison->b->criterion, "random");
    assert_true(comparison->b->control);
    near(comparison->difference.mean, 0.07); /* 0.08 and 0.06 */
    near(comparison->difference.sd, 0.02 / sqrt(2));
    near(comparison->difference.low, 0.07 - 12.706204736174694 * 0.01);
    near(comparison->image_error, sqrt((0.68 * 0.32 + 0.60 * 0.40 + 0.71 * 0.29 + 0.65 * 0.35) / 400) / 2);
    pb_summary_free(&summary);
}

static void test_one_seed_has_no_spread_but_an_error_of_the_images(void **state)
{
    small_write(state, &two_seeds[0]);
    small_write(state, &two_seeds[2]);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    const struct pb_summary_value *top1 = pb_summary_find(&schedule->rows[0], "top1", "final", 0);
    assert_true(isnan(top1->over_seeds.sd));
    near(top1->image_error, sqrt(0.68 * 0.32 / 400));
    assert_true(isnan(schedule->comparisons[0].p));
    near(schedule->comparisons[0].image_error, sqrt((0.68 * 0.32 + 0.60 * 0.40) / 400));
    pb_summary_free(&summary);
}

static void test_a_seed_that_only_one_criterion_has_is_not_compared(void **state)
{
    small_write(state, &two_seeds[0]);
    small_write(state, &two_seeds[1]);
    small_write(state, &two_seeds[3]);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_comparison *comparison = &summary.sections[0].schedules[0].comparisons[0];
    assert_int_equal(comparison->difference.n, 1);
    near(comparison->difference.mean, 0.06);
    pb_summary_free(&summary);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_cells_that_differ_in_the_seed_alone_make_one_row),
        TEST(test_the_baseline_counts_each_seed_once),
        TEST(test_criteria_are_compared_by_seed_and_the_control_is_subtracted),
        TEST(test_one_seed_has_no_spread_but_an_error_of_the_images),
        TEST(test_a_seed_that_only_one_criterion_has_is_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
