/* The pruning steps of a row's cells, with statistics over seeds. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* What is read off one cell's step. */
enum { BEFORE, AFTER, THRESHOLD, TIES, FLOORED, EQUIVALENCE, ACHIEVED, QUANTITIES };

static const struct pb_pruning_record *find_step(const struct pb_record *record, const char *stage)
{
    for (uint32_t i = 0; i < record->pruning_count; i++)
        if (strcmp(record->prunings[i].stage, stage) == 0)
            return &record->prunings[i];
    return NULL;
}

static void read_step(const struct pb_pruning_record *step, double values[QUANTITIES])
{
    values[BEFORE] = values[AFTER] = values[TIES] = 0;
    for (uint32_t i = 0; i < step->layer_count; i++) {
        values[BEFORE] += step->layers[i].before;
        values[AFTER] += step->layers[i].after;
        values[TIES] += step->layers[i].ties;
    }
    values[THRESHOLD] = step->threshold;
    values[FLOORED] = step->floored;
    values[EQUIVALENCE] = step->equivalence;
    values[ACHIEVED] = step->achieved;
}

/* columns: a column of ok_count values per quantity. */
static void measure_step(const struct pb_summary_row *row, double *columns, struct pb_summary_step *step)
{
    struct pb_statistics statistics[QUANTITIES];
    for (uint32_t cell = 0; cell < row->ok_count; cell++) {
        const struct pb_pruning_record *record = find_step(row->cells[cell], step->stage);
        double values[QUANTITIES];
        if (record != NULL)
            read_step(record, values);
        for (uint32_t q = 0; q < QUANTITIES; q++)
            columns[q * row->ok_count + cell] = record == NULL ? (double)NAN : values[q];
    }
    for (uint32_t q = 0; q < QUANTITIES; q++)
        statistics[q] = pb_statistics_of(columns + q * row->ok_count, row->ok_count);
    step->before = statistics[BEFORE];
    step->after = statistics[AFTER];
    step->threshold = statistics[THRESHOLD];
    step->ties = statistics[TIES];
    step->floored = statistics[FLOORED];
    step->equivalence = statistics[EQUIVALENCE];
    step->achieved = statistics[ACHIEVED];
}

enum pb_status pb_summary_measure_steps(struct pb_summary_row *row, struct pb_error *error)
{
    const struct pb_record *first = row->cells[0];
    if (row->ok_count == 0 || first->pruning_count == 0)
        return PB_OK;
    double *columns = pb_calloc((size_t)QUANTITIES * row->ok_count, sizeof *columns);
    struct pb_summary_step *steps = pb_calloc(first->pruning_count, sizeof *steps);
    if (columns == NULL || steps == NULL) {
        pb_free(columns);
        pb_free(steps);
        return pb_fail_memory(error, first->pruning_count * sizeof *steps);
    }
    for (uint32_t i = 0; i < first->pruning_count; i++) {
        steps[i].stage = first->prunings[i].stage;
        steps[i].from = first->prunings[i].from;
        measure_step(row, columns, &steps[i]);
    }
    pb_free(columns);
    row->steps = steps;
    row->step_count = first->pruning_count;
    return PB_OK;
}
