/* The chain of verbs that a schedule asks for: handles, names, keys. */
#include "planning/chain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "settings/names.h"

static enum pb_status add_pretraining(struct pb_chain *chain, struct pb_error *error)
{
    struct pb_link *link = pb_calloc(1, sizeof *link);
    if (!link)
        return pb_fail_memory(error, sizeof *link);
    *link =
        (struct pb_link){.verb = PB_VERB_PRETRAIN, .name = "pretrain", .spec = chain->config->pretraining->training};
    chain->links = link;
    chain->count = chain->current = chain->start = 1;
    return pb_link_digest_arguments(link, chain->config, error);
}

enum pb_status pb_chain_start(struct pb_chain *chain, const struct pb_cell_config *config, struct pb_error *error)
{
    struct pb_chain started = {.config = config};
    const enum pb_status status = config->pretraining ? add_pretraining(&started, error) : PB_OK;
    if (status == PB_OK)
        *chain = started;
    else
        pb_chain_free(&started);
    return status;
}

static void make_key(struct pb_chain *chain, struct pb_link *link)
{
    const bool builds_on_another = link->verb == PB_VERB_REWIND;
    pb_link_make_key(link, pb_chain_key(chain, link->parent), builds_on_another ? pb_chain_key(chain, link->to) : NULL);
}

enum pb_status pb_chain_set_inputs(struct pb_chain *chain, const struct pb_inputs *inputs, struct pb_error *error)
{
    const struct pb_cell_config *config = chain->config;
    enum pb_status status = PB_OK;
    if (chain->start)
        status = pb_inputs_pretraining_key(inputs, config, chain->links[0].key, error);
    if (status == PB_OK)
        status = pb_inputs_root_key(inputs, config, chain->start ? chain->links[0].key : NULL, chain->root, error);
    if (status != PB_OK)
        return status;
    chain->inputs = *inputs;
    for (uint32_t i = chain->start; i < chain->count; i++)
        make_key(chain, &chain->links[i]);
    return PB_OK;
}

void pb_chain_free(struct pb_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++)
        pb_free(chain->links[i].channels);
    pb_free(chain->links);
    *chain = (struct pb_chain){0};
}

const char *pb_chain_key(const struct pb_chain *chain, pb_stage stage)
{
    return stage <= chain->start ? chain->root : chain->links[stage - 1].key;
}

bool pb_chain_leads_to_current(const struct pb_chain *chain, pb_stage stage)
{
    pb_stage at = chain->current;
    while (at > stage)
        at = chain->links[at - 1].parent;
    return at == stage;
}

pb_stage pb_chain_handle(const struct pb_chain *chain, const struct pb_link *link)
{
    return (pb_stage)(link - chain->links) + 1;
}

/* The last pruning up to the current stage; amount 0: none, or one that was given per group. */
static struct pb_target removed_before(const struct pb_chain *chain, bool *pruned)
{
    const struct pb_link *link = chain->current != 0 ? &chain->links[chain->current - 1] : NULL;
    *pruned = link && link->pruned;
    return link ? link->removed : (struct pb_target){0};
}

/* Trainings and prunings of one name are numbered: records tell them apart by their names. */
static void number_name(const struct pb_chain *chain, struct pb_link *link)
{
    unsigned before = 0;
    const size_t length = strlen(link->name);
    for (uint32_t i = 0; i < chain->count; i++) {
        const char *name = chain->links[i].name;
        before += strncmp(name, link->name, length) == 0 && (name[length] == '\0' || name[length] == '#');
    }
    if (before && link->verb != PB_VERB_SCORE)
        snprintf(link->name + length, sizeof link->name - length, "#%u", before + 1);
}

static enum pb_status append_link(struct pb_chain *chain, struct pb_link *link, pb_stage parent, struct pb_error *error)
{
    link->parent = parent;
    link->depth = parent == 0 ? 1 : chain->links[parent - 1].depth + 1;
    if (link->verb == PB_VERB_PRUNE) {
        link->pruned = true;
        link->removed = link->target;
    } else if (parent != 0) {
        link->pruned = chain->links[parent - 1].pruned;
        link->removed = chain->links[parent - 1].removed;
    }
    const enum pb_status status = pb_link_digest_arguments(link, chain->config, error);
    if (status != PB_OK)
        return status;
    struct pb_link *grown = pb_array_room(chain->links, chain->count, sizeof *grown, error);
    if (!grown)
        return PB_ERROR_MEMORY;
    chain->links = grown;
    if (chain->root[0])
        make_key(chain, link);
    grown[chain->count++] = *link;
    return PB_OK;
}

static bool is_baseline(const struct pb_chain *chain, const struct pb_link *link)
{
    const struct pb_link *baseline = chain->baseline ? &chain->links[chain->baseline - 1] : NULL;
    return baseline && link->parent == baseline->parent && strcmp(link->arguments, baseline->arguments) == 0;
}

