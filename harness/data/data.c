/* Opening a data set through its plugin. */
#include "data/data.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/bad.h"
#include "data/fingerprint.h"
#include "data/split.h"

/* As ABI 2.0 has it. */
#define SAMPLE_SIZE_2_0 (offsetof(struct pb_sample, box) + sizeof(float[4]))

static enum pb_status check_sample(const struct pb_data *data, uint32_t index, struct pb_error *error)
{
    const struct pb_dataset_contents *contents = &data->contents;
    const struct pb_sample *sample = &contents->samples[index];
    const char *name = data->host.name;
    if (sample->path == NULL || sample->source == NULL)
        return pb_fail(error, PB_ERROR_RUN, "%s: sample %u has no path or source; the plugin is wrong", name, index);
    if (sample->label >= contents->class_count)
        return pb_fail_at(error, PB_ERROR_RUN, sample->source, sample->line,
                          "%s: label %u of %u classes; the plugin is wrong", name, sample->label,
                          contents->class_count);
    if (sample->split > PB_SPLIT_TEST || (index > 0 && sample->split < contents->samples[index - 1].split))
        return pb_fail_at(error, PB_ERROR_RUN, sample->source, sample->line,
                          "%s: split %u is unknown or not in order; the plugin is wrong", name, sample->split);
    return PB_OK;
}

/* A plugin is somebody else's code: nothing behind this line looks at a label twice. */
static enum pb_status check_contents(const struct pb_data *data, struct pb_error *error)
{
    const struct pb_dataset_contents *contents = &data->contents;
    if (contents->class_count == 0 || contents->class_names == NULL || contents->sample_count == 0 ||
        contents->samples == NULL)
        return pb_fail(error, PB_ERROR_RUN, "%s: opened without classes or samples; the plugin is wrong",
                       data->host.name);
    for (uint32_t i = 0; i < contents->class_count; i++)
        if (contents->class_names[i] == NULL)
            return pb_fail(error, PB_ERROR_RUN, "%s: class %u has no name; the plugin is wrong", data->host.name, i);
    for (uint32_t i = 0; i < contents->sample_count; i++) {
        const enum pb_status status = check_sample(data, i, error);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

static enum pb_status refuse_missing(const struct pb_data *data, const struct pb_missing *missing,
                                     struct pb_error *error)
{
    if (!pb_too_many_bad(missing->count, data->contents.sample_count))
        return PB_OK; /* each is logged, and left out, when the cache is built */
    const struct pb_sample *first = &data->contents.samples[missing->first];
    return pb_fail_at(error, PB_ERROR_INPUT, first->source, first->line,
                      "image '%s' is not there, and %u of %u are missing; put the images where the layout has them",
                      first->path, missing->count, data->contents.sample_count);
}

static enum pb_status make_splits(struct pb_data *data, const struct pb_split_spec *spec, struct pb_error *error)
{
    const struct pb_dataset_contents *contents = &data->contents;
    uint32_t training = 0;
    while (training < contents->sample_count && contents->samples[training].split == PB_SPLIT_TRAIN)
        training++;
    data->test_count = contents->sample_count - training;
    data->test = pb_calloc(data->test_count, sizeof *data->test);
    if (data->test == NULL)
        return pb_fail_memory(error, (size_t)data->test_count * sizeof *data->test);
    for (uint32_t i = 0; i < data->test_count; i++)
        data->test[i] = training + i;
    struct pb_training_split split = {0};
    const enum pb_status status = pb_split_training(contents, training, spec, &split, error);
    data->train = split.train;
    data->train_count = split.train_count;
    data->validation = split.validation;
    data->validation_count = split.validation_count;
    return status;
}

/* The samples in structs of the host's own size, where the plugin's have another one. */
static enum pb_status own_samples(struct pb_data *data, struct pb_error *error)
{
    struct pb_dataset_contents *contents = &data->contents;
    const size_t stride = contents->sample_stride, count = contents->sample_count;
    if (contents->samples == NULL || stride == sizeof *data->own_samples)
        return PB_OK; /* no samples: said by check_contents */
    if (stride < SAMPLE_SIZE_2_0 || stride % _Alignof(struct pb_sample) != 0)
        return pb_fail(
            error, PB_ERROR_RUN,
            "%s: states samples of %zu bytes each (sample_stride is sizeof(struct pb_sample)); the plugin is wrong",
            data->host.name, stride);
    data->own_samples = pb_calloc(count, sizeof *data->own_samples);
    if (data->own_samples == NULL)
        return pb_fail_memory(error, count * sizeof *data->own_samples);
    for (size_t i = 0; i < count; i++)
        memcpy(&data->own_samples[i], (const char *)contents->samples + i * stride,
               stride < sizeof *data->own_samples ? stride : sizeof *data->own_samples);
    contents->samples = data->own_samples;
    contents->sample_stride = sizeof *data->own_samples;
    return PB_OK;
}

static enum pb_status open_plugin(struct pb_data *data, const struct pb_options *options, const char *root,
                                  struct pb_error *error)
{
    const struct pb_dataset *operations = data->loaded->plugin->dataset;
    const void *given = NULL;
    data->contents.size = sizeof data->contents;
    enum pb_status status = pb_host_give_options(&data->host, options, &given, error);
    if (status != PB_OK)
        return status;
    pb_place_enter(data->host.name, "open");
    status = operations->open(&data->host.table, given, root, &data->self, &data->contents);
    status = pb_host_result(&data->host, status, error);
    pb_place_leave();
    return status;
}

static enum pb_status fill(struct pb_data *data, const struct pb_split_spec *split, struct pb_error *error)
{
    struct pb_missing missing;
    enum pb_status status = own_samples(data, error);
    if (status == PB_OK)
        status = check_contents(data, error);
    if (status != PB_OK)
        return status;
    status = pb_fingerprint(&data->contents, data->fingerprint, &missing, error);
    if (status == PB_OK)
        status = refuse_missing(data, &missing, error);
    return status == PB_OK ? make_splits(data, split, error) : status;
}

enum pb_status pb_data_open(const struct pb_loaded *loaded, const struct pb_options *options, const char *root,
                            const struct pb_split_spec *split, struct pb_data **data, struct pb_error *error)
{
    char name[96];
    struct pb_data *opened = NULL;
    if (!pb_is_dir(root))
        return pb_fail(error, PB_ERROR_INPUT,
                       "data set '%s': the folder '%s' is not there; get the data set, or name its folder as root",
                       loaded->plugin->name, root);
    opened = pb_calloc(1, sizeof *opened);
    if (opened == NULL)
        return pb_fail_memory(error, sizeof *opened);
    (void)snprintf(name, sizeof name, "dataset '%s'", loaded->plugin->name);
    pb_host_init(&opened->host, name, split->seed, 1);
    opened->loaded = loaded;
    enum pb_status status = open_plugin(opened, options, root, error);
    if (status != PB_OK) {
        pb_host_close(&opened->host);
        pb_free(opened);
        return status;
    }
    status = fill(opened, split, error);
    if (status != PB_OK) {
        pb_data_close(&opened);
        return status;
    }
    *data = opened;
    return PB_OK;
}

void pb_data_close(struct pb_data **data)
{
    struct pb_data *closed = *data;
    if (closed == NULL)
        return;
    pb_place_enter(closed->host.name, "close");
    closed->loaded->plugin->dataset->close(closed->self);
    pb_place_leave();
    pb_host_close(&closed->host);
    pb_free(closed->own_samples);
    pb_free(closed->train);
    pb_free(closed->validation);
    pb_free(closed->test);
    pb_free(closed);
    *data = NULL;
}
