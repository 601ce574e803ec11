/* Since when something is better or worse: change points in the numbers of many nights. */
#ifndef PB_HISTORY_TREND_H
#define PB_HISTORY_TREND_H

#include "history/history.h"
#include "history/history_series.h"

struct pb_trend_options {
    const char *cell; /* only cells whose id, or id without the seed, this pattern matches; NULL: all */
    const char
        *measure; /* a measure, or what is before its first '.', such as "ms"; NULL: all but "images" and "seconds" */
};

enum pb_trend_direction { PB_TREND_OTHER, PB_TREND_BETTER, PB_TREND_WORSE };
extern const char *const pb_trend_directions[]; /* "other", "better", "worse" */

struct pb_trend_change {
    char *measure; /* a column of pb_night_numbers, or "images.STAGE.bBATCH": images per second */
    char *of; /* a group of cells that differ in the seed alone; "all cells" */
    bool share; /* the values are shares, compared by their difference; else by their ratio */
    double before, after; /* levels: medians of the nights up to the neighbouring changes */
    double p;
    enum pb_trend_direction direction;
    uint32_t run,
        previous; /* indices into the history's runs: the first night of the new level, and the one before it */
    const char *known; /* what was annotated between them; NULL: nothing. The history's. */
};
struct pb_trend {
    struct pb_trend_change *changes; /* by run, all cells before single groups */
    uint32_t change_count;
    uint32_t series; /* that were searched */
    uint32_t nights;
    uint32_t
        elsewhere; /* nights on other processors, thread counts or kernel sets than the last one's: no times of theirs */
    bool *here; /* by night of the series: not elsewhere */
};

/*
 * A group's value in a night is the mean over its seeds, or over all cells; of times and sizes the geometric mean. A cell that is missing in
 * a night does not shift it, for each cell counts by how far it is from its own median. Nights are in the order in which they
 * were added. p is corrected over the groups of a measure (Bonferroni); "all cells" is tested alone.
 */
PB_MUST_CHECK enum pb_status pb_trend_find(const struct pb_history *history, const struct pb_trend_options *options,
                                           struct pb_trend *trend, struct pb_error *error);
/* The same in a series that was read before; options->cell says nothing then but what a message names. */
PB_MUST_CHECK enum pb_status pb_trend_search(const struct pb_history *history, const struct pb_night_series *series,
                                             const struct pb_trend_options *options, struct pb_trend *trend,
                                             struct pb_error *error);
void pb_trend_free(struct pb_trend *trend);

#endif
