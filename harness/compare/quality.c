/* Whether one run's networks are worse than another's. */
#include "compare/quality.h"

#include <math.h>

#include "base/memory.h"
#include "statistics/over_seeds.h"
#include "statistics/pairs.h"

const char *const pb_quality_verdicts[] = {"unknown", "undecided", "equal", "better", "worse", NULL};

/* Adds a side's squares around its mean, and its degrees of freedom. */
static void add_side(const double *values, uint32_t count, double *squares, double *freedom)
{
    const struct pb_statistics side = pb_statistics_of(values, count);
    if (side.n < 2)
        return;
    *squares += side.sd * side.sd * (side.n - 1.0);
    *freedom += side.n - 1.0;
}

static void pool_block(const struct pb_quality_row *rows, uint32_t count, uint32_t block,
                       struct pb_quality_result *results)
{
    double squares = 0, freedom = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].block != block)
            continue;
        add_side(rows[i].before, rows[i].before_count, &squares, &freedom);
        add_side(rows[i].after, rows[i].after_count, &squares, &freedom);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].block != block)
            continue;
        results[i].freedom = freedom;
        results[i].sd = freedom > 0 ? sqrt(squares / freedom) : (double)NAN;
    }
}

/* p of "the effect is not below 0". Without any spread, all seeds gave one value: then any difference is one. */
static double p_below(double effect, double se, double freedom)
{
    if (!(freedom > 0))
        return NAN;
    if (!(se > 0))
        return effect < 0 ? 0 : 1;
    const double p = pb_effect_p(effect, se, freedom) / 2;
    return effect < 0 ? p : 1 - p;
}

static void measure(const struct pb_quality_row *row, double margin, struct pb_quality_result *result)
{
    const struct pb_statistics before = pb_statistics_of(row->before, row->before_count),
                               after = pb_statistics_of(row->after, row->after_count);
    result->before = before.mean;
    result->after = after.mean;
    result->effect = result->low = result->high = result->p_worse = result->p_better = result->p_equal = NAN;
    if (!before.n || !after.n)
        return;
    const double se = result->sd * sqrt(1.0 / before.n + 1.0 / after.n);
    result->effect = after.mean - before.mean;
    const double half = pb_effect_half_width(se, result->freedom, 0.95);
    result->low = result->effect - half;
    result->high = result->effect + half;
    result->p_worse = p_below(result->effect, se, result->freedom);
    result->p_better = p_below(-result->effect, se, result->freedom);
    result->p_equal = se > 0 ? pb_equivalence_p(result->effect, se, result->freedom, margin)
                             : p_below(fabs(result->effect) - margin, 0, result->freedom);
}

static enum pb_quality_verdict decide(const struct pb_quality_result *result, double margin)
{
    if (isnan(result->p_worse))
        return PB_QUALITY_UNKNOWN;
    if (result->p_worse <= PB_QUALITY_LEVEL && result->effect <= -margin)
        return PB_QUALITY_WORSE;
    if (result->p_better <= PB_QUALITY_LEVEL && result->effect >= margin)
        return PB_QUALITY_BETTER;
    return result->p_equal <= PB_QUALITY_LEVEL ? PB_QUALITY_EQUAL : PB_QUALITY_UNDECIDED;
}

static bool is_first_of_block(const struct pb_quality_row *rows, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (rows[i].block == rows[index].block)
            return false;
    return true;
}

enum pb_status pb_quality_compare(const struct pb_quality_row *rows, uint32_t count, double margin,
                                  struct pb_quality_result *results, struct pb_error *error)
{
    double *worse = pb_calloc(2 * (size_t)count + 1, sizeof *worse);
    if (!worse)
        return pb_fail_memory(error, 2 * count * sizeof *worse);
    double *better = worse + count;
    for (uint32_t i = 0; i < count; i++)
        if (is_first_of_block(rows, i))
            pool_block(rows, count, rows[i].block, results);
    for (uint32_t i = 0; i < count; i++) {
        measure(&rows[i], margin, &results[i]);
        worse[i] = results[i].p_worse;
        better[i] = results[i].p_better;
    }
    enum pb_status status = pb_holm(worse, count, error);
    if (status == PB_OK)
        status = pb_holm(better, count, error);
    for (uint32_t i = 0; status == PB_OK && i < count; i++) {
        results[i].p_worse = worse[i];
        results[i].p_better = better[i];
        results[i].verdict = decide(&results[i], margin);
    }
    pb_free(worse);
    return status;
}
