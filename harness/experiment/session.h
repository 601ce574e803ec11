/* A running cell: what is open, where the chain is, the verbs that do the work. */
#ifndef PB_EXPERIMENT_SESSION_H
#define PB_EXPERIMENT_SESSION_H

#include "experiment/run_options.h"
#include "planning/chain.h"
#include "training/evaluate.h"
#include "stages/stage.h"
#include "training/training.h"
#include "graph/pretrained.h"

/* Where the initial network's weights came from; path NULL: nowhere, it is untrained. */
struct pb_weights {
    char *path, sha256[65];
    struct pb_pretrained_report report;
};

/* What a schedule measured. */
struct pb_trial {
    pb_stage stage;
    const char *split;
    double top1, loss;
    uint64_t images;
};

struct pb_session {
    const struct pb_cell_config *config;
    const struct pb_cell_run_options *options;
    struct pb_store store;
    struct pb_device *device;
    struct pb_data *data;
    struct pb_cache *cache;
    /* Of the pretraining, where the cell has one: its configuration (with the cell's threads; owns nothing) and data. */
    struct pb_cell_config pretraining;
    struct pb_data *pretraining_data;
    struct pb_cache *pretraining_cache;
    struct pb_network *initial; /* what the schedule starts from: untrained, or with pretrained weights */
    struct pb_weights weights;
    struct pb_original original; /* its sizes */
    struct pb_chain chain;
    const struct pb_cell_plan *plan; /* what the schedule asked for when it was planned: the options', or own_plan */
    struct pb_cell_plan own_plan;
    pb_stage making; /* the stage that is being computed or restored */
    pb_stage done; /* the last one that is stored */
    struct pb_network *network; /* that of stage `loaded`; NULL: none is loaded */
    pb_stage loaded;
    struct pb_trial *trials; /* in the order in which they were asked for */
    uint32_t trial_count;
    struct pb_scores scores; /* of the current network, from a score verb; values NULL: none */
    /* Computes the network of a stage again that was dropped; the work's, of which this header knows nothing. */
    enum pb_status (*compute_again)(struct pb_session *session, pb_stage stage, struct pb_network **network,
                                    struct pb_error *error);
    struct pb_error error; /* a verb's failure */
};

void pb_session_close(struct pb_session *session);
/* A stored stage or decoded image turned out damaged after it had been opened: the next session repairs it. */
bool pb_session_is_damaged(const struct pb_session *session);

/*
 * What a verb does when its result is not stored yet. Works on the parent's network of link. *network: the new network,
 * or NULL where the verb changes none. facts: a JSON object that gets what is to be known about the stage.
 */
typedef enum pb_status (*pb_work_function)(struct pb_session *session, const struct pb_link *link,
                                           struct pb_network **network, json_t *facts, struct pb_error *error);
/* Does the work of the chain's current link and stores it, unless it is stored. PB_ERROR_STOPPED: the process was asked to end before it. */
PB_MUST_CHECK enum pb_status pb_session_perform(struct pb_session *session, const struct pb_link *link,
                                                pb_work_function work, struct pb_error *error);

/* The verbs over session. Each is compared with the plan; a schedule that departs from it fails, unless it is adaptive. */
void pb_session_verbs(struct pb_session *session, struct pb_verbs *verbs);
/* After the schedule's last verb: it has done all that it was planned with, and pruned. */
PB_MUST_CHECK enum pb_status pb_session_finish(const struct pb_session *session, struct pb_error *error);

/* The network as a stage left it, the session's: from memory when it is the one loaded, else from the store, or computed again
 * where it was dropped. */
PB_MUST_CHECK enum pb_status pb_session_network(struct pb_session *session, pb_stage stage,
                                                const struct pb_network **network, struct pb_error *error);

/* The scores that a stored score stage holds. */
PB_MUST_CHECK enum pb_status pb_session_scores(struct pb_session *session, pb_stage stage, struct pb_scores *scores,
                                               struct pb_error *error);

/* Accuracy of a stage's network on "test", "validation" or "train"; kept beside the stage. */
PB_MUST_CHECK enum pb_status pb_session_accuracy(struct pb_session *session, pb_stage stage, const char *split,
                                                 struct pb_accuracy *accuracy, struct pb_error *error);

/* How long a stage's network takes for batch images; kept beside the stage, which must be stored. */
PB_MUST_CHECK enum pb_status pb_session_latency(struct pb_session *session, pb_stage stage, uint32_t batch,
                                                uint32_t runs, struct pb_latency *latency, struct pb_error *error);

void pb_session_progress(struct pb_session *session, double share_of_stage, const char *format, ...) PB_PRINTF(3, 4);

#endif
