/* The numbers of many nights, by measure, cell and night. */
#ifndef PB_HISTORY_HISTORY_SERIES_H
#define PB_HISTORY_HISTORY_SERIES_H

#include "history/history.h"

struct pb_series_cell {
    char *group; /* the id without the seed */
    char *seed;
    uint32_t group_index;
};
struct pb_night_series {
    char **columns; /* of pb_night_numbers */
    uint32_t column_count;
    struct pb_series_cell *cells;
    uint32_t cell_count;
    const char **groups; /* of the cells */
    uint32_t group_count;
    uint32_t *runs; /* the nights: indices into the history's runs; those that could not be read are left out */
    uint32_t night_count;
    double *values; /* column × cell × night; NaN: not measured */
};

/* glob: only cells whose id or group it matches; NULL: all. A run whose numbers are damaged is skipped with a warning. */
PB_MUST_CHECK enum pb_status pb_night_series_read(const struct pb_history *history, const char *glob,
                                                  struct pb_night_series *series, struct pb_error *error);
void pb_night_series_free(struct pb_night_series *series);
/* The index of a column; column_count where there is none of that name. */
uint32_t pb_night_series_column(const struct pb_night_series *series, const char *name);
/* The nights of one cell in one column. */
const double *pb_night_series_of(const struct pb_night_series *series, uint32_t column, uint32_t cell);

#endif
