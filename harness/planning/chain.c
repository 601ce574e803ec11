/* The chain of verbs that a schedule asks for: handles, names, keys. */
#include "planning/chain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "planning/verb_checks.h"
#include "prune/threshold.h"
#include "settings/names.h"
#include "training/piece.h"

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
    const char *to = NULL;
    if (pb_link_learns_from_file(link))
        to = chain->inputs.teacher;
    else if (link->verb == PB_VERB_REWIND || link->to != 0)
        to = pb_chain_key(chain, link->to);
    pb_link_make_key(link, pb_chain_key(chain, link->parent), to);
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

/* The current stage's link; one of zeros where the schedule starts. */
static struct pb_link current_link(const struct pb_chain *chain)
{
    return chain->current != 0 ? chain->links[chain->current - 1] : (struct pb_link){0};
}

/* Trainings and prunings of one name are numbered: records distinguish them by their names. */
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
    if (!link->training_depth)
        link->training_depth = link->depth;
    if (link->verb == PB_VERB_PRUNE) {
        link->pruned = true;
        link->removed = link->target;
        link->cut = pb_is_threshold(link->target.measure) ? 0 : link->target.amount;
        link->masked = parent != 0 ? chain->links[parent - 1].masked : 0;
    } else if (parent != 0) {
        link->pruned = chain->links[parent - 1].pruned;
        link->removed = chain->links[parent - 1].removed;
        link->masked = chain->links[parent - 1].masked;
        link->cut = chain->links[parent - 1].cut;
    }
    if (link->verb == PB_VERB_MASK) {
        link->pruned = true;
        link->masked = link->cut = link->target.amount;
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

enum pb_status pb_chain_add_baseline(struct pb_chain *chain, struct pb_error *error)
{
    const struct pb_train_spec *spec = &chain->config->training;
    struct pb_link link = {.verb = PB_VERB_TRAIN, .spec = *spec, .name = "base"};
    enum pb_status status = pb_check_spec(spec, error);
    if (status == PB_OK)
        status = append_link(chain, &link, chain->start, error);
    if (status == PB_OK)
        chain->baseline = chain->count;
    return status;
}

/* A piece that does not begin a training continues the one before it. */
static enum pb_status continue_piece(const struct pb_chain *chain, struct pb_link *link, struct pb_error *error)
{
    const pb_stage stage = pb_chain_training_before(chain, chain->current);
    const struct pb_link *before = stage ? &chain->links[stage - 1] : NULL;
    const struct pb_train_spec *spec = &link->spec;
    if (pb_piece_is_first(spec))
        return PB_OK;
    if (!before || pb_piece_is_last(&before->spec) || before->spec.last_epoch != spec->first_epoch ||
        before->spec.last_step != spec->first_step)
        return pb_fail(error, PB_ERROR_RUN,
                       "the schedule asked for a piece of a training that begins after %" PRIu32 " epochs and %" PRIu32
                       " steps; the training before it does not end there",
                       spec->first_epoch, spec->first_step);
    link->training_depth = before->training_depth;
    return PB_OK;
}

/* The matrix's file, or a stage that was trained on the cell's own data, before this training. */
static enum pb_status find_teacher(const struct pb_chain *chain, struct pb_link *link, struct pb_error *error)
{
    const struct pb_train_spec *spec = &link->spec;
    if (spec->distillation == PB_DISTILLATION_NONE)
        return PB_OK;
    if (spec->teacher == PB_STAGE_TEACHER_FILE && chain->config->teacher)
        return PB_OK;
    if (spec->teacher == PB_STAGE_TEACHER_FILE)
        return pb_fail(error, PB_ERROR_INPUT,
                       "the schedule asked for the matrix's teacher file, and the cell has none; give <retraining> "
                       "distillation and teacher=");
    const pb_stage teacher = spec->teacher == PB_STAGE_UNPRUNED ? chain->baseline : spec->teacher;
    if (teacher > chain->count)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked for stage %" PRIu32 " of %" PRIu32 " as a teacher",
                       teacher, chain->count);
    if (teacher <= chain->start)
        return pb_fail(
            error, PB_ERROR_RUN,
            "the schedule asked for a teacher that was not trained on the cell's data; give a stage behind a "
            "training, or PB_STAGE_UNPRUNED");
    link->to = teacher;
    return PB_OK;
}

