/* The verbs: each restores its stage when it is stored, and otherwise does the work and stores it. */
#include "experiment/session.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/stop.h"
#include "experiment/drop.h"
#include "experiment/work.h"
#include "graph/build.h"
#include "graph/cost.h"
#include "graph/op_table.h"

static void forget_scores(struct pb_session *session)
{
    pb_scores_free(&session->scores);
    session->scores = (struct pb_scores){0};
}

enum pb_status pb_session_perform(struct pb_session *session, const struct pb_link *added, pb_work_function work,
                                  struct pb_error *error)
{
    bool complete = false;
    const struct pb_link link = *added;
    const pb_stage handle = pb_chain_handle(&session->chain, added);
    session->making = handle;
    enum pb_status status = pb_stop_check(error);
    if (status == PB_OK)
        status = pb_store_acquire(&session->store, link.key, &complete, error);
    if (status == PB_OK && !complete) {
        struct pb_network *network = NULL;
        json_t *facts = json_pack("{s:s}", "name", link.name);
        pb_session_progress(session, 0, "%s", link.name);
        status = facts ? work(session, &link, &network, facts, error) : pb_fail_memory(error, 0);
        if (status == PB_OK)
            status = pb_store_put(&session->store, link.key, facts, network, error);
        pb_store_release(&session->store);
        json_decref(facts);
        if (status == PB_OK && network) {
            pb_network_free(&session->network);
            session->network = network;
            session->loaded = handle;
        } else {
            pb_network_free(&network);
        }
    }
    if (status != PB_OK)
        return pb_fail_context(error, "%s", link.name);
    session->done = handle > session->done ? handle : session->done;
    pb_session_progress(session, 1, "%s", link.name);
    return PB_OK;
}

/*
 * A schedule must ask for the verbs that it was planned with: what other cells share and what is kept follow from the plan.
 * An adaptive one is free behind its first measurement.
 */
static enum pb_status compare_with_plan(struct pb_session *session, const struct pb_link *added)
{
    const pb_stage handle = pb_chain_handle(&session->chain, added);
    const struct pb_cell_plan *plan = session->plan;
    const struct pb_planned_stage *planned = handle <= plan->stage_count ? &plan->stages[handle - 1] : NULL;
    if ((planned && pb_planned_stage_is(planned, added)) || (!planned && plan->open))
        return PB_OK;
    const char *instead = !planned                                  ? "nothing more"
                          : strcmp(planned->name, added->name) == 0 ? "the same with other arguments"
                                                                    : planned->name;
    return pb_fail(
        &session->error, PB_ERROR_RUN,
        "schedule '%s' asked for '%s' where its plan has '%s'; a schedule whose course depends on what it measures "
        "must declare itself adaptive",
        session->config->schedule.loaded->plugin->name, added->name, instead);
}

/* Does or restores the link that was just added. */
static enum pb_status perform(struct pb_session *session, enum pb_status status, const struct pb_link *added,
                              pb_stage *stage)
{
    if (status == PB_OK)
        status = compare_with_plan(session, added);
    if (status == PB_OK)
        status = pb_session_perform(session, added, pb_work_of(added->verb), &session->error);
    if (status == PB_OK && stage)
        *stage = session->chain.current;
    return status;
}

static enum pb_status verb_train(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    const enum pb_status status = pb_chain_train(&session->chain, spec, &link, &session->error);
    forget_scores(session);
    return perform(session, status, link, stage);
}

static enum pb_status verb_score(const struct pb_verbs *verbs, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    enum pb_status status = pb_chain_score(&session->chain, &link, &session->error);
    forget_scores(session);
    status = perform(session, status, link, stage);
    /* Read back even when just made: a resumed cell must see the very same numbers. */
    if (status == PB_OK)
        status = pb_session_scores(session, session->chain.current, &session->scores, &session->error);
    return status;
}

static enum pb_status verb_repair(const struct pb_verbs *verbs, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    const enum pb_status status = pb_chain_repair(&session->chain, &link, &session->error);
    forget_scores(session);
    if (status != PB_OK || link)
        return perform(session, status, link, stage);
    if (stage) /* the matrix had the pruning repaired already */
        *stage = session->chain.current;
    return PB_OK;
}

/* The repair that the matrix asks for behind every pruning. */
static enum pb_status repair_pruning(const struct pb_verbs *verbs, enum pb_status pruned, pb_stage *stage)
{
    const struct pb_session *session = verbs->context;
    return pruned == PB_OK && session->config->repair != PB_REPAIR_NONE ? verb_repair(verbs, stage) : pruned;
}

