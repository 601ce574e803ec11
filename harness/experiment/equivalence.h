/* Does the compacted network compute what the masked one does? */
#ifndef PB_EXPERIMENT_EQUIVALENCE_H
#define PB_EXPERIMENT_EQUIVALENCE_H

#include "engine/engine.h"

/* Above this the removal is wrong and the cell fails. */
#define PB_EQUIVALENCE_LIMIT 1e-4

/* max|Δ| / max|logit| of network with keep's removed channels masked, and of compacted, in evaluation mode on images
 * (count×H×W×3). */
PB_MUST_CHECK enum pb_status pb_equivalence(struct pb_device *device, const struct pb_network *network,
                                            const struct pb_channel_groups *groups, const struct pb_keep *keep,
                                            const struct pb_network *compacted, const float *images, uint32_t count,
                                            double *relative, struct pb_error *error);

#endif
