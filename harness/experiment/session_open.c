/* Everything that comes before a schedule's first verb. */
#include "experiment/session_open.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "experiment/drop.h"
#include "experiment/pretrained_start.h"
#include "experiment/teaching.h"
#include "experiment/work.h"
#include "graph/cost.h"
#include "onnx/onnx_model.h"
#include "settings/suits.h"

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
    const struct pb_cell_run_options *options = session->options;
    char *folder = options->cache ? pb_strdup(options->cache) : pb_path_join(options->out, "cache");
    if (!folder)
        return pb_fail_memory(error, strlen(options->out) + 8);
    enum pb_status status = pb_store_open(options->out, &session->store, error);
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
    enum pb_status status = pb_model_open(&model, &graph, error);
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
    if (status == PB_OK && session->config->teacher)
        status = pb_sha256_file(session->config->teacher, inputs->teacher, error);
    pb_inputs_take_device(inputs, session->device);
    return status;
}

/* Whoever planned the cell looked at the same images, labels, weights and teacher, on this machine. */
static enum pb_status check_plan(const struct pb_session *session, struct pb_error *error)
{
    const struct pb_cell_plan *plan = session->plan;
    const struct pb_chain *chain = &session->chain;
    char digest[65];
    pb_inputs_digest(&chain->inputs, digest);
    if (plan->inputs[0] && strcmp(plan->inputs, digest) != 0)
        return pb_fail(error, PB_ERROR_RUN,
                       "its images, labels, pretrained weights or teacher have changed since the run was planned; run "
                       "again");
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

/* What fails here fails for the host's sake, where whoever planned the cell had everything open. */
static enum pb_status note_unsuitable(const struct pb_session *session, enum pb_status status)
{
    const struct pb_cell_run_options *options = session->options;
    const bool of_host = status == PB_ERROR_INPUT || status == PB_ERROR_RUN;
    if (of_host && options->unsuitable && options->plan && options->plan->inputs[0])
        *options->unsuitable = true;
    return status;
}

/* The unpruned network that every result is compared with: the schedule's own first training where that is the same. */
static enum pb_status train_baseline(struct pb_session *session, struct pb_error *error)
{
    enum pb_status status = pb_chain_add_baseline(&session->chain, error);
    if (status == PB_OK)
        status = note_unsuitable(session, check_plan(session, error));
    return status == PB_OK ? pb_session_perform(session, &session->chain.links[session->chain.baseline - 1],
                                                pb_work_of(PB_VERB_TRAIN), error)
                           : status;
}

enum pb_status pb_session_open(struct pb_session *session, const struct pb_cell_config *config,
                               const struct pb_cell_run_options *options, struct pb_error *error)
{
    *session = (struct pb_session){.config = config, .options = options, .compute_again = pb_drop_compute_again};
    enum pb_status status = PB_OK;
    session->plan = options->plan;
    if (!options->plan || !options->plan->stage_count) {
        status = pb_cell_plan_stages(config, &session->own_plan, error);
        session->plan = &session->own_plan;
    }
    if (status == PB_OK)
        status = note_unsuitable(session, open_inputs(session, error));
    if (status == PB_OK)
        status = make_initial(session, error);
    if (status == PB_OK)
        status = start_chain(session, error);
    if (status == PB_OK)
        status = pb_teacher_check(session, error);
    if (status == PB_OK)
        status = pb_pretraining_apply(session, error);
    if (status == PB_OK)
        status = train_baseline(session, error);
    return status;
}
