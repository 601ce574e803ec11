/* From a finished session to a record. */
#include "experiment/findings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "experiment/record.h"
#include "graph/checkpoint.h"
#include "graph/cost.h"

enum { GAMMA_BINS = 128 };

/* The stages that a record speaks of; 0 where the schedule has none. */
struct roles {
    pb_stage base, trained, pruned, retrained; /* trained: what the last prune cut, where it is not the base */
};

static struct roles find_roles(const struct pb_chain *chain)
{
    struct roles roles = {0};
    pb_stage last_train = 0;
    for (pb_stage stage = 1; stage <= chain->count; stage++) {
        switch (chain->links[stage - 1].verb) {
        case PB_VERB_TRAIN:
            last_train = stage;
            if (!roles.base && !roles.pruned)
                roles.base = stage;
            break;
        case PB_VERB_PRUNE:
            roles.pruned = stage;
            roles.trained = last_train != roles.base ? last_train : 0;
            roles.retrained = 0;
            continue;
        case PB_VERB_SCORE:
            continue;
        case PB_VERB_RECALIBRATE:
        case PB_VERB_REWIND:
            break;
        }
        if (roles.pruned)
            roles.retrained = stage;
    }
    return roles;
}

static enum pb_status add_accuracy(struct pb_session *session, pb_stage stage, const char *name,
                                   struct pb_record *record, struct pb_error *error)
{
    struct pb_accuracy accuracy = {0};
    if (!stage)
        return PB_OK;
    enum pb_status status = pb_session_accuracy(session, stage, "test", &accuracy, error);
    if (status != PB_OK)
        return status;
    const struct pb_accuracy_record row = {.stage = (char *)(uintptr_t)name,
                                           .split = (char *)(uintptr_t) "test",
                                           .top1 = accuracy.top1,
                                           .top5 = accuracy.top5,
                                           .loss = accuracy.loss,
                                           .images = accuracy.images,
                                           .class_top1 = accuracy.class_top1,
                                           .class_count = accuracy.class_count};
    status = pb_record_accuracy(record, &row, error);
    if (status == PB_OK)
        accuracy.class_top1 = NULL;
    pb_accuracy_free(&accuracy);
    return status;
}

/* Size of the network's file without momentum: written, measured, removed. */
static enum pb_status checkpoint_bytes(struct pb_session *session, const struct pb_network *network, uint64_t *bytes,
                                       struct pb_error *error)
{
    struct stat file;
    char *path = pb_format("%s/size-%ld.safetensors", session->store.folder, (long)getpid());
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

static enum pb_status list_widths(const struct pb_network *network, uint32_t **widths, uint32_t *count,
                                  struct pb_error *error)
{
    const struct pb_graph *graph = network->graph;
    uint32_t convolutions = 0;
    for (uint32_t n = 0; n < graph->node_count; n++)
        convolutions += graph->nodes[n].op == PB_OP_CONV2D;
    uint32_t *list = pb_calloc(convolutions, sizeof *list);
    if (!list)
        return pb_fail_memory(error, convolutions * sizeof *list);
    uint32_t filled = 0;
    for (uint32_t n = 0; n < graph->node_count; n++)
        if (graph->nodes[n].op == PB_OP_CONV2D)
            list[filled++] = graph->nodes[n].shape.channels;
    *widths = list;
    *count = filled;
    return PB_OK;
}

static enum pb_status add_cost(struct pb_session *session, pb_stage stage, const char *name, const json_t *pruning,
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
    row.macs_thesis = cost.macs_thesis;
    pb_graph_split_params(network->graph, &row.params_trunk, &row.params_head);
    if (pruning) {
        row.has_target = true;
        row.requested = json_number_value(json_object_get(pruning, "requested"));
        row.achieved = json_number_value(json_object_get(pruning, "achieved"));
        row.floored = (uint32_t)json_integer_value(json_object_get(pruning, "floored"));
    }
    status = checkpoint_bytes(session, network, &row.bytes, error);
    if (status == PB_OK)
        status = list_widths(network, &row.widths, &row.width_count, error);
    if (status == PB_OK) {
        status = pb_record_cost(record, &row, error);
        if (status != PB_OK)
            pb_free(row.widths);
    }
    return status;
}

/* |γ| of one batch norm over its full range; the first bin is the near-zero one. */
static enum pb_status fill_gamma(const struct pb_network *network, uint32_t norm, struct pb_layer_record *row,
                                 struct pb_error *error)
{
    const float *gamma = pb_network_values(network, norm, PB_ROLE_GAMMA);
    const uint32_t channels = network->graph->nodes[norm].shape.channels;
    row->gamma_bins = pb_calloc(GAMMA_BINS, sizeof *row->gamma_bins);
    if (!row->gamma_bins)
        return pb_fail_memory(error, GAMMA_BINS * sizeof *row->gamma_bins);
    row->gamma_bin_count = GAMMA_BINS;
    for (uint32_t c = 0; c < channels; c++)
        row->gamma_max = fmax(row->gamma_max, fabs(gamma[c]));
    for (uint32_t c = 0; c < channels; c++) {
        const double place = row->gamma_max > 0 ? fabs(gamma[c]) / row->gamma_max * GAMMA_BINS : 0;
        row->gamma_bins[place < GAMMA_BINS ? (uint32_t)place : GAMMA_BINS - 1]++;
    }
    row->near_zero = (double)row->gamma_bins[0] / channels;
    return PB_OK;
}

static enum pb_status add_layer(const struct pb_network *base, const struct pb_channel_group *group,
                                uint32_t original_width, const json_t *pruned, struct pb_record *record,
                                struct pb_error *error)
{
    struct pb_layer_record row = {
        .name = base->graph->nodes[group->producers[0]].name, .channels = original_width, .kept = original_width};
    enum pb_status status = PB_OK;
    if (pruned) {
        row.kept = (uint32_t)json_integer_value(json_object_get(pruned, "after"));
        row.floored = (uint32_t)json_integer_value(json_object_get(pruned, "floored"));
        row.ties = (uint32_t)json_integer_value(json_object_get(pruned, "ties"));
    }
    if (group->norms[0] != UINT32_MAX)
        status = fill_gamma(base, group->norms[0], &row, error);
    if (status == PB_OK)
        status = pb_record_layer(record, &row, error);
    if (status != PB_OK)
        pb_free(row.gamma_bins);
    return status;
}

static enum pb_status add_layers(struct pb_session *session, pb_stage base_stage, const json_t *pruning,
                                 struct pb_record *record, struct pb_error *error)
{
    const struct pb_network *base;
    struct pb_channel_groups groups = {0};
    const json_t *layers = json_object_get(pruning, "layers");
    enum pb_status status = pb_session_network(session, base_stage, &base, error);
    if (status == PB_OK)
        status = pb_channel_groups_find(base->graph, &groups, error);
    for (uint32_t g = 0; status == PB_OK && g < groups.count; g++)
        status = add_layer(base, &groups.groups[g], base->original_widths[g], json_array_get(layers, g), record, error);
    pb_channel_groups_free(&groups);
    return status;
}

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
        };
        if (status == PB_OK)
            status = pb_record_epoch(record, &row, error);
    }
    return status;
}

