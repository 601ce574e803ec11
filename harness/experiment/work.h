/* What each verb does when its result is not stored yet. */
#ifndef PB_EXPERIMENT_WORK_H
#define PB_EXPERIMENT_WORK_H

#include "experiment/session.h"

/*
 * Works on the parent's network of link, the chain's last. *network: the new network, or NULL where the verb changes none.
 * facts: a JSON object that gets what is to be known about the stage.
 */
typedef enum pb_status (*pb_work_function)(struct pb_session *session, const struct pb_link *link,
                                           struct pb_network **network, json_t *facts, struct pb_error *error);

enum pb_status pb_work_train(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
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
