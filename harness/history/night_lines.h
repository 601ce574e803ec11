/* The nights of many cells as one line. */
#ifndef PB_HISTORY_NIGHT_LINES_H
#define PB_HISTORY_NIGHT_LINES_H

#include "history/history_series.h"

/* In which scale the values of a column are compared. */
struct pb_night_scale {
    bool share; /* as they are, by differences; else by ratios: their natural logarithm */
    double images; /* per batch, of milliseconds that are to become images per second; else 0 */
    const bool *nights; /* which count; NULL: all */
};

/* A column of a series in a scale. */
struct pb_night_lines {
    const struct pb_night_series *series;
    double *scaled; /* cell × night; NaN: not measured */
    double *centres; /* by cell: the median of its nights */
    double *spare;
};

PB_MUST_CHECK enum pb_status pb_night_lines_open(const struct pb_night_series *series, struct pb_night_lines *lines,
                                                 struct pb_error *error);
void pb_night_lines_free(struct pb_night_lines *lines);
void pb_night_lines_scale(struct pb_night_lines *lines, uint32_t column, const struct pb_night_scale *scale);
/* For pb_night_lines_mean: group is the index of one, a uint32_t. */
bool pb_night_is_of_group(const struct pb_series_cell *cell, const void *group);
/*
 * The mean, by night, of the cells that has says; has NULL: of all. NaN in a night without any. A cell that is missing in a
 * night does not shift it, for each cell counts by how far it is from its own median. Returns how many nights have a value.
 */
uint32_t pb_night_lines_mean(const struct pb_night_lines *lines,
                             bool (*has)(const struct pb_series_cell *cell, const void *what), const void *what,
                             double *values);

#endif
