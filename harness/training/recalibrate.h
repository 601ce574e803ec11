/* Batch norm's running statistics afresh. */
#ifndef PB_TRAINING_RECALIBRATE_H
#define PB_TRAINING_RECALIBRATE_H

#include "data/data.h"
#include "engine/engine.h"

/* The plain mean of the statistics of count batches (0: one pass), as PyTorch's BN with momentum = None. All else stays. */
PB_MUST_CHECK enum pb_status pb_recalibrate(struct pb_device *device, struct pb_batches *batches, uint32_t count,
                                            uint32_t batch, struct pb_network *network, struct pb_error *error);

#endif
