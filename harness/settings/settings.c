/* Settings as text: one writer of key=value lines serves records, digests and stage keys. */
#include "settings/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <prunebench/criterion.h>

#include "base/memory.h"
#include "plugin/describe.h"
#include "settings/names.h"

static void add(const struct pb_settings_sink *sink, const char *prefix, const char *key, const char *value)
{
    char full[128];
    const size_t length = strnlen(prefix, sizeof full - 1), rest = strnlen(key, sizeof full - 1 - length);
    memcpy(full, prefix, length);
    memcpy(full + length, key, rest);
    full[length + rest] = '\0';
    sink->add(sink->argument, full, value ? value : "");
}

static void add_real(const struct pb_settings_sink *sink, const char *prefix, const char *key, double value)
{
    char text[32];
    pb_format_real(value, text);
    add(sink, prefix, key, text);
}

static void add_count(const struct pb_settings_sink *sink, const char *prefix, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    add(sink, prefix, key, text);
}

static void add_bool(const struct pb_settings_sink *sink, const char *prefix, const char *key, bool value)
{
    add(sink, prefix, key, value ? "true" : "false");
}

void pb_settings_train(const struct pb_settings_sink *sink, const char *prefix, const struct pb_train_spec *spec)
{
    add_count(sink, prefix, "epochs", spec->epochs);
    add_real(sink, prefix, "lr", spec->lr);
    add(sink, prefix, "lr-policy", pb_lr_policy_names[spec->lr_policy]);
    add_real(sink, prefix, "lr-factor", spec->lr_factor);
    add_count(sink, prefix, "lr-patience", spec->lr_patience);
    add_real(sink, prefix, "lr-threshold", spec->lr_threshold);
    add_real(sink, prefix, "lr-min", spec->lr_min);
    add_count(sink, prefix, "warmup", spec->warmup_epochs);
    add_count(sink, prefix, "early-stop", spec->early_stop);
    add_real(sink, prefix, "momentum", spec->momentum);
    add_bool(sink, prefix, "nesterov", spec->nesterov);
    add_real(sink, prefix, "weight-decay", spec->weight_decay);
    add_real(sink, prefix, "lambda", spec->lambda[PB_PENALTY_NORMS]);
    add_real(sink, prefix, "lambda-last", spec->lambda[PB_PENALTY_LAST_NORM]);
    add_count(sink, prefix, "head-epochs", spec->head_epochs);
    add_real(sink, prefix, "head-lr", spec->head_lr);
    if (spec->distillation == PB_DISTILLATION_NONE)
        return;
    add(sink, prefix, "distillation", pb_distillation_names[spec->distillation]);
    if (spec->teacher == PB_STAGE_TEACHER_FILE)
        add(sink, prefix, "teacher", "file");
    add_real(sink, prefix, "teacher-weight", spec->teacher_weight);
    if (spec->distillation == PB_DISTILLATION_SOFT_TARGETS)
        add_real(sink, prefix, "teacher-temperature", spec->teacher_temperature);
}

void pb_settings_teacher(const struct pb_settings_sink *sink, const struct pb_cell_config *config)
{
    if (config->teacher && sink->places)
        add(sink, "retraining.", "teacher", config->teacher);
}

void pb_settings_train_mode(const struct pb_settings_sink *sink, const struct pb_train_spec *spec)
{
    add_bool(sink, "train.", "continue", spec->continue_optimiser);
    add(sink, "train.", "return", spec->return_state == PB_RETURN_BEST ? "best" : "last");
    if (spec->first_epoch || spec->first_step || spec->last_epoch || spec->last_step) {
        add_count(sink, "train.", "first-epoch", spec->first_epoch);
        add_count(sink, "train.", "first-step", spec->first_step);
        add_count(sink, "train.", "last-epoch", spec->last_epoch);
        add_count(sink, "train.", "last-step", spec->last_step);
    }
    add(sink, "train.", "zero", pb_soft_zero_names[spec->soft_zero]);
    if (spec->soft_zero == PB_ZERO_NONE)
        return;
    add(sink, "train.", "mask.measure", pb_measure_names[spec->soft_measure]);
    add_real(sink, "train.", "mask.amount", spec->soft_amount);
    add(sink, "train.", "mask.growth", pb_soft_growth_names[spec->soft_growth]);
    add(sink, "train.", "mask.comeback", pb_soft_comeback_names[spec->soft_comeback]);
    add(sink, "train.", "mask.momentum", spec->soft_clears_momentum ? "cleared" : "kept");
}

