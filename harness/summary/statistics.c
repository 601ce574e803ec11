/* Statistics over seeds, with GSL's Student t. */
#include "summary/statistics.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

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

double pb_binomial_error(double share, uint64_t images)
{
    return images == 0 || !(share >= 0 && share <= 1) ? NAN : sqrt(share * (1 - share) / (double)images);
}
