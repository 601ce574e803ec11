/* Rounds of timed runs, until their medians agree or patience ends. */
#include "timing/latency_rounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/load.h"
#include "base/memory.h"

struct timing {
    double *times; /* of all runs, in milliseconds */
    size_t count, room;
    double sum;
    double medians[PB_MOST_ROUNDS];
    uint32_t rounds;
};

static int compare_times(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of_sorted(const double *sorted, size_t count)
{
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static enum pb_status make_room(struct timing *timing, struct pb_error *error)
{
    if (timing->count < timing->room)
        return PB_OK;
    const size_t requested = timing->room ? 2 * timing->room : 64;
    double *grown = pb_realloc(timing->times, timing->room, requested, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, requested * sizeof *grown);
    timing->times = grown;
    timing->room = requested;
    return PB_OK;
}

static enum pb_status time_round(struct timing *timing, pb_timed_run *run, void *argument, uint32_t runs,
                                 struct pb_error *error)
{
    const size_t first = timing->count;
    double sum = 0;
    uint32_t done = 0;
    do {
        enum pb_status status = make_room(timing, error);
        if (status == PB_OK)
            status = run(argument, &timing->times[timing->count], error);
        if (status != PB_OK)
            return status;
        sum += timing->times[timing->count++];
        done++;
    } while (done < runs || (sum < PB_ROUND_MS && done < PB_ROUND_RUNS));
    timing->sum += sum;
    qsort(timing->times + first, timing->count - first, sizeof *timing->times, compare_times);
    timing->medians[timing->rounds++] = median_of_sorted(timing->times + first, timing->count - first);
    return PB_OK;
}

static double spread_of_rounds(const struct timing *timing)
{
    double sorted[PB_MOST_ROUNDS];
    memcpy(sorted, timing->medians, sizeof sorted);
    qsort(sorted, timing->rounds, sizeof *sorted, compare_times);
    return pb_relative_spread(sorted, timing->rounds);
}

static bool is_enough(const struct timing *timing)
{
    return timing->rounds >= PB_LEAST_ROUNDS && (timing->rounds == PB_MOST_ROUNDS || timing->sum >= PB_ROUNDS_MS ||
                                                 spread_of_rounds(timing) <= PB_LARGE_SPREAD);
}

static void sum_up(struct timing *timing, struct pb_latency_record *row)
{
    const size_t last = timing->count - 1;
    qsort(timing->times, timing->count, sizeof *timing->times, compare_times);
    row->runs = (uint32_t)timing->count;
    row->median_ms = median_of_sorted(timing->times, timing->count);
    row->p95_ms = timing->times[last * 95 / 100 + (last * 95 % 100 != 0)];
    row->min_ms = timing->times[0];
    row->spread = spread_of_rounds(timing);
    row->noisy = !(row->spread <= PB_LARGE_SPREAD);
}

enum pb_status pb_time_in_rounds(pb_timed_run *run, void *argument, uint32_t runs, struct pb_latency_record *row,
                                 struct pb_error *error)
{
    struct timing timing = {0};
    const uint32_t each = runs / PB_LEAST_ROUNDS + (runs % PB_LEAST_ROUNDS != 0);
    enum pb_status status = PB_OK;
    while (status == PB_OK && !is_enough(&timing))
        status = time_round(&timing, run, argument, each, error);
    if (status == PB_OK)
        sum_up(&timing, row);
    pb_free(timing.times);
    return status;
}
