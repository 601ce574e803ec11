/* A made-up run: result documents of a whole matrix, realistic enough for tables and figures. */
#ifndef PB_TEST_RESULTS_H
#define PB_TEST_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "results/record.h"

/* Three criteria and three schedules, on so many data sets (up to 3), rates (up to 4) and seeds. */
struct results_spec {
    uint32_t datasets, rates, seeds;
    bool failures; /* four cells end badly, each in another way, and one document is cut in half */
};

/* Writes matrix.xml and cells/ below the folder out; fails the test on an error. */
void results_write(const char *out, struct results_spec spec);

/* Which cell, by index: dataset, schedule and criterion 0 … 2, rate 0 … 3. */
struct results_cell {
    uint32_t dataset, schedule, criterion, rate, seed;
};
/* One of its records. */
void results_record(const struct results_cell *cell, struct pb_record *record);

#endif
