/* Statistics over seeds: mean, spread, intervals, paired differences. */
#ifndef PB_STATISTICS_OVER_SEEDS_H
#define PB_STATISTICS_OVER_SEEDS_H

#include <stdint.h>

#include "base/error.h"

/* Of n values that are numbers. Mean, min and max are NaN for n = 0; the others for n < 2: one value has no spread. */
struct pb_statistics {
    uint32_t n;
    double mean;
    double sd; /* sample standard deviation, n − 1 */
    double se; /* of the mean: sd / √n */
    double low, high; /* 95 % interval of the mean, Student's t with n − 1 degrees of freedom */
    double min, max;
};

/* NaN values are left out. */
struct pb_statistics pb_statistics_of(const double *values, uint32_t count);

/* Of a[i] − b[i], where both are numbers. */
struct pb_statistics pb_statistics_paired(const double *a, const double *b, uint32_t count);

/* Two-sided p of "the mean is 0" (t test); NaN for n < 2 and where the values do not vary. */
double pb_statistics_p(const struct pb_statistics *statistics);

/*
 * What several rows, all measured with the same seeds, do not have in common: the standard deviation of values[row·seeds + seed]
 * after the mean of each row and of each seed is subtracted, (rows − 1)(seeds − 1) degrees of freedom. Of two rows it is the paired
 * t test's; with more rows a difference is judged by all of them, so that three seeds suffice. Both are NaN where either count is below 2.
 */
struct pb_residual {
    double sd, freedom;
};
struct pb_residual pb_residual_of(const double *values, uint32_t rows, uint32_t seeds);
/* The same mean difference, n and extremes, with the standard deviation and the interval that follow from residual. */
struct pb_statistics pb_statistics_pooled(const struct pb_statistics *difference, const struct pb_residual *residual);
/* Two-sided p of "there is no difference" for such statistics; NaN where residual has no freedom or does not vary. */
double pb_statistics_pooled_p(const struct pb_statistics *pooled, const struct pb_residual *residual);

/* Replaces p-values by those of all tests together (Holm 1979): at most the level where the test is significant among them at that level.
 * NaN: there was no test; it stays and does not count. */
PB_MUST_CHECK enum pb_status pb_holm(double *p, uint32_t count, struct pb_error *error);

/* Standard error of a share measured on so many images: √(p(1 − p)/n). It says how far another test set of this size
 * would move the number, not how far another seed would. NaN for no images. */
double pb_binomial_error(double share, uint64_t images);

#endif
