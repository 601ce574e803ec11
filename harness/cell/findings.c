/* From a finished session to a record. */
#include "cell/findings.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/owner.h"
#include "cell/findings_chain.h"
#include "cell/findings_data.h"
#include "cell/findings_trials.h"
#include "results/record.h"
#include "graph/checkpoint.h"
#include "graph/cost.h"
#include "graph/graph_json.h"
#include "graph/op_table.h"
#include "training/zero_units.h"

/* The stages that a record speaks of; 0 where the schedule has none. */
struct roles {
    pb_stage base; /* the unpruned network, trained in full as the matrix says */
    pb_stage trained; /* what the last prune or mask cut, where that is not the base */
    pb_stage pruned, retrained; /* the last prune or mask, and the last change after it; without one, the last change */
};

static struct roles find_roles(const struct pb_chain *chain)
{
    struct roles roles = {.base = chain->baseline};
    pb_stage last_train = 0;
    for (pb_stage stage = chain->baseline + 1; stage <= chain->count; stage++) {
        if (!pb_chain_leads_to_current(chain, stage))
            continue;
        switch (chain->links[stage - 1].verb) {
        case PB_VERB_TRAIN:
            last_train = stage;
            break;
        case PB_VERB_PRUNE:
        case PB_VERB_MASK:
            roles.pruned = stage;
            roles.trained = last_train;
            roles.retrained = 0;
            continue;
        case PB_VERB_SCORE:
        case PB_VERB_PRETRAIN:
            continue;
        case PB_VERB_RECALIBRATE:
        case PB_VERB_REWIND:
        case PB_VERB_REINITIALISE:
        case PB_VERB_REPAIR:
            break;
        }
        roles.retrained = stage;
    }
    return roles;
}

/* last: of the cell's last network. */
static enum pb_status add_accuracy(struct pb_session *session, pb_stage stage, const char *name, bool last,
                                   struct pb_record *record, struct pb_error *error)
{
    struct pb_accuracy accuracy = {0};
    if (!stage)
        return PB_OK;
    enum pb_status status = pb_session_accuracy(session, stage, "test", &accuracy, error);
    if (status != PB_OK)
        return status;
    const size_t bytes = last && accuracy.right ? (accuracy.images + 7) / 8 : 0;
    char *right = bytes ? pb_base64(accuracy.right, bytes) : NULL;
    if (bytes && !right) {
        pb_accuracy_free(&accuracy);
        return pb_fail_memory(error, bytes);
    }
    const struct pb_accuracy_record row = {.stage = (char *)(uintptr_t)name,
                                           .split = (char *)(uintptr_t) "test",
                                           .top1 = accuracy.top1,
                                           .top5 = accuracy.top5,
                                           .loss = accuracy.loss,
                                           .images = accuracy.images,
                                           .class_top1 = accuracy.class_top1,
                                           .class_count = accuracy.class_count,
                                           .right = right};
    status = pb_record_accuracy(record, &row, error);
    if (status == PB_OK)
        accuracy.class_top1 = NULL;
    pb_free(right);
    pb_accuracy_free(&accuracy);
    return status;
}

/* Keys under which the store has the networks. */
static enum pb_status add_keys(const struct pb_chain *chain, const struct roles *roles, struct pb_record *record,
                               struct pb_error *error)
{
    const struct {
        pb_stage stage;
        const char *name;
    } named[] = {{roles->base, "stage-base"}, {roles->pruned, "stage-pruned"}, {roles->retrained, "stage-retrained"}};
    enum pb_status status = PB_OK;
    for (size_t i = 0; status == PB_OK && i < sizeof named / sizeof *named; i++)
        if (named[i].stage)
            status = pb_record_provenance(record, named[i].name, pb_chain_key(chain, named[i].stage), error);
    return status;
}

/* Accuracies of the four roles, then those of earlier rounds under the stages' own names. */
static enum pb_status add_accuracies(struct pb_session *session, const struct roles *roles, struct pb_record *record,
                                     struct pb_error *error)
{
    const struct {
        pb_stage stage;
        const char *name;
    } named[] = {
        {roles->base, "base"}, {roles->trained, "trained"}, {roles->pruned, "pruned"}, {roles->retrained, "retrained"}};
    const size_t count = sizeof named / sizeof *named;
    size_t last = 0;
    for (size_t i = 1; i < count; i++)
        last = named[i].stage ? i : last;
    enum pb_status status = PB_OK;
    for (size_t i = 0; status == PB_OK && i < count; i++)
        status = add_accuracy(session, named[i].stage, named[i].name, i == last, record, error);
    for (pb_stage stage = 1; status == PB_OK && stage <= session->chain.count; stage++) {
        const struct pb_link *link = &session->chain.links[stage - 1];
        bool has_role = false;
        for (size_t i = 0; i < count; i++)
            has_role = has_role || named[i].stage == stage;
        if (!has_role && pb_chain_leads_to_current(&session->chain, stage) &&
            (link->verb == PB_VERB_TRAIN || link->verb == PB_VERB_PRUNE || link->verb == PB_VERB_MASK ||
             (link->verb == PB_VERB_REPAIR && session->config->repair != PB_REPAIR_NONE)))
            status = add_accuracy(session, stage, link->name, false, record, error);
    }
    return status;
}

