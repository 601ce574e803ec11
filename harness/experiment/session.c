/* A running cell: what is open, and its networks. */
#include "experiment/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "experiment/pretrained_start.h"
#include "settings/suits.h"
#include "experiment/work.h"
#include "graph/cost.h"

static enum pb_status check_data(const struct pb_session *session, struct pb_error *error)
{
    const struct pb_data *data = session->data;
    const struct pb_data_counts counts = {data->contents.class_count, data->train_count, data->validation_count,
                                          data->test_count};
    return pb_data_suits(session->config, counts, error);
}

static enum pb_status open_inputs(struct pb_session *session, struct pb_error *error)
{
    const struct pb_cell_config *config = session->config;
    char *folder = pb_path_join(session->options->out, "cache");
    if (!folder)
        return pb_fail_memory(error, strlen(session->options->out) + 8);
    enum pb_status status = pb_store_open(session->options->out, &session->store, error);
    if (status == PB_OK)
        status = pb_make_dirs(folder, error);
    if (status == PB_OK)
        status =
            pb_device_open(config->backend.loaded, &config->backend.options, config->threads, &session->device, error);
    if (status == PB_OK)
        status = pb_data_open(config->dataset.loaded, &config->dataset.options, config->dataset_root, &config->split,
                              &session->data, error);
    if (status == PB_OK)
        status = check_data(session, error);
    if (status == PB_OK)
        status = pb_cache_open(session->data, &config->preprocess, folder, config->threads, &session->cache, error);
    if (status == PB_OK) /* without the images that could not be decoded */
        status = check_data(session, error);
    if (status == PB_OK)
        status = pb_pretraining_open(session, folder, error);
    pb_free(folder);
    return status;
}

static enum pb_status make_initial(struct pb_session *session, struct pb_error *error)
{
    struct pb_model_spec model = session->config->model;
    struct pb_graph *graph = NULL;
    struct pb_channel_groups groups = {0};
    model.classes = session->data->contents.class_count;
    enum pb_status status = pb_model_build(&model, &graph, error);
    if (status == PB_OK)
        status = pb_network_create(graph, &session->initial, error);
    if (status == PB_OK)
        status = pb_channel_groups_find(session->initial->graph, &groups, error);
    if (status != PB_OK)
        return status;
    const struct pb_cost cost = pb_graph_cost(session->initial->graph);
    session->original = (struct pb_original){.channels = groups.total, .params = cost.params, .macs = cost.macs};
    pb_channel_groups_free(&groups);
    pb_network_initialise(session->initial, session->config->seed);
    return PB_OK;
}

/* Everything is open by now. */
static enum pb_status find_inputs(struct pb_session *session, struct pb_inputs *inputs, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    *inputs = (struct pb_inputs){0};
    memcpy(inputs->data, session->data->fingerprint, sizeof inputs->data);
    if (session->pretraining_data)
        memcpy(inputs->pretraining_data, session->pretraining_data->fingerprint, sizeof inputs->pretraining_data);
    if (session->config->pretrained)
        status = pb_sha256_file(session->config->pretrained, session->weights.sha256, error);
    memcpy(inputs->weights, session->weights.sha256, sizeof inputs->weights);
    pb_inputs_take_device(inputs, session->device);
    return status;
}

/* Whoever planned the cell looked at the same images, labels and weights, on this machine. */
static enum pb_status check_plan(const struct pb_session *session, struct pb_error *error)
{
    const struct pb_cell_plan *plan = session->plan;
    const struct pb_chain *chain = &session->chain;
    char digest[65];
    pb_inputs_digest(&chain->inputs, digest);
    if (plan->inputs[0] && strcmp(plan->inputs, digest) != 0)
        return pb_fail(error, PB_ERROR_RUN,
                       "its images, labels or pretrained weights have changed since the run was planned; run again");
    const struct pb_planned_stage *first = &plan->stages[0];
    if (!first->provisional && chain->count && strcmp(first->key, chain->links[0].key) != 0)
        return pb_fail(error, PB_ERROR_RUN, "backend '%s' computes with other kernels ('%s') than when it was planned",
                       session->config->backend.label, chain->inputs.backend);
    return PB_OK;
}

static enum pb_status start_chain(struct pb_session *session, struct pb_error *error)
{
    struct pb_inputs inputs;
    enum pb_status status = find_inputs(session, &inputs, error);
    if (status == PB_OK)
        status = pb_chain_start(&session->chain, session->config, error);
    if (status == PB_OK)
        status = pb_chain_set_inputs(&session->chain, &inputs, error);
    if (status == PB_OK && session->plan == &session->own_plan)
        status = pb_cell_plan_keys(&session->own_plan, &inputs, error);
    return status;
}

/* The unpruned network that every result is compared with: the schedule's own first training where that is the same. */
static enum pb_status train_baseline(struct pb_session *session, struct pb_error *error)
{
    enum pb_status status = pb_chain_add_baseline(&session->chain, error);
    if (status == PB_OK)
        status = check_plan(session, error);
    return status == PB_OK
               ? pb_session_perform(session, &session->chain.links[session->chain.baseline - 1], pb_work_train, error)
               : status;
}

