/* Inner loops of the sharing of relevance. */
#include "prune/relevance_terms.h"

#include <math.h>

#include "portable/portable.h"

enum { LANES = 8 }; /* sums that are independent, so that they can be computed at once */

PB_KERNEL
static double sum_positive(const float *x, const float *w, size_t count, double scale)
{
    double sums[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += pb_relevance_term(true, scale * ((double)x[i + lane] * (double)w[i + lane]));
    for (; i < count; i++)
        sum += pb_relevance_term(true, scale * ((double)x[i] * (double)w[i]));
    for (size_t lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum;
}

PB_KERNEL
static double sum_all(const float *x, const float *w, size_t count, double scale)
{
    double sums[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += scale * ((double)x[i + lane] * (double)w[i + lane]);
    for (; i < count; i++)
        sum += scale * ((double)x[i] * (double)w[i]);
    for (size_t lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum;
}

PB_KERNEL
static void add_positive(const float *restrict x, const float *restrict w, size_t count, double scale, double factor,
                         double even, float *restrict relevance)
{
    for (size_t i = 0; i < count; i++)
        relevance[i] += (float)(factor * pb_relevance_term(true, scale * ((double)x[i] * (double)w[i])) + even);
}

PB_KERNEL
static void add_all(const float *restrict x, const float *restrict w, size_t count, double scale, double factor,
                    double even, float *restrict relevance)
{
    for (size_t i = 0; i < count; i++)
        relevance[i] += (float)(factor * (scale * ((double)x[i] * (double)w[i])) + even);
}

double pb_relevance_sum(const float *x, const float *w, size_t count, double scale, bool positive)
{
    return positive ? sum_positive(x, w, count, scale) : sum_all(x, w, count, scale);
}

void pb_relevance_add(const float *x, const float *w, size_t count, double scale, bool positive,
                      struct pb_relevance_shares shares, float *relevance)
{
    (positive ? add_positive : add_all)(x, w, count, scale, shares.factor, shares.even, relevance);
}

PB_KERNEL
double pb_relevance_total(const float *relevance, size_t count)
{
    double sums[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += (double)relevance[i + lane];
    for (; i < count; i++)
        sum += (double)relevance[i];
    for (size_t lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum;
}

PB_KERNEL
double pb_relevance_size(const float *relevance, size_t count)
{
    double sums[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += fabs((double)relevance[i + lane]);
    for (; i < count; i++)
        sum += fabs((double)relevance[i]);
    for (size_t lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum;
}
