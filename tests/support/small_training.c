#include "support/small_training.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "graph/cost.h"

enum { CLASSES = 3, TRAINING = 36, TESTING = 6, BATCH = 9 };

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static void make_network(struct small_training *training, bool batch_norm)
{
    const struct pb_model_spec model = {.name = "vgg11-bcnn",
                                        .classes = CLASSES,
                                        .image_size = 32,
                                        .width_multiplier = 0.0625,
                                        .batch_norm = batch_norm};
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_channel_groups groups = {0};
    must(pb_model_build(&model, &graph, &error), &error);
    must(pb_network_create(graph, &training->initial, &error), &error);
    pb_network_initialise(training->initial, 1);
    must(pb_channel_groups_find(training->initial->graph, &groups, &error), &error);
    const struct pb_cost cost = pb_graph_cost(training->initial->graph);
    training->original = (struct pb_original){.channels = groups.total, .params = cost.params, .macs = cost.macs};
    pb_channel_groups_free(&groups);
}

void small_training_open(struct small_training *training, void **state, const struct pb_train_spec *spec,
                         bool batch_norm)
{
    const struct pb_split_spec split = {.validation = 0.25, .seed = 1};
    struct pb_error error = {0};
    memset(training, 0, sizeof *training);
    training->state = state;
    fake_init(&training->fake, *state, CLASSES);
    fake_add_images(&training->fake, "train", TRAINING, 24, 20, PB_SPLIT_TRAIN);
    fake_add_images(&training->fake, "test", TESTING, 24, 20, PB_SPLIT_TEST);
    must(pb_data_open(&training->fake.loaded, NULL, *state, &split, &training->data, &error), &error);
    pb_preprocess_default(&training->config.preprocess);
    training->config.preprocess.image_size = 32;
    training->config.batch = training->config.calibration_batch = BATCH;
    training->config.threads = 1;
    training->config.seed = training->config.ranking.seed = 5;
    training->config.ranking.floor = training->config.ranking.round_to = 1;
    must(pb_cache_open(training->data, &training->config.preprocess, folder_path(state, "cache"), 1, &training->cache,
                       &error),
         &error);
    must(backend_open("blis", NULL, 1, &training->backend, &error), &error);
    make_network(training, batch_norm);
    training->job = (struct pb_train_job){.config = &training->config,
                                          .spec = spec,
                                          .device = training->backend.device,
                                          .data = training->data,
                                          .cache = training->cache,
                                          .original = &training->original,
                                          .seed = 5,
                                          .depth = 2};
}

void small_training_close(struct small_training *training)
{
    json_decref(training->rows);
    pb_network_free(&training->network);
    pb_network_free(&training->initial);
    backend_close(&training->backend);
    pb_cache_close(&training->cache);
    pb_data_close(&training->data);
    fake_free(&training->fake);
}

enum pb_status small_training_run(struct small_training *training, const char *partial, struct pb_error *error)
{
    training->job.partial = folder_path(training->state, partial);
    must(pb_make_dirs(training->job.partial, error), error);
    pb_network_free(&training->network);
    json_decref(training->rows);
    training->rows = json_array();
    must(pb_network_copy(training->initial, &training->network, error), error);
    pb_lr_start(&training->lr, training->job.spec);
    return pb_train(&training->job, &training->network, &training->lr, training->rows, error);
}
