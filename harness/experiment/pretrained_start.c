/* Pretrained weights of a cell: read from a file, or trained, exported and read back. */
#include "experiment/pretrained_start.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "settings/suits.h"
#include "experiment/work.h"
#include "onnx/onnx_model.h"

enum pb_status pb_pretraining_open(struct pb_session *session, const char *cache_folder, struct pb_error *error)
{
    const struct pb_cell_config *config = session->config->pretraining;
    if (!config)
        return PB_OK;
    /* The matrix knows no threads: they are the cell's. */
    session->pretraining = *config;
    session->pretraining.threads = session->config->threads;
    enum pb_status status = pb_data_open(config->dataset.loaded, &config->dataset.options, config->dataset_root,
                                         &config->split, &session->pretraining_data, error);
    if (status == PB_OK) {
        const struct pb_data *data = session->pretraining_data;
        const struct pb_data_counts counts = {data->contents.class_count, data->train_count, data->validation_count,
                                              data->test_count};
        status = pb_data_suits(config, counts, error);
    }
    if (status == PB_OK)
        status = pb_cache_open(session->pretraining_data, &config->preprocess, cache_folder, session->config->threads,
                               &session->pretraining_cache, error);
    return status == PB_OK ? PB_OK : pb_fail_context(error, "pretraining '%s'", config->dataset.label);
}

static enum pb_status make_network(const struct pb_session *session, struct pb_network **network,
                                   struct pb_error *error)
{
    struct pb_model_spec model = session->pretraining.model;
    struct pb_graph *graph = NULL;
    model.classes = session->pretraining_data->contents.class_count;
    enum pb_status status = pb_model_build(&model, &graph, error);
    if (status == PB_OK)
        status = pb_network_create(graph, network, error);
    if (status == PB_OK)
        pb_network_initialise(*network, session->pretraining.seed);
    return status;
}

static enum pb_status work_pretrain(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                    json_t *facts, struct pb_error *error)
{
    const struct pb_training training = {
        .config = &session->pretraining, .data = session->pretraining_data, .cache = session->pretraining_cache};
    struct pb_network *trained = NULL;
    enum pb_status status = make_network(session, &trained, error);
    if (status == PB_OK)
        status = pb_work_training(session, link, &training, &trained, facts, error);
    if (status == PB_OK)
        *network = trained;
    else
        pb_network_free(&trained);
    return status;
}

enum export_state { EXPORT_MISSING, EXPORT_WHOLE, EXPORT_DAMAGED };

/* Whether the exported file is the one that an earlier cell made: its digest is beside the stage. */
static enum pb_status look_at_export(struct pb_session *session, const char *key, enum export_state *state,
                                     struct pb_error *error)
{
    struct stat info;
    struct pb_weights *weights = &session->weights;
    json_t *facts = NULL;
    *state = EXPORT_MISSING;
    enum pb_status status = pb_store_extra(&session->store, key, "export", &facts, error);
    if (status == PB_OK && facts && lstat(weights->path, &info) == 0) {
        const char *expected = json_string_value(json_object_get(facts, "sha256"));
        *state = EXPORT_DAMAGED;
        if (S_ISREG(info.st_mode))
            status = pb_sha256_file(weights->path, weights->sha256, error);
        if (S_ISREG(info.st_mode) && status == PB_OK && expected && strcmp(expected, weights->sha256) == 0)
            *state = EXPORT_WHOLE;
    }
    json_decref(facts);
    return status;
}

static enum pb_status write_export(struct pb_session *session, const char *key, struct pb_error *error)
{
    struct pb_weights *weights = &session->weights;
    struct pb_network *trained = NULL;
    enum pb_status status = pb_store_network(&session->store, key, &trained, error);
    if (status == PB_OK)
        status = pb_pretrained_export(weights->path, trained, NULL, error);
    if (status == PB_OK)
        status = pb_sha256_file(weights->path, weights->sha256, error);
    if (status == PB_OK) {
        json_t *facts = json_pack("{s:s}", "sha256", weights->sha256);
        status = facts ? pb_store_put_extra(&session->store, key, "export", facts, error) : pb_fail_memory(error, 0);
        json_decref(facts);
    }
    pb_network_free(&trained);
    return status;
}

/* Exports the stage, unless an earlier cell has. One process at a time, as whoever reads the file must find it whole. */
static enum pb_status export_trunk(struct pb_session *session, const char *key, struct pb_error *error)
{
    struct pb_lease *lock = NULL;
    enum export_state state = EXPORT_MISSING;
    char *folder = pb_path_join(session->options->out, "pretrained");
    char *path = folder ? pb_format("%s/%s-%.16s.safetensors", folder, session->pretraining.dataset.label, key) : NULL;
    char *lock_path = path ? pb_format("%s/locks/%s.export", session->store.folder, key) : NULL;
    session->weights.path = path;
    enum pb_status status = lock_path ? pb_make_dirs(folder, error) : pb_fail_memory(error, strlen(key));
    if (status == PB_OK)
        status = pb_lease_take(lock_path, PB_UNTIL_FREE, &lock, error);
    if (status == PB_OK)
        status = look_at_export(session, key, &state, error);
    if (status == PB_OK && state == EXPORT_DAMAGED) {
        struct pb_error wrong = {0};
        (void)pb_fail(&wrong, PB_ERROR_INPUT, "'%s' is not the file that was exported", path);
        status = pb_store_set_aside(path, wrong.text, "it is exported again", error);
    }
    if (status == PB_OK && state != EXPORT_WHOLE)
        status = write_export(session, key, error);
    pb_lease_give(&lock);
    pb_free(lock_path);
    pb_free(folder);
    return status;
}

static enum pb_status pretrain(struct pb_session *session, struct pb_error *error)
{
    const struct pb_link *link = &session->chain.links[0];
    const enum pb_status status = pb_session_perform(session, link, work_pretrain, error);
    return status == PB_OK ? export_trunk(session, session->chain.links[0].key, error) : status;
}

enum pb_status pb_pretraining_apply(struct pb_session *session, struct pb_error *error)
{
    struct pb_weights *weights = &session->weights;
    enum pb_status status = PB_OK;
    if (session->config->pretraining) {
        status = pretrain(session, error);
    } else if (session->config->pretrained) {
        weights->path = pb_strdup(session->config->pretrained);
        status = weights->path ? PB_OK : pb_fail_memory(error, strlen(session->config->pretrained));
    } else {
        return PB_OK;
    }
    if (status == PB_OK)
        status = pb_model_load(&session->config->model, weights->path, session->initial, &weights->report, error);
    if (status == PB_OK)
        pb_log(PB_LOG_INFO, "pretrained weights from '%s' (SHA-256 %s):\n%snot used: %s\nas initialised: %s",
               weights->path, weights->sha256, weights->report.mapping.data ? weights->report.mapping.data : "",
               weights->report.unused.data ? weights->report.unused.data : "none",
               weights->report.kept.data ? weights->report.kept.data : "none");
    return status;
}
