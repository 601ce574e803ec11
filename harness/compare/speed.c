/* Ratios of times and sizes. */
#include "compare/speed.h"

#include <math.h>

#include "base/memory.h"
#include "statistics/over_seeds.h"

void pb_speed_comparison_free(struct pb_speed_comparison *speed)
{
    pb_free(speed->metrics);
    pb_free(speed->rows);
    *speed = (struct pb_speed_comparison){0};
}

/* An exact metric has no noise: its ratio alone decides. */
static enum pb_quality_verdict decide(const struct pb_speed_row *row, bool exact, double margin)
{
    if (isnan(row->ratio) || (!exact && isnan(row->low)))
        return PB_QUALITY_UNKNOWN;
    const double low = exact ? row->ratio : row->low, high = exact ? row->ratio : row->high;
    if (low > 1 && row->ratio >= 1 + margin)
        return PB_QUALITY_WORSE;
    if (high < 1 && row->ratio <= 1 - margin)
        return PB_QUALITY_BETTER;
    return low > 1 - margin && high < 1 + margin ? PB_QUALITY_EQUAL : PB_QUALITY_UNDECIDED;
}

enum pb_status pb_speed_measure(const double *before, const double *after, uint32_t count, bool exact, double margin,
                                struct pb_speed_row *row, struct pb_error *error)
{
    struct pb_robust ratios;
    double *logs = pb_calloc((size_t)count + 1, sizeof *logs);
    if (!logs)
        return pb_fail_memory(error, count * sizeof *logs);
    for (uint32_t i = 0; i < count; i++)
        logs[i] = log(after[i] / before[i]);
    enum pb_status status = pb_robust_of(before, count, &row->before, error);
    if (status == PB_OK)
        status = pb_robust_of(after, count, &row->after, error);
    if (status == PB_OK)
        status = pb_robust_of(logs, count, &ratios, error);
    pb_free(logs);
    if (status != PB_OK)
        return status;
    row->pairs = count;
    row->ratio = exp(ratios.median);
    const bool has_interval = !exact && count >= PB_ENOUGH_PAIRS;
    row->low = has_interval ? exp(ratios.low) : (double)NAN;
    row->high = has_interval ? exp(ratios.high) : (double)NAN;
    row->p = row->least_p = NAN;
    row->verdict = decide(row, exact, margin);
    return PB_OK;
}

static void decide_by_test(struct pb_speed_row *row, double margin)
{
    if (isnan(row->p))
        row->verdict = PB_QUALITY_UNKNOWN;
    else if (row->p > PB_SPEED_LEVEL && row->verdict != PB_QUALITY_EQUAL)
        row->verdict = PB_QUALITY_UNDECIDED;
    else if (row->p <= PB_SPEED_LEVEL && row->ratio >= 1 + margin)
        row->verdict = PB_QUALITY_WORSE;
    else if (row->p <= PB_SPEED_LEVEL && row->ratio <= 1 - margin)
        row->verdict = PB_QUALITY_BETTER;
}

enum pb_status pb_speed_test(struct pb_speed_row *rows, const double *const *before, const double *const *after,
                             uint32_t count, double margin, struct pb_error *error)
{
    double *p = pb_calloc((size_t)count + 1, sizeof *p);
    enum pb_status status = p ? PB_OK : pb_fail_memory(error, count * sizeof *p);
    for (uint32_t i = 0; status == PB_OK && i < count; i++) {
        rows[i].least_p = fmin(1, pb_rank_sum_least_p(rows[i].pairs, rows[i].pairs) * count);
        p[i] = NAN;
        if (rows[i].least_p <= PB_SPEED_LEVEL)
            status = pb_rank_sum_p(before[i], rows[i].pairs, after[i], rows[i].pairs, &p[i], error);
    }
    if (status == PB_OK)
        status = pb_holm(p, count, error);
    for (uint32_t i = 0; status == PB_OK && i < count; i++) {
        rows[i].p = p[i];
        decide_by_test(&rows[i], margin);
    }
    pb_free(p);
    return status;
}
