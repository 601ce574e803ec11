/* Statistics over seeds, with GSL's Student t. */
#include "statistics/over_seeds.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <gsl/gsl_cdf.h>

#include "base/memory.h"

/* What one pass has seen (Welford 1962, so that close values keep their digits). */
struct moments {
    uint32_t n;
    double mean, squares, min, max;
};

static void add(struct moments *moments, double value)
{
    if (isnan(value))
        return;
    moments->n++;
    double before = value - moments->mean;
    moments->mean += before / moments->n;
    moments->squares += before * (value - moments->mean);
    moments->min = moments->n == 1 ? value : fmin(moments->min, value);
    moments->max = moments->n == 1 ? value : fmax(moments->max, value);
}

static struct pb_statistics finish(const struct moments *moments)
{
    struct pb_statistics made = {0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    made.n = moments->n;
    if (moments->n == 0)
        return made;
    made.mean = moments->mean;
    made.min = moments->min;
    made.max = moments->max;
    if (moments->n < 2)
        return made;
    double freedom = moments->n - 1.0;
    made.sd = sqrt(moments->squares / freedom);
    made.se = made.sd / sqrt(moments->n);
    double half = gsl_cdf_tdist_Pinv(0.975, freedom) * made.se;
    made.low = made.mean - half;
    made.high = made.mean + half;
    return made;
}

struct pb_statistics pb_statistics_of(const double *values, uint32_t count)
{
    struct moments moments = {0};
    for (uint32_t i = 0; i < count; i++)
        add(&moments, values[i]);
    return finish(&moments);
}

struct pb_statistics pb_statistics_paired(const double *a, const double *b, uint32_t count)
{
    struct moments moments = {0};
    for (uint32_t i = 0; i < count; i++)
        add(&moments, a[i] - b[i]);
    return finish(&moments);
}

double pb_statistics_p(const struct pb_statistics *statistics)
{
    if (statistics->n < 2 || !(statistics->se > 0))
        return NAN;
    return 2 * gsl_cdf_tdist_Q(fabs(statistics->mean) / statistics->se, statistics->n - 1.0);
}

static double mean_of(const double *values, uint32_t count, uint32_t stride)
{
    struct moments moments = {0};
    for (uint32_t i = 0; i < count; i++)
        add(&moments, values[(size_t)i * stride]);
    return moments.mean;
}

struct pb_residual pb_residual_of(const double *values, uint32_t rows, uint32_t seeds)
{
    if (rows < 2 || seeds < 2)
        return (struct pb_residual){.sd = NAN, .freedom = NAN};
    const double whole = mean_of(values, rows * seeds, 1), freedom = (rows - 1.0) * (seeds - 1.0);
    double squares = 0;
    for (uint32_t r = 0; r < rows; r++) {
        const double row = mean_of(&values[(size_t)r * seeds], seeds, 1);
        for (uint32_t s = 0; s < seeds; s++) {
            const double rest = values[(size_t)r * seeds + s] - row - mean_of(&values[s], rows, seeds) + whole;
            squares += rest * rest;
        }
    }
    return (struct pb_residual){.sd = sqrt(squares / freedom), .freedom = freedom};
}

struct pb_statistics pb_statistics_pooled(const struct pb_statistics *difference, const struct pb_residual *residual)
{
    struct pb_statistics made = *difference;
    const bool known = made.n != 0 && residual->freedom > 0;
    made.sd = known ? residual->sd * sqrt(2) : (double)NAN;
    made.se = known ? made.sd / sqrt(made.n) : (double)NAN;
    const double half = known ? gsl_cdf_tdist_Pinv(0.975, residual->freedom) * made.se : (double)NAN;
    made.low = made.mean - half;
    made.high = made.mean + half;
    return made;
}

double pb_statistics_pooled_p(const struct pb_statistics *pooled, const struct pb_residual *residual)
{
    if (!(pooled->se > 0))
        return NAN;
    return 2 * gsl_cdf_tdist_Q(fabs(pooled->mean) / pooled->se, residual->freedom);
}

static int by_p(const void *left, const void *right)
{
    const double a = **(double *const *)left, b = **(double *const *)right;
    return (a > b) - (a < b);
}

enum pb_status pb_holm(double *p, uint32_t count, struct pb_error *error)
{
    double **sorted = pb_calloc((size_t)count + 1, sizeof *sorted), highest = 0;
    uint32_t tests = 0;
    if (sorted == NULL)
        return pb_fail_memory(error, count * sizeof *sorted);
    for (uint32_t i = 0; i < count; i++)
        if (!isnan(p[i]))
            sorted[tests++] = &p[i];
    qsort(sorted, tests, sizeof *sorted, by_p);
    for (uint32_t i = 0; i < tests; i++)
        *sorted[i] = highest = fmax(highest, fmin(1, (tests - i) * *sorted[i]));
    pb_free(sorted);
    return PB_OK;
}

double pb_binomial_error(double share, uint64_t images)
{
    return images == 0 || !(share >= 0 && share <= 1) ? NAN : sqrt(share * (1 - share) / (double)images);
}
