/* How long the recorded networks take for one batch: widths decide, not weights, so any weights will do. */
#include "experiment/cell.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "graph/network.h"

/* Runs before measuring: caches, frequency, page faults. */
enum { WARM_UP = 3 };

static int compare_times(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum pb_status time_runs(struct pb_engine *engine, uint32_t batch, uint32_t runs, size_t input_floats,
                                uint32_t classes, double *times, struct pb_error *error)
{
    float *images = pb_calloc((size_t)batch * input_floats, sizeof *images);
    float *logits = pb_calloc((size_t)batch * classes, sizeof *logits);
    enum pb_status status = images && logits ? PB_OK : pb_fail_memory(error, (size_t)batch * input_floats * 4);
    for (uint32_t i = 0; status == PB_OK && i < WARM_UP + runs; i++) {
        const double began = pb_clock();
        status = pb_engine_forward(engine, images, batch, logits, error);
        if (i >= WARM_UP)
            times[i - WARM_UP] = (pb_clock() - began) * 1e3;
    }
    pb_free(images);
    pb_free(logits);
    return status;
}

static enum pb_status measure(struct pb_device *device, const struct pb_network *network, const char *stage,
                              uint32_t batch, uint32_t runs, struct pb_record *record, struct pb_error *error)
{
    struct pb_engine *engine = NULL;
    const struct pb_engine_options options = {.batch = batch, .mode = PB_ENGINE_INFER};
    const struct pb_graph *graph = network->graph;
    double *times = pb_calloc(runs, sizeof *times);
    if (!times)
        return pb_fail_memory(error, runs * sizeof *times);
    enum pb_status status = pb_engine_create(device, network, &options, &engine, error);
    if (status == PB_OK)
        status = time_runs(engine, batch, runs, pb_shape_count(graph->nodes[0].shape), graph->classes, times, error);
    if (status == PB_OK) {
        qsort(times, runs, sizeof *times, compare_times);
        const struct pb_latency_record row = {
            .stage = (char *)(uintptr_t)stage,
            .batch = batch,
            .runs = runs,
            .threads = device->threads,
            .median_ms = runs % 2 ? times[runs / 2] : (times[runs / 2 - 1] + times[runs / 2]) / 2,
            .p95_ms = times[(runs - 1) * 95 / 100 + ((runs - 1) * 95 % 100 != 0)],
            .min_ms = times[0],
        };
        status = pb_record_latency(record, &row, error);
    }
    pb_engine_free(&engine);
    pb_free(times);
    return status;
}

static enum pb_status measure_stage(const struct pb_cell_config *config, struct pb_device *device,
                                    const struct pb_cost_record *cost, struct pb_record *record, struct pb_error *error)
{
    struct pb_model_spec model = config->model;
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    model.classes = record->class_count;
    model.widths = cost->widths;
    model.width_count = cost->width_count;
    enum pb_status status = pb_model_build(&model, &graph, error);
    if (status == PB_OK)
        status = pb_network_create(graph, &network, error);
    if (status != PB_OK)
        return status;
    pb_network_initialise(network, config->seed);
    status = measure(device, network, cost->stage, 1, config->latency_runs, record, error);
    if (status == PB_OK && config->latency_batch > 1)
        status = measure(device, network, cost->stage, config->latency_batch, config->latency_runs, record, error);
    pb_network_free(&network);
    return status;
}

enum pb_status pb_cell_latency(const struct pb_cell_config *config, uint32_t threads, struct pb_record *record,
                               struct pb_error *error)
{
    struct pb_device *device = NULL;
    if (config->latency_runs == 0)
        return PB_OK;
    enum pb_status status = pb_device_open(config->backend.loaded, &config->backend.options, threads, &device, error);
    for (uint32_t i = 0; status == PB_OK && i < record->cost_count; i++)
        status = measure_stage(config, device, &record->costs[i], record, error);
    pb_device_close(&device);
    return status;
}