enum pb_status pb_chain_train(struct pb_chain *chain, const struct pb_train_spec *spec, const struct pb_link **link,
                              struct pb_error *error)
{
    enum pb_status status = pb_check_spec(spec, error);
    if (status == PB_OK && spec->soft_zero != PB_ZERO_NONE)
        status = pb_check_soft(chain->config, spec, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {
        .verb = PB_VERB_TRAIN, .spec = *spec, .target = {.measure = spec->soft_measure, .amount = spec->soft_amount}};
    status = continue_piece(chain, &added, error);
    if (status == PB_OK)
        status = find_teacher(chain, &added, error);
    if (status != PB_OK)
        return status;
    const struct pb_link before = current_link(chain);
    if (spec->soft_zero != PB_ZERO_NONE)
        name_with_amount(added.name, "soft", spec->soft_amount);
    else if (before.pruned && before.cut > 0)
        name_with_amount(added.name, "retrain", before.cut);
    else
        snprintf(added.name, sizeof added.name, before.pruned ? "retrain" : "train");
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_score(struct pb_chain *chain, const struct pb_link **link, struct pb_error *error)
{
    const enum pb_status status = pb_check_scores(chain->config, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {.verb = PB_VERB_SCORE, .name = "score"};
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_prune(struct pb_chain *chain, struct pb_target target, const struct pb_link **link,
                              struct pb_error *error)
{
    const struct pb_link before = current_link(chain);
    enum pb_status status = pb_check_target(chain->config, &before, target, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {.verb = PB_VERB_PRUNE, .target = target};
    if (pb_is_threshold(target.measure))
        snprintf(added.name, sizeof added.name, "prune-%s", pb_measure_names[target.measure]);
    else
        name_with_amount(added.name, "prune", target.amount);
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_prune_to(struct pb_chain *chain, const uint32_t *channels, uint32_t count,
                                 const struct pb_link **link, struct pb_error *error)
{
    struct pb_link added = {.verb = PB_VERB_PRUNE, .name = "prune-to", .channel_count = count};
    if (chain->config->ranking.allocation != PB_ALLOCATION_SCOPE)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "allocation=\"%s\" says what each layer loses, and so does this schedule; leave it out, or choose "
            "another schedule",
            pb_allocation_names[chain->config->ranking.allocation]);
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

enum pb_status pb_chain_mask(struct pb_chain *chain, struct pb_target target, const struct pb_link **link,
                             struct pb_error *error)
{
    const struct pb_link before = current_link(chain);
    const enum pb_status status = pb_check_mask(chain->config, &before, target, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {.verb = PB_VERB_MASK, .target = target};
    name_with_amount(added.name, "mask", target.amount);
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_reinitialise(struct pb_chain *chain, uint32_t stream, const struct pb_link **link,
                                     struct pb_error *error)
{
    struct pb_link added = {.verb = PB_VERB_REINITIALISE, .name = "reinitialise", .stream = stream};
    return add_link(chain, &added, link, error);
}

pb_stage pb_chain_training_before(const struct pb_chain *chain, pb_stage stage)
{
    while (stage != 0 && chain->links[stage - 1].verb != PB_VERB_TRAIN) {
        const struct pb_link *link = &chain->links[stage - 1];
        stage = link->verb == PB_VERB_REWIND ? link->to : link->parent;
    }
    return stage;
}

pb_stage pb_chain_before_pruning(const struct pb_chain *chain, pb_stage stage)
{
    while (stage != 0 && chain->links[stage - 1].verb != PB_VERB_PRUNE)
        stage = chain->links[stage - 1].parent;
    return stage ? chain->links[stage - 1].parent : 0;
}

static bool is_repaired(const struct pb_chain *chain, pb_stage stage)
{
    while (stage != 0 && chain->links[stage - 1].verb != PB_VERB_PRUNE &&
           chain->links[stage - 1].verb != PB_VERB_REPAIR)
        stage = chain->links[stage - 1].parent;
    return stage != 0 && chain->links[stage - 1].verb == PB_VERB_REPAIR;
}

enum pb_status pb_chain_repair(struct pb_chain *chain, const struct pb_link **link, struct pb_error *error)
{
    const enum pb_repair_rule asked = chain->config->repair;
    struct pb_link added = {.verb = PB_VERB_REPAIR, .name = "repair", .repair = asked ? asked : PB_REPAIR_CRITERION};
    const enum pb_status status = pb_check_scores(chain->config, error);
    if (status != PB_OK)
        return status;
    const struct pb_plugin *criterion = chain->config->criterion.loaded->plugin;
    if (asked != PB_REPAIR_NONE && is_repaired(chain, chain->current)) {
        *link = NULL;
        return PB_OK;
    }
    if (pb_chain_before_pruning(chain, chain->current) == 0)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked for a repair before anything was pruned");
    if (asked == PB_REPAIR_CRITERION && !criterion->criterion->repair)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "repair=\"criterion\" asks for repairs, which criterion '%s' does not make; set repair=\"mean\", or "
            "choose a criterion that does",
            criterion->name);
    if (asked == PB_REPAIR_NONE && !criterion->criterion->repair)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "the schedule asks for repairs, which criterion '%s' does not make; choose one that does, or another "
            "schedule",
            criterion->name);
    return add_link(chain, &added, link, error);
}

enum pb_status pb_chain_restore(struct pb_chain *chain, pb_stage to, struct pb_error *error)
{
    if (to > chain->count)
        return pb_fail(error, PB_ERROR_RUN, "the schedule restores stage %" PRIu32 " of %" PRIu32, to, chain->count);
    chain->current = to < chain->start ? chain->start : to;
    if (chain->current)
        chain->links[chain->current - 1].dropped = false;
    return PB_OK;
}

/* A stage that is not dropped builds on this one. */
static bool is_needed(const struct pb_chain *chain, pb_stage stage)
{
    for (uint32_t i = stage; i < chain->count; i++)
        if (!chain->links[i].dropped && (chain->links[i].parent == stage || chain->links[i].to == stage))
            return true;
    return false;
}

enum pb_status pb_chain_drop(struct pb_chain *chain, pb_stage stage, bool *dropped, struct pb_error *error)
{
    if (stage > chain->count)
        return pb_fail(error, PB_ERROR_RUN, "the schedule drops stage %" PRIu32 " of %" PRIu32, stage, chain->count);
    *dropped = stage > chain->start && stage != chain->baseline && !pb_chain_leads_to_current(chain, stage) &&
               !is_needed(chain, stage);
    if (*dropped)
        chain->links[stage - 1].dropped = true;
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
    if (current_link(chain).pruned || plugin->schedule->trains_only)
        return PB_OK;
    return pb_fail(
        error, PB_ERROR_RUN,
        "schedule '%s' ended without pruning or masking anything; one that only trains must declare it (trains_only)",
        plugin->name);
}