enum pb_status pb_session_open(struct pb_session *session, const struct pb_cell_config *config,
                               const struct pb_cell_run_options *options, struct pb_error *error)
{
    *session = (struct pb_session){.config = config, .options = options, .store.lock = -1};
    enum pb_status status = PB_OK;
    session->plan = options->plan;
    if (!options->plan || !options->plan->stage_count) {
        status = pb_cell_plan(config, &session->own_plan, error);
        session->plan = &session->own_plan;
    }
    if (status == PB_OK)
        status = open_inputs(session, error);
    if (status == PB_OK)
        status = make_initial(session, error);
    if (status == PB_OK)
        status = start_chain(session, error);
    if (status == PB_OK)
        status = pb_pretraining_apply(session, error);
    if (status == PB_OK)
        status = train_baseline(session, error);
    return status;
}

void pb_session_close(struct pb_session *session)
{
    pb_scores_free(&session->scores);
    pb_network_free(&session->network);
    pb_network_free(&session->initial);
    pb_pretrained_report_free(&session->weights.report);
    pb_free(session->weights.path);
    pb_pretraining_close(session);
    pb_cache_close(&session->cache);
    pb_data_close(&session->data);
    pb_device_close(&session->device);
    pb_chain_free(&session->chain);
    pb_cell_plan_free(&session->own_plan);
    pb_store_close(&session->store);
}

bool pb_session_is_damaged(const struct pb_session *session)
{
    return session->store.damaged || (session->cache && pb_cache_is_damaged(session->cache)) ||
           (session->pretraining_cache && pb_cache_is_damaged(session->pretraining_cache));
}

enum pb_status pb_session_network(struct pb_session *session, pb_stage stage, const struct pb_network **network,
                                  struct pb_error *error)
{
    /* A score leaves the network of the stage before it. */
    while (stage > session->chain.start && session->chain.links[stage - 1].verb == PB_VERB_SCORE)
        stage = session->chain.links[stage - 1].parent;
    if (stage <= session->chain.start) {
        *network = session->initial;
        return PB_OK;
    }
    if (!session->network || session->loaded != stage) {
        struct pb_network *read = NULL;
        const enum pb_status status =
            pb_store_network(&session->store, pb_chain_key(&session->chain, stage), &read, error);
        if (status != PB_OK)
            return status;
        pb_network_free(&session->network);
        session->network = read;
        session->loaded = stage;
    }
    *network = session->network;
    return PB_OK;
}

static enum pb_status evaluate_on(struct pb_session *session, const struct pb_network *network, const char *split,
                                  struct pb_accuracy *accuracy, struct pb_error *error)
{
    const struct pb_cell_config *config = session->config;
    const struct pb_data *data = session->data;
    const bool test = strcmp(split, "test") == 0, train = strcmp(split, "train") == 0;
    const struct pb_batches_spec spec = {
        .samples = test    ? data->test
                   : train ? data->train
                           : data->validation,
        .sample_count = test    ? data->test_count
                        : train ? data->train_count
                                : data->validation_count,
        .batch = config->evaluate_batch,
        .threads = config->threads,
    };
    const struct pb_engine_options options = {.batch = config->evaluate_batch, .mode = PB_ENGINE_INFER};
    struct pb_batches *batches = NULL;
    struct pb_engine *engine = NULL;
    enum pb_status status = pb_batches_create(session->cache, &config->preprocess, &spec, &batches, error);
    if (status == PB_OK)
        status = pb_engine_create(session->device, network, &options, &engine, error);
    if (status == PB_OK)
        status = pb_evaluate(engine, batches, data->contents.class_count, accuracy, error);
    pb_engine_free(&engine);
    pb_batches_free(&batches);
    return status;
}

enum pb_status pb_session_accuracy(struct pb_session *session, pb_stage stage, const char *split,
                                   struct pb_accuracy *accuracy, struct pb_error *error)
{
    const char *key = pb_chain_key(&session->chain, stage);
    const bool stored = stage > session->chain.start;
    json_t *kept = NULL;
    enum pb_status status = stored ? pb_store_extra(&session->store, key, split, &kept, error) : PB_OK;
    if (status != PB_OK || kept) {
        if (status == PB_OK)
            status = pb_accuracy_from_json(kept, accuracy, error);
        json_decref(kept);
        return status;
    }
    const struct pb_network *network;
    struct pb_accuracy found = {0};
    status = pb_session_network(session, stage, &network, error);
    if (status == PB_OK)
        status = evaluate_on(session, network, split, &found, error);
    if (status == PB_OK && stored) {
        kept = pb_accuracy_to_json(&found);
        status = kept ? pb_store_put_extra(&session->store, key, split, kept, error) : pb_fail_memory(error, 0);
        json_decref(kept);
    }
    if (status == PB_OK)
        *accuracy = found;
    else
        pb_accuracy_free(&found);
    return status;
}

void pb_session_progress(struct pb_session *session, double share_of_stage, const char *format, ...)
{
    if (!session->options->progress)
        return;
    char what[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    /* The chain already holds the link that is being worked on. */
    const uint32_t done =
        share_of_stage >= 1 || session->chain.count == 0 ? session->chain.count : session->chain.count - 1;
    const double whole =
        session->plan->stage_count > session->chain.count ? session->plan->stage_count : session->chain.count;
    const struct pb_progress progress = {.share = share_of_stage >= 1 ? done / whole : (done + share_of_stage) / whole,
                                         .stages_done = done,
                                         .what = what};
    session->options->progress(session->options->argument, &progress);
}
