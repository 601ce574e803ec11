/* What planning many cells shares: data sets and backends, each opened once. */
#include "planning/opened.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/file_digests.h"
#include "base/machine.h"
#include "base/memory.h"
#include "data/geometry.h"
#include "settings/settings.h"
#include "settings/teacher.h"

enum pb_status pb_opened_create(uint64_t resident, struct pb_opened **opened, struct pb_error *error)
{
    struct pb_opened *created = pb_calloc(1, sizeof *created);
    if (!created)
        return pb_fail_memory(error, sizeof *created);
    created->baseline = resident;
    *opened = created;
    return PB_OK;
}

void pb_opened_free(struct pb_opened **opened)
{
    if (!*opened)
        return;
    for (size_t i = 0; i < (*opened)->data_count; i++)
        pb_free((*opened)->data[i].key);
    for (size_t i = 0; i < (*opened)->device_count; i++) {
        pb_free((*opened)->devices[i].key);
        pb_device_close(&(*opened)->devices[i].device);
    }
    for (size_t i = 0; i < (*opened)->weights_count; i++)
        pb_free((*opened)->weights[i].path);
    pb_free((*opened)->weights);
    pb_known_teachers_free(*opened);
    pb_estimates_free(&(*opened)->estimates);
    pb_free((*opened)->data);
    pb_free((*opened)->devices);
    pb_free(*opened);
    *opened = NULL;
}

/* Sizes of the cell's data set; where it is not here, those that its plugin states, and missing says so. */
static void look_at_data(const struct pb_cell_config *config, struct pb_known_data *known)
{
    struct pb_data *data = NULL;
    if (!pb_is_dir(config->dataset_root)) {
        const struct pb_dataset *dataset = config->dataset.loaded->plugin->dataset;
        known->classes = dataset->official_classes;
        known->train = dataset->official_train;
        known->test = dataset->official_test;
        snprintf(known->missing, sizeof known->missing, "data set '%.150s' is not there%s", config->dataset_root,
                 known->classes ? " (counted with the official sizes)" : "");
        known->validation = (uint32_t)lround(known->train * config->split.validation);
        known->train -= known->validation;
    } else if (pb_data_open(config->dataset.loaded, &config->dataset.options, config->dataset_root, &config->split,
                            &data, &known->refusal) == PB_OK) {
        known->classes = data->contents.class_count;
        known->train = data->train_count;
        known->validation = data->validation_count;
        known->test = data->test_count;
        memcpy(known->fingerprint, data->fingerprint, sizeof known->fingerprint);
        pb_data_close(&data);
    }
}

/* What decides how many images a cell sees: the seed of the split decides only which. */
static char *data_key(const struct pb_cell_config *config)
{
    struct pb_text key = {0};
    const struct pb_settings_sink sink = pb_settings_into(&key);
    pb_settings_choice(&sink, "dataset", &config->dataset, false);
    pb_text_append(&key, "%s\n%g", config->dataset_root, config->split.validation);
    return key.failed ? NULL : key.data;
}

/* A data set that is not here is no error; one that is wrong, or cannot carry the cell, is. */
static enum pb_status use_data(const struct pb_cell_config *config, const struct pb_known_data *known,
                               const struct pb_known_data **found, struct pb_error *error)
{
    if (known->refusal.status != PB_OK) {
        *error = known->refusal;
        return known->refusal.status;
    }
    const struct pb_data_counts counts = {known->classes, known->train, known->validation, known->test};
    const enum pb_status status = known->missing[0] ? PB_OK : pb_data_suits(config, counts, error);
    if (status == PB_OK)
        *found = known;
    return status;
}

enum pb_status pb_find_data(struct pb_opened *opened, const struct pb_cell_config *config,
                            const struct pb_known_data **found, struct pb_error *error)
{
    char *key = data_key(config);
    if (!key)
        return pb_fail_memory(error, 256);
    for (size_t i = 0; i < opened->data_count; i++)
        if (strcmp(opened->data[i].key, key) == 0) {
            pb_free(key);
            return use_data(config, &opened->data[i], found, error);
        }
    struct pb_known_data *grown = pb_realloc(opened->data, opened->data_count, opened->data_count + 1, sizeof *grown);
    if (!grown) {
        pb_free(key);
        return pb_fail_memory(error, (opened->data_count + 1) * sizeof *grown);
    }
    opened->data = grown;
    grown[opened->data_count] = (struct pb_known_data){.key = key};
    look_at_data(config, &grown[opened->data_count]);
    return use_data(config, &grown[opened->data_count++], found, error);
}

static enum pb_status open_device(const struct pb_cell_config *config, struct pb_known_device *added,
                                  struct pb_error *error)
{
    const uint64_t before = pb_resident_bytes();
    enum pb_status status = pb_device_open(config->backend.loaded, &config->backend.options, config->threads,
                                           &added->device, &added->refusal);
    if (status == PB_ERROR_MEMORY)
        *error = added->refusal;
    else if (status != PB_OK)
        status = pb_device_substitute(config->threads, &added->device, error);
    const uint64_t after = pb_resident_bytes();
    added->resident = after > before ? after - before : 0;
    return status;
}

