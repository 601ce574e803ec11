/* Layers that a schedule pruned alone: what the network then was worth, with statistics over seeds. */
#include "summary/summary_parts.h"

#include <math.h>

#include "base/memory.h"

/* Whether the trial cut layer alone, without training; the first layer's number is 0. */
static bool cuts_alone(const struct pb_record *record, const struct pb_trial_record *trial, uint32_t layer)
{
    if (trial->trained || trial->kept_count != record->layer_count || layer >= record->layer_count)
        return false;
    for (uint32_t i = 0; i < record->layer_count; i++)
        if ((trial->kept[i] < record->layers[i].channels) != (i == layer))
            return false;
    return true;
}

/* Of the first such trial; NaN where a cell has none. */
static double top1_of(const struct pb_record *record, uint32_t layer, uint32_t kept)
{
    for (uint32_t i = 0; i < record->trial_count; i++)
        if (cuts_alone(record, &record->trials[i], layer) && record->trials[i].kept[layer] == kept)
            return record->trials[i].top1;
    return (double)NAN;
}

static bool is_listed(const struct pb_summary_row *row, uint32_t from, uint32_t kept)
{
    for (uint32_t i = from; i < row->alone_count; i++)
        if (row->alone[i].kept == kept)
            return true;
    return false;
}

/* column: room for a value per seed. */
static void measure_layer(struct pb_summary_row *row, uint32_t layer, double *column)
{
    const struct pb_record *first = row->cells[0];
    const uint32_t from = row->alone_count;
    for (uint32_t i = 0; i < first->trial_count; i++) {
        const struct pb_trial_record *trial = &first->trials[i];
        if (!cuts_alone(first, trial, layer) || is_listed(row, from, trial->kept[layer]))
            continue;
        for (uint32_t cell = 0; cell < row->ok_count; cell++)
            column[cell] = top1_of(row->cells[cell], layer, trial->kept[layer]);
        row->alone[row->alone_count++] = (struct pb_summary_alone){.layer = first->layers[layer].name,
                                                                   .channels = first->layers[layer].channels,
                                                                   .kept = trial->kept[layer],
                                                                   .top1 = pb_statistics_of(column, row->ok_count)};
    }
}

enum pb_status pb_summary_measure_alone(struct pb_summary_row *row, struct pb_error *error)
{
    const struct pb_record *first = row->cells[0];
    if (row->ok_count == 0 || first->trial_count == 0)
        return PB_OK;
    double *column = pb_calloc(row->ok_count, sizeof *column);
    row->alone = pb_calloc(first->trial_count, sizeof *row->alone);
    if (!column || !row->alone) {
        pb_free(column);
        return pb_fail_memory(error, first->trial_count * sizeof *row->alone);
    }
    for (uint32_t layer = 0; layer < first->layer_count; layer++)
        measure_layer(row, layer, column);
    pb_free(column);
    return PB_OK;
}
