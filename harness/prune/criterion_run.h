/* One life of a criterion: created, shown the network and the calibration batches, asked for layers, destroyed. */
#ifndef PB_PRUNE_CRITERION_RUN_H
#define PB_PRUNE_CRITERION_RUN_H

#include "prune/network_shown.h"
#include "prune/prune.h"

struct pb_criterion_run {
    struct pb_host_services host;
    const struct pb_criterion *criterion;
    const char *name;
    void *self;
    uint32_t data; /* what it needs and uses */
    const struct pb_network *network;
    const struct pb_channel_groups *groups;
    const struct pb_calibration *calibration;
    struct pb_prunable_layers layers;
    struct pb_network_source source;
    struct pb_network_copies *copies;
    struct pb_shown shown; /* of the layer in hand */
    struct pb_engine *engine;
    uint32_t engine_batch;
    struct pb_error *error; /* of every function below */
};

/* Whether it looks at calibration batches. */
bool pb_criterion_observes(const struct pb_criterion *criterion);

/* Checks what it needs, creates it, lets it prepare. run must not be moved; close it also after a failure. */
PB_MUST_CHECK enum pb_status pb_criterion_open(struct pb_criterion_run *run, const struct pb_loaded *loaded,
                                               const struct pb_options *options, const struct pb_network *network,
                                               const struct pb_channel_groups *groups,
                                               const struct pb_calibration *calibration, struct pb_error *error);
/* Shows it the calibration batches, where it looks at them. */
PB_MUST_CHECK enum pb_status pb_criterion_observe(struct pb_criterion_run *run);
/* status: of what came before; a failure of the criterion's while it is destroyed counts where that is PB_OK. */
PB_MUST_CHECK enum pb_status pb_criterion_close(struct pb_criterion_run *run, enum pb_status status);

/* Calls score for a layer. The scores are then in run->shown.scores, until the next one: one for each channel, and finite. */
PB_MUST_CHECK enum pb_status pb_criterion_score(struct pb_criterion_run *run, uint32_t layer);

#endif