static enum pb_status verb_prune(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    enum pb_status status = pb_chain_prune(&session->chain, *target, &link, &session->error);
    status = perform(session, status, link, stage);
    forget_scores(session);
    return repair_pruning(verbs, status, stage);
}

static enum pb_status verb_recalibrate(const struct pb_verbs *verbs, uint32_t batches, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    const enum pb_status status = pb_chain_recalibrate(&session->chain, batches, &link, &session->error);
    return perform(session, status, link, stage);
}

static enum pb_status verb_rewind(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    const enum pb_status status = pb_chain_rewind(&session->chain, to, &link, &session->error);
    forget_scores(session);
    return perform(session, status, link, stage);
}

static enum pb_status verb_prune_to(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                                    pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    enum pb_status status = pb_chain_prune_to(&session->chain, channels, count, &link, &session->error);
    status = perform(session, status, link, stage);
    forget_scores(session);
    return repair_pruning(verbs, status, stage);
}

static enum pb_status verb_mask(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    const enum pb_status status = pb_chain_mask(&session->chain, *target, &link, &session->error);
    forget_scores(session);
    return perform(session, status, link, stage);
}

static enum pb_status verb_restore(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const enum pb_status status = pb_chain_restore(&session->chain, to, &session->error);
    forget_scores(session);
    if (status == PB_OK && stage)
        *stage = session->chain.current;
    return status;
}

static enum pb_status verb_reinitialise(const struct pb_verbs *verbs, uint32_t stream, pb_stage *stage)
{
    struct pb_session *session = verbs->context;
    const struct pb_link *link = NULL;
    const enum pb_status status = pb_chain_reinitialise(&session->chain, stream, &link, &session->error);
    forget_scores(session);
    return perform(session, status, link, stage);
}

/* The current network, with its groups. */
static enum pb_status show_current(struct pb_session *session, const struct pb_network **network,
                                   struct pb_channel_groups *groups)
{
    const enum pb_status status = pb_session_network(session, session->chain.current, network, &session->error);
    return status == PB_OK ? pb_channel_groups_find((*network)->graph, groups, &session->error) : status;
}

static struct pb_network_cost cost_beside(const struct pb_original *original, uint64_t channels, struct pb_cost now,
                                          struct pb_cost nonzero, uint32_t groups)
{
    return (struct pb_network_cost){.size = sizeof(struct pb_network_cost),
                                    .channels = channels,
                                    .params = now.params,
                                    .macs = now.macs,
                                    .original_channels = original->channels,
                                    .original_params = original->params,
                                    .original_macs = original->macs,
                                    .nonzero_params = nonzero.params,
                                    .nonzero_macs = nonzero.macs,
                                    .groups = groups};
}

static enum pb_status verb_cost(const struct pb_verbs *verbs, struct pb_network_cost *cost)
{
    struct pb_session *session = verbs->context;
    const struct pb_network *network;
    struct pb_channel_groups groups = {0};
    const enum pb_status status = show_current(session, &network, &groups);
    if (status != PB_OK)
        return status;
    *cost = cost_beside(&session->original, groups.total, pb_graph_cost(network->graph), pb_nonzero_cost(network),
                        groups.count);
    pb_channel_groups_free(&groups);
    return PB_OK;
}

static enum pb_status check_channels(struct pb_session *session, const struct pb_channel_groups *groups,
                                     const uint32_t *channels, uint32_t count)
{
    if (count != groups->count)
        return pb_fail(&session->error, PB_ERROR_RUN,
                       "the schedule asked what %u groups would cost; the network has %u", count, groups->count);
    for (uint32_t g = 0; g < count; g++)
        if (channels[g] == 0 || channels[g] > groups->groups[g].channels)
            return pb_fail(&session->error, PB_ERROR_RUN,
                           "the schedule asked what %u channels of group %u would cost; it has %u", channels[g], g,
                           groups->groups[g].channels);
    return PB_OK;
}

static enum pb_status verb_cost_of(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                                   struct pb_network_cost *cost)
{
    struct pb_session *session = verbs->context;
    const struct pb_network *network;
    struct pb_channel_groups groups = {0};
    struct pb_graph *shrunk = NULL;
    enum pb_status status = show_current(session, &network, &groups);
    if (status == PB_OK)
        status = check_channels(session, &groups, channels, count);
    if (status == PB_OK)
        status = pb_graph_shrink(network->graph, &groups, channels, &shrunk, &session->error);
    if (status == PB_OK) {
        const struct pb_cost now = pb_graph_cost(shrunk);
        uint64_t total = 0;
        for (uint32_t g = 0; g < count; g++)
            total += (uint64_t)channels[g] * groups.groups[g].repeats;
        *cost = cost_beside(&session->original, total, now, now, groups.count);
        pb_graph_free(&shrunk);
    }
    pb_channel_groups_free(&groups);
    return status;
}

