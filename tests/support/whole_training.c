#include "support/whole_training.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "support/folder.h"

void open_training(struct training *training, void **state, const struct pb_train_spec *spec)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    const struct pb_split_spec split = {.validation = 0.25, .seed = 1};
    const struct pb_model_spec model = {
        .name = "vgg11-bcnn", .classes = CLASSES, .image_size = 32, .width_multiplier = 0.0625, .batch_norm = true};
    memset(training, 0, sizeof *training);
    training->state = state;
    fake_init(&training->fake, *state, CLASSES);
    fake_add_images(&training->fake, "train", TRAINING, 24, 20, PB_SPLIT_TRAIN);
    fake_add_images(&training->fake, "test", TESTING, 24, 20, PB_SPLIT_TEST);
    must(pb_data_open(&training->fake.loaded, NULL, *state, &split, &training->data, &error), &error);
    pb_preprocess_default(&training->config.preprocess);
    training->config.preprocess.image_size = 32;
    training->config.preprocess.flip = 0.5;
    training->config.preprocess.rotate = 15;
    training->config.batch = BATCH;
    training->config.threads = 1;
    must(pb_cache_open(training->data, &training->config.preprocess, folder_path(state, "cache"), 1, &training->cache,
                       &error),
         &error);
    must(backend_open("blis", NULL, 1, &training->backend, &error), &error);
    must(pb_model_build(&model, &graph, &error), &error);
    must(pb_network_create(graph, &training->initial, &error), &error);
    pb_network_initialise(training->initial, 1);
    training->job = (struct pb_train_job){.config = &training->config,
                                          .spec = spec,
                                          .device = training->backend.device,
                                          .data = training->data,
                                          .cache = training->cache,
                                          .seed = 5};
}

void close_training(struct training *training)
{
    json_decref(training->rows);
    pb_network_free(&training->network);
    pb_network_free(&training->initial);
    backend_close(&training->backend);
    pb_cache_close(&training->cache);
    pb_data_close(&training->data);
    fake_free(&training->fake);
}

static void copy_file(const char *from_folder, const char *to_folder, const char *name)
{
    struct pb_error error = {0};
    char *from = pb_path_join(from_folder, name), *to = pb_path_join(to_folder, name), *bytes = NULL;
    size_t length = 0;
    if (pb_file_exists(from)) {
        must(pb_file_read(from, (size_t)1 << 30, &bytes, &length, &error), &error);
        must(pb_file_write_atomic(to, bytes, length, &error), &error);
    }
    pb_free(bytes);
    pb_free(from);
    pb_free(to);
}

/* Sends the signal, and keeps what a kill before this epoch would leave. */
static void begin_epoch(void *argument, uint32_t epoch, uint32_t epochs)
{
    struct training *training = argument;
    struct pb_error error = {0};
    char name[64];
    (void)epochs;
    if (training->stop_at == epoch + 1)
        assert_int_equal(raise(SIGTERM), 0);
    if (training->keep == NULL)
        return;
    snprintf(name, sizeof name, "%s-%u", training->keep, epoch);
    const char *folder = folder_path(training->state, name);
    must(pb_make_dirs(folder, &error), &error);
    copy_file(training->job.partial, folder, "epoch.safetensors");
    copy_file(training->job.partial, folder, "best.safetensors");
}

enum pb_status continue_training(struct training *training, const char *partial, struct pb_error *error)
{
    training->job.partial = folder_path(training->state, partial);
    training->job.progress = begin_epoch;
    training->job.argument = training;
    must(pb_make_dirs(training->job.partial, error), error);
    json_decref(training->rows);
    training->rows = json_array();
    return pb_train(&training->job, &training->network, &training->lr, training->rows, error);
}

enum pb_status try_training(struct training *training, const char *partial, struct pb_error *error)
{
    pb_network_free(&training->network);
    must(pb_network_copy(training->initial, &training->network, error), error);
    pb_lr_start(&training->lr, training->job.spec);
    return continue_training(training, partial, error);
}

void run_training(struct training *training, const char *partial)
{
    struct pb_error error = {0};
    must(try_training(training, partial, &error), &error);
}

double row_value(const struct training *training, size_t row, const char *key)
{
    return json_number_value(json_object_get(json_array_get(training->rows, row), key));
}
