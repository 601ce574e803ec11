/* Learning-rate policies. */
#ifndef PB_TRAINING_LR_H
#define PB_TRAINING_LR_H

#include <prunebench/schedule.h>

/* State of a policy between epochs; plain numbers, so that a stopped training resumes from it. */
struct pb_lr {
    double base; /* plateau: the rate as reduced so far */
    double best; /* best accuracy seen; below 0 at first */
    uint32_t bad_epochs; /* plateau: since the last improvement or reduction */
    uint32_t stale; /* early stop: epochs since the last improvement */
};

void pb_lr_start(struct pb_lr *state, const struct pb_train_spec *spec);

/* For a training that continues where another ended: the rate that was reached stays; what was best does not, for the network
 * may have been pruned in between, and an early stop of that training must not stop this one. */
void pb_lr_continue(struct pb_lr *state);

/* The rate at epoch (0-based) plus share (0 … 1) of it done. Warm-up rises linearly to what the policy says. */
double pb_lr_at(const struct pb_lr *state, const struct pb_train_spec *spec, uint32_t epoch, double share);

/*
 * Takes in the accuracy after an epoch (higher is better). Plateau, as PyTorch's ReduceLROnPlateau(mode = max,
 * relative threshold): an epoch is good when accuracy > best·(1 + threshold); after more than patience bad ones in a row the
 * rate becomes max(rate·factor, min).
 */
void pb_lr_observe(struct pb_lr *state, const struct pb_train_spec *spec, double accuracy);

/* early_stop epochs have brought no improvement. */
bool pb_lr_exhausted(const struct pb_lr *state, const struct pb_train_spec *spec);

#endif