/* Walks the chain: epochs of trainings, the worst equivalence of prunings; *last_pruning: facts of the last (owned). */
static enum pb_status walk_chain(struct pb_session *session, struct pb_record *record, json_t **last_pruning,
                                 struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (pb_stage stage = 1; status == PB_OK && stage <= session->chain.count; stage++) {
        const struct pb_link *link = &session->chain.links[stage - 1];
        json_t *facts = NULL;
        if (link->verb != PB_VERB_TRAIN && link->verb != PB_VERB_PRUNE)
            continue;
        status = pb_store_facts(&session->store, link->key, &facts, error);
        if (status == PB_OK && link->verb == PB_VERB_TRAIN)
            status = add_epochs(link, facts, record, error);
        if (status == PB_OK && link->verb == PB_VERB_PRUNE) {
            record->equivalence = fmax(record->equivalence, json_number_value(json_object_get(facts, "equivalence")));
            json_decref(*last_pruning);
            *last_pruning = json_incref(facts);
        }
        json_decref(facts);
    }
    return status;
}

enum pb_status pb_findings(struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    const struct roles roles = find_roles(&session->chain);
    json_t *pruning = NULL;
    record->train_images = session->data->train_count;
    record->validation_images = session->data->validation_count;
    record->test_images = session->data->test_count;
    record->class_count = session->data->contents.class_count;
    record->skipped_images = pb_cache_skipped(session->cache);
    enum pb_status status = walk_chain(session, record, &pruning, error);
    if (status == PB_OK)
        status = add_cost(session, roles.base, "base", NULL, record, error);
    if (status == PB_OK && roles.pruned)
        status = add_cost(session, roles.pruned, "pruned", pruning, record, error);
    if (status == PB_OK)
        status = add_accuracy(session, roles.base, "base", record, error);
    if (status == PB_OK)
        status = add_accuracy(session, roles.trained, "trained", record, error);
    if (status == PB_OK)
        status = add_accuracy(session, roles.pruned, "pruned", record, error);
    if (status == PB_OK)
        status = add_accuracy(session, roles.retrained, "retrained", record, error);
    if (status == PB_OK)
        status = add_layers(session, roles.base, pruning, record, error);
    json_decref(pruning);
    return status;
}