/* A head in place of the model's own, and the sizes that it has. */
static void add_head(const struct pb_settings_sink *sink, const struct pb_model_spec *model)
{
    const struct pb_head_spec head = pb_model_head_sizes(model);
    if (model->head.choice != PB_HEAD_OWN)
        add(sink, "model.", "other-head", pb_head_names[head.choice]);
    if (head.dimension)
        add_count(sink, "model.", "head-dimension", head.dimension);
    if (head.reduction)
        add_count(sink, "model.", "head-reduction", head.reduction);
    if (head.rank)
        add_count(sink, "model.", "head-rank", head.rank);
}

void pb_settings_model(const struct pb_settings_sink *sink, const struct pb_cell_config *config)
{
    const struct pb_model_spec *model = &config->model;
    const struct pb_model_row *row = pb_model_find(model->name);
    const bool neurons =
        model->file ||
        (row && row->neurons &&
         model->head.choice ==
             PB_HEAD_OWN); /* else a list gives every width, and nothing but convolutions can be pruned */
    add(sink, "model.", "name", model->name);
    add_head(sink, model);
    add_count(sink, "model.", "image-size", model->image_size);
    add_bool(sink, "model.", "batch-norm", model->batch_norm);
    if (model->widths.count) {
        struct pb_text widths = {0};
        pb_widths_append(&model->widths, &widths);
        add(sink, "model.", "widths", widths.data);
        pb_text_free(&widths);
    }
    if (neurons || !model->widths.count || pb_widths_are_named(&model->widths))
        add_real(sink, "model.", "width-multiplier", model->width_multiplier);
    if (neurons || model->prunable == PB_PRUNABLE_TRUNK)
        add(sink, "model.", "prunable", pb_prunable_names[model->prunable]);
    if (config->pretrained && sink->places)
        add(sink, "model.", "pretrained", config->pretrained);
}

void pb_settings_data(const struct pb_settings_sink *sink, const struct pb_cell_config *config)
{
    char *preprocess = pb_preprocess_text(&config->preprocess);
    add(sink, "", "preprocess", preprocess ? preprocess : "out of memory");
    pb_free(preprocess);
    if (sink->places)
        add(sink, "dataset.", "root", config->dataset_root);
    add_real(sink, "data.", "validation", config->split.validation);
    add_count(sink, "data.", "split-seed", config->split.seed);
    add_count(sink, "data.", "batch", config->batch);
    add(sink, "", "selection", config->select_on_test ? "test" : "validation");
}

void pb_settings_ranking(const struct pb_settings_sink *sink, const struct pb_cell_config *config)
{
    const struct pb_ranking *ranking = &config->ranking;
    add(sink, "ranking.", "scope", pb_scope_names[ranking->scope]);
    add(sink, "ranking.", "normalise", pb_normalise_names[ranking->normalise]);
    add(sink, "ranking.", "count", pb_count_rule_names[ranking->count]);
    add_count(sink, "ranking.", "floor", ranking->floor);
    add_count(sink, "ranking.", "round-to", ranking->round_to);
    add_bool(sink, "ranking.", "permute", ranking->permute);
    add(sink, "ranking.", "redraw", pb_redraw_names[ranking->redraw]);
    add(sink, "ranking.", "coupling", pb_coupling_names[config->coupling]);
    if (ranking->allocation != PB_ALLOCATION_SCOPE)
        add(sink, "ranking.", "allocation", pb_allocation_names[ranking->allocation]);
    add_count(sink, "calibration.", "batches", config->calibration_batches);
    add_count(sink, "calibration.", "batch", config->calibration_batch);
}

void pb_settings_repair(const struct pb_settings_sink *sink, const struct pb_cell_config *config)
{
    if (config->repair != PB_REPAIR_NONE)
        add(sink, "ranking.", "repair", pb_repair_names[config->repair]);
}

