/* One link of a chain: a verb with its arguments, and the key of what it makes. */
#ifndef PB_PLANNING_LINK_H
#define PB_PLANNING_LINK_H

#include <prunebench/schedule.h>

#include "settings/config.h"

enum pb_verb_kind {
    PB_VERB_TRAIN,
    PB_VERB_SCORE,
    PB_VERB_PRUNE,
    PB_VERB_RECALIBRATE,
    PB_VERB_REWIND,
    PB_VERB_REINITIALISE,
    PB_VERB_REPAIR,
    PB_VERB_PRETRAIN, /* the host's own, before the schedule begins */
    PB_VERB_MASK,
};

struct pb_link {
    char key
        [65]; /* what its result is stored under, equal for two cells exactly when they share it; "" while planning */
    char arguments[65]; /* digest of the verb and of what it was asked for, but for the stages that it builds on */
    char name[48]; /* "pretrain", "base", "score", "prune-40", "mask-90", "retrain-40", "soft-40" */
    enum pb_verb_kind verb;
    pb_stage parent; /* handle; 0: the untrained network */
    pb_stage to; /* the other stage that it builds on: that of a rewind, a training's teacher that is no file; else 0 */
    uint32_t depth; /* links from the untrained network to this one */
    struct pb_train_spec spec; /* train */
    uint32_t training_depth; /* train: depth of the training's first piece, which seeds all of it */
    struct pb_target target; /* prune, mask, and soft training's mask */
    uint32_t *channels; /* prune_to: per group, channel_count of them; else NULL */
    uint32_t channel_count;
    enum pb_repair_rule repair; /* repair: never PB_REPAIR_NONE */
    uint32_t stream; /* reinitialise */
    uint32_t batches; /* recalibrate */
    bool pruned; /* this link or one before it pruned or masked */
    struct pb_target removed; /* target of the last prune up to this link; amount 0 where it was given per group */
    double masked; /* share of the weights that the last mask up to this link asked for; 0: none */
    /* Amount of the last prune or mask, for the names of what follows; 0 where it was given per group or by a threshold. */
    double cut;
    bool dropped; /* nothing needs its network any more */
};

/* A training whose teacher is the matrix's file. */
bool pb_link_learns_from_file(const struct pb_link *link);

/* Fills link->arguments: the one place that says what of a link decides its result. */
PB_MUST_CHECK enum pb_status pb_link_digest_arguments(struct pb_link *link, const struct pb_cell_config *config,
                                                      struct pb_error *error);
/* Fills link->key from its arguments and the keys of the stages that it builds on; to: that of link->to, the SHA-256 of the teacher's
 * file, or NULL. */
void pb_link_make_key(struct pb_link *link, const char *parent, const char *to);

#endif
