/* What a session's chain of stages left behind, as rows of the record. */
#include "cell/findings_chain.h"

#include <math.h>

#include "experiment/gamma.h"
#include "experiment/masking_facts.h"
#include "experiment/pruning_facts.h"
#include "experiment/work.h"
#include "results/record.h"

static enum pb_status add_epochs(const struct pb_link *link, const json_t *facts, struct pb_record *record,
                                 struct pb_error *error)
{
    size_t index;
    json_t *epoch;
    enum pb_status status = PB_OK;
    json_array_foreach(json_object_get(facts, "epochs"), index, epoch)
    {
        const struct pb_epoch_record row = {
            .stage = (char *)(uintptr_t)link->name,
            .number = (uint32_t)json_integer_value(json_object_get(epoch, "epoch")),
            .lr = json_number_value(json_object_get(epoch, "lr")),
            .loss = json_number_value(json_object_get(epoch, "loss")),
            .top1 = json_number_value(json_object_get(epoch, "top1")),
            .validation_top1 = json_number_value(json_object_get(epoch, "validation_top1")),
            .validation_loss = json_number_value(json_object_get(epoch, "validation_loss")),
            .seconds = json_number_value(json_object_get(epoch, "seconds")),
            .masked = (uint32_t)json_integer_value(json_object_get(epoch, "masked")),
            .revived = (uint32_t)json_integer_value(json_object_get(epoch, "revived")),
            .teacher = (char *)(uintptr_t)json_string_value(json_object_get(epoch, "teacher")),
            .zero = (char *)(uintptr_t)json_string_value(json_object_get(epoch, "zero")),
            .mask = (char *)(uintptr_t)json_string_value(json_object_get(epoch, "mask")),
        };
        if (status == PB_OK)
            status = pb_record_epoch(record, &row, error);
    }
    return status;
}

static enum pb_status add_repairs(const struct pb_link *link, const json_t *facts, struct pb_record *record,
                                  struct pb_error *error)
{
    size_t index;
    json_t *repair;
    enum pb_status status = PB_OK;
    json_array_foreach(json_object_get(facts, "repairs"), index, repair)
    {
        const struct pb_repair_record row = {
            .stage = (char *)(uintptr_t)link->name,
            .layer = (char *)(uintptr_t)json_string_value(json_object_get(repair, "layer")),
            .rows = (uint32_t)json_integer_value(json_object_get(repair, "rows")),
            .error_before = json_number_value(json_object_get(repair, "error_before")),
            .error_after = json_number_value(json_object_get(repair, "error_after")),
            .without_bias = json_is_true(json_object_get(repair, "without_bias")),
        };
        if (status == PB_OK)
            status = pb_record_repair(record, &row, error);
    }
    return status;
}

/* The name of the stage that a pruning cut: scores leave the network as it was. */
static const char *name_before(const struct pb_chain *chain, const struct pb_link *link)
{
    pb_stage stage = link->parent;
    while (stage != 0 && chain->links[stage - 1].verb == PB_VERB_SCORE)
        stage = chain->links[stage - 1].parent;
    return stage == 0 ? "untrained" : chain->links[stage - 1].name;
}

static enum pb_status add_pruning(const struct pb_chain *chain, const struct pb_link *link, const json_t *facts,
                                  struct pb_record *record, struct pb_error *error)
{
    struct pb_pruning_record row = {0};
    enum pb_status status = pb_pruning_from_facts(facts, &row, error);
    if (status != PB_OK)
        return status;
    row.stage = (char *)(uintptr_t)link->name;
    row.from = (char *)(uintptr_t)name_before(chain, link);
    status = pb_record_pruning(record, &row, error);
    if (status == PB_OK) {
        record->equivalence = fmax(record->equivalence, row.equivalence);
        return PB_OK;
    }
    row.stage = row.from = NULL;
    pb_pruning_record_free(&row);
    return status;
}