/* Appends link behind the current one and makes it current. The baseline's own training is the baseline. */
static enum pb_status add_link(struct pb_chain *chain, struct pb_link *link, const struct pb_link **added,
                               struct pb_error *error)
{
    number_name(chain, link);
    const enum pb_status status = append_link(chain, link, chain->current, error);
    if (status != PB_OK)
        return status;
    chain->current = chain->count;
    if (is_baseline(chain, link)) {
        chain->current = chain->baseline;
        chain->count--;
    }
    *added = &chain->links[chain->current - 1];
    return PB_OK;
}

/* "prune-40", "soft-12.5" */
static void name_with_amount(char name[48], const char *what, double amount)
{
    snprintf(name, 48, "%s-%.4g", what, amount * 100);
}

static enum pb_status check_criterion(const struct pb_chain *chain, struct pb_error *error)
{
    const struct pb_loaded *criterion = chain->config->criterion.loaded;
    if (criterion && criterion->plugin->criterion->select && chain->config->ranking.scope != PB_SCOPE_LAYER)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "criterion '%s' chooses channels within each layer and gives no scores to compare layers by; set "
            "scope=\"layer\" on it",
            criterion->plugin->name);
    if (criterion)
        return PB_OK;
    return pb_fail(error, PB_ERROR_RUN, "the schedule says that it only trains, but asks for scores");
}

static enum pb_status check_spec(const struct pb_train_spec *spec, struct pb_error *error)
{
    if (spec->epochs + spec->head_epochs == 0)
        return pb_fail(error, PB_ERROR_INPUT, "a training of 0 epochs was asked for; give it at least one");
    if (spec->warmup_epochs > spec->epochs)
        return pb_fail(error, PB_ERROR_INPUT,
                       "a warm-up of %" PRIu32 " epochs does not fit a training of %" PRIu32
                       "; shorten it (retraining has training's warm-up unless <retraining warmup=…> says another)",
                       spec->warmup_epochs, spec->epochs);
    if (!(spec->lr > 0) || !isfinite(spec->lr))
        return pb_fail(error, PB_ERROR_INPUT, "a learning rate of %g was asked for; it must be above 0", spec->lr);
    if (spec->penalty_count > PB_PENALTIES_MAX)
        return pb_fail(error, PB_ERROR_INPUT, "%u penalties were asked for; a training has at most %d",
                       spec->penalty_count, PB_PENALTIES_MAX);
    for (uint32_t i = 0; i < spec->penalty_count; i++)
        if (!(spec->lambda[i] >= 0) || !isfinite(spec->lambda[i]))
            return pb_fail(error, PB_ERROR_INPUT, "a penalty with the λ %g was asked for; it must be 0 or above",
                           spec->lambda[i]);
    if (spec->lr_policy > PB_LR_CONSTANT || spec->soft_zero > PB_ZERO_GAMMA_BETA || spec->return_state > PB_RETURN_BEST)
        return pb_fail(error, PB_ERROR_RUN,
                       "the schedule asked for a training with a mode that this host does not know");
    return PB_OK;
}

enum pb_status pb_chain_add_baseline(struct pb_chain *chain, struct pb_error *error)
{
    const struct pb_train_spec *spec = &chain->config->training;
    struct pb_link link = {.verb = PB_VERB_TRAIN, .spec = *spec, .name = "base"};
    enum pb_status status = check_spec(spec, error);
    if (status == PB_OK)
        status = append_link(chain, &link, chain->start, error);
    if (status == PB_OK)
        chain->baseline = chain->count;
    return status;
}

