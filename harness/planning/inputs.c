/* What a cell works on, by content, and the keys that begin with it. */
#include "planning/inputs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/version.h"
#include "settings/settings.h"
#include "stages/stage_format.h"

static const char FORMAT[] = "prunebench stage " PB_STAGE_FORMAT;

static enum pb_status hash_text(struct pb_text *text, char hex[65], struct pb_error *error)
{
    enum pb_status status = PB_OK;
    if (text->failed)
        status = pb_fail_memory(error, text->length);
    else
        pb_sha256_of(text->data, text->length, hex);
    pb_text_free(text);
    return status;
}

/* In place of the fingerprint of a data set that was not opened. */
static enum pb_status hash_place(const struct pb_cell_config *config, char hex[65], struct pb_error *error)
{
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_text_append(&text, "root=%s\n", config->dataset_root);
    pb_settings_choice(&sink, "dataset", &config->dataset, true);
    return hash_text(&text, hex, error);
}

enum pb_status pb_inputs_unknown(const struct pb_cell_config *config, struct pb_inputs *inputs, struct pb_error *error)
{
    struct pb_inputs unknown = {.data_unknown = true,
                                .pretraining_data_unknown = config->pretraining != NULL,
                                .weights_unknown = config->pretrained != NULL,
                                .teacher_unknown = config->teacher != NULL,
                                .backend_unknown = true};
    enum pb_status status = hash_place(config, unknown.data, error);
    if (status == PB_OK && config->pretraining)
        status = hash_place(config->pretraining, unknown.pretraining_data, error);
    if (config->pretrained)
        pb_sha256_of(config->pretrained, strlen(config->pretrained), unknown.weights);
    if (config->teacher)
        pb_sha256_of(config->teacher, strlen(config->teacher), unknown.teacher);
    if (status == PB_OK)
        *inputs = unknown;
    return status;
}

void pb_inputs_take_device(struct pb_inputs *inputs, const struct pb_device *device)
{
    inputs->backend_unknown = false;
    if (device->thread_dependent)
        snprintf(inputs->backend, sizeof inputs->backend, "%s; %u threads", device->description, device->threads);
    else
        snprintf(inputs->backend, sizeof inputs->backend, "%s", device->description);
}

bool pb_inputs_pretraining_is_provisional(const struct pb_inputs *inputs)
{
    return inputs->pretraining_data_unknown || inputs->backend_unknown;
}

bool pb_inputs_are_provisional(const struct pb_inputs *inputs)
{
    return inputs->data_unknown || inputs->weights_unknown || inputs->teacher_unknown ||
           pb_inputs_pretraining_is_provisional(inputs);
}

void pb_inputs_digest(const struct pb_inputs *inputs, char hex[65])
{
    char text[384];
    hex[0] = '\0';
    if (inputs->data_unknown || inputs->pretraining_data_unknown || inputs->weights_unknown || inputs->teacher_unknown)
        return;
    const bool taught = inputs->teacher[0] != '\0';
    const int length = snprintf(text, sizeof text, "data=%s\npretraining=%s\nweights=%s\n%s%s%s", inputs->data,
                                inputs->pretraining_data, inputs->weights, taught ? "teacher=" : "", inputs->teacher,
                                taught ? "\n" : "");
    pb_sha256_of(text, (size_t)length, hex);
}

static void append_backend(const struct pb_inputs *inputs, const struct pb_cell_config *config, struct pb_text *text)
{
    const struct pb_settings_sink sink = pb_settings_into(text);
    pb_text_append(text, "kernels=%s\n", inputs->backend);
    pb_settings_choice(&sink, "backend", &config->backend, true);
}

enum pb_status pb_inputs_pretraining_key(const struct pb_inputs *inputs, const struct pb_cell_config *config,
                                         char key[65], struct pb_error *error)
{
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_text_append(&text, "%s\nnumerics=%s\npretraining\ndata=%s\n", FORMAT, pb_numerics, inputs->pretraining_data);
    pb_settings_pretraining(&sink, config->pretraining);
    append_backend(inputs, config, &text);
    return hash_text(&text, key, error);
}

enum pb_status pb_inputs_root_key(const struct pb_inputs *inputs, const struct pb_cell_config *config,
                                  const char *pretraining_key, char key[65], struct pb_error *error)
{
    struct pb_text text = {0};
    const struct pb_settings_sink sink = pb_settings_into(&text);
    pb_text_append(&text, "%s\nnumerics=%s\nseed=%" PRIu64 "\ndata=%s\nweights=%s\npretraining=%s\n", FORMAT,
                   pb_numerics, config->seed, inputs->data, inputs->weights, pretraining_key ? pretraining_key : "");
    pb_settings_model(&sink, config);
    pb_settings_data(&sink, config);
    append_backend(inputs, config, &text);
    return hash_text(&text, key, error);
}
