/* Stages that are no longer needed: removed, and computed again where they are needed after all. */
#include "experiment/drop.h"

#include <string.h>

#include "base/file.h"
#include "base/lease.h"
#include "experiment/work.h"

static bool is_planned(const struct pb_cell_plan *plan, const char *key)
{
    for (uint32_t i = 0; i < plan->stage_count; i++)
        if (strcmp(plan->stages[i].key, key) == 0)
            return true;
    return false;
}

static bool is_private(const struct pb_session *session, const char *key)
{
    const struct pb_cell_run_options *options = session->options;
    const uint32_t own = options->plan && is_planned(options->plan, key) ? 1 : 0;
    return options->planned_by(options->planned_argument, key) <= own;
}

/* Who shares a stage is known by the keys of plans that are not provisional. */
static bool may_drop(const struct pb_session *session)
{
    const struct pb_cell_run_options *options = session->options;
    bool known = options->planned_by && !session->config->keep_stages;
    for (uint32_t i = 0; known && options->plan && i < options->plan->stage_count; i++)
        known = !options->plan->stages[i].provisional;
    return known;
}

enum pb_status pb_drop_private_stages(struct pb_session *session, struct pb_error *error)
{
    const struct pb_chain *chain = &session->chain;
    enum pb_status status = PB_OK;
    const bool may = may_drop(session);
    for (uint32_t i = 0; may && status == PB_OK && i + 1 < chain->count; i++)
        if (is_private(session, chain->links[i].key))
            status = pb_store_remove(&session->store, chain->links[i].key, error);
    return status;
}

enum pb_status pb_drop_branch(struct pb_session *session, pb_stage stage, struct pb_error *error)
{
    bool dropped = false;
    const bool may = may_drop(session);
    enum pb_status status = pb_chain_drop(&session->chain, stage, &dropped, error);
    while (status == PB_OK && dropped) {
        const struct pb_link *link = &session->chain.links[stage - 1];
        if (may && link->verb != PB_VERB_SCORE && is_private(session, link->key))
            status = pb_store_drop_network(&session->store, link->key, error);
        stage = link->parent;
        if (status == PB_OK)
            status = pb_chain_drop(&session->chain, stage, &dropped, error);
    }
    return status;
}

/* The scores that a pruning was given: those before it, whose network may have been recalibrated since. */
static enum pb_status read_scores_before(struct pb_session *session, const struct pb_link *pruning,
                                         struct pb_scores *scores, struct pb_error *error)
{
    pb_stage stage = pruning->parent;
    while (stage > session->chain.start && session->chain.links[stage - 1].verb == PB_VERB_RECALIBRATE)
        stage = session->chain.links[stage - 1].parent;
    return pb_session_scores(session, stage, scores, error);
}

static enum pb_status work_again(struct pb_session *session, pb_stage stage, struct pb_network **network,
                                 struct pb_error *error)
{
    const struct pb_link *link = &session->chain.links[stage - 1];
    const struct pb_scores scores = session->scores;
    const pb_stage making = session->making;
    json_t *facts = json_object();
    enum pb_status status = facts ? PB_OK : pb_fail_memory(error, 0);
    session->making = stage;
    session->scores = (struct pb_scores){0};
    if (status == PB_OK && link->verb == PB_VERB_PRUNE)
        status = read_scores_before(session, link, &session->scores, error);
    if (status == PB_OK)
        status = pb_work_of(link->verb)(session, link, network, facts, error);
    if (status == PB_OK)
        status = pb_store_put_network(&session->store, link->key, *network, error);
    pb_scores_free(&session->scores);
    session->scores = scores;
    session->making = making;
    json_decref(facts);
    return status;
}

enum pb_status pb_drop_compute_again(struct pb_session *session, pb_stage stage, struct pb_network **network,
                                     struct pb_error *error)
{
    const char *key = session->chain.links[stage - 1].key;
    struct pb_lease *lock = NULL;
    struct pb_network *made = NULL;
    enum pb_status status = pb_store_lock(&session->store, key, &lock, error);
    if (status == PB_OK) /* whoever held the lock may have computed it */
        status = pb_store_network(&session->store, key, &made, error);
    if (status == PB_OK && !made)
        status = work_again(session, stage, &made, error);
    pb_lease_give(&lock);
    if (status == PB_OK)
        *network = made;
    else
        pb_network_free(&made);
    return status;
}
