/* Statistics over seeds: mean, spread, intervals, paired differences. */
#ifndef PB_SUMMARY_STATISTICS_H
#define PB_SUMMARY_STATISTICS_H

#include <stdint.h>

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

/* Standard error of a share measured on so many images: √(p(1 − p)/n). It says how far another test set of this size
 * would move the number, not how far another seed would. NaN for no images. */
double pb_binomial_error(double share, uint64_t images);

#endif
