/* Tests for two samples: against fractions counted by other programs, tables, and values worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gsl/gsl_sort.h>

#include "statistics/over_seeds.h"
#include "statistics/pairs.h"

static void assert_near(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected)))
        fail_msg("%.17g, not %.17g", value, expected);
}

/* 2 Σ C(n, i) / 2ⁿ in whole numbers, rounded once. */
static void test_mcnemar_is_the_binomial_tail(void **state)
{
    static const struct {
        uint32_t only_a, only_b;
        double p;
    } rows[] = {
        {0, 0, 1},
        {0, 1, 1},
        {1, 1, 1},
        {0, 5, 0.0625},
        {1, 9, 0.021484375},
        {5, 15, 0.04138946533203125},
        {10, 25, 0.016673847800120711},
        {100, 140, 0.011664092317677663},
        {3, 60, 9.0483176506950258e-15},
        {2000, 2150, 0.020715456049267219},
        {2897, 2897, 1},
        {400, 401, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_near(pb_mcnemar_p(rows[i].only_a, rows[i].only_b), rows[i].p, 1e-12);
        assert_near(pb_mcnemar_p(rows[i].only_b, rows[i].only_a), rows[i].p, 1e-12);
    }
    assert_true(pb_mcnemar_p(0, 1100) == 0);
}

static double rank_sum(const double *a, uint32_t a_count, const double *b, uint32_t b_count)
{
    struct pb_error error = {0};
    double p, swapped;
    assert_int_equal(pb_rank_sum_p(a, a_count, b, b_count, &p, &error), PB_OK);
    assert_int_equal(pb_rank_sum_p(b, b_count, a, a_count, &swapped, &error), PB_OK);
    assert_true(fabs(p - swapped) <= 1e-14 || (isnan(p) && isnan(swapped)));
    return p;
}

static void test_ranks_of_samples_that_do_not_overlap(void **state)
{
    static const double low[5] = {1, 2, 3, 4, 5}, high[5] = {6, 7, 8, 9, 10};
    (void)state;
    assert_near(rank_sum(low, 3, high, 3), 0.1, 1e-15);
    assert_near(rank_sum(low, 4, high, 4), 2.0 / 70, 1e-15);
    assert_near(rank_sum(low, 5, high, 5), 2.0 / 252, 1e-15);
    for (uint32_t n = 1; n <= 5; n++)
        assert_near(pb_rank_sum_least_p(n, n), rank_sum(low, n, high, n), 1e-14);
    assert_true(isnan(rank_sum(low, 0, high, 3)));
}

/* Counted over all ways to divide the ranks: of 126 ways, 10 and 125 are as low or as high. */
static void test_ranks_with_ties(void **state)
{
    static const double a[] = {1, 2, 2, 3}, b[] = {2, 3, 3, 4, 5}, c[] = {1, 1, 1}, d[] = {1, 1},
                        e[] = {3.1, 2.2, 5.0, 4.4, 4.4}, f[] = {4.4, 6.1, 7.3, 7.3, 8.0, 9.5};
    (void)state;
    assert_near(rank_sum(a, 4, b, 5), 10.0 / 63, 1e-15);
    assert_near(rank_sum(c, 3, d, 2), 1, 0);
    assert_near(rank_sum(e, 5, f, 6), 4.0 / 231, 1e-15);
}

/* Of 31 and 31 values without ties, a is above b in 465 of 961 pairs, and in 325 where b is moved up by ten. */
static void test_many_ranks_follow_the_normal_distribution(void **state)
{
    double a[31], b[31];
    (void)state;
    for (int shift = 0; shift <= 10; shift += 10) {
        for (int i = 0; i < 31; i++) {
            a[i] = 2 * i;
            b[i] = 2 * i + shift + 1;
        }
        const double z = (480.5 - (shift ? 325 : 465) - 0.5) / sqrt(31 * 31 * 63 / 12.0);
        assert_near(rank_sum(a, 31, b, 31), erfc(z / sqrt(2)), 1e-12);
    }
    for (int i = 0; i < 31; i++)
        a[i] = b[i] = 7;
    assert_true(rank_sum(a, 31, b, 31) == 1);
}

/* Quantiles from tables: t(.975; 10) = 2.228139, t(.95; 10) = 1.812461, z(.95) = 1.644854, z(.975) = 1.959964. */
static void test_effects_and_equivalence(void **state)
{
    (void)state;
    assert_near(pb_effect_p(2.228138851964939, 1, 10), 0.05, 1e-9);
    assert_near(pb_effect_p(-1.959963984540054, 1, INFINITY), 0.05, 1e-9);
    assert_near(pb_effect_half_width(0.5, 10, 0.95), 0.5 * 2.228138851964939, 1e-9);
    assert_near(pb_effect_half_width(2, INFINITY, 0.95), 2 * 1.959963984540054, 1e-9);
    /* An effect of 0 with a margin of 1.812461 standard errors: both tests are at their level. */
    assert_near(pb_equivalence_p(0, 1, 10, 1.812461122811676), 0.05, 1e-9);
    assert_near(pb_equivalence_p(0.3, 0.2, INFINITY, 0.3 + 0.2 * 1.644853626951473), 0.05, 1e-9);
    assert_near(pb_equivalence_p(-0.3, 0.2, INFINITY, 0.3 + 0.2 * 1.644853626951473), 0.05, 1e-9);
    assert_true(pb_equivalence_p(2, 0.1, 10, 1) > 0.99);
    assert_true(isnan(pb_effect_p(1, 0, 10)) && isnan(pb_equivalence_p(1, 0, 10, 1)) && isnan(pb_effect_p(1, 1, 0)));
}

/* Of sorted values, without the least and the largest. */
static struct pb_statistics without_extremes(double *values, uint32_t count)
{
    gsl_sort(values, 1, count);
    return pb_statistics_of(values + 1, count - 2);
}

/* How far below the mean of so many runs the mean of three may be, at a one-sided level of .05 and with the same deviation. */
static double lead_allowed(double sd, uint32_t runs)
{
    return pb_effect_half_width(sd * sqrt(1.0 / runs + 1.0 / 3), runs + 1.0, 0.90);
}

/*
 * How many epochs ten runs of MLPerf's reference took, and what its checker of convergence (mlcommons/logging, rcp_checker.py) makes of
 * them: the mean and the deviation without the ends (σ is the population's), the least mean of five submitted runs without their ends that
 * it accepts, and how much faster that is. Between two batch sizes mean and deviation are interpolated, and ten runs count.
 */
static void test_the_convergence_rule_of_mlperf(void **state)
{
    static double small[] = {16, 14, 16, 17, 16, 16, 15, 16, 15, 16},
                  large[] = {20, 21, 21, 20, 22, 22, 21, 21, 20, 20};
    static const struct {
        double *epochs, mean, deviation, least, faster, submitted;
        bool accepted;
    } rows[] = {{small, 15.75, 0.4330, 15.21, 0.0353, 46.0 / 3, true},
                {large, 20.75, 0.6614, 19.93, 0.0412, 58.0 / 3, false}};
    double mean = 0, deviation = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pb_statistics kept = without_extremes(rows[i].epochs, 10);
        const double sigma = kept.sd * sqrt((kept.n - 1.0) / kept.n), lead = lead_allowed(sigma, kept.n);
        assert_int_equal(kept.n, 8);
        assert_near(kept.mean, rows[i].mean, 1e-15);
        assert_near(sigma, rows[i].deviation, 1e-4);
        assert_near(kept.mean - lead, rows[i].least, 3e-4);
        assert_near(kept.mean / (kept.mean - lead) - 1, rows[i].faster, 2e-3);
        const double p = pb_effect_p(rows[i].submitted - kept.mean, sigma * sqrt(1.0 / 8 + 1.0 / 3), 9) / 2;
        assert_int_equal(p >= 0.05, rows[i].accepted);
        mean += kept.mean / 2;
        deviation += sigma / 2;
    }
    assert_near(mean, 18.25, 1e-15);
    assert_near(deviation, 0.547, 1e-3);
    assert_near(mean / (mean - lead_allowed(deviation, 10)) - 1, 0.0368, 2e-3);
}

