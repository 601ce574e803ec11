/* Tests for two samples or two runs. */
#include "statistics/pairs.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "base/memory.h"

/* C(n, k) / 2ⁿ: factors and halves in turns, so that nothing leaves the range of a long double. */
static long double binomial_term(uint32_t n, uint32_t k)
{
    long double term = 1;
    uint32_t halves = n;
    for (uint32_t i = 1; i <= k; i++) {
        term *= (long double)(n - k + i) / i;
        for (; term > 1 && halves > 0; halves--)
            term /= 2;
    }
    return ldexpl(term, -(int)halves);
}

double pb_mcnemar_p(uint32_t only_a, uint32_t only_b)
{
    const uint32_t n = only_a + only_b, least = only_a < only_b ? only_a : only_b;
    long double term = binomial_term(n, least), tail = 0;
    for (uint32_t k = least; term > 0; k--) {
        tail += term;
        term *= (long double)k / (n - k + 1);
    }
    return (double)fminl(1, 2 * tail);
}

static double *sorted_copy(const double *a, uint32_t a_count, const double *b, uint32_t b_count)
{
    double *sorted = pb_calloc((size_t)a_count + b_count + 1, sizeof *sorted);
    if (!sorted)
        return NULL;
    if (a_count)
        memcpy(sorted, a, a_count * sizeof *a);
    if (b_count)
        memcpy(sorted + a_count, b, b_count * sizeof *b);
    gsl_sort(sorted, 1, (size_t)a_count + b_count);
    return sorted;
}

/* Twice the rank of a value among sorted ones: equal values share their mean rank. */
static uint32_t doubled_rank(const double *sorted, uint32_t count, double value)
{
    uint32_t below = 0, same = 0;
    for (uint32_t i = 0; i < count; i++) {
        below += sorted[i] < value;
        same += sorted[i] == value;
    }
    return 2 * below + same + 1;
}

/*
 * p over all subsets of a_count values, each as likely as the others. ways[k][s]: how many subsets of k values have the doubled ranks' sum s. A double
 * counts exactly to 2⁵³; C(60, 30) is 1.2·10¹⁷, whose rounding is 1e-16 of it.
 */
static enum pb_status exact_p(const double *sorted, uint32_t count, uint32_t a_count, uint32_t seen, double *p,
                              struct pb_error *error)
{
    const size_t sums = (size_t)count * (count + 1) + 1;
    double *ways = pb_calloc((a_count + 1) * sums, sizeof *ways), below = 0, above = 0, all = 0;
    if (!ways)
        return pb_fail_memory(error, (a_count + 1) * sums * sizeof *ways);
    ways[0] = 1;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t rank = doubled_rank(sorted, count, sorted[i]);
        for (uint32_t k = i + 1 < a_count ? i + 1 : a_count; k > 0; k--)
            for (size_t sum = rank; sum < sums; sum++)
                ways[k * sums + sum] += ways[(k - 1) * sums + sum - rank];
    }
    for (size_t sum = 0; sum < sums; sum++) {
        const double here = ways[a_count * sums + sum];
        all += here;
        below += sum <= seen ? here : 0;
        above += sum >= seen ? here : 0;
    }
    pb_free(ways);
    *p = fmin(1, 2 * fmin(below, above) / all);
    return PB_OK;
}

static double normal_p(const double *sorted, uint32_t count, uint32_t a_count, uint32_t seen)
{
    const double n = count, m = a_count, mean = m * (n + 1) / 2;
    double ties = 0;
    for (uint32_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && sorted[end] == sorted[i];)
            end++;
        const double t = end - i;
        ties += t * t * t - t;
    }
    const double variance = m * (n - m) / 12 * (n + 1 - ties / (n * (n - 1)));
    const double away = fmax(0, fabs(seen / 2.0 - mean) - 0.5);
    return variance > 0 ? fmin(1, 2 * gsl_cdf_ugaussian_Q(away / sqrt(variance))) : 1;
}

enum pb_status pb_rank_sum_p(const double *a, uint32_t a_count, const double *b, uint32_t b_count, double *p,
                             struct pb_error *error)
{
    const uint32_t count = a_count + b_count;
    uint32_t seen = 0;
    *p = NAN;
    if (!a_count || !b_count)
        return PB_OK;
    double *sorted = sorted_copy(a, a_count, b, b_count);
    if (!sorted)
        return pb_fail_memory(error, count * sizeof *sorted);
    for (uint32_t i = 0; i < a_count; i++)
        seen += doubled_rank(sorted, count, a[i]);
    enum pb_status status = PB_OK;
    if (count <= PB_EXACT_RANKS)
        status = exact_p(sorted, count, a_count, seen, p, error);
    else
        *p = normal_p(sorted, count, a_count, seen);
    pb_free(sorted);
    return status;
}

double pb_rank_sum_least_p(uint32_t a_count, uint32_t b_count)
{
    double subsets = 1;
    for (uint32_t i = 1; i <= a_count; i++)
        subsets *= (double)(b_count + i) / i;
    return fmin(1, 2 / subsets);
}

static double upper_tail(double t, double freedom)
{
    return isinf(freedom) ? gsl_cdf_ugaussian_Q(t) : gsl_cdf_tdist_Q(t, freedom);
}

double pb_equivalence_p(double estimate, double se, double freedom, double margin)
{
    if (!(se > 0) || !(freedom > 0))
        return NAN;
    return fmax(upper_tail((margin + estimate) / se, freedom), upper_tail((margin - estimate) / se, freedom));
}

double pb_effect_p(double estimate, double se, double freedom)
{
    return se > 0 && freedom > 0 ? 2 * upper_tail(fabs(estimate) / se, freedom) : (double)NAN;
}

double pb_effect_half_width(double se, double freedom, double confidence)
{
    if (!(se >= 0) || !(freedom > 0))
        return NAN;
    const double quantile = (1 + confidence) / 2;
    return se * (isinf(freedom) ? gsl_cdf_ugaussian_Pinv(quantile) : gsl_cdf_tdist_Pinv(quantile, freedom));
}

enum pb_status pb_robust_of(const double *values, uint32_t count, struct pb_robust *robust, struct pb_error *error)
{
    double *known = pb_calloc(2 * (size_t)count + 1, sizeof *known), *work = known ? known + count : NULL;
    uint32_t n = 0;
    if (!known)
        return pb_fail_memory(error, 2 * count * sizeof *known);
    for (uint32_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            known[n++] = values[i];
    *robust = (struct pb_robust){n, NAN, NAN, NAN, NAN};
    if (n > 0)
        robust->median = gsl_stats_median(known, 1, n);
    if (n > 1) {
        robust->sd = gsl_stats_mad(known, 1, n, work);
        const double half = pb_effect_half_width(1.2533141373155003 * robust->sd / sqrt(n), n - 1.0, 0.95);
        robust->low = robust->median - half;
        robust->high = robust->median + half;
    }
    pb_free(known);
    return PB_OK;
}
