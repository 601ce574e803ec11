/*
 * How often a network is timed: in rounds, until their medians agree or patience ends. A round that fell into another
 * process's burst then shows as a spread instead of becoming the figure.
 */
#ifndef PB_TIMING_LATENCY_ROUNDS_H
#define PB_TIMING_LATENCY_ROUNDS_H

#include "results/record.h"

enum { PB_LEAST_ROUNDS = 5, PB_MOST_ROUNDS = 25 };
#define PB_ROUND_MS 10.0 /* a round lasts at least so long, unless that took more than PB_ROUND_RUNS runs */
#define PB_ROUND_RUNS 1000
#define PB_ROUNDS_MS 1e4 /* no round beyond the least number begins after so long */

/* One timed run. */
typedef enum pb_status pb_timed_run(void *argument, double *milliseconds, struct pb_error *error);

/* At least `runs` runs in at least PB_LEAST_ROUNDS rounds. Fills runs, median, 95th percentile, minimum and spread of row,
 * and noisy, by the spread alone. */
PB_MUST_CHECK enum pb_status pb_time_in_rounds(pb_timed_run *run, void *argument, uint32_t runs,
                                               struct pb_latency_record *row, struct pb_error *error);

#endif