enum pb_status pb_find_device(struct pb_opened *opened, const struct pb_cell_config *config,
                              const struct pb_known_device **found, struct pb_error *error)
{
    for (size_t i = 0; i < opened->device_count; i++)
        if (strcmp(opened->devices[i].key, config->backend.label) == 0) {
            *found = &opened->devices[i];
            return PB_OK;
        }
    struct pb_known_device *grown =
        pb_realloc(opened->devices, opened->device_count, opened->device_count + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, (opened->device_count + 1) * sizeof *grown);
    opened->devices = grown;
    struct pb_known_device added = {.key = pb_strdup(config->backend.label)};
    if (!added.key)
        return pb_fail_memory(error, strlen(config->backend.label) + 1);
    const enum pb_status status = open_device(config, &added, error);
    if (status != PB_OK) {
        pb_free(added.key);
        return status;
    }
    grown[opened->device_count] = added;
    *found = &grown[opened->device_count++];
    return PB_OK;
}

enum pb_status pb_opened_device(struct pb_opened *opened, const struct pb_cell_config *config, struct pb_device **found,
                                struct pb_error *error)
{
    const struct pb_known_device *known = NULL;
    const enum pb_status status = pb_find_device(opened, config, &known, error);
    if (status != PB_OK)
        return status;
    if (known->refusal.status != PB_OK) {
        *error = known->refusal;
        return known->refusal.status;
    }
    *found = known->device;
    return PB_OK;
}

static enum pb_status find_weights(struct pb_opened *opened, const char *path, const struct pb_known_weights **found,
                                   struct pb_error *error)
{
    for (size_t i = 0; i < opened->weights_count; i++)
        if (strcmp(opened->weights[i].path, path) == 0) {
            *found = &opened->weights[i];
            return PB_OK;
        }
    struct pb_file_digest digest;
    struct pb_known_weights *grown =
        pb_realloc(opened->weights, opened->weights_count, opened->weights_count + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, (opened->weights_count + 1) * sizeof *grown);
    opened->weights = grown;
    struct pb_known_weights added = {.path = pb_strdup(path)};
    if (!added.path)
        return pb_fail_memory(error, strlen(path) + 1);
    if (pb_digest_files(&path, 1, &digest, error) != PB_OK) {
        pb_free(added.path);
        return error->status;
    }
    memcpy(added.sha256, digest.sha256, sizeof added.sha256);
    grown[opened->weights_count] = added;
    *found = &grown[opened->weights_count++];
    return PB_OK;
}

/* Copies what is known; "" leaves the digest of the place. */
static void take(char to[65], bool *unknown, const char known[65])
{
    if (!known[0])
        return;
    memcpy(to, known, 65);
    *unknown = false;
}

enum pb_status pb_opened_inputs(struct pb_opened *opened, const struct pb_cell_config *config, struct pb_inputs *inputs,
                                struct pb_error *error)
{
    struct pb_inputs made;
    const struct pb_known_data *data = NULL;
    const struct pb_known_weights *weights = NULL, *teacher = NULL;
    const struct pb_known_device *device = NULL;
    enum pb_status status = pb_inputs_unknown(config, &made, error);
    if (status == PB_OK)
        status = pb_find_data(opened, config, &data, error);
    if (status == PB_OK)
        take(made.data, &made.data_unknown, data->fingerprint);
    if (status == PB_OK && config->pretraining)
        status = pb_find_data(opened, config->pretraining, &data, error);
    if (status == PB_OK && config->pretraining)
        take(made.pretraining_data, &made.pretraining_data_unknown, data->fingerprint);
    if (status == PB_OK && config->pretrained)
        status = find_weights(opened, config->pretrained, &weights, error);
    if (status == PB_OK && weights)
        take(made.weights, &made.weights_unknown, weights->sha256);
    if (status == PB_OK && config->teacher)
        status = find_weights(opened, config->teacher, &teacher, error);
    if (status == PB_OK && teacher)
        take(made.teacher, &made.teacher_unknown, teacher->sha256);
    if (status == PB_OK)
        status = pb_find_device(opened, config, &device, error);
    if (status == PB_OK && device->refusal.status == PB_OK)
        pb_inputs_take_device(&made, device->device);
    if (status == PB_OK)
        *inputs = made;
    return status;
}

enum pb_status pb_opened_check_teacher(struct pb_opened *opened, const struct pb_cell_config *config,
                                       struct pb_error *error)
{
    const struct pb_known_teacher *teacher = NULL;
    const struct pb_known_data *data = NULL;
    enum pb_status status = pb_find_teacher(opened, config->teacher, &teacher, error);
    if (status == PB_OK && teacher)
        status = pb_find_data(opened, config, &data, error);
    return status == PB_OK && teacher ? pb_teacher_suits(config, teacher->graph, data->classes, error) : status;
}
