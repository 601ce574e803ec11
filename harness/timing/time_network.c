/* A network is timed: warmed up, run in rounds, and the machine's other load noted. */
#include "timing/time_network.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/load.h"
#include "base/memory.h"
#include "timing/latency_rounds.h"

/* Runs before measuring: caches, frequency, page faults. */
enum { WARM_UP = 3 };

/* An engine with the batch that it runs on. */
struct forward {
    struct pb_engine *engine;
    uint32_t batch;
    float *images, *logits;
};

static enum pb_status time_forward(void *argument, double *milliseconds, struct pb_error *error)
{
    const struct forward *forward = argument;
    const double began = pb_clock();
    const enum pb_status status =
        pb_engine_forward(forward->engine, forward->images, forward->batch, forward->logits, error);
    *milliseconds = (pb_clock() - began) * 1e3;
    return status;
}

static enum pb_status time_engine(struct forward *forward, uint32_t runs, struct pb_latency_record *row,
                                  char reason[PB_LOAD_REASON], struct pb_error *error)
{
    double warming;
    struct pb_load_sample before;
    enum pb_status status = PB_OK;
    for (int i = 0; status == PB_OK && i < WARM_UP; i++)
        status = time_forward(forward, &warming, error);
    pb_load_sample(&before);
    if (status == PB_OK)
        status = pb_time_in_rounds(time_forward, forward, runs, row, error);
    if (status != PB_OK)
        return status;
    const struct pb_load load = pb_load_since(&before);
    if (pb_load_is_busy(&load, row->threads, reason))
        row->noisy = true;
    else if (row->noisy)
        snprintf(reason, PB_LOAD_REASON, "the middle half of its rounds differs by %.0f %%", 100 * row->spread);
    return PB_OK;
}

enum pb_status pb_time_network(struct pb_device *device, const struct pb_network *network, uint32_t batch,
                               uint32_t runs, struct pb_latency_record *row, char reason[PB_LOAD_REASON],
                               struct pb_error *error)
{
    const struct pb_graph *graph = network->graph;
    const struct pb_engine_options options = {.batch = batch, .mode = PB_ENGINE_INFER};
    const size_t floats = pb_shape_count(graph->nodes[0].shape);
    struct forward forward = {.batch = batch,
                              .images = pb_calloc((size_t)batch * floats, sizeof(float)),
                              .logits = pb_calloc((size_t)batch * graph->classes, sizeof(float))};
    struct pb_latency_record made = {.batch = batch, .threads = device->threads};
    enum pb_status status =
        forward.images && forward.logits ? PB_OK : pb_fail_memory(error, (size_t)batch * floats * sizeof(float));
    reason[0] = '\0';
    if (status == PB_OK)
        status = pb_engine_create(device, network, &options, &forward.engine, error);
    if (status == PB_OK)
        status = time_engine(&forward, runs, &made, reason, error);
    if (status == PB_OK)
        *row = made;
    pb_engine_free(&forward.engine);
    pb_free(forward.images);
    pb_free(forward.logits);
    return status;
}
