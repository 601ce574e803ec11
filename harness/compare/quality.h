/* Whether one run's networks are worse than another's, judged by how much trainings of one recipe differ from seed to seed. */
#ifndef PB_COMPARE_QUALITY_H
#define PB_COMPARE_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Accuracies of one cell's seeds in both runs, as shares. Seeds need not be the same ones. A row whose one side is empty is not tested; the
 * other side's spread counts. */
struct pb_quality_row {
    uint32_t block; /* rows of one data set and rate share one spread: it grows with the rate */
    const double *before, *after;
    uint32_t before_count, after_count;
};

enum pb_quality_verdict {
    PB_QUALITY_UNKNOWN, /* one seed alone in the whole block: the spread is not known; or one side is empty */
    PB_QUALITY_UNDECIDED, /* neither different nor shown to be equal */
    PB_QUALITY_EQUAL, /* shown to differ by less than the margin (two one-sided tests) */
    PB_QUALITY_BETTER,
    PB_QUALITY_WORSE, /* by the margin at least */
};
/* For documents: "unknown", "undecided", "equal", "better", "worse". */
extern const char *const pb_quality_verdicts[];

struct pb_quality_result {
    double before, after; /* means */
    double effect; /* after − before */
    double low, high; /* 95 % interval of the effect */
    double sd, freedom; /* of seeds, pooled in the block; degrees of freedom */
    double p_worse, p_better; /* of one-sided tests, each corrected over all rows (Holm) */
    double p_equal; /* of "it differs by the margin or more", for this row alone */
    enum pb_quality_verdict verdict;
};

/*
 * The level of the tests. Holm keeps the share of nights with any false alarm at or below it; 4 % leaves room to show that it is below 5 % by
 * counting (tests/unit/compare/test_nights.c).
 */
#define PB_QUALITY_LEVEL 0.04

/*
 * results: one per row. Standard error of an effect: sd · √(1/before_count + 1/after_count), sd from all rows of the block, each
 * side's squares around its own mean (Σ (counts − 1) degrees of freedom). A row is worse where its one-sided test is significant among all
 * rows and its effect is −margin or below; better likewise. margin: a share (0.01: a point), above 0. Three seeds suffice only because many
 * rows share one spread: with few rows the tests stay right, but find less.
 */
PB_MUST_CHECK enum pb_status pb_quality_compare(const struct pb_quality_row *rows, uint32_t count, double margin,
                                                struct pb_quality_result *results, struct pb_error *error);

#endif
