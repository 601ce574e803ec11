/* The chain of verbs that a schedule asks for: handles, names, keys. Planning builds one, running builds the same. */
#ifndef PB_PLANNING_CHAIN_H
#define PB_PLANNING_CHAIN_H

#include "planning/inputs.h"
#include "planning/link.h"

/* Handle h is links[h − 1]. */
struct pb_chain {
    const struct pb_cell_config *config;
    struct pb_inputs inputs; /* since pb_chain_set_inputs */
    char root[65]; /* key of the network that the schedule starts from; "" before pb_chain_set_inputs */
    pb_stage start; /* its handle as a parent: 0, or 1 behind a pretraining, whose own key all data sets share */
    pb_stage baseline; /* the unpruned network, trained in full as the matrix says; 0: none was added */
    struct pb_link *links;
    uint32_t count;
    pb_stage current;
};

/* A pretraining becomes the first link. Links have no keys yet. */
PB_MUST_CHECK enum pb_status pb_chain_start(struct pb_chain *chain, const struct pb_cell_config *config,
                                            struct pb_error *error);
/* Makes the keys of the links that are there; those that are added from here on get theirs at once. */
PB_MUST_CHECK enum pb_status pb_chain_set_inputs(struct pb_chain *chain, const struct pb_inputs *inputs,
                                                 struct pb_error *error);
void pb_chain_free(struct pb_chain *chain);

/*
 * Adds the training of the unpruned network that every result is compared with, beside the schedule's own course: current
 * stays where the schedule starts. A schedule that begins with this very training gets this link for it.
 */
PB_MUST_CHECK enum pb_status pb_chain_add_baseline(struct pb_chain *chain, struct pb_error *error);

/* Each adds one link, makes it current, and points *link at it (valid until the next one is added). Specs are checked. */
PB_MUST_CHECK enum pb_status pb_chain_train(struct pb_chain *chain, const struct pb_train_spec *spec,
                                            const struct pb_link **link, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_score(struct pb_chain *chain, const struct pb_link **link,
                                            struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_prune(struct pb_chain *chain, struct pb_target target,
                                            const struct pb_link **link, struct pb_error *error);
/* channels: per group of the current network. */
PB_MUST_CHECK enum pb_status pb_chain_prune_to(struct pb_chain *chain, const uint32_t *channels, uint32_t count,
                                               const struct pb_link **link, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_mask(struct pb_chain *chain, struct pb_target target, const struct pb_link **link,
                                           struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_reinitialise(struct pb_chain *chain, uint32_t stream, const struct pb_link **link,
                                                   struct pb_error *error);
/* *link: NULL where the matrix has prunings repaired and this one is. */
PB_MUST_CHECK enum pb_status pb_chain_repair(struct pb_chain *chain, const struct pb_link **link,
                                             struct pb_error *error);
/* The stage that the last pruning up to a stage cut: scores, which leave a network as it is, aside. 0 where there is none. */
pb_stage pb_chain_before_pruning(const struct pb_chain *chain, pb_stage stage);
/* The last training on the way to a stage, or behind a rewind to the stage that was gone back to; 0: there is none. */
pb_stage pb_chain_training_before(const struct pb_chain *chain, pb_stage stage);
/* Makes an earlier stage the current one again; adds nothing. */
PB_MUST_CHECK enum pb_status pb_chain_restore(struct pb_chain *chain, pb_stage to, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_recalibrate(struct pb_chain *chain, uint32_t batches, const struct pb_link **link,
                                                  struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_rewind(struct pb_chain *chain, pb_stage to, const struct pb_link **link,
                                             struct pb_error *error);
/*
 * Marks a stage as dropped. *dropped: false, and nothing is marked, where the stage leads to the current one or to one that is not
 * dropped, is the baseline, or comes before the schedule.
 */
PB_MUST_CHECK enum pb_status pb_chain_drop(struct pb_chain *chain, pb_stage stage, bool *dropped,
                                           struct pb_error *error);

/* After the schedule's last verb: PB_ERROR_RUN for a schedule that pruned nothing and does not declare that it only trains. */
PB_MUST_CHECK enum pb_status pb_chain_finish(const struct pb_chain *chain, struct pb_error *error);

/* Key of what a handle's network is stored under: the root's where the schedule starts. */
const char *pb_chain_key(const struct pb_chain *chain, pb_stage stage);
/* The stage is one of those that led to the current network: not one of a branch that the schedule went back from. */
bool pb_chain_leads_to_current(const struct pb_chain *chain, pb_stage stage);
/* The handle of a link of this chain. */
pb_stage pb_chain_handle(const struct pb_chain *chain, const struct pb_link *link);

#endif
