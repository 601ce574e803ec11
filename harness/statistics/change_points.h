/* Where a series of nights changed its level. */
#ifndef PB_STATISTICS_CHANGE_POINTS_H
#define PB_STATISTICS_CHANGE_POINTS_H

#include <stdint.h>

#include "base/error.h"

/* From this value on the series has another level. */
struct pb_change_point {
    uint32_t index; /* the first value of the new level */
    double before, after; /* medians of the levels, up to the neighbouring change points */
    double p; /* of the rank-sum test between the two levels */
};

struct pb_change_options {
    double least; /* changes of medians below this, in the values' unit, are not reported */
    double level; /* p above which a change is not reported; 0: 0.001 */
};

/*
 * The levels are those with the least Σ (value − level's mean)² / σ² + 4 ln n per change (optimal partitioning with a penalty; Jackson et al.
 * 2005, pruned as by Killick et al. 2012), each of three values at least. σ comes from the median difference of neighbours, which
 * a step does not widen. One outlier can pull a level of three values away: a change whose two levels the rank-sum test
 * does not distinguish is removed, the least certain one first, and its neighbours are judged anew. Values must be numbers. *points, in order,
 * is freed by pb_free. O(n²) at worst.
 */
PB_MUST_CHECK enum pb_status pb_change_points(const double *values, uint32_t count,
                                              const struct pb_change_options *options, struct pb_change_point **points,
                                              uint32_t *point_count, struct pb_error *error);

#endif
