/* The chain of verbs that a schedule asks for: handles, names, keys. */
#include "planning/chain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/version.h"
#include "settings/names.h"
#include "settings/settings.h"
#include "planning/watched_verbs.h"

/* Raised when stored stages are to be read in another way. What they hold is told apart by pb_numerics. */
static const char FORMAT[] = "prunebench stage 3";

static enum pb_status finish_key(struct pb_text *text, char key[65], struct pb_error *error)
{
    enum pb_status status = PB_OK;
    if (text->failed)
        status = pb_fail_memory(error, text->length);
    else
        pb_sha256_of(text->data, text->length, key);
    pb_text_free(text);
    return status;
}

/* Nothing of the cell's own data set is part of it: every cell that pretrains alike has the same key. */
static enum pb_status make_pretraining_key(const struct pb_cell_config *config, const char *details, char key[65],
                                           struct pb_error *error)
{
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_text_append(&text, "%s\nnumerics=%s\npretraining\n%s", FORMAT, pb_numerics, details);
    pb_settings_pretraining(&sink, config->pretraining, true);
    pb_settings_choice(&sink, "backend", &config->backend, true);
    return finish_key(&text, key, error);
}

/* details: NULL while planning. */
static enum pb_status add_pretraining(struct pb_chain *chain, const char *details, struct pb_error *error)
{
    const struct pb_cell_config *config = chain->config;
    struct pb_link *link = pb_calloc(1, sizeof *link);
    if (!link)
        return pb_fail_memory(error, sizeof *link);
    *link = (struct pb_link){.verb = PB_VERB_PRETRAIN, .name = "pretrain", .spec = config->pretraining->training};
    chain->links = link;
    chain->count = chain->current = chain->start = 1;
    enum pb_status status = make_pretraining_key(config, "", link->plan_key, error);
    memcpy(link->key, link->plan_key, sizeof link->key);
    if (status == PB_OK && details)
        status = make_pretraining_key(config, details, link->key, error);
    return status;
}

/* The key of the network that the schedule starts from. */
static enum pb_status make_root(const struct pb_cell_config *config, const char *pretraining_key, const char *details,
                                char root[65], struct pb_error *error)
{
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_text_append(&text, "%s\nnumerics=%s\nseed=%" PRIu64 "\n%s", FORMAT, pb_numerics, config->seed, details);
    if (pretraining_key)
        pb_text_append(&text, "pretraining=%s\n", pretraining_key);
    pb_settings_model(&sink, config);
    pb_settings_data(&sink, config);
    pb_settings_choice(&sink, "dataset", &config->dataset, true);
    pb_settings_choice(&sink, "backend", &config->backend, true);
    return finish_key(&text, root, error);
}

