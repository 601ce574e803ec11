/* Criteria that come with the harness, loaded as plugins: run by the harness on a network, or fed with views made by hand. */
#ifndef PB_TEST_BUILT_CRITERION_H
#define PB_TEST_BUILT_CRITERION_H

#include "plugin/host.h"
#include "prune/masking.h"
#include "prune/prune.h"
#include "prune/repair.h"

/* options: "distance=l1", several apart by blanks; "" for none. */
PB_MUST_CHECK enum pb_status built_score(const char *name, const char *options, const struct pb_network *network,
                                         const struct pb_calibration *calibration, struct pb_scores *scores,
                                         struct pb_error *error);
PB_MUST_CHECK enum pb_status built_score_weights(const char *name, const char *options,
                                                 const struct pb_network *network,
                                                 const struct pb_calibration *calibration,
                                                 struct pb_weight_scores *scores, struct pb_error *error);

/* *masked: a copy of the network of which this share of weights is masked, and repaired where the criterion does that. */
PB_MUST_CHECK enum pb_status built_mask(const char *name, const char *options, const struct pb_network *network,
                                        const struct pb_calibration *calibration, const struct pb_ranking *ranking,
                                        double share, struct pb_network **masked, struct pb_masking *masking,
                                        struct pb_error *error);

/* remove: how many channels go of each group. keep: all true, and then what is left. */
PB_MUST_CHECK enum pb_status built_select(const char *name, const char *options, const struct pb_network *network,
                                          const struct pb_calibration *calibration, const uint32_t *remove,
                                          struct pb_keep *keep, struct pb_error *error);
PB_MUST_CHECK enum pb_status built_repair(const char *name, const char *options, const struct pb_network *before,
                                          struct pb_network *network, const struct pb_calibration *calibration,
                                          struct pb_repaired **repaired, uint32_t *count, struct pb_error *error);

/* A criterion from create to destroy, in the place of whose host the test is. All layers make one group, which nothing reads. */
struct fed {
    const struct pb_criterion *criterion;
    struct pb_options options;
    struct pb_host_services host;
    void *self;
    struct pb_layer_view *layers;
    struct pb_network_view network;
    struct pb_group_view group;
    uint32_t producers[4];
};

/* layers: the test's, at most four; what it leaves at 0 of sizes and names is filled in. They may change between the calls. */
void fed_open(struct fed *fed, const char *name, const char *options, struct pb_layer_view *layers, uint32_t count);
/* Each layer of a batch. */
void fed_observe(struct fed *fed);
/* Every Hessian product that is asked for, of the weights of all layers one after another. hessian: row by row; the mean gradient is in
 * the layers' weight_grad. Returns how many there were. */
uint32_t fed_products(struct fed *fed, const double *hessian);
/* One score for each channel or weight of a layer. */
void fed_score(struct fed *fed, uint32_t layer, double *scores);
void fed_score_weights(struct fed *fed, uint32_t layer, double *scores);
/* The hook repair_weights. masked: 0 or 1 for each weight; weight: becomes the layer's, 0 where masked and repaired elsewhere. */
void fed_repair_weights(struct fed *fed, uint32_t layer, const unsigned char *masked, float *weight);
void fed_close(struct fed *fed);

/* Equal within 1e-6, relative; exactly where expected is 0. */
void assert_scores(const double *scores, const double *expected, size_t count);

#endif