/* Median 4, distances 3 2 1 0 1 2 96: their median 2. t(.975; 6) = 2.446912. */
static void test_one_outlier_does_not_move_the_median(void **state)
{
    static const double values[] = {1, 100, 3, NAN, 4, 2, 6, 5};
    struct pb_robust robust;
    struct pb_error error = {0};
    (void)state;
    assert_int_equal(pb_robust_of(values, 8, &robust, &error), PB_OK);
    assert_int_equal(robust.n, 7);
    assert_true(robust.median == 4);
    assert_near(robust.sd, 2 * 1.482602218505602, 1e-15);
    assert_near(robust.high - 4, 2.446911851144969 * 1.2533141373155003 * 2 * 1.482602218505602 / sqrt(7), 1e-9);
    assert_near(4 - robust.low, robust.high - 4, 1e-12);
    assert_int_equal(pb_robust_of(values, 1, &robust, &error), PB_OK);
    assert_true(robust.median == 1 && isnan(robust.sd) && isnan(robust.low));
    assert_int_equal(pb_robust_of(values, 0, &robust, &error), PB_OK);
    assert_true(robust.n == 0 && isnan(robust.median));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mcnemar_is_the_binomial_tail),
        cmocka_unit_test(test_ranks_of_samples_that_do_not_overlap),
        cmocka_unit_test(test_ranks_with_ties),
        cmocka_unit_test(test_many_ranks_follow_the_normal_distribution),
        cmocka_unit_test(test_effects_and_equivalence),
        cmocka_unit_test(test_the_convergence_rule_of_mlperf),
        cmocka_unit_test(test_one_outlier_does_not_move_the_median),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
