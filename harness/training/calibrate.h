/* What a training and a scoring run on, and the cell's criterion at work on its calibration batches. */
#ifndef PB_TRAINING_CALIBRATE_H
#define PB_TRAINING_CALIBRATE_H

#include "data/data.h"
#include "prune/masking.h"
#include "prune/repair_mean.h"
#include "settings/config.h"

/* Where a piece of a training begins, or ended: so many epochs and steps behind the training's beginning. */
struct pb_reached {
    uint32_t epoch, step;
    double loss, lr; /* of the steps of the epoch that has begun: sum of the losses, first rate */
    uint64_t images, correct;
};

/* A trained network that a training learns from. */
struct pb_teacher {
    const struct pb_network *network;
    const char *name; /* that the record has: of its stage, or of the content of its file */
    const char *file; /* that it was read from; NULL: it is a stage */
};

struct pb_train_job {
    const struct pb_cell_config *config;
    const struct pb_train_spec *spec;
    struct pb_device *device;
    const struct pb_data *data;
    struct pb_cache *cache;
    const struct pb_original *original; /* sizes of the unpruned network, for soft targets */
    uint64_t seed; /* of order, augmentation, dropout */
    uint32_t depth; /* of the stage in its chain: with the epoch it says which random masks are drawn */
    /* In: where it begins, or all zeros; out, where it ended. NULL: at the beginning. */
    struct pb_reached *reached;
    struct pb_teacher teacher; /* network NULL: the spec asks for none */
    const char *partial; /* folder for the last epoch's state */
    void (*progress)(void *argument, uint32_t epoch, uint32_t epochs); /* may be NULL */
    void *argument;
};

/* Scores network with the cell's criterion (running calibration where it asks for it). */
PB_MUST_CHECK enum pb_status pb_score_for(const struct pb_train_job *job, const struct pb_network *network,
                                          const struct pb_channel_groups *groups, struct pb_draw draw,
                                          struct pb_scores *scores, struct pb_error *error);
/* Masks a share of the weights of network, a copy of before, by the cell's criterion, which may repair what is left. */
PB_MUST_CHECK enum pb_status pb_mask_for(const struct pb_train_job *job, double share, const struct pb_network *before,
                                         struct pb_network *network, struct pb_masking *masking,
                                         struct pb_error *error);
/* Scores single weights. */
PB_MUST_CHECK enum pb_status pb_score_weights_for(const struct pb_train_job *job, const struct pb_network *network,
                                                  const struct pb_channel_groups *groups,
                                                  struct pb_weight_scores *scores, struct pb_error *error);
/* Repairs network against what it was cut from. */
PB_MUST_CHECK enum pb_status pb_repair_for(const struct pb_train_job *job, enum pb_repair_rule rule,
                                           const struct pb_network *before, struct pb_network *network,
                                           struct pb_repaired **repaired, uint32_t *count, struct pb_error *error);
/* For a criterion that selects: replaces what pb_rank chose by its own choice; does nothing for others. */
PB_MUST_CHECK enum pb_status pb_select_for(const struct pb_train_job *job, const struct pb_network *network,
                                           const struct pb_channel_groups *groups, const struct pb_ranking *ranking,
                                           struct pb_pruning *pruning, struct pb_error *error);

#endif