static enum pb_status add_masking(const struct pb_chain *chain, const struct pb_link *link, const json_t *facts,
                                  struct pb_record *record, struct pb_error *error)
{
    struct pb_masking_record row = {0};
    enum pb_status status = pb_masking_from_facts(facts, &row, error);
    if (status != PB_OK)
        return status;
    row.stage = (char *)(uintptr_t)link->name;
    row.from = (char *)(uintptr_t)name_before(chain, link);
    status = pb_record_masking(record, &row, error);
    if (status == PB_OK)
        return PB_OK;
    row.stage = row.from = NULL;
    pb_masking_record_free(&row);
    return status;
}

static enum pb_status add_scoring(const struct pb_link *link, const json_t *facts, struct pb_record *record,
                                  struct pb_error *error)
{
    const json_t *seconds = json_object_get(facts, PB_FACT_SCORING_SECONDS);
    const json_t *bytes = json_object_get(facts, PB_FACT_SCORING_BYTES);
    const struct pb_scoring_record row = {
        .stage = (char *)(uintptr_t)link->name,
        .seconds = json_number_value(seconds),
        .bytes = bytes ? json_number_value(bytes) : (double)NAN,
    };
    return seconds ? pb_record_scoring(record, &row, error) : PB_OK;
}

static enum pb_status add_link(const struct pb_chain *chain, const struct pb_link *link, const json_t *facts,
                               struct pb_record *record, struct pb_error *error)
{
    switch (link->verb) {
    case PB_VERB_TRAIN:
    case PB_VERB_PRETRAIN:
        return add_epochs(link, facts, record, error);
    case PB_VERB_REPAIR:
        return add_repairs(link, facts, record, error);
    case PB_VERB_MASK:
        return add_masking(chain, link, facts, record, error);
    case PB_VERB_PRUNE:
        return add_pruning(chain, link, facts, record, error);
    case PB_VERB_SCORE:
    case PB_VERB_RECALIBRATE:
    case PB_VERB_REWIND:
    case PB_VERB_REINITIALISE:
        break;
    }
    return PB_OK;
}

static bool has_findings(const struct pb_link *link)
{
    return link->verb != PB_VERB_RECALIBRATE && link->verb != PB_VERB_REWIND && link->verb != PB_VERB_REINITIALISE;
}

enum pb_status pb_findings_chain(struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (pb_stage stage = 1; status == PB_OK && stage <= session->chain.count; stage++) {
        const struct pb_link *link = &session->chain.links[stage - 1];
        json_t *facts = NULL;
        const bool own = stage == session->chain.baseline || pb_chain_leads_to_current(&session->chain, stage);
        if (!own || !has_findings(link))
            continue;
        status = pb_store_facts(&session->store, link->key, &facts, error);
        if (status == PB_OK)
            status = add_link(&session->chain, link, facts, record, error);
        if (status == PB_OK)
            status = add_scoring(link, facts, record, error);
        json_decref(facts);
    }
    return status;
}

static enum pb_status add_layer(const struct pb_network *base, const struct pb_channel_groups *groups, uint32_t group,
                                struct pb_record *record, struct pb_error *error)
{
    const struct pb_pruning_record *last = record->pruning_count ? &record->prunings[record->pruning_count - 1] : NULL;
    const uint32_t channels = base->original_widths[group] * groups->groups[group].repeats;
    const struct pb_layer_record row = {
        .name = base->graph->nodes[groups->groups[group].producers[0]].name,
        .channels = channels,
        .kept = last && group < last->layer_count ? last->layers[group].after : channels,
    };
    return pb_record_layer(record, &row, error);
}

enum pb_status pb_findings_layers(struct pb_session *session, pb_stage base_stage, struct pb_record *record,
                                  struct pb_error *error)
{
    const struct pb_network *base;
    struct pb_channel_groups groups = {0};
    enum pb_status status = pb_session_network(session, base_stage, &base, error);
    if (status == PB_OK)
        status = pb_channel_groups_find(base->graph, &groups, error);
    for (uint32_t g = 0; status == PB_OK && g < groups.count; g++)
        status = add_layer(base, &groups, g, record, error);
    if (status == PB_OK)
        status = pb_gamma_count(base, &groups, 0, groups.count, &record->gamma, error);
    pb_channel_groups_free(&groups);
    return status;
}
