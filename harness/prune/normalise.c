/* Making scores of different layers comparable. */
#include "prune/normalise.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

static double largest_magnitude(const double *scores, uint32_t count)
{
    double largest = 0;
    for (uint32_t c = 0; c < count; c++)
        largest = fmax(largest, fabs(scores[c]));
    return largest;
}

/* Of scores that were divided by their largest magnitude, so that no sum overflows. */
static double denominator(enum pb_normalise rule, const double *scores, uint32_t count)
{
    double sum = 0;
    for (uint32_t c = 0; c < count; c++)
        sum += rule == PB_NORMALISE_L2 ? scores[c] * scores[c] : fabs(scores[c]);
    switch (rule) {
    case PB_NORMALISE_SUM:
        return sum;
    case PB_NORMALISE_MEAN:
        return sum / count;
    case PB_NORMALISE_L2:
        return sqrt(sum);
    default:
        return 1; /* the largest is 1 by now */
    }
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* s_i² / Σ_{j: s_j ≥ s_i} s_j² (J. Lee et al. 2021). Equal scores stay equal. */
static enum pb_status lamp(const char *name, double *scores, uint32_t count, struct pb_error *error)
{
    double *sorted = pb_calloc(count, sizeof(*sorted));
    if (!sorted)
        return pb_fail_memory(error, count * sizeof(*sorted));
    for (uint32_t c = 0; c < count; c++) {
        sorted[c] = scores[c];
        if (scores[c] < 0) {
            pb_free(sorted);
            return pb_fail(error, PB_ERROR_INPUT,
                           "layer '%s', channel %u: the score is negative, and LAMP needs magnitudes; choose another "
                           "normalisation",
                           name, c);
        }
    }
    qsort(sorted, count, sizeof(*sorted), descending);
    /* Prefix sums over the descending scores, then each score finds the last place where it is. */
    double *sums = pb_calloc(count, sizeof(*sums));
    if (!sums) {
        pb_free(sorted);
        return pb_fail_memory(error, count * sizeof(*sums));
    }
    for (uint32_t i = 0; i < count; i++)
        sums[i] = (i ? sums[i - 1] : 0) + sorted[i] * sorted[i];
    for (uint32_t c = 0; c < count; c++) {
        uint32_t low = 0, high = count; /* first place with a smaller score */
        while (low < high) {
            const uint32_t middle = low + (high - low) / 2;
            if (sorted[middle] >= scores[c])
                low = middle + 1;
            else
                high = middle;
        }
        scores[c] = sums[low - 1] > 0 ? scores[c] * scores[c] / sums[low - 1] : 0;
    }
    pb_free(sorted);
    pb_free(sums);
    return PB_OK;
}

enum pb_status pb_normalise_scores(enum pb_normalise rule, const char *name, const double *scores, uint32_t count,
                                   double *normalised, struct pb_error *error)
{
    const double largest = largest_magnitude(scores, count);
    const double scale = rule == PB_NORMALISE_NONE || largest == 0 ? 1 : largest;
    for (uint32_t c = 0; c < count; c++)
        normalised[c] = scores[c] / scale;
    if (rule == PB_NORMALISE_NONE || largest == 0)
        return PB_OK;
    if (rule == PB_NORMALISE_LAMP)
        return lamp(name, normalised, count, error);
    const double divisor = denominator(rule, normalised, count);
    for (uint32_t c = 0; c < count; c++)
        normalised[c] /= divisor;
    return PB_OK;
}
