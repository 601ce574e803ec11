/* The numbers of a run that a trend follows: a table of one row for each cell. */
#ifndef PB_HISTORY_HISTORY_NUMBERS_H
#define PB_HISTORY_HISTORY_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/record.h"

struct pb_night_cell {
    char *group; /* the id without the seed */
    char *seed; /* "" where the id does not end with it: then group is the id */
};
/*
 * Columns are "accuracy", "top5" and "loss" of the last network on the test images, "base-accuracy"; "removed" (a share), "params",
 * "macs" and "bytes" of the pruned network; "memory" (bytes), "seconds" (the whole cell); and, by stage, "ms.STAGE.bBATCH" (latencies that are
 * not marked as noisy), "training.STAGE" and "scoring.STAGE" (seconds). A cell that failed has no numbers.
 */
struct pb_night_numbers {
    char **columns;
    uint32_t column_count;
    struct pb_night_cell *cells;
    uint32_t cell_count;
    double *values; /* cell × column; NaN: not measured */
};

PB_MUST_CHECK enum pb_status pb_night_numbers_of(const struct pb_record *records, uint32_t count,
                                                 struct pb_night_numbers *numbers, struct pb_error *error);
/* Names as JSON, values as bytes; *text from pb_calloc. */
PB_MUST_CHECK enum pb_status pb_night_numbers_format(const struct pb_night_numbers *numbers, char **text,
                                                     size_t *length, struct pb_error *error);
/* name: for messages. */
PB_MUST_CHECK enum pb_status pb_night_numbers_parse(const char *name, const char *text, size_t length,
                                                    struct pb_night_numbers *numbers, struct pb_error *error);
/* Whether a column is this measure, or the measure of a stage or batch: "ms" is "ms.pruned.b32" and no "msx". */
bool pb_night_column_is(const char *column, const char *measure);
void pb_night_numbers_free(struct pb_night_numbers *numbers);

#endif