enum pb_status pb_chain_train(struct pb_chain *chain, const struct pb_train_spec *spec, const struct pb_link **link,
                              struct pb_error *error)
{
    enum pb_status status = check_spec(spec, error);
    if (status == PB_OK && spec->soft_zero != PB_ZERO_NONE)
        status = check_criterion(chain, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {
        .verb = PB_VERB_TRAIN, .spec = *spec, .target = {.measure = spec->soft_measure, .amount = spec->soft_amount}};
    bool pruned;
    const struct pb_target removed = removed_before(chain, &pruned);
    if (spec->soft_zero != PB_ZERO_NONE)
        name_with_amount(added.name, "soft", spec->soft_amount);
    else if (pruned && removed.amount > 0)
        name_with_amount(added.name, "retrain", removed.amount);
    else
        snprintf(added.name, sizeof added.name, pruned ? "retrain" : "train");
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_score(struct pb_chain *chain, const struct pb_link **link, struct pb_error *error)
{
    const enum pb_status status = check_criterion(chain, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {.verb = PB_VERB_SCORE, .name = "score"};
    return add_link(chain, &added, link, error);
}

static enum pb_status check_target(const struct pb_chain *chain, struct pb_target target, struct pb_error *error)
{
    if (!(target.amount > 0 && target.amount < 1) || target.measure > PB_MEASURE_MACS)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked to prune a share of %g; shares lie between 0 and 1",
                       target.amount);
    bool pruned;
    const struct pb_target removed = removed_before(chain, &pruned);
    if (pruned && target.measure == removed.measure && !(target.amount > removed.amount))
        return pb_fail(
            error, PB_ERROR_RUN,
            "the schedule asked to prune %g %% of the %s where %g %% were pruned before; targets count against "
            "the unpruned network, so each must be above the one before",
            100 * target.amount, pb_measure_names[target.measure], 100 * removed.amount);
    return PB_OK;
}

enum pb_status pb_chain_prune(struct pb_chain *chain, struct pb_target target, const struct pb_link **link,
                              struct pb_error *error)
{
    enum pb_status status = check_target(chain, target, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {.verb = PB_VERB_PRUNE, .target = target};
    name_with_amount(added.name, "prune", target.amount);
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_prune_to(struct pb_chain *chain, const uint32_t *channels, uint32_t count,
                                 const struct pb_link **link, struct pb_error *error)
{
    struct pb_link added = {.verb = PB_VERB_PRUNE, .name = "prune-to", .channel_count = count};
    if (count == 0)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked to prune to given channels of no group");
    for (uint32_t g = 0; g < count; g++)
        if (channels[g] == 0)
            return pb_fail(error, PB_ERROR_RUN,
                           "the schedule asked to prune group %" PRIu32 " to 0 channels; at least 1 stays", g);
    added.channels = pb_calloc(count, sizeof *added.channels);
    if (!added.channels)
        return pb_fail_memory(error, count * sizeof *added.channels);
    memcpy(added.channels, channels, count * sizeof *added.channels);
    const enum pb_status status = add_link(chain, &added, link, error);
    if (status != PB_OK)
        pb_free(added.channels);
    return status;
}

enum pb_status pb_chain_reinitialise(struct pb_chain *chain, uint32_t stream, const struct pb_link **link,
                                     struct pb_error *error)
{
    struct pb_link added = {.verb = PB_VERB_REINITIALISE, .name = "reinitialise", .stream = stream};
    return add_link(chain, &added, link, error);
}

pb_stage pb_chain_before_pruning(const struct pb_chain *chain, pb_stage stage)
{
    while (stage != 0 && chain->links[stage - 1].verb != PB_VERB_PRUNE)
        stage = chain->links[stage - 1].parent;
    return stage ? chain->links[stage - 1].parent : 0;
}

enum pb_status pb_chain_repair(struct pb_chain *chain, const struct pb_link **link, struct pb_error *error)
{
    const enum pb_status status = check_criterion(chain, error);
    if (status != PB_OK)
        return status;
    const struct pb_plugin *criterion = chain->config->criterion.loaded->plugin;
    bool pruned;
    (void)removed_before(chain, &pruned);
    if (!pruned)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked for a repair before anything was pruned");
    if (!criterion->criterion->repair)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "the schedule asks for repairs, which criterion '%s' does not make; choose one that does, or another "
            "schedule",
            criterion->name);
    struct pb_link added = {.verb = PB_VERB_REPAIR, .name = "repair"};
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_restore(struct pb_chain *chain, pb_stage to, struct pb_error *error)
{
    if (to > chain->count)
        return pb_fail(error, PB_ERROR_RUN, "the schedule restores stage %" PRIu32 " of %" PRIu32, to, chain->count);
    chain->current = to < chain->start ? chain->start : to;
    return PB_OK;
}

enum pb_status pb_chain_recalibrate(struct pb_chain *chain, uint32_t batches, const struct pb_link **link,
                                    struct pb_error *error)
{
    struct pb_link added = {.verb = PB_VERB_RECALIBRATE, .name = "recalibrate", .batches = batches};
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_rewind(struct pb_chain *chain, pb_stage to, const struct pb_link **link, struct pb_error *error)
{
    if (to > chain->count)
        return pb_fail(error, PB_ERROR_RUN, "the schedule rewinds to stage %" PRIu32 " of %" PRIu32, to, chain->count);
    struct pb_link added = {.verb = PB_VERB_REWIND, .name = "rewind", .to = to};
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_finish(const struct pb_chain *chain, struct pb_error *error)
{
    const struct pb_plugin *plugin = chain->config->schedule.loaded->plugin;
    bool pruned;
    (void)removed_before(chain, &pruned);
    if (pruned || plugin->schedule->trains_only)
        return PB_OK;
    return pb_fail(error, PB_ERROR_RUN,
                   "schedule '%s' ended without pruning anything; one that only trains must declare it (trains_only)",
                   plugin->name);
}
