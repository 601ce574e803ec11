/* Does the compacted network compute what the masked one does? */
#ifndef PB_PRUNE_EQUIVALENCE_H
#define PB_PRUNE_EQUIVALENCE_H

#include "engine/engine.h"

/* Above this the removal is wrong and the cell fails. */
#define PB_EQUIVALENCE_LIMIT 1e-4

/* max|Δ| / max|logit| of network with keep's removed channels masked, and of compacted, in evaluation mode on images
 * (count×H×W×3). */
PB_MUST_CHECK enum pb_status pb_equivalence(struct pb_device *device, const struct pb_network *network,
                                            const struct pb_channel_groups *groups, const struct pb_keep *keep,
                                            const struct pb_network *compacted, const float *images, uint32_t count,
                                            double *relative, struct pb_error *error);

enum { PB_REMOVAL_CHECK_BATCH = 32 }; /* images on which a compacted network is compared with the masked one, at most */

/* How many that are: validation's, or training's where there are none. */
static inline uint32_t pb_removal_check_images(uint32_t validation, uint32_t train)
{
    const uint32_t available = validation ? validation : train;
    return available < PB_REMOVAL_CHECK_BATCH ? available : PB_REMOVAL_CHECK_BATCH;
}

#endif
