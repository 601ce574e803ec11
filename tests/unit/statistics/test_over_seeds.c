/* Statistics against values worked out elsewhere: Python's fractions and statistics modules, Student's t from tables
 * (t.975 is 12.7062047 for 1, 4.3026527 for 2 and 2.7764451 for 4 degrees of freedom). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "statistics/over_seeds.h"

static void assert_within(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance * fmax(fabs(b), 1)))
        fail_msg("%.17g is not %.17g", a, b);
}

static void assert_close(double a, double b)
{
    assert_within(a, b, 1e-12);
}

static void test_five_values(void **state)
{
    (void)state;
    const double values[] = {0.8449, 0.8557, 0.7864, 0.7015, 0.8551};
    struct pb_statistics made = pb_statistics_of(values, 5);
    assert_int_equal(made.n, 5);
    assert_close(made.mean, 0.80872);
    assert_close(made.sd, 0.06644834083707432);
    assert_close(made.se, 0.02971660142075469);
    assert_close(made.low, 0.7262134874422318);
    assert_close(made.high, 0.8912265125577682);
    assert_close(made.min, 0.7015);
    assert_close(made.max, 0.8557);
}

static void test_two_values_use_the_wide_t_of_one_degree_of_freedom(void **state)
{
    (void)state;
    const double values[] = {1, 3};
    struct pb_statistics made = pb_statistics_of(values, 2);
    assert_close(made.mean, 2);
    assert_close(made.sd, 1.4142135623730951);
    assert_close(made.se, 1);
    assert_close(made.low, 2 - 12.706204736174694);
    assert_close(made.high, 2 + 12.706204736174694);
}

static void test_one_value_has_no_spread(void **state)
{
    (void)state;
    const double values[] = {NAN, 0.5, NAN};
    struct pb_statistics made = pb_statistics_of(values, 3);
    assert_int_equal(made.n, 1);
    assert_close(made.mean, 0.5);
    assert_close(made.min, 0.5);
    assert_close(made.max, 0.5);
    assert_true(isnan(made.sd) && isnan(made.se) && isnan(made.low) && isnan(made.high));
    assert_true(isnan(pb_statistics_p(&made)));
}

static void test_no_value_has_no_mean(void **state)
{
    (void)state;
    const double values[] = {NAN};
    struct pb_statistics made = pb_statistics_of(values, 1);
    assert_int_equal(made.n, 0);
    assert_true(isnan(made.mean) && isnan(made.sd) && isnan(made.min));
}

static void test_equal_values_have_an_interval_of_no_width(void **state)
{
    (void)state;
    const double values[] = {138357544, 138357544, 138357544};
    struct pb_statistics made = pb_statistics_of(values, 3);
    assert_true(made.mean == 138357544 && made.sd == 0 && made.low == made.mean && made.high == made.mean);
    assert_true(isnan(pb_statistics_p(&made)));
}

/* Values far from zero that differ little: Σx² − n·mean² would lose all digits. */
static void test_close_large_values_keep_their_spread(void **state)
{
    (void)state;
    const double values[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
    struct pb_statistics made = pb_statistics_of(values, 4);
    assert_close(made.mean, 1e9 + 10);
    assert_close(made.sd, sqrt(30));
}

static void test_paired_differences_leave_out_pairs_with_a_gap(void **state)
{
    (void)state;
    const double a[] = {0.70, 0.72, NAN, 0.71, 0.99};
    const double b[] = {0.60, 0.63, 0.50, 0.64, NAN};
    struct pb_statistics made = pb_statistics_paired(a, b, 5);
    assert_int_equal(made.n, 3);
    assert_close(made.mean, 0.08666666666666667);
    assert_close(made.sd, 0.015275252316519465);
    assert_close(made.low, 0.04872083633069906);
    assert_close(made.high, 0.12461249700263427);
    assert_within(pb_statistics_p(&made), 0.010196916085066454, 1e-9);
}

/* Means of rows 2, 4, 3 and of seeds 2, 3, 4: 0 0 0, −1 0 1, 1 0 −1 are left, Σ of squares 4 with 4 degrees of freedom. */
static void test_residual_of_three_rows(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 2, 4, 6, 3, 3, 3};
    const struct pb_residual residual = pb_residual_of(values, 3, 3);
    assert_close(residual.sd, 1);
    assert_close(residual.freedom, 4);
    const struct pb_statistics difference = pb_statistics_paired(&values[3], values, 3);
    const struct pb_statistics pooled = pb_statistics_pooled(&difference, &residual);
    assert_int_equal(pooled.n, 3);
    assert_close(pooled.mean, 2);
    assert_close(pooled.se, sqrt(2.0 / 3));
    assert_within(pooled.high, 2 + 2.7764451051977934 * sqrt(2.0 / 3), 1e-9);
    assert_within(pooled.low, 2 - 2.7764451051977934 * sqrt(2.0 / 3), 1e-9);
    /* t² = 6: p = 1 − s·(1 + c/2) with c = 4/(4 + t²), s = √(1 − c) */
    assert_within(pb_statistics_pooled_p(&pooled, &residual), 1 - 1.2 * sqrt(0.6), 1e-9);
}

