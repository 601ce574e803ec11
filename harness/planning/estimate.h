/* What a stage will cost, predicted before anything runs: multiply-accumulates, and bytes from the plans that would be made. */
#ifndef PB_PLANNING_ESTIMATE_H
#define PB_PLANNING_ESTIMATE_H

#include "planning/chain.h"
#include "planning/predicted.h"

/* Share of the unpruned network's MACs that a pruning leaves: exact for a target in MACs, else as widths shrink on both
 * sides. */
double pb_macs_left(const struct pb_target *target);

/* forward: MACs of the unpruned network on one image. */
uint64_t pb_training_macs(const struct pb_train_spec *spec, struct pb_data_counts counts, double forward);
/* Of the training that the stage is, or of its piece, a part of one counted as a whole; 0: it is none. */
uint32_t pb_stage_epochs(const struct pb_estimate *estimate, const struct pb_link *link);
uint64_t pb_stage_macs(const struct pb_estimate *estimate, const struct pb_link *link, double forward);
/* PB_ERROR_INPUT for a piece of a training that the training does not have. */
PB_MUST_CHECK enum pb_status pb_stage_check(const struct pb_estimate *estimate, const struct pb_link *link,
                                            struct pb_error *error);

/*
 * The most that is in memory while the stage is made and what it made is evaluated: networks, engines, batches. Beside
 * it: the program, its libraries, lists of samples, images that are being decoded. What a pruning will have left is only
 * known by its share; the network is counted as one whose layers all shrank alike.
 */
PB_MUST_CHECK enum pb_status pb_stage_bytes(const struct pb_estimate *estimate, const struct pb_link *link,
                                            uint64_t *bytes, struct pb_error *error);
#endif
