/* What each verb does when its result is not stored yet. */
#ifndef PB_EXPERIMENT_WORK_H
#define PB_EXPERIMENT_WORK_H

#include "experiment/session.h"

/* The facts that say how long the criterion took, and how much memory beyond what the cell held before; the latter may be absent. */
#define PB_FACT_SCORING_SECONDS "scoring_seconds"
#define PB_FACT_SCORING_BYTES "scoring_bytes"

pb_work_function pb_work_of(enum pb_verb_kind verb);

/* On what a training runs. */
struct pb_training {
    const struct pb_cell_config *config;
    const struct pb_data *data;
    struct pb_cache *cache;
    struct pb_teacher teacher; /* of a link that distils */
};
/* Trains *network as link asks, in place (it may be replaced). */
PB_MUST_CHECK enum pb_status pb_work_training(struct pb_session *session, const struct pb_link *link,
                                              const struct pb_training *training, struct pb_network **network,
                                              json_t *facts, struct pb_error *error);

#endif
