/* Statistics against values worked out elsewhere: Python's fractions and statistics modules, Student's t from tables
 * (t.975 is 12.7062047 for 1, 4.3026527 for 2 and 2.7764451 for 4 degrees of freedom). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "summary/statistics.h"

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
        cmocka_unit_test(test_binomial_error_of_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