void pb_settings_choice(const struct pb_settings_sink *sink, const char *prefix, const struct pb_choice *choice,
                        bool hash)
{
    if (!choice->loaded)
        return;
    const struct pb_plugin *plugin = choice->loaded->plugin;
    char key[96];
    snprintf(key, sizeof key, "%s.", prefix);
    add(sink, key, "plugin", plugin->name);
    add(sink, key, "version", plugin->version);
    if (hash)
        add(sink, key, "sha256", choice->loaded->sha256);
    snprintf(key, sizeof key, "%s.option.", prefix);
    for (uint32_t i = 0; i < plugin->option_count; i++)
        add(sink, key, plugin->options[i].name, choice->options.texts[i]);
}

void pb_settings_kinds(const struct pb_settings_sink *sink, const struct pb_cell_config *config)
{
    const char *head = pb_model_head_kind(&config->model);
    struct pb_text traits = {0};
    if (head[0])
        add(sink, "model.", "head", head);
    if (!config->criterion.loaded)
        return;
    for (const struct pb_bit_name *trait = pb_trait_names; trait->name; trait++)
        if (config->criterion.loaded->plugin->criterion->traits & trait->bit)
            pb_text_append(&traits, "%s%s", traits.length ? " " : "", trait->name);
    add(sink, "criterion.", "traits", traits.data);
    pb_text_free(&traits);
}

void pb_settings_penalty_lambdas(const struct pb_settings_sink *sink, const char *prefix,
                                 const struct pb_cell_config *config, const struct pb_train_spec *spec)
{
    char key[96];
    for (uint32_t i = 0; i < config->penalty_count; i++) {
        snprintf(key, sizeof key, "penalty.%s.lambda", config->penalties[i].label);
        add_real(sink, prefix, key, spec->lambda[PB_PENALTY_PLUGINS + i]);
    }
}

void pb_settings_penalty_choices(const struct pb_settings_sink *sink, const struct pb_cell_config *config, bool hash)
{
    char prefix[96];
    for (uint32_t i = 0; i < config->penalty_count; i++) {
        snprintf(prefix, sizeof prefix, "penalty.%s", config->penalties[i].label);
        pb_settings_choice(sink, prefix, &config->penalties[i], hash);
    }
}

void pb_settings_penalties(const struct pb_settings_sink *sink, const struct pb_cell_config *config,
                           const struct pb_train_spec *spec)
{
    char prefix[96];
    uint32_t number = 0;
    for (uint32_t i = 0; i < config->penalty_count; i++) {
        const double lambda = spec->lambda[PB_PENALTY_PLUGINS + i];
        if (!(lambda > 0))
            continue;
        snprintf(prefix, sizeof prefix, "train.penalty.%" PRIu32, number++);
        add_real(sink, prefix, ".lambda", lambda);
        pb_settings_choice(sink, prefix, &config->penalties[i], true);
    }
}

static void add_to_pretraining(void *argument, const char *key, const char *value)
{
    add(argument, "pretraining.", key, value);
}

static struct pb_settings_sink sink_of_pretraining(const struct pb_settings_sink *sink)
{
    return (struct pb_settings_sink){
        .add = add_to_pretraining, .argument = (void *)(uintptr_t)sink, .places = sink->places};
}

void pb_settings_pretraining(const struct pb_settings_sink *sink, const struct pb_cell_config *pretraining)
{
    const struct pb_settings_sink own = sink_of_pretraining(sink);
    if (sink->places)
        add(&own, "", "label", pretraining->dataset.label);
    add_count(&own, "", "seed", pretraining->seed);
    pb_settings_model(&own, pretraining);
    pb_settings_data(&own, pretraining);
    pb_settings_train(&own, "training.", &pretraining->training);
}

void pb_settings_pretraining_choice(const struct pb_settings_sink *sink, const struct pb_cell_config *pretraining,
                                    bool hash)
{
    const struct pb_settings_sink own = sink_of_pretraining(sink);
    pb_settings_choice(&own, "dataset", &pretraining->dataset, hash);
}

/* Without printf: the keys of a large matrix take millions of these. */
static void append_line(void *argument, const char *key, const char *value)
{
    pb_text_append_bytes(argument, key, strlen(key));
    pb_text_append_bytes(argument, "=", 1);
    pb_text_append_bytes(argument, value, strlen(value));
    pb_text_append_bytes(argument, "\n", 1);
}

struct pb_settings_sink pb_settings_into(struct pb_text *text)
{
    return (struct pb_settings_sink){.add = append_line, .argument = text};
}
