/* A running cell: what is open, and its networks. */
#include "experiment/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/stop.h"
#include "timing/time_network.h"

void pb_session_close(struct pb_session *session)
{
    pb_scores_free(&session->scores);
    pb_free(session->trials);
    pb_network_free(&session->network);
    pb_network_free(&session->initial);
    pb_pretrained_report_free(&session->weights.report);
    pb_free(session->weights.path);
    pb_cache_close(&session->pretraining_cache);
    pb_data_close(&session->pretraining_data);
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
        enum pb_status status = pb_store_network(&session->store, pb_chain_key(&session->chain, stage), &read, error);
        if (status == PB_OK && !read)
            status = session->compute_again(session, stage, &read, error);
        if (status != PB_OK)
            return status;
        pb_network_free(&session->network);
        session->network = read;
        session->loaded = stage;
    }
    *network = session->network;
    return PB_OK;
}

static enum pb_status read_scores(const json_t *facts, struct pb_scores *scores, struct pb_error *error)
{
    const json_t *all = json_object_get(facts, "scores");
    struct pb_scores read = {.group_count = (uint32_t)json_array_size(all)};
    if (!read.group_count)
        return pb_fail(error, PB_ERROR_INPUT, "a stored score stage holds no scores; remove its stage folder");
    read.values = pb_calloc(read.group_count, sizeof *read.values);
    read.channels = pb_calloc(read.group_count, sizeof *read.channels);
    bool whole = read.values && read.channels;
    for (uint32_t g = 0; whole && g < read.group_count; g++) {
        const json_t *values = json_array_get(all, g);
        read.channels[g] = (uint32_t)json_array_size(values);
        read.values[g] = pb_calloc(read.channels[g], sizeof **read.values);
        whole = read.values[g] != NULL;
        for (uint32_t c = 0; whole && c < read.channels[g]; c++)
            read.values[g][c] = json_number_value(json_array_get(values, c));
    }
    if (!whole) {
        pb_scores_free(&read);
        return pb_fail_memory(error, read.group_count * sizeof(double));
    }
    *scores = read;
    return PB_OK;
}

enum pb_status pb_session_scores(struct pb_session *session, pb_stage stage, struct pb_scores *scores,
                                 struct pb_error *error)
{
    json_t *facts = NULL;
    enum pb_status status = pb_store_facts(&session->store, pb_chain_key(&session->chain, stage), &facts, error);
    if (status == PB_OK)
        status = read_scores(facts, scores, error);
    json_decref(facts);
    return status;
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
    status = pb_stop_check(error);
    if (status == PB_OK)
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

static enum pb_status latency_from_json(const json_t *json, struct pb_latency *latency, struct pb_error *error)
{
    struct pb_latency read = {.size = sizeof read};
    int runs = 0, noisy = 0;
    if (json_unpack((json_t *)(uintptr_t)json, "{s:F, s:F, s:i, s:b}", "median", &read.median, "p95", &read.p95, "runs",
                    &runs, "noisy", &noisy) != 0)
        return pb_fail(error, PB_ERROR_INPUT, "a stored latency is incomplete; remove its stage folder");
    read.runs = (uint32_t)runs;
    read.noisy = noisy != 0;
    *latency = read;
    return PB_OK;
}

/* Measures, and keeps what was measured under name; an untrained network has no stage to keep it with. */
static enum pb_status measure_latency(struct pb_session *session, pb_stage stage, const char *name, uint32_t batch,
                                      uint32_t runs, struct pb_latency *latency, struct pb_error *error)
{
    const struct pb_network *network;
    struct pb_latency_record row = {0};
    char reason[PB_LOAD_REASON];
    enum pb_status status = pb_stop_check(error);
    if (status == PB_OK)
        status = pb_session_network(session, stage, &network, error);
    if (status == PB_OK)
        status = pb_time_network(session->device, network, batch, runs, &row, reason, error);
    if (status != PB_OK)
        return status;
    *latency = (struct pb_latency){
        .size = sizeof *latency, .median = row.median_ms, .p95 = row.p95_ms, .runs = row.runs, .noisy = row.noisy};
    if (stage <= session->chain.start)
        return PB_OK;
    json_t *kept = json_pack("{s:f, s:f, s:i, s:b}", "median", row.median_ms, "p95", row.p95_ms, "runs", (int)row.runs,
                             "noisy", (int)row.noisy);
    status = kept ? pb_store_put_extra(&session->store, pb_chain_key(&session->chain, stage), name, kept, error)
                  : pb_fail_memory(error, 0);
    json_decref(kept);
    return status;
}

enum pb_status pb_session_latency(struct pb_session *session, pb_stage stage, uint32_t batch, uint32_t runs,
                                  struct pb_latency *latency, struct pb_error *error)
{
    char name[64];
    json_t *kept = NULL;
    enum pb_status status = PB_OK;
    snprintf(name, sizeof name, "latency-%u-%u-%u", batch, runs, session->device->threads);
    if (stage > session->chain.start)
        status = pb_store_extra(&session->store, pb_chain_key(&session->chain, stage), name, &kept, error);
    if (status == PB_OK)
        status = kept ? latency_from_json(kept, latency, error)
                      : measure_latency(session, stage, name, batch, runs, latency, error);
    json_decref(kept);
    return status;
}

/* Share of the planned multiplications that are in the first done stages and in a part of the next one. */
static double share_of_work(const struct pb_cell_plan *plan, uint32_t done, double share_of_stage)
{
    double before = 0, all = 0;
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const double macs = (double)plan->stages[i].macs;
        before += i < done ? macs : i == done ? share_of_stage * macs : 0;
        all += macs;
    }
    return all > 0 ? before / all : (done + share_of_stage) / plan->stage_count;
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
    const double of_stage = share_of_stage >= 1 ? 0 : share_of_stage;
    /* An adaptive schedule may do more than was planned. */
    const bool planned = session->plan->stage_count >= session->chain.count && session->plan->stage_count > 0;
    const struct pb_progress progress = {.share = planned ? share_of_work(session->plan, done, of_stage)
                                                          : (done + of_stage) / session->chain.count,
                                         .stages_done = done,
                                         .what = what};
    session->options->progress(session->options->argument, &progress);
}
