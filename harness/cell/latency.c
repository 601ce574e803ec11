/*
 * How long the recorded networks take for one batch: their graphs decide, not weights, so any weights will do. Cells of a run
 * share networks, the unpruned one above all: each is measured once, and every cell's document gets the same figure.
 */
#include "cell/cell.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lease.h"
#include "base/load.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/stop.h"
#include "engine/engine.h"
#include "engine/identity.h"
#include "timing/time_network.h"
#include "cell/latency_store.h"
#include "graph/graph_json.h"
#include "graph/network.h"

struct meter {
    const struct pb_cell_config *config;
    const char *out;
    struct pb_device *device;
};

static enum pb_status measure(const struct meter *meter, const struct pb_network *network, uint32_t batch,
                              struct pb_kept_latency *kept, struct pb_error *error)
{
    struct pb_kept_latency made = {.asked = meter->config->latency_runs};
    enum pb_status status = pb_stop_check(error);
    if (status == PB_OK)
        status = pb_time_network(meter->device, network, batch, made.asked, &made.row, made.reason, error);
    if (status == PB_OK)
        *kept = made;
    return status;
}

/* What decides a figure: the network with its input, the batch, backend and threads, the machine. */
static enum pb_status digest_of(const struct meter *meter, const struct pb_graph *graph, uint32_t batch,
                                char digest[65], struct pb_error *error)
{
    struct pb_text text = {0};
    char *network = NULL;
    enum pb_status status = pb_graph_to_json(graph, &network, error);
    if (status != PB_OK)
        return status;
    pb_text_append(&text, "latency\n");
    pb_device_identity(meter->device, &meter->config->backend.options, &text);
    pb_text_append(&text, "batch %u\n%s\n", batch, network);
    if (text.failed)
        status = pb_fail_memory(error, text.capacity);
    else
        pb_sha256_of(text.data, text.length, digest);
    pb_text_free(&text);
    pb_free(network);
    return status;
}

static enum pb_status recall_or_measure(const struct meter *meter, const struct pb_network *network, const char *stage,
                                        uint32_t batch, struct pb_record *record, struct pb_error *error)
{
    struct pb_kept_latency kept = {0};
    char digest[65];
    enum pb_status status = digest_of(meter, network->graph, batch, digest, error);
    if (status != PB_OK)
        return status;
    const bool kept_before = pb_latency_recall(meter->out, digest, &kept);
    const bool known = kept_before && kept.asked >= meter->config->latency_runs;
    if (kept_before && !known)
        status = pb_latency_end(meter->out, error);
    if (status == PB_OK && !known)
        status = measure(meter, network, batch, &kept, error);
    if (status == PB_OK && !known)
        status = pb_latency_keep(meter->out, digest, &kept, error);
    if (status != PB_OK)
        return status;
    pb_log(PB_LOG_INFO, "latency of %s, batch %u: %.4g ms%s%s%s", stage, batch, kept.row.median_ms,
           known ? " (measured before)" : "", kept.row.noisy ? "; noisy: " : "", kept.row.noisy ? kept.reason : "");
    kept.row.stage = (char *)(uintptr_t)stage;
    return pb_record_latency(record, &kept.row, error);
}

static enum pb_status add_stage(const struct meter *meter, const struct pb_cost_record *cost, struct pb_record *record,
                                struct pb_error *error)
{
    const struct pb_cell_config *config = meter->config;
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    if (!cost->graph)
        return pb_fail(error, PB_ERROR_INPUT,
                       "the document of cell '%s' was written by an earlier version and does not hold the graph of its "
                       "networks; delete '%s/cells/%s.xml', and the next run makes it from its stages",
                       config->id, meter->out, config->id);
    enum pb_status status = pb_graph_from_json(cost->graph, config->id, &graph, error);
    if (status == PB_OK)
        status = pb_network_create(graph, &network, error);
    if (status != PB_OK)
        return status;
    pb_network_initialise(network, 1);
    status = recall_or_measure(meter, network, cost->stage, 1, record, error);
    if (status == PB_OK && config->latency_batch > 1)
        status = recall_or_measure(meter, network, cost->stage, config->latency_batch, record, error);
    pb_network_free(&network);
    return status;
}

void pb_latency_place(const char *out, uint32_t threads, char place[PB_LATENCY_PLACE])
{
    struct pb_text text = {0};
    char generation[PB_LATENCY_GENERATION], hex[65];
    place[0] = '\0';
    pb_latency_generation(out, generation);
    pb_machine_identity(&text);
    pb_text_append(&text, "threads %u\ngeneration %s\n", threads, generation);
    if (!text.failed && generation[0]) {
        pb_sha256_of(text.data, text.length, hex);
        snprintf(place, PB_LATENCY_PLACE, "%.32s", hex);
    }
    pb_text_free(&text);
}

void pb_latency_setup(const struct pb_cell_config *config, const char *place, char setup[PB_LATENCY_SETUP])
{
    snprintf(setup, PB_LATENCY_SETUP, "%s, batch %u, %u runs", place, config->latency_batch, config->latency_runs);
}

/* A damaged figure ends the generation while stages are added: the setup is that of the one that follows. */
static enum pb_status add_setup(const struct meter *meter, uint32_t threads, struct pb_record *record,
                                struct pb_error *error)
{
    char generation[PB_LATENCY_GENERATION], place[PB_LATENCY_PLACE], setup[PB_LATENCY_SETUP];
    const enum pb_status status = pb_latency_begin(meter->out, generation, error);
    if (status != PB_OK)
        return status;
    pb_latency_place(meter->out, threads, place);
    pb_latency_setup(meter->config, place, setup);
    return pb_record_provenance(record, PB_KEY_LATENCY_SETUP, setup, error);
}

/* Under the lock: two processes that measure would disturb each other. */
static enum pb_status add_stages(struct meter *meter, uint32_t threads, struct pb_record *record,
                                 struct pb_error *error)
{
    const struct pb_choice *backend = &meter->config->backend;
    enum pb_status status = pb_device_open(backend->loaded, &backend->options, threads, &meter->device, error);
    for (uint32_t i = 0; status == PB_OK && i < record->cost_count; i++)
        status = add_stage(meter, &record->costs[i], record, error);
    pb_device_close(&meter->device);
    return status == PB_OK ? add_setup(meter, threads, record, error) : status;
}

enum pb_status pb_cell_latency(const struct pb_cell_config *config, const char *out, uint32_t threads,
                               struct pb_record *record, struct pb_error *error)
{
    struct meter meter = {.config = config, .out = out};
    struct pb_lease *lock = NULL;
    if (config->latency_runs == 0)
        return PB_OK;
    char *folder = pb_path_join(out, "latency"), *lock_path = folder ? pb_path_join(folder, "lock") : NULL;
    enum pb_status status = lock_path ? pb_make_dirs(folder, error) : pb_fail_memory(error, strlen(out));
    if (status == PB_OK)
        status = pb_lease_take(lock_path, PB_UNTIL_FREE, &lock, error);
    if (status == PB_OK)
        status = add_stages(&meter, threads, record, error);
    pb_lease_give(&lock);
    pb_free(lock_path);
    pb_free(folder);
    return status;
}
