/* The host's own penalties, λ·|γ| on batch norms: all but the trunk's last, and that one (Liu 2017). */
#ifndef PB_TRAINING_NORM_PENALTIES_H
#define PB_TRAINING_NORM_PENALTIES_H

#include <prunebench/penalty.h>

extern const struct pb_penalty pb_norm_penalty, pb_last_norm_penalty;

#endif
