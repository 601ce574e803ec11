/* Tests for two samples or two runs: the same images under two networks, few measurements of a time, an estimate with a margin. */
#ifndef PB_STATISTICS_PAIRS_H
#define PB_STATISTICS_PAIRS_H

#include <stdint.h>

#include "base/error.h"

/*
 * Exact two-sided p of McNemar's test (1947; exact: Liddell 1983): only_a images were right in the first run alone, only_b in the
 * second alone. Twice the smaller tail of the binomial distribution of only_a + only_b and ½, at most 1; 1 where no image differs.
 */
double pb_mcnemar_p(uint32_t only_a, uint32_t only_b);

/*
 * Two-sided p of the rank-sum test (Mann and Whitney 1947): twice the smaller tail, at most 1. Exact, ties included, over all ways to divide
 * the ranks, up to PB_EXACT_RANKS values in all; above by the normal distribution with corrections for ties and continuity.
 * NaN where either sample is empty. No value may be NaN.
 */
enum { PB_EXACT_RANKS = 60 };
PB_MUST_CHECK enum pb_status pb_rank_sum_p(const double *a, uint32_t a_count, const double *b, uint32_t b_count,
                                           double *p, struct pb_error *error);
/* The smallest p that samples of these sizes can give: .1 for 3 and 3. A level below it can never be reached. */
double pb_rank_sum_least_p(uint32_t a_count, uint32_t b_count);

/*
 * p of "the effect is as large as the margin, or larger" (two one-sided tests, Schuirmann 1987): at most the level where the effect is
 * equivalent to none within ±margin at that level. estimate and its standard error in one unit; freedom: degrees of freedom of that
 * error, INFINITY for the normal distribution. NaN without an error or a freedom.
 */
double pb_equivalence_p(double estimate, double se, double freedom, double margin);

/* Two-sided p of "the effect is 0", and half the width of its interval at the confidence (0.95), for such an estimate. */
double pb_effect_p(double estimate, double se, double freedom);
double pb_effect_half_width(double se, double freedom, double confidence);

/* Median and spread of few measurements that may have outliers. */
struct pb_robust {
    uint32_t n;
    double median;
    double sd; /* 1.4826 times the median distance to the median: the standard deviation of normal values */
    double low, high; /* 95 % interval of the median: ± t · 1.2533 · sd / √n, n − 1 degrees of freedom; NaN for n < 2 */
};
/* NaN values are left out. */
PB_MUST_CHECK enum pb_status pb_robust_of(const double *values, uint32_t count, struct pb_robust *robust,
                                          struct pb_error *error);

#endif
