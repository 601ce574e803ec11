/* Where a series changed its level: proposed by least squares with a penalty, confirmed by ranks. */
#include "statistics/change_points.h"

#include <math.h>

#include <gsl/gsl_statistics_double.h>

#include "base/memory.h"
#include "statistics/pairs.h"

enum { LEAST_LENGTH = 3 };

/* Sums over values[0 … i), from which each level's squares follow. Values are centred and in units of σ. */
struct sums {
    double *value, *square;
};

static double cost(const struct sums *sums, uint32_t from, uint32_t end)
{
    const double value = sums->value[end] - sums->value[from];
    const double squares = sums->square[end] - sums->square[from] - value * value / (end - from);
    return squares > 0 ? squares : 0; /* fmax would be a call, in the innermost loop */
}

/* σ of the values around their levels. Where most neighbours are equal, the values do not scatter: then what is far below any difference. */
static double scatter(const double *values, uint32_t count, double *room)
{
    double largest = 0;
    for (uint32_t i = 1; i < count; i++)
        room[i - 1] = fabs(values[i] - values[i - 1]);
    for (uint32_t i = 0; i + 1 < count; i++)
        largest = fmax(largest, room[i]);
    const double sigma = 1.482602218505602 * gsl_stats_median(room, 1, count - 1) / sqrt(2);
    return fmax(sigma, largest * 1e-6);
}

static void add_up(const double *values, uint32_t count, double sigma, const struct sums *sums)
{
    for (uint32_t i = 0; i < count; i++) {
        const double value = (values[i] - values[0]) / sigma;
        sums->value[i + 1] = sums->value[i] + value;
        sums->square[i + 1] = sums->square[i] + value * value;
    }
}

/* Where to divide: starts[end] is the last level's first value of the best division of values[0 … end). */
static void divide(const struct sums *sums, uint32_t count, double *best, uint32_t *starts, uint32_t *candidates)
{
    const double penalty = 4 * log(count);
    uint32_t open = 0;
    best[0] = -penalty;
    for (uint32_t end = LEAST_LENGTH; end <= count; end++) {
        const uint32_t last = end - LEAST_LENGTH; /* the level from here on has just become long enough */
        if (last == 0 || last >= LEAST_LENGTH)
            candidates[open++] = last;
        best[end] = INFINITY;
        for (uint32_t i = 0; i < open; i++) {
            const double total = best[candidates[i]] + cost(sums, candidates[i], end) + penalty;
            if (total < best[end]) {
                best[end] = total;
                starts[end] = candidates[i];
            }
        }
        /* A start is behind for good where a change LEAST_LENGTH values ago costs no more: from now on, that change can be made. */
        uint32_t kept = 0;
        for (uint32_t i = 0; i < open; i++)
            if (last < candidates[i] + LEAST_LENGTH ||
                best[candidates[i]] + cost(sums, candidates[i], last) < best[last])
                candidates[kept++] = candidates[i];
        open = kept;
    }
}

/* The bounds of the change at index among bounds of levels. */
static enum pb_status judge(const double *values, const uint32_t *bounds, uint32_t index, double *room,
                            struct pb_change_point *point, struct pb_error *error)
{
    const uint32_t from = bounds[index - 1], at = bounds[index], end = bounds[index + 1];
    point->index = at;
    for (uint32_t i = from; i < end; i++)
        room[i - from] = values[i];
    point->before = gsl_stats_median(room, 1, at - from);
    point->after = gsl_stats_median(room + (at - from), 1, end - at);
    return pb_rank_sum_p(&values[from], at - from, &values[at], end - at, &point->p, error);
}

/* Removes changes that are not certain or not large enough, the least certain first. bounds: 0, the changes, count. */
static enum pb_status confirm(const double *values, uint32_t *bounds, uint32_t *changes,
                              const struct pb_change_options *options, double *room, struct pb_change_point *points,
                              struct pb_error *error)
{
    const double level = options->level > 0 ? options->level : 0.001;
    for (;;) {
        uint32_t worst = 0;
        double worst_p = -1;
        for (uint32_t i = 1; i <= *changes; i++) {
            struct pb_change_point *point = &points[i - 1];
            const enum pb_status status = judge(values, bounds, i, room, point, error);
            if (status != PB_OK)
                return status;
            const double p = fabs(point->after - point->before) < options->least ? 1 : point->p;
            if (p > level && p > worst_p) {
                worst = i;
                worst_p = p;
            }
        }
        if (worst_p < 0)
            return PB_OK;
        for (uint32_t i = worst; i <= *changes; i++)
            bounds[i] = bounds[i + 1];
        (*changes)--;
    }
}

/* The bounds that starts leads to, in order. Returns the number of changes. */
static uint32_t list_bounds(const uint32_t *starts, uint32_t count, uint32_t *bounds)
{
    uint32_t changes = 0;
    for (uint32_t at = starts[count]; at > 0; at = starts[at])
        changes++;
    bounds[changes + 1] = count;
    for (uint32_t at = count, i = changes + 1; i > 0; i--)
        bounds[i - 1] = at = starts[at];
    return changes;
}

enum pb_status pb_change_points(const double *values, uint32_t count, const struct pb_change_options *options,
                                struct pb_change_point **points, uint32_t *point_count, struct pb_error *error)
{
    *points = NULL;
    *point_count = 0;
    if (count < 2 * LEAST_LENGTH)
        return PB_OK;
    const size_t length = (size_t)count + 2;
    double *room = pb_calloc(4 * length, sizeof *room);
    uint32_t *indices = pb_calloc(3 * length, sizeof *indices);
    struct pb_change_point *made = pb_calloc(length, sizeof *made);
    enum pb_status status = PB_OK;
    if (!room || !indices || !made) {
        status = pb_fail_memory(error, length * (4 * sizeof *room + 3 * sizeof *indices + sizeof *made));
    } else {
        const struct sums sums = {.value = room, .square = room + length};
        double *best = room + 2 * length, *spare = room + 3 * length;
        uint32_t *starts = indices, *candidates = indices + length, *bounds = indices + 2 * length;
        const double sigma = scatter(values, count, spare);
        if (sigma > 0) { /* else all values are equal */
            add_up(values, count, sigma, &sums);
            divide(&sums, count, best, starts, candidates);
            *point_count = list_bounds(starts, count, bounds);
            status = confirm(values, bounds, point_count, options, spare, made, error);
        }
    }
    pb_free(room);
    pb_free(indices);
    if (status != PB_OK || *point_count == 0) {
        pb_free(made);
        *point_count = 0;
        return status;
    }
    *points = made;
    return PB_OK;
}
