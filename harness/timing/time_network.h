/* How long a network takes for one batch: its widths decide, not its values. */
#ifndef PB_TIMING_TIME_NETWORK_H
#define PB_TIMING_TIME_NETWORK_H

#include "base/load.h"
#include "engine/engine.h"
#include "results/record.h"

/* At least `runs` forward passes of batch images. *row: batch, threads, runs and times in milliseconds, and whether they are noisy;
 * reason: why they are, or "". */
PB_MUST_CHECK enum pb_status pb_time_network(struct pb_device *device, const struct pb_network *network, uint32_t batch,
                                             uint32_t runs, struct pb_latency_record *row, char reason[PB_LOAD_REASON],
                                             struct pb_error *error);

#endif
