/* The result documents of a run as far as a comparison reads them, packed. */
#ifndef PB_HISTORY_HISTORY_CELLS_H
#define PB_HISTORY_HISTORY_CELLS_H

#include <stddef.h>
#include <stdint.h>

#include "results/record.h"

/*
 * What is left out is what only a report draws: the log, the network's layers as JSON, top-1 of each class, histograms of γ, layers, trials
 * and repairs. Of the epochs of a stage the last one stays, with the seconds of all. What a comparison needs stays as it is, to the last
 * bit: settings, provenance, costs, accuracies with their masks of right answers, latencies, scorings, prunings.
 *
 * Compressed; *data from pb_calloc. The records stay as they are.
 */
PB_MUST_CHECK enum pb_status pb_history_cells_pack(const struct pb_record *records, uint32_t count, char **data,
                                                   size_t *length, struct pb_error *error);
/* name: for messages. *records from pb_calloc, each to be freed by pb_record_free. Damage is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_history_cells_unpack(const char *name, const char *data, size_t length,
                                                     struct pb_record **records, uint32_t *count,
                                                     struct pb_error *error);
/* Leaves of records what packing and unpacking leaves of them; they stay as they are when it fails. */
PB_MUST_CHECK enum pb_status pb_history_cells_reduce(const char *name, struct pb_record **records, uint32_t *count,
                                                     struct pb_error *error);
void pb_history_cells_free(struct pb_record **records, uint32_t count);

#endif
