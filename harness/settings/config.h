/* One cell, resolved: everything that decides what it computes. The matrix fills it; the experiment runs it. */
#ifndef PB_SETTINGS_CONFIG_H
#define PB_SETTINGS_CONFIG_H

#include "data/data.h"
#include "graph/models.h"
#include "prune/prune.h"

/* A plugin as a cell uses it. */
struct pb_choice {
    char *label;
    const struct pb_loaded *loaded; /* the registry's */
    struct pb_options options;
};

/* A target, and the retraining that follows it. */
struct pb_cell_round {
    struct pb_target target;
    struct pb_train_spec retraining;
};

/* What is done behind every pruning to the layers that lost inputs. */
enum pb_repair_rule {
    PB_REPAIR_NONE, /* nothing, unless the schedule asks for the criterion's own repair */
    PB_REPAIR_CRITERION, /* the criterion's own (its hook repair) */
    PB_REPAIR_MEAN, /* prune/repair_mean.h */
};

struct pb_cell_config {
    char *id; /* "birds.vgg16-bcnn.bn-scale.one-shot.blis.plain.r40.s1": unique in the matrix, a file name */
    char *matrix_name;
    char matrix_sha256[65];

    struct pb_choice dataset, criterion, schedule, backend; /* criterion.loaded NULL: the schedule only trains */
    struct pb_choice *penalties; /* the matrix's, in its order: places PB_PENALTY_PLUGINS … of a training's list */
    uint32_t penalty_count;
    char *dataset_root;
    char *variant_label; /* "" when the matrix has no variants */
    char *target_label; /* "r40" */
    char *model_label;
    uint64_t seed;

    struct pb_model_spec
        model; /* name from pb_calloc; widths too; classes are filled from the data set when it is opened */
    char *pretrained; /* file, or NULL */
    char *teacher; /* checkpoint that the retraining of one or more rounds learns from, or NULL */
    /*
     * How the run itself trains the trunk first, on another data set; NULL: it does not. Of this configuration hold
     * data set, root, model, seed and all that decides a training; the cell's backend and threads run it, and
     * everything else is empty. dataset.label is the pretraining's own.
     */
    struct pb_cell_config *pretraining;

    struct pb_preprocess preprocess;
    struct pb_split_spec split;
    uint32_t batch;
    uint32_t evaluate_batch;
    bool select_on_test; /* selection="test": as in some published protocols; marked wherever its numbers show */

    struct pb_train_spec training; /* of the base model, λ included */
    struct pb_cell_round *rounds; /* the matrix's targets up to the cell's own, with their retraining */
    uint32_t round_count;

    struct pb_ranking ranking;
    enum pb_coupling coupling;
    enum pb_repair_rule repair;
    bool scope_given, normalise_given, coupling_given; /* else the criterion's own default */
    uint32_t calibration_batches, calibration_batch;

    /* How it is run, not what it computes. */
    uint32_t threads;
    uint32_t latency_batch, latency_runs; /* beside batch 1 */
    double time_limit; /* seconds; 0: none */
    uint64_t memory_limit; /* bytes; 0: none */
    bool keep_stages; /* keep every stage, not only the shared ones and the last */
};

void pb_cell_config_free(struct pb_cell_config *config);

#endif
