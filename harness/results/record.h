/* Filling a cell's record, and looking things up in it. */
#ifndef PB_RESULTS_RECORD_H
#define PB_RESULTS_RECORD_H

#include "results/record_content.h"

/* Empty: status ok, equivalence not measured. */
void pb_record_init(struct pb_record *record);
/*
 * Adders copy their strings and take over arrays from pb_calloc, with what is in them (they stay the caller's when the
 * call fails);
 * PB_ERROR_MEMORY is their only failure. A config or provenance key that is there already gets the new value; provenance
 * keys are written as XML attributes, so they are names ("backend-detail").
 */
PB_MUST_CHECK enum pb_status pb_record_config(struct pb_record *record, const char *key, const char *value,
                                              struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_provenance(struct pb_record *record, const char *key, const char *value,
                                                  struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_cost(struct pb_record *record, const struct pb_cost_record *row,
                                            struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_accuracy(struct pb_record *record, const struct pb_accuracy_record *row,
                                                struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_latency(struct pb_record *record, const struct pb_latency_record *row,
                                               struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_layer(struct pb_record *record, const struct pb_layer_record *row,
                                             struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_scoring(struct pb_record *record, const struct pb_scoring_record *row,
                                               struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_pruning(struct pb_record *record, const struct pb_pruning_record *row,
                                               struct pb_error *error);
/* Takes row->kept over on success. */
PB_MUST_CHECK enum pb_status pb_record_trial(struct pb_record *record, const struct pb_trial_record *row,
                                             struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_repair(struct pb_record *record, const struct pb_repair_record *row,
                                              struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_masking(struct pb_record *record, const struct pb_masking_record *row,
                                               struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_record_epoch(struct pb_record *record, const struct pb_epoch_record *row,
                                             struct pb_error *error);
/* What is in it, not itself. */
void pb_gamma_record_free(struct pb_gamma_record *gamma);
void pb_pruning_record_free(struct pb_pruning_record *pruning);
void pb_masking_record_free(struct pb_masking_record *masking);
const char *pb_record_find(const struct pb_pair *pairs, uint32_t count, const char *key); /* NULL when absent */
const char *pb_cell_status_name(
    enum pb_cell_status status); /* "ok", "failed", "crashed", "timed-out", "out-of-memory", "blocked" */
bool pb_cell_status_parse(const char *name, enum pb_cell_status *status);
/* Replaces a string of the record (message, signal, log_tail, id) by a copy; text may be NULL. */
PB_MUST_CHECK enum pb_status pb_record_text(char **member, const char *text, struct pb_error *error);
void pb_record_free(struct pb_record *record); /* leaves it as pb_record_init does */

#endif
