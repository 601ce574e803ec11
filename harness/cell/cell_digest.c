/* A cell's settings in its record, and their digest. */
#include "cell/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "base/version.h"
#include "settings/names.h"
#include "settings/settings.h"

static const struct pb_target *own_target(const struct pb_cell_config *config)
{
    return &config->rounds[config->round_count - 1].target;
}

/* Everything that decides what the cell computes, in a fixed order. hash: with the plugins' SHA-256. */
static void list_settings(const struct pb_cell_config *config, const struct pb_settings_sink *sink, bool hash)
{
    char text[64], prefix[64];
    const struct {
        const char *key, *value;
    } labels[] = {
        {"dataset", config->dataset.label},     {"model", config->model_label},
        {"criterion", config->criterion.label}, {"schedule", config->schedule.label},
        {"backend", config->backend.label},     {"variant", config->variant_label},
        {"target", config->target_label},       {"matrix", config->matrix_name},
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        sink->add(sink->argument, labels[i].key, labels[i].value ? labels[i].value : "");
    snprintf(text, sizeof text, "%" PRIu64, config->seed);
    sink->add(sink->argument, "seed", text);
    sink->add(sink->argument, "target.measure", pb_measure_names[own_target(config)->measure]);
    pb_format_real(own_target(config)->amount, text);
    sink->add(sink->argument, "target.amount", text);
    pb_settings_model(sink, config);
    if (config->pretraining) {
        pb_settings_pretraining(sink, config->pretraining);
        pb_settings_pretraining_choice(sink, config->pretraining, hash);
    }
    pb_settings_data(sink, config);
    pb_settings_train(sink, "training.", &config->training);
    pb_settings_penalty_lambdas(sink, "training.", config, &config->training);
    for (uint32_t i = 0; i < config->round_count; i++) {
        pb_format_real(config->rounds[i].target.amount, text);
        snprintf(prefix, sizeof prefix, "retraining.%.24s.", text);
        pb_settings_train(sink, prefix, &config->rounds[i].retraining);
        pb_settings_penalty_lambdas(sink, prefix, config, &config->rounds[i].retraining);
    }
    pb_settings_teacher(sink, config);
    pb_settings_ranking(sink, config);
    pb_settings_repair(sink, config);
    pb_settings_choice(sink, "dataset", &config->dataset, hash);
    pb_settings_choice(sink, "criterion", &config->criterion, hash);
    pb_settings_kinds(sink, config);
    pb_settings_choice(sink, "schedule", &config->schedule, hash);
    pb_settings_choice(sink, "backend", &config->backend, hash);
    pb_settings_penalty_choices(sink, config, hash);
}

/* Record and first failure of appending to it. */
struct recorder {
    struct pb_record *record;
    enum pb_status status;
    struct pb_error *error;
};

static void record_setting(void *argument, const char *key, const char *value)
{
    struct recorder *recorder = argument;
    if (recorder->status == PB_OK)
        recorder->status = pb_record_config(recorder->record, key, value, recorder->error);
}

enum pb_status pb_cell_describe(const struct pb_cell_config *config, struct pb_record *record, struct pb_error *error)
{
    struct recorder recorder = {.record = record, .error = error};
    recorder.status = pb_record_text(&record->id, config->id, error);
    list_settings(config, &(struct pb_settings_sink){record_setting, &recorder, .places = true}, false);
    return recorder.status;
}

enum pb_status pb_cell_digest(const struct pb_cell_config *config, const char *inputs, char hex[65],
                              struct pb_error *error)
{
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_text_append(&text, "numerics=%s\ninputs=%s\n", pb_numerics, inputs);
    list_settings(config, &sink, true);
    enum pb_status status = PB_OK;
    if (text.failed)
        status = pb_fail_memory(error, text.length);
    else
        pb_sha256_of(text.data, text.length, hex);
    pb_text_free(&text);
    return status;
}
