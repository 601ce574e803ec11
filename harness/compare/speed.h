/* Whether one run takes longer, or more memory, than another: ratios of what both measured, pair by pair. */
#ifndef PB_COMPARE_SPEED_H
#define PB_COMPARE_SPEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "compare/quality.h"
#include "statistics/pairs.h"

enum pb_speed_kind { PB_KIND_SPEED, PB_KIND_MEMORY };

/* What is measured: the less the better. */
struct pb_speed_metric {
    const char *name; /* "latency", "training", "scoring", "peak-memory", "file" */
    const char *unit; /* "ms", "s", "bytes" */
    const char *stage; /* "pruned"; "" where there is none */
    uint32_t batch; /* of latencies; else 0 */
    enum pb_speed_kind kind;
    bool exact; /* the same for the same network: any difference is one */
};

/* A metric over the cells of one group, or of all. */
struct pb_speed_row {
    uint32_t metric; /* index */
    uint32_t group; /* index; PB_ALL_GROUPS */
    uint32_t pairs; /* measurements: cells that share one count once */
    struct pb_robust before, after;
    /* After / before: median of the pairs and its 95 % interval; NaN where there are too few, and of an exact metric. */
    double ratio, low, high;
    /*
     * Two-sided p of the rank-sum test, corrected over the metric's groups (Holm); NaN where it was not made: over all cells, whose networks are
     * of many sizes, and where so few seeds cannot reach the level.
     */
    double p;
    double least_p; /* the smallest p that so many pairs can give, corrected likewise */
    enum pb_quality_verdict verdict;
};
#define PB_ALL_GROUPS UINT32_MAX
/* Fewer pairs have no interval that can be relied on. */
enum { PB_ENOUGH_PAIRS = 4 };
#define PB_SPEED_LEVEL 0.05

struct pb_speed_comparison {
    struct pb_speed_metric *metrics;
    uint32_t metric_count;
    struct pb_speed_row *rows; /* of each metric: all cells, then every group */
    uint32_t row_count;
    uint32_t noisy; /* latencies that are marked as such on a side: left out */
};
void pb_speed_comparison_free(struct pb_speed_comparison *speed);

/*
 * Fills medians, ratio and interval from pairs of values above 0, and the verdict that the interval allows: worse where it is above 1 and the
 * ratio at least 1 + margin, better likewise, equal where it is within ±margin; undecided else, unknown below PB_ENOUGH_PAIRS. Of an exact
 * metric the ratio alone decides.
 */
PB_MUST_CHECK enum pb_status pb_speed_measure(const double *before, const double *after, uint32_t count, bool exact,
                                              double margin, struct pb_speed_row *row, struct pb_error *error);
/*
 * For rows of one metric, each over the seeds of a group, with their values: fills p, and decides by it where so many seeds can reach
 * the level among so many groups; else the row is unknown.
 */
PB_MUST_CHECK enum pb_status pb_speed_test(struct pb_speed_row *rows, const double *const *before,
                                           const double *const *after, uint32_t count, double margin,
                                           struct pb_error *error);

#endif
