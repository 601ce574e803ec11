/* One life of a criterion: created, shown the network, asked for layers, destroyed. */
#ifndef PB_PRUNE_CRITERION_RUN_H
#define PB_PRUNE_CRITERION_RUN_H

#include "plugin/criterion_data.h"
#include "prune/network_shown.h"
#include "prune/prune.h"
#include "prune/relevance.h"

struct pb_criterion_run {
    struct pb_host_services host;
    const struct pb_criterion *criterion;
    const char *name;
    void *self;
    uint32_t data; /* what it needs and uses */
    bool unobserved; /* it is shown no batch, and no rows: calibration is NULL */
    bool weights; /* it scores single weights, and sees every layer that has some */
    const struct pb_network *network;
    const struct pb_channel_groups *groups;
    const struct pb_calibration *calibration;
    struct pb_prunable_layers layers;
    struct pb_network_source source;
    struct pb_network_copies *copies;
    struct pb_shown shown; /* of the current layer */
    struct pb_observed_rows *rows; /* NULL where none are asked for */
    float *mean_gradients; /* of all parameters, at their offsets; NULL until they are accumulated */
    struct pb_relevance *relevance; /* NULL where it is not asked for */
    double *flow; /* of all weights, at the parameters' offsets; NULL where it is not asked for */
    struct pb_engine *engine;
    uint32_t engine_batch;
    const struct pb_network *point; /* whose values the engine computes with: network, or one beside it */
    struct pb_guarded logits_view, logits, labels, derivative; /* of the hook objective_grad */
    struct pb_error *error; /* of every function below */
};

/* Checks what it needs, creates it, lets it prepare. run must not be moved; close it also after a failure. */
PB_MUST_CHECK enum pb_status pb_criterion_open(struct pb_criterion_run *run, const struct pb_loaded *loaded,
                                               const struct pb_options *options, const struct pb_network *network,
                                               const struct pb_channel_groups *groups,
                                               const struct pb_calibration *calibration, struct pb_error *error);
/* The same, for a scoring of single weights. */
PB_MUST_CHECK enum pb_status pb_criterion_open_weights(struct pb_criterion_run *run, const struct pb_loaded *loaded,
                                                       const struct pb_options *options,
                                                       const struct pb_network *network,
                                                       const struct pb_channel_groups *groups,
                                                       const struct pb_calibration *calibration,
                                                       struct pb_error *error);
/* The same, for a criterion that will observe nothing, whatever it asks for. */
PB_MUST_CHECK enum pb_status pb_criterion_open_unobserved(struct pb_criterion_run *run, const struct pb_loaded *loaded,
                                                          const struct pb_options *options,
                                                          const struct pb_network *network,
                                                          const struct pb_channel_groups *groups, bool weights,
                                                          struct pb_error *error);
/* status: of what came before; a failure of the criterion's while it is destroyed counts where that is PB_OK. */
PB_MUST_CHECK enum pb_status pb_criterion_close(struct pb_criterion_run *run, enum pb_status status);

/* A layer as it is outside of batches, with the mean gradients where they are accumulated and asked for. */
struct pb_layer_view pb_criterion_layer(const struct pb_criterion_run *run, uint32_t layer);
/* Around every call of a hook that is shown a layer. enter: *shown is the view for the plugin. status: the hook's. */
PB_MUST_CHECK enum pb_status pb_criterion_enter(struct pb_criterion_run *run, const char *hook,
                                                const struct pb_layer_view *view, const struct pb_layer_view **shown);
PB_MUST_CHECK enum pb_status pb_criterion_leave(struct pb_criterion_run *run, enum pb_status status);
/* Where times are added, NULL where the scoring is not timed; and now, by its clock. */
struct pb_scoring_times *pb_criterion_times(const struct pb_criterion_run *run);
double pb_criterion_clock(const struct pb_criterion_run *run);
/* After a hook that writes into array: it has not written beside it. where: "layer 'conv1' in repair". */
PB_MUST_CHECK enum pb_status pb_criterion_check_beside(const struct pb_criterion_run *run,
                                                       const struct pb_guarded *array, const char *where);

/* Calls score for a layer, or score_weights. The scores are then in run->shown.scores, until the next one: one for each channel, or
 * each weight, and finite. */
PB_MUST_CHECK enum pb_status pb_criterion_score(struct pb_criterion_run *run, uint32_t layer);

#endif