enum pb_status pb_chain_start(struct pb_chain *chain, const struct pb_cell_config *config,
                              const struct pb_chain_details *details, struct pb_error *error)
{
    struct pb_chain started = {.config = config};
    enum pb_status status = PB_OK;
    if (config->pretraining)
        status = add_pretraining(&started, details ? details->pretraining : NULL, error);
    if (status == PB_OK)
        status =
            make_root(config, config->pretraining ? started.links[0].plan_key : NULL, "", started.plan_root, error);
    memcpy(started.root, started.plan_root, sizeof started.root);
    if (status == PB_OK && details)
        status =
            make_root(config, config->pretraining ? started.links[0].key : NULL, details->cell, started.root, error);
    if (status == PB_OK)
        *chain = started;
    else
        pb_chain_free(&started);
    return status;
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

static const char *plan_key(const struct pb_chain *chain, pb_stage stage)
{
    return stage <= chain->start ? chain->plan_root : chain->links[stage - 1].plan_key;
}

/* The last pruning up to the current stage; amount 0: none, or one that was given per group. */
static struct pb_target removed_before(const struct pb_chain *chain, bool *pruned)
{
    const struct pb_link *link = chain->current != 0 ? &chain->links[chain->current - 1] : NULL;
    *pruned = link && link->pruned;
    return link ? link->removed : (struct pb_target){0};
}

static void hash_with_parent(const struct pb_text *text, const char *parent, enum pb_verb_kind verb, char key[65])
{
    struct pb_sha256 hash;
    char end[96];
    const int length = snprintf(end, sizeof end, "parent=%s\nverb=%d\n", parent, (int)verb);
    pb_sha256_init(&hash);
    pb_sha256_update(&hash, text->data ? text->data : "", text->length);
    pb_sha256_update(&hash, end, (size_t)length);
    pb_sha256_finish(&hash, key);
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

/* Appends link, whose arguments text holds, behind parent; text is freed. */
static enum pb_status append_link(struct pb_chain *chain, struct pb_link *link, pb_stage parent, struct pb_text *text,
                                  struct pb_error *error)
{
    const bool failed = text->failed;
    link->parent = parent;
    link->depth = parent == 0 ? 1 : chain->links[parent - 1].depth + 1;
    if (link->verb == PB_VERB_PRUNE) {
        link->pruned = true;
        link->removed = link->target;
    } else if (parent != 0) {
        link->pruned = chain->links[parent - 1].pruned;
        link->removed = chain->links[parent - 1].removed;
    }
    if (!failed) {
        hash_with_parent(text, plan_key(chain, parent), link->verb, link->plan_key);
        if (strcmp(plan_key(chain, parent), pb_chain_key(chain, parent)) == 0) /* while planning */
            memcpy(link->key, link->plan_key, sizeof link->key);
        else
            hash_with_parent(text, pb_chain_key(chain, parent), link->verb, link->key);
    }
    pb_text_free(text);
    if (failed)
        return pb_fail_memory(error, sizeof *link);
    struct pb_link *grown = pb_array_room(chain->links, chain->count, sizeof *grown, error);
    if (!grown)
        return PB_ERROR_MEMORY;
    chain->links = grown;
    grown[chain->count++] = *link;
    return PB_OK;
}

/* Appends link behind the current one and makes it current. The baseline's own training is the baseline. */
static enum pb_status add_link(struct pb_chain *chain, struct pb_link *link, struct pb_text *text,
                               const struct pb_link **added, struct pb_error *error)
{
    number_name(chain, link);
    const enum pb_status status = append_link(chain, link, chain->current, text, error);
    if (status != PB_OK)
        return status;
    chain->current = chain->count;
    if (chain->baseline && strcmp(link->plan_key, chain->links[chain->baseline - 1].plan_key) == 0) {
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

static void add_scoring(const struct pb_chain *chain, const struct pb_settings_sink *sink)
{
    pb_settings_choice(sink, "criterion", &chain->config->criterion, true);
    pb_settings_ranking(sink, chain->config);
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
    if (spec->lr_policy > PB_LR_CONSTANT || spec->soft_zero > PB_ZERO_GAMMA_BETA || spec->return_state > PB_RETURN_BEST)
        return pb_fail(error, PB_ERROR_RUN,
                       "the schedule asked for a training with a mode that this host does not know");
    return PB_OK;
}

static void append_training(const struct pb_chain *chain, const struct pb_train_spec *spec, struct pb_text *text)
{
    const struct pb_settings_sink sink = pb_settings_into(text);
    pb_settings_train(&sink, "train.", spec);
    pb_settings_train_mode(&sink, spec);
    if (spec->soft_zero != PB_ZERO_NONE)
        add_scoring(chain, &sink);
}

enum pb_status pb_chain_add_baseline(struct pb_chain *chain, struct pb_error *error)
{
    const struct pb_train_spec *spec = &chain->config->training;
    struct pb_link link = {.verb = PB_VERB_TRAIN, .spec = *spec, .name = "base"};
    struct pb_text text = {0};
    enum pb_status status = check_spec(spec, error);
    if (status != PB_OK)
        return status;
    append_training(chain, spec, &text);
    status = append_link(chain, &link, chain->start, &text, error);
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
    struct pb_text text = {0};
    append_training(chain, spec, &text);
    return add_link(chain, &added, &text, link, error);
}

enum pb_status pb_chain_score(struct pb_chain *chain, const struct pb_link **link, struct pb_error *error)
{
    const enum pb_status status = check_criterion(chain, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {.verb = PB_VERB_SCORE, .name = "score"};
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    add_scoring(chain, &sink);
    return add_link(chain, &added, &text, link, error);
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
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    char amount[32];
    pb_format_real(target.amount, amount);
    pb_text_append(&text, "prune.measure=%s\nprune.amount=%s\n", pb_measure_names[target.measure], amount);
    pb_settings_ranking(&sink, chain->config);
    return add_link(chain, &added, &text, link, error);
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
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_text_append(&text, "prune.channels=");
    for (uint32_t g = 0; g < count; g++)
        pb_text_append(&text, "%s%" PRIu32, g ? " " : "", channels[g]);
    pb_text_append(&text, "\n");
    pb_settings_ranking(&sink, chain->config);
    const enum pb_status status = add_link(chain, &added, &text, link, error);
    if (status != PB_OK)
        pb_free(added.channels);
    return status;
}

enum pb_status pb_chain_reinitialise(struct pb_chain *chain, uint32_t stream, const struct pb_link **link,
                                     struct pb_error *error)
{
    struct pb_link added = {.verb = PB_VERB_REINITIALISE, .name = "reinitialise", .stream = stream};
    struct pb_text text = {0};
    pb_text_append(&text, "reinitialise.stream=%" PRIu32 "\n", stream);
    return add_link(chain, &added, &text, link, error);
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
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    add_scoring(chain, &sink);
    return add_link(chain, &added, &text, link, error);
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
    struct pb_text text = {0};
    pb_text_append(&text, "recalibrate.batches=%" PRIu32 "\n", batches);
    return add_link(chain, &added, &text, link, error);
}

enum pb_status pb_chain_rewind(struct pb_chain *chain, pb_stage to, const struct pb_link **link, struct pb_error *error)
{
    if (to > chain->count)
        return pb_fail(error, PB_ERROR_RUN, "the schedule rewinds to stage %" PRIu32 " of %" PRIu32, to, chain->count);
    struct pb_link added = {.verb = PB_VERB_REWIND, .name = "rewind", .to = to};
    struct pb_text text = {0};
    pb_text_append(&text, "rewind.to=%s\n",
                   plan_key(chain, to)); /* with the parent it names one stage of this worker, too */
    return add_link(chain, &added, &text, link, error);
}

enum pb_status pb_chain_finish(const struct pb_chain *chain, struct pb_error *error)
{
    const struct pb_plugin *plugin = chain->config->schedule.loaded->plugin;
    bool pruned;
    (void)removed_before(chain, &pruned);
    if (pruned || pb_schedule_trains_only(plugin->schedule))
        return PB_OK;
    return pb_fail(error, PB_ERROR_RUN,
                   "schedule '%s' ended without pruning anything; one that only trains must declare it (trains_only)",
                   plugin->name);
}

static enum pb_status create_schedule(const struct pb_cell_config *config, struct pb_host_services *host, void **self,
                                      struct pb_error *error)
{
    const struct pb_schedule *schedule = config->schedule.loaded->plugin->schedule;
    const void *given = NULL;
    enum pb_status status = pb_host_give_options(host, &config->schedule.options, &given, error);
    if (status != PB_OK)
        return status;
    pb_place_enter(host->name, "create");
    status = pb_host_result(host, schedule->create(&host->table, given, self), error);
    pb_place_leave();
    return status;
}

static void destroy_schedule(const struct pb_schedule *schedule, struct pb_host_services *host, void *self)
{
    if (!schedule->destroy || host->damaged)
        return;
    pb_place_enter(host->name, "destroy");
    schedule->destroy(self);
    pb_place_leave();
}

enum pb_status pb_schedule_execute(const struct pb_cell_config *config, const struct pb_verbs *verbs,
                                   const struct pb_error *verb_error, struct pb_error *error)
{
    const struct pb_schedule *schedule = config->schedule.loaded->plugin->schedule;
    char name[96];
    snprintf(name, sizeof name, "schedule '%.64s'", config->schedule.loaded->plugin->name);
    struct pb_host_services host;
    struct pb_watched_run run = {.host = &host, .verbs = verbs, .config = config};
    void *self = NULL;
    pb_host_init(&host, name, config->seed, config->threads);
    enum pb_status status = create_schedule(config, &host, &self, error);
    if (status == PB_OK) {
        status = pb_watched_run(&run, self, error);
        destroy_schedule(schedule, &host, self);
    }
    pb_watched_run_free(&run);
    pb_host_close(&host);
    if (verb_error->status != PB_OK && !host.damaged) {
        *error = *verb_error;
        return verb_error->status;
    }
    return status;
}
