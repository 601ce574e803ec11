/* The chain of verbs that a schedule asks for: handles, names, keys. Planning builds one, running builds the same. */
#ifndef PB_PLANNING_CHAIN_H
#define PB_PLANNING_CHAIN_H

#include "planning/cell_plan.h"

struct pb_link {
    char key[65];
    char plan_key
        [65]; /* the same without what only a worker knows: equal for two cells exactly when they share the stage */
    char name[48];
    enum pb_verb_kind verb;
    pb_stage parent; /* handle; 0: the untrained network */
    uint32_t depth; /* links from the untrained network to this one */
    struct pb_train_spec spec; /* train */
    struct pb_target target; /* prune, and soft training's mask */
    uint32_t *channels; /* prune_to: per group, channel_count of them; else NULL */
    uint32_t channel_count;
    uint32_t stream; /* reinitialise */
    bool pruned; /* this link or one before it pruned */
    struct pb_target removed; /* target of the last prune up to this link; amount 0 where it was given per group */
    uint32_t batches; /* recalibrate */
    pb_stage to; /* rewind */
};

/* Start it zeroed but for config. Handle h is links[h − 1]. */
struct pb_chain {
    const struct pb_cell_config *config;
    char root[65], plan_root[65]; /* keys of the network that the schedule starts from */
    pb_stage start; /* its handle as a parent: 0, or 1 behind a pretraining, whose own key all data sets share */
    pb_stage baseline; /* the unpruned network, trained in full as the matrix says; 0: none was added */
    struct pb_link *links;
    uint32_t count;
    pb_stage current;
};

/* What only a worker knows (fingerprint, kernel set), of the cell and of its pretraining; part of every key. */
struct pb_chain_details {
    const char *cell, *pretraining;
};
/* details: NULL while planning. A pretraining becomes the first link. */
PB_MUST_CHECK enum pb_status pb_chain_start(struct pb_chain *chain, const struct pb_cell_config *config,
                                            const struct pb_chain_details *details, struct pb_error *error);
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
PB_MUST_CHECK enum pb_status pb_chain_reinitialise(struct pb_chain *chain, uint32_t stream, const struct pb_link **link,
                                                   struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_repair(struct pb_chain *chain, const struct pb_link **link,
                                             struct pb_error *error);
/* The stage that the last pruning up to a stage cut: scores, which leave a network as it is, aside. 0 where there is none. */
pb_stage pb_chain_before_pruning(const struct pb_chain *chain, pb_stage stage);
/* Makes an earlier stage the current one again; adds nothing. */
PB_MUST_CHECK enum pb_status pb_chain_restore(struct pb_chain *chain, pb_stage to, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_recalibrate(struct pb_chain *chain, uint32_t batches, const struct pb_link **link,
                                                  struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_chain_rewind(struct pb_chain *chain, pb_stage to, const struct pb_link **link,
                                             struct pb_error *error);

/* After the schedule's last verb: PB_ERROR_RUN for a schedule that pruned nothing and does not declare that it only trains. */
PB_MUST_CHECK enum pb_status pb_chain_finish(const struct pb_chain *chain, struct pb_error *error);

/* Key of what a handle's network is stored under: the root's where the schedule starts. */
const char *pb_chain_key(const struct pb_chain *chain, pb_stage stage);
/* The stage is one of those that led to the current network: not one of a branch that the schedule went back from. */
bool pb_chain_leads_to_current(const struct pb_chain *chain, pb_stage stage);
/* The handle of a link of this chain. */
pb_stage pb_chain_handle(const struct pb_chain *chain, const struct pb_link *link);

/*
 * The chain that the cell's schedule asks for when its verbs only add links (plan.c). *open: the schedule is adaptive and
 * has asked for a measurement, so that only the links before it are there.
 */
PB_MUST_CHECK enum pb_status pb_plan_chain(const struct pb_cell_config *config, struct pb_chain *chain, bool *open,
                                           struct pb_error *error);

/* Creates the cell's schedule, lets it run over verbs, destroys it. A verb's own failure is left in verb_error; it wins. */
PB_MUST_CHECK enum pb_status pb_schedule_execute(const struct pb_cell_config *config, const struct pb_verbs *verbs,
                                                 const struct pb_error *verb_error, struct pb_error *error);

#endif
