/* What a schedule measured on its way, as rows of the record. */
#include "cell/findings_trials.h"

#include "base/memory.h"
#include "experiment/pruning_facts.h"

/* The channels that the pruning at stage left. */
static enum pb_status read_kept(struct pb_session *session, pb_stage stage, struct pb_trial_record *row,
                                struct pb_error *error)
{
    struct pb_pruning_record pruning = {0};
    json_t *facts = NULL;
    enum pb_status status = pb_store_facts(&session->store, pb_chain_key(&session->chain, stage), &facts, error);
    if (status == PB_OK)
        status = pb_pruning_from_facts(facts, &pruning, error);
    uint32_t *kept = status == PB_OK ? pb_calloc(pruning.layer_count, sizeof *kept) : NULL;
    if (status == PB_OK && !kept)
        status = pb_fail_memory(error, pruning.layer_count * sizeof *kept);
    for (uint32_t i = 0; status == PB_OK && i < pruning.layer_count; i++)
        kept[i] = pruning.layers[i].after;
    row->kept = kept;
    row->kept_count = status == PB_OK ? pruning.layer_count : 0;
    pb_pruning_record_free(&pruning);
    json_decref(facts);
    return status;
}

static enum pb_status add_trial(struct pb_session *session, const struct pb_trial *trial, struct pb_record *record,
                                struct pb_error *error)
{
    const struct pb_link *links = session->chain.links;
    pb_stage stage = trial->stage;
    struct pb_trial_record row = {
        .stage = (char *)(uintptr_t)(stage > session->chain.start ? links[stage - 1].name : "untrained"),
        .split = (char *)(uintptr_t)trial->split,
        .top1 = trial->top1,
        .loss = trial->loss,
        .images = trial->images};
    bool trained = false;
    while (stage > session->chain.start && links[stage - 1].verb != PB_VERB_PRUNE) {
        trained = trained || links[stage - 1].verb == PB_VERB_TRAIN;
        stage = links[stage - 1].parent;
    }
    const bool pruned = stage > session->chain.start;
    row.trained = pruned && trained;
    enum pb_status status = pruned ? read_kept(session, stage, &row, error) : PB_OK;
    if (status == PB_OK)
        status = pb_record_trial(record, &row, error);
    if (status != PB_OK)
        pb_free(row.kept);
    return status;
}

enum pb_status pb_findings_trials(struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < session->trial_count && status == PB_OK; i++)
        status = add_trial(session, &session->trials[i], record, error);
    return status;
}