static void describe_layer(const struct pb_graph *graph, uint32_t layer, struct pb_network_group *group)
{
    const struct pb_node *node = &graph->nodes[layer];
    const struct pb_shape read = graph->nodes[node->inputs[0]].shape;
    const struct pb_conv_attributes window = pb_window_of(graph, layer);
    const bool slides = pb_graph_operator(node->op)->slides;
    *group = (struct pb_network_group){.size = sizeof *group,
                                       .inputs = read.channels,
                                       .height = read.height,
                                       .width = read.width,
                                       .kernel = slides ? window.kernel[0] : 1,
                                       .stride = slides ? window.stride[0] : 1,
                                       .macs = pb_node_cost(graph, layer).macs};
    snprintf(group->layer, sizeof group->layer, "%s", node->name);
}

static enum pb_status verb_group(const struct pb_verbs *verbs, uint32_t index, struct pb_network_group *group)
{
    struct pb_session *session = verbs->context;
    const struct pb_network *network;
    struct pb_channel_groups groups = {0}, original = {0};
    enum pb_status status = show_current(session, &network, &groups);
    if (status == PB_OK)
        status = pb_channel_groups_find(session->initial->graph, &original, &session->error);
    if (status == PB_OK && index >= groups.count)
        status = pb_fail(&session->error, PB_ERROR_RUN, "the schedule asked for group %u of %u", index, groups.count);
    if (status == PB_OK) {
        const struct pb_channel_group *found = &groups.groups[index];
        describe_layer(network->graph, found->producers[0], group);
        group->channels = found->channels;
        group->original_channels = original.groups[index].channels;
    }
    pb_channel_groups_free(&original);
    pb_channel_groups_free(&groups);
    return status;
}

static enum pb_status verb_latency(const struct pb_verbs *verbs, uint32_t batch, uint32_t runs,
                                   struct pb_latency *latency)
{
    struct pb_session *session = verbs->context;
    return pb_session_latency(session, session->chain.current, batch, runs, latency, &session->error);
}

static enum pb_status verb_drop(const struct pb_verbs *verbs, pb_stage stage)
{
    struct pb_session *session = verbs->context;
    return pb_drop_branch(session, stage, &session->error);
}

static enum pb_status verb_evaluate(const struct pb_verbs *verbs, enum pb_evaluate_split split,
                                    struct pb_measurement *measurement)
{
    struct pb_session *session = verbs->context;
    struct pb_accuracy accuracy;
    const char *name = split == PB_EVALUATE_TRAIN ? "train" : "validation";
    const enum pb_status status =
        pb_session_accuracy(session, session->chain.current, name, &accuracy, &session->error);
    struct pb_trial *trials =
        status == PB_OK ? pb_array_room(session->trials, session->trial_count, sizeof *trials, &session->error) : NULL;
    if (!trials)
        return status == PB_OK ? PB_ERROR_MEMORY : status;
    session->trials = trials;
    trials[session->trial_count++] =
        (struct pb_trial){session->chain.current, name, accuracy.top1, accuracy.loss, accuracy.images};
    measurement->top1 = accuracy.top1;
    measurement->top5 = accuracy.top5;
    measurement->loss = accuracy.loss;
    measurement->images = accuracy.images;
    pb_accuracy_free(&accuracy);
    return PB_OK;
}

enum pb_status pb_session_finish(const struct pb_session *session, struct pb_error *error)
{
    if (session->chain.count < session->plan->stage_count)
        return pb_fail(
            error, PB_ERROR_RUN,
            "schedule '%s' ended where its plan has '%s'; a schedule whose course depends on what it measures must "
            "declare itself adaptive",
            session->config->schedule.loaded->plugin->name, session->plan->stages[session->chain.count].name);
    return pb_chain_finish(&session->chain, error);
}

void pb_session_verbs(struct pb_session *session, struct pb_verbs *verbs)
{
    *verbs = (struct pb_verbs){
        .size = sizeof *verbs,
        .context = session,
        .train = verb_train,
        .score = verb_score,
        .prune = verb_prune,
        .prune_to = verb_prune_to,
        .mask = verb_mask,
        .repair = verb_repair,
        .recalibrate_bn = verb_recalibrate,
        .rewind = verb_rewind,
        .restore = verb_restore,
        .reinitialise = verb_reinitialise,
        .evaluate = verb_evaluate,
        .cost = verb_cost,
        .cost_of = verb_cost_of,
        .group = verb_group,
        .latency = verb_latency,
        .drop = verb_drop,
    };
}