/* Size of the network's file without momentum: written, measured, removed. */
static enum pb_status checkpoint_bytes(struct pb_session *session, const struct pb_network *network, uint64_t *bytes,
                                       struct pb_error *error)
{
    struct stat file;
    char *tag = pb_owner_tag(), *path = tag ? pb_format("%s/.size.%s.tmp", session->store.folder, tag) : NULL;
    pb_free(tag);
    if (!path)
        return pb_fail_memory(error, 64);
    enum pb_status status = pb_checkpoint_save(path, network, false, &(struct pb_metadata){0}, error);
    if (status == PB_OK && stat(path, &file) != 0)
        status = pb_fail_errno(error, "look at '%s'", path);
    if (status == PB_OK)
        *bytes = (uint64_t)file.st_size;
    unlink(path);
    pb_free(path);
    return status;
}

/* Of the layers that a pruning may narrow, in graph order. */
static enum pb_status list_widths(const struct pb_graph *graph, uint32_t **widths, uint32_t *count,
                                  struct pb_error *error)
{
    uint32_t *list = pb_calloc(graph->node_count, sizeof *list);
    uint32_t filled = 0;
    if (!list)
        return pb_fail_memory(error, graph->node_count * sizeof *list);
    for (uint32_t n = 0; n < graph->node_count; n++)
        if (pb_makes_channels(graph, n) && !graph->nodes[n].fixed)
            list[filled++] = graph->nodes[n].shape.channels;
    *widths = list;
    *count = filled;
    return PB_OK;
}

/* What was asked for and reached in the last pruning or masking, which made this stage. */
static void add_target(const struct pb_session *session, pb_stage stage, const struct pb_record *record,
                       struct pb_cost_record *row)
{
    row->has_target = true;
    if (session->chain.links[stage - 1].verb == PB_VERB_MASK) {
        const struct pb_masking_record *masking = &record->maskings[record->masking_count - 1];
        row->requested = masking->requested;
        row->achieved = masking->achieved;
    } else {
        const struct pb_pruning_record *pruning = &record->prunings[record->pruning_count - 1];
        row->requested = pruning->requested;
        row->achieved = pruning->achieved;
        row->floored = pruning->floored;
    }
}

static void add_zeros(const struct pb_network *network, struct pb_cost_record *row)
{
    const struct pb_zero_units zeros = pb_zero_units_of(network);
    row->zero_filters = zeros.filters;
    row->zero_inputs = zeros.input_channels;
    row->zero_shapes = zeros.shapes;
}

static enum pb_status add_cost(struct pb_session *session, pb_stage stage, const char *name, bool cut,
                               struct pb_record *record, struct pb_error *error)
{
    const struct pb_network *network;
    struct pb_cost_record row = {.stage = (char *)(uintptr_t)name};
    enum pb_status status = pb_session_network(session, stage, &network, error);
    if (status != PB_OK)
        return status;
    const struct pb_cost cost = pb_graph_cost(network->graph);
    row.params = cost.params;
    row.macs = cost.macs;
    pb_graph_split_params(network->graph, &row.params_trunk, &row.params_head);
    row.has_masks = pb_network_has_masks(network);
    if (row.has_masks) {
        const struct pb_cost nonzero = pb_nonzero_cost(network);
        row.nonzero_params = nonzero.params;
        row.nonzero_macs = nonzero.macs;
    }
    row.has_zeros = session->config->penalty_count > 0;
    if (row.has_zeros)
        add_zeros(network, &row);
    if (cut)
        add_target(session, stage, record, &row);
    status = checkpoint_bytes(session, network, &row.bytes, error);
    if (status == PB_OK)
        status = list_widths(network->graph, &row.widths, &row.width_count, error);
    if (status == PB_OK)
        status = pb_graph_to_json(network->graph, &row.graph, error);
    if (status == PB_OK)
        status = pb_record_cost(record, &row, error);
    if (status != PB_OK)
        pb_free(row.widths);
    pb_free(row.graph);
    return status;
}

enum pb_status pb_findings(struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    const struct roles roles = find_roles(&session->chain);
    enum pb_status status = pb_findings_data(session, record, error);
    if (status == PB_OK)
        status = pb_findings_chain(session, record, error);
    if (status == PB_OK)
        status = pb_findings_trials(session, record, error);
    if (status == PB_OK)
        status = add_keys(&session->chain, &roles, record, error);
    if (status == PB_OK)
        status = add_cost(session, roles.base, "base", false, record, error);
    if (status == PB_OK && roles.pruned)
        status = add_cost(session, roles.pruned, "pruned", true, record, error);
    if (status == PB_OK)
        status = add_accuracies(session, &roles, record, error);
    if (status == PB_OK)
        status = pb_findings_layers(session, roles.base, record, error);
    return status;
}
