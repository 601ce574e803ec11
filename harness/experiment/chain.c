/* The chain of verbs that a schedule asks for: handles, names, keys. */
#include "experiment/chain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "experiment/names.h"
#include "experiment/settings.h"

/* Raised when a change of the harness makes stored results different from what it would compute now. */
static const char FORMAT[] = "prunebench stage 2";

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

/* The pretraining's key holds nothing of the cell's own data set: every cell that pretrains alike has it. */
static enum pb_status add_pretraining(struct pb_chain *chain, const char *details, struct pb_error *error)
{
    const struct pb_cell_config *config = chain->config;
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_text_append(&text, "%s\npretraining\n%s", FORMAT, details ? details : "");
    pb_settings_pretraining(&sink, config->pretraining, true);
    pb_settings_choice(&sink, "backend", &config->backend, true);
    chain->links = pb_calloc(1, sizeof *chain->links);
    if (!chain->links) {
        pb_text_free(&text);
        return pb_fail_memory(error, sizeof *chain->links);
    }
    chain->links[0] =
        (struct pb_link){.verb = PB_VERB_PRETRAIN, .name = "pretrain", .spec = config->pretraining->training};
    chain->count = chain->current = chain->start = 1;
    return finish_key(&text, chain->links[0].key, error);
}

enum pb_status pb_chain_start(struct pb_chain *chain, const struct pb_cell_config *config,
                              const struct pb_chain_details *details, struct pb_error *error)
{
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    struct pb_chain started = {.config = config};
    enum pb_status status = PB_OK;
    if (config->pretraining)
        status = add_pretraining(&started, details ? details->pretraining : NULL, error);
    pb_text_append(&text, "%s\nseed=%" PRIu64 "\n%s", FORMAT, config->seed, details ? details->cell : "");
    if (config->pretraining && status == PB_OK)
        pb_text_append(&text, "pretraining=%s\n", started.links[0].key);
    pb_settings_model(&sink, config);
    pb_settings_data(&sink, config);
    pb_settings_choice(&sink, "dataset", &config->dataset, true);
    pb_settings_choice(&sink, "backend", &config->backend, true);
    if (status == PB_OK)
        status = finish_key(&text, started.root, error);
    pb_text_free(&text);
    if (status == PB_OK)
        *chain = started;
    else
        pb_chain_free(&started);
    return status;
}

void pb_chain_free(struct pb_chain *chain)
{
    pb_free(chain->links);
    *chain = (struct pb_chain){0};
}

const char *pb_chain_key(const struct pb_chain *chain, pb_stage stage)
{
    return stage <= chain->start ? chain->root : chain->links[stage - 1].key;
}

/* Appends link with the key that text and its parent give. */
static enum pb_status add_link(struct pb_chain *chain, struct pb_link *link, struct pb_text *text,
                               const struct pb_link **added, struct pb_error *error)
{
    link->parent = chain->current;
    link->depth = chain->current == 0 ? 1 : chain->links[chain->current - 1].depth + 1;
    pb_text_append(text, "parent=%s\nverb=%d\n", pb_chain_key(chain, chain->current), (int)link->verb);
    const enum pb_status status = finish_key(text, link->key, error);
    if (status != PB_OK)
        return status;
    struct pb_link *grown = pb_realloc(chain->links, chain->count, (size_t)chain->count + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, ((size_t)chain->count + 1) * sizeof *grown);
    chain->links = grown;
    grown[chain->count] = *link;
    *added = &grown[chain->count];
    chain->current = ++chain->count;
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
    if (chain->config->criterion.loaded)
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

enum pb_status pb_chain_train(struct pb_chain *chain, const struct pb_train_spec *spec, const struct pb_link **link,
                              struct pb_error *error)
{
    enum pb_status status = check_spec(spec, error);
    if (status == PB_OK && spec->soft_zero != PB_ZERO_NONE)
        status = check_criterion(chain, error);
    if (status != PB_OK)
        return status;
    struct pb_link added = {.verb = PB_VERB_TRAIN, .spec = *spec, .target = spec->soft_target};
    if (spec->soft_zero != PB_ZERO_NONE)
        name_with_amount(added.name, "soft", spec->soft_target.amount);
    else if (chain->pruned)
        name_with_amount(added.name, "retrain", chain->amount);
    else
        snprintf(added.name, sizeof added.name, "%s", chain->current == chain->start ? "base" : "train");
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_settings_train(&sink, "train.", spec);
    pb_settings_train_mode(&sink, spec);
    if (spec->soft_zero != PB_ZERO_NONE)
        add_scoring(chain, &sink);
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

enum pb_status pb_chain_prune(struct pb_chain *chain, struct pb_target target, const struct pb_link **link,
                              struct pb_error *error)
{
    if (!(target.amount >= 0 && target.amount < 1) || target.measure > PB_MEASURE_MACS)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked to prune a share of %g; shares lie in [0, 1)",
                       target.amount);
    struct pb_link added = {.verb = PB_VERB_PRUNE, .target = target};
    name_with_amount(added.name, "prune", target.amount);
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    char amount[32];
    pb_format_real(target.amount, amount);
    pb_text_append(&text, "prune.measure=%s\nprune.amount=%s\n", pb_measure_names[target.measure], amount);
    pb_settings_ranking(&sink, chain->config);
    const enum pb_status status = add_link(chain, &added, &text, link, error);
    if (status == PB_OK) {
        chain->pruned = true;
        chain->amount = target.amount;
    }
    return status;
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
    pb_text_append(&text, "rewind.to=%s\n", pb_chain_key(chain, to));
    return add_link(chain, &added, &text, link, error);
}

enum pb_status pb_schedule_execute(const struct pb_cell_config *config, const struct pb_verbs *verbs,
                                   const struct pb_error *verb_error, struct pb_error *error)
{
    const struct pb_schedule *schedule = config->schedule.loaded->plugin->schedule;
    const struct pb_schedule_task task = {.size = sizeof task,
                                          .training = config->training,
                                          .rounds = config->rounds,
                                          .round_count = config->round_count};
    char name[96];
    snprintf(name, sizeof name, "schedule '%.64s'", config->schedule.loaded->plugin->name);
    struct pb_host_services host;
    void *self = NULL;
    pb_host_init(&host, name, config->seed, config->threads);
    enum pb_status status = schedule->create(&host.table, config->schedule.options.values, &self);
    if (status == PB_OK) {
        status = schedule->run(self, verbs, &task);
        if (schedule->destroy)
            schedule->destroy(self);
    }
    if (verb_error->status != PB_OK) {
        *error = *verb_error;
        return verb_error->status;
    }
    return pb_host_result(&host, status, error);
}
