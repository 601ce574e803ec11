/* What each verb does when its result is not stored yet. */
#ifndef PB_EXPERIMENT_WORK_H
#define PB_EXPERIMENT_WORK_H

#include "experiment/session.h"

enum { PB_REMOVAL_CHECK_BATCH = 32 }; /* images on which a compacted network is compared with the masked one, at most */

/* How many that are: validation's, or training's where there are none. */
static inline uint32_t pb_removal_check_images(uint32_t validation, uint32_t train)
{
    const uint32_t available = validation ? validation : train;
    return available < PB_REMOVAL_CHECK_BATCH ? available : PB_REMOVAL_CHECK_BATCH;
}

enum pb_status pb_work_train(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                             json_t *facts, struct pb_error *error);
/* On what a training runs. */
struct pb_training {
    const struct pb_cell_config *config;
    const struct pb_data *data;
    struct pb_cache *cache;
};
/* Trains *network as link asks, in place (it may be replaced). */
PB_MUST_CHECK enum pb_status pb_work_training(struct pb_session *session, const struct pb_link *link,
                                              const struct pb_training *training, struct pb_network **network,
                                              json_t *facts, struct pb_error *error);
enum pb_status pb_work_score(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                             json_t *facts, struct pb_error *error);
enum pb_status pb_work_prune(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                             json_t *facts, struct pb_error *error);
enum pb_status pb_work_recalibrate(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                   json_t *facts, struct pb_error *error);
enum pb_status pb_work_rewind(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                              json_t *facts, struct pb_error *error);

#endif