static void test_residual_of_two_rows_is_the_paired_test(void **state)
{
    (void)state;
    const double values[] = {0.70, 0.72, 0.71, 0.60, 0.63, 0.64};
    const struct pb_residual residual = pb_residual_of(values, 2, 3);
    const struct pb_statistics paired = pb_statistics_paired(values, &values[3], 3);
    const struct pb_statistics pooled = pb_statistics_pooled(&paired, &residual);
    assert_close(residual.freedom, 2);
    assert_close(pooled.sd, paired.sd);
    assert_close(pooled.low, paired.low);
    assert_within(pb_statistics_pooled_p(&pooled, &residual), 0.010196916085066454, 1e-9);
}

static void test_one_row_or_seed_has_no_residual(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3};
    const struct pb_residual row = pb_residual_of(values, 1, 3), seed = pb_residual_of(values, 3, 1);
    assert_true(isnan(row.sd) && isnan(row.freedom) && isnan(seed.sd) && isnan(seed.freedom));
    const struct pb_statistics difference = pb_statistics_of(values, 3);
    const struct pb_statistics pooled = pb_statistics_pooled(&difference, &row);
    assert_true(isnan(pooled.se) && isnan(pooled.low) && isnan(pb_statistics_pooled_p(&pooled, &row)));
    const double alike[] = {1, 2, 3, 4};
    const struct pb_residual none = pb_residual_of(alike, 2, 2);
    const struct pb_statistics same = pb_statistics_pooled(&difference, &none);
    assert_true(none.sd == 0 && isnan(pb_statistics_pooled_p(&same, &none)));
}

/* .005 · 4, .01 · 3, .03 · 2, and .04 · 1, which cannot be below the one before. */
static void test_holm_multiplies_by_the_tests_that_are_left(void **state)
{
    (void)state;
    struct pb_error error = {0};
    double p[] = {0.01, 0.04, NAN, 0.03, 0.005};
    assert_int_equal(pb_holm(p, 5, &error), PB_OK);
    assert_close(p[0], 0.03);
    assert_close(p[1], 0.06);
    assert_true(isnan(p[2]));
    assert_close(p[3], 0.06);
    assert_close(p[4], 0.02);
    double large[] = {0.6, 0.7};
    assert_int_equal(pb_holm(large, 2, &error), PB_OK);
    assert_close(large[0], 1);
    assert_close(large[1], 1);
    assert_int_equal(pb_holm(large, 0, &error), PB_OK);
}

static void test_binomial_error_of_a_share(void **state)
{
    (void)state;
    assert_close(pb_binomial_error(0.25, 600), 0.017677669529663688);
    assert_close(pb_binomial_error(0.8449, 3333), 0.006270337208864551);
    assert_close(pb_binomial_error(1, 10), 0);
    assert_true(isnan(pb_binomial_error(0.5, 0)));
    assert_true(isnan(pb_binomial_error(NAN, 10)));
    assert_true(isnan(pb_binomial_error(1.5, 10)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_values),
        cmocka_unit_test(test_two_values_use_the_wide_t_of_one_degree_of_freedom),
        cmocka_unit_test(test_one_value_has_no_spread),
        cmocka_unit_test(test_no_value_has_no_mean),
        cmocka_unit_test(test_equal_values_have_an_interval_of_no_width),
        cmocka_unit_test(test_close_large_values_keep_their_spread),
        cmocka_unit_test(test_paired_differences_leave_out_pairs_with_a_gap),
        cmocka_unit_test(test_residual_of_three_rows),
        cmocka_unit_test(test_residual_of_two_rows_is_the_paired_test),
        cmocka_unit_test(test_one_row_or_seed_has_no_residual),
        cmocka_unit_test(test_holm_multiplies_by_the_tests_that_are_left),
        cmocka_unit_test(test_binomial_error_of_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
