/* Soft pruning's mask: chosen after every epoch, applied to the network, not removed. */
#ifndef PB_TRAINING_SOFT_MASK_H
#define PB_TRAINING_SOFT_MASK_H

#include <jansson.h>

#include "training/calibrate.h"

struct pb_soft {
    struct pb_channel_groups groups;
    struct pb_keep keep; /* the last epoch's mask; keep NULL before the first */
    uint32_t masked; /* channels that it masks */
    uint32_t revived; /* channels of the mask before that it no longer masks */
};

/* Does nothing to a spec without masks. state: what pb_soft_to_json gave, to resume; or NULL. */
PB_MUST_CHECK enum pb_status pb_soft_start(struct pb_soft *soft, const struct pb_network *network, const json_t *state,
                                           struct pb_error *error);
/* Chooses the mask for the spec's target after an epoch (counted from 1) and zeroes what it masks, as the spec's soft_zero
 * says. */
PB_MUST_CHECK enum pb_status pb_soft_mask(struct pb_soft *soft, const struct pb_train_job *job, uint32_t epoch,
                                          struct pb_network *network, struct pb_error *error);
/* Which channels have nothing but zeros in what a mask zeroes, as the last mask left them: keep false. how: enum pb_soft_zero. */
PB_MUST_CHECK enum pb_status pb_soft_zeroed(const struct pb_network *network, const struct pb_channel_groups *groups,
                                            uint32_t how, struct pb_keep *zeroed, struct pb_error *error);
/* The share that is masked after an epoch (counted from 1), as the spec's soft_growth says. */
double pb_soft_share(const struct pb_train_spec *spec, uint32_t epoch);
/* The draw of the network that a training with masks left: what is removed at its end is what its last mask zeroed, also where
 * the mask was drawn. rows: the training's; the best epoch's network is returned, or the last one's. */
struct pb_draw pb_soft_draw(const struct pb_train_spec *spec, uint32_t depth, const json_t *rows);
json_t *pb_soft_to_json(const struct pb_soft *soft);
/* The last epoch's mask as struct pb_epoch_record keeps it; json null before the first. NULL when memory is out. */
json_t *pb_soft_mask_to_json(const struct pb_soft *soft);
void pb_soft_free(struct pb_soft *soft);

#endif
