/* What a stage will cost, predicted before anything runs: multiply-accumulates, and bytes from the plans that would be made. */
#ifndef PB_PLANNING_ESTIMATE_H
#define PB_PLANNING_ESTIMATE_H

#include "planning/chain.h"
#include "settings/suits.h"
#include "graph/cost.h"

/* Networks and engines that were predicted already: many cells have the same. */
struct pb_predicted_network;
struct pb_predicted_engine;
struct pb_estimates {
    struct pb_predicted_network *networks;
    uint32_t network_count;
    struct pb_predicted_engine *engines;
    uint32_t engine_count;
};
void pb_estimates_free(struct pb_estimates *estimates);

/* Where a stage is. */
struct pb_estimate {
    struct pb_estimates *known;
    const struct pb_cell_config *config; /* the cell's, or its pretraining's */
    struct pb_data_counts counts; /* of the data that it uses */
    struct pb_device *device;
    uint32_t threads; /* of the cell */
    uint64_t initial; /* bytes of the parameters that the schedule starts from; they stay */
    /* Shares of the unpruned network's MACs that the stage begins with and ends with. */
    double before, after;
    double teacher; /* the same of a training's teacher; 0: it has none */
    uint32_t layers; /* of the network: convolutions and linear layers */
    const struct pb_train_spec *training; /* whose penalties an engine that trains has; NULL: none */
    bool masked; /* the stage's network has masks of single weights */
    bool loaded; /* a network of an earlier stage is in memory */
};

/* Share of the unpruned network's MACs that a pruning leaves: exact for a target in MACs, else as widths shrink on both
 * sides. */
double pb_macs_left(const struct pb_target *target);

/* forward: MACs of the unpruned network on one image. */
uint64_t pb_training_macs(const struct pb_train_spec *spec, struct pb_data_counts counts, double forward);
uint64_t pb_stage_macs(const struct pb_estimate *estimate, const struct pb_link *link, double forward);
/* PB_ERROR_INPUT for a piece of a training that the training does not have. */
PB_MUST_CHECK enum pb_status pb_stage_check(const struct pb_estimate *estimate, const struct pb_link *link,
                                            struct pb_error *error);

/* Of an unpruned network. */
struct pb_network_sizes {
    struct pb_cost cost;
    uint64_t bytes; /* of its parameters */
    uint32_t layers; /* convolutions and linear layers */
};

/*
 * The most that is in memory while the stage is made and what it made is evaluated: networks, engines, batches. Beside
 * it: the program, its libraries, lists of samples, images that are being decoded. What a pruning will have left is only
 * known by its share; the network is counted as one whose layers all shrank alike.
 */
PB_MUST_CHECK enum pb_status pb_stage_bytes(const struct pb_estimate *estimate, const struct pb_link *link,
                                            uint64_t *bytes, struct pb_error *error);
/* Of the unpruned network: bytes of its parameters, and what it costs. */
PB_MUST_CHECK enum pb_status pb_estimate_network(struct pb_estimates *known, const struct pb_cell_config *config,
                                                 uint32_t classes, struct pb_network_sizes *sizes,
                                                 struct pb_error *error);

#endif
