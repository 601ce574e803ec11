/* Result documents of a few numbers each, made by hand. */
#ifndef PB_TEST_SMALL_CELLS_H
#define PB_TEST_SMALL_CELLS_H

#include "summary/summary.h"

/* Fails the test with the error's message. */
void must(enum pb_status status, const struct pb_error *error);
/* Equal within 1e-12, relative or absolute. */
void near(double a, double b);

/* What a cell is about, and what it found. */
struct small {
    const char *dataset, *schedule, *criterion, *target, *amount, *seed, *variant;
    double base, pruned, retrained; /* test top-1; NaN: not measured */
    uint64_t params; /* after pruning 1000; 0: no costs, no latencies */
    enum pb_cell_status status;
};
/* One target, two criteria, two seeds. */
extern const struct small two_seeds[4];

void small_config(struct pb_record *record, const char *key, const char *value);
void small_record(struct pb_record *record, const struct small *small);
/* Writes cells/ID.xml below the test's folder; frees the record. */
void small_write_record(void **state, struct pb_record *record);
void small_write(void **state, const struct small *small);
void small_write_two_seeds(void **state);
struct pb_summary small_summary(void **state);
/* Removes the blanks between elements, so that a comparison does not depend on indentation. */
void small_squeeze(char *xml);

#endif
