/* A running cell: what is open, where the chain stands, the verbs that do the work. */
#ifndef PB_EXPERIMENT_SESSION_H
#define PB_EXPERIMENT_SESSION_H

#include "experiment/chain.h"
#include "experiment/evaluate.h"
#include "experiment/stage.h"
#include "experiment/train.h"

struct pb_session {
    const struct pb_cell_config *config;
    const struct pb_cell_run_options *options;
    struct pb_store store;
    struct pb_device *device;
    struct pb_data *data;
    struct pb_cache *cache;
    struct pb_network *initial; /* the untrained network */
    struct pb_original original; /* its sizes */
    struct pb_chain chain;
    uint32_t planned; /* verbs that the plan has */
    struct pb_network *network; /* that of stage `loaded`; NULL: none is loaded */
    pb_stage loaded;
    struct pb_scores scores; /* of the current network, from a score verb; values NULL: none */
    struct pb_error error; /* a verb's failure */
};

/* Opens data set, cache, backend and the untrained network; plans the chain. */
PB_MUST_CHECK enum pb_status pb_session_open(struct pb_session *session, const struct pb_cell_config *config,
                                             const struct pb_cell_run_options *options, struct pb_error *error);
void pb_session_close(struct pb_session *session);

/* The verbs over session. */
void pb_session_verbs(struct pb_session *session, struct pb_verbs *verbs);

/* The network as a stage left it, the session's: from memory when it is the one loaded, else from the store. */
PB_MUST_CHECK enum pb_status pb_session_network(struct pb_session *session, pb_stage stage,
                                                const struct pb_network **network, struct pb_error *error);

/* Accuracy of a stage's network on "test", "validation" or "train"; kept beside the stage. */
PB_MUST_CHECK enum pb_status pb_session_accuracy(struct pb_session *session, pb_stage stage, const char *split,
                                                 struct pb_accuracy *accuracy, struct pb_error *error);

void pb_session_progress(struct pb_session *session, double share_of_stage, const char *format, ...) PB_PRINTF(3, 4);

#endif
