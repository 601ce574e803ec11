/* Networks and engines as they will be, predicted once for all cells that have the same. */
#ifndef PB_PLANNING_PREDICTED_H
#define PB_PLANNING_PREDICTED_H

#include "engine/engine.h"
#include "graph/cost.h"
#include "settings/suits.h"

/* Networks and engines that were predicted already: many cells have the same. */
struct pb_predicted_network;
struct pb_predicted_engine;
struct pb_predicted_products;
struct pb_estimates {
    struct pb_predicted_network *networks;
    uint32_t network_count;
    struct pb_predicted_engine *engines;
    uint32_t engine_count;
    struct pb_predicted_products *products;
    uint32_t products_count;
};
void pb_estimates_free(struct pb_estimates *estimates);

/* The network of a teacher's file. */
struct pb_known_teacher {
    char *path;
    struct pb_graph *graph; /* NULL: it was refused */
    uint64_t macs; /* on one image */
    struct pb_error refusal;
};

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
    double teacher; /* the same of the stage that is a training's teacher; 0: there is none */
    const struct pb_known_teacher *teacher_file; /* the cell's; NULL: it has none, or the file is not here */
    uint32_t layers; /* of the network: convolutions and linear layers */
    const struct pb_train_spec *training; /* whose penalties an engine that trains has; NULL: none */
    uint32_t products; /* Hessian products that the criterion will ask for; pb_predict_products */
    bool masked; /* the stage's network has masks of single weights */
    bool loaded; /* a network of an earlier stage is in memory */
};

/* Of an unpruned network. */
struct pb_network_sizes {
    struct pb_cost cost;
    uint64_t bytes; /* of its parameters */
    uint32_t layers; /* convolutions and linear layers */
};

/* Of the unpruned network: bytes of its parameters, and what it costs. */
PB_MUST_CHECK enum pb_status pb_estimate_network(struct pb_estimates *known, const struct pb_cell_config *config,
                                                 uint32_t classes, struct pb_network_sizes *sizes,
                                                 struct pb_error *error);

/* Of a network of which a share of the MACs is left, all layers narrowed alike. */
struct pb_predicted {
    struct pb_engine_memory engine;
    uint64_t penalties; /* bytes of those of estimate->training, where the engine trains */
    uint64_t layer_values; /* bytes of the largest activation of a layer, one image */
    uint64_t relevance; /* bytes to compute that of a batch */
    uint64_t flow; /* bytes to compute synaptic flow */
};
PB_MUST_CHECK enum pb_status pb_predict_engine(const struct pb_estimate *estimate, double left,
                                               enum pb_engine_mode mode, uint32_t batch, struct pb_predicted *found,
                                               struct pb_error *error);
/* How many Hessian products the cell's criterion will ask for. weights: where it scores single weights. */
PB_MUST_CHECK enum pb_status pb_predict_products(const struct pb_estimate *estimate, double left, bool weights,
                                                 uint32_t *count, struct pb_error *error);
/* What the cell's criterion asks for: enum pb_criterion_data. */
uint32_t pb_estimate_data(const struct pb_cell_config *config);

#endif
