/*
 * How fast this machine trains a cell's network. Part of a step costs the same for any batch (the optimiser, transforms
 * of the weights), so the step that is timed should be as large as the patience allows: it grows, from small images and
 * one at a time towards the cell's own, as long as it takes less than STEP_SECONDS.
 */
#include "bench/speeds.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bench/speed_cache.h"
#include "engine/engine.h"
#include "engine/identity.h"
#include "graph/cost.h"
#include "graph/graph_json.h"
#include "graph/network.h"
#include "onnx/onnx_model.h"

#define FIRST_MACS 5e8 /* of the first step, whatever the backend */
#define GROWTH 4
#define STEP_SECONDS 0.5
#define MEASURE_SECONDS 0.3 /* for one size of step, but at least three steps: the first one touches fresh memory */
#define MEASURE_STEPS 20
#define SMALLEST_IMAGE 32

static double training_macs(const struct pb_graph *graph)
{
    return 3 * (double)pb_graph_cost(graph).macs;
}

/* The cell's network for images halved until a step on one of them costs at most limit MACs, and as large a batch as
 * fits below that. */
static enum pb_status probe_graph(const struct pb_cell_config *config, uint32_t classes, double limit,
                                  struct pb_graph **graph, uint32_t *batch, struct pb_error *error)
{
    struct pb_model_spec spec = config->model;
    struct pb_graph *built = NULL;
    spec.classes = classes;
    for (;;) {
        const enum pb_status status = pb_model_open(&spec, &built, error);
        if (status != PB_OK)
            return status;
        if (training_macs(built) <= limit || spec.image_size / 2 < SMALLEST_IMAGE || spec.file)
            break;
        pb_graph_free(&built);
        spec.image_size /= 2;
    }
    const double fitting = limit / training_macs(built);
    *batch = fitting < 1 ? 1 : fitting < config->batch ? (uint32_t)fitting : config->batch;
    *graph = built;
    return PB_OK;
}

/* The fastest step: what slows the others down is not the network. */
static enum pb_status time_steps(struct pb_engine *engine, const float *images, const uint32_t *labels,
                                 double *seconds_per_step, struct pb_error *error)
{
    const struct pb_step step = {.lr = 1e-3, .momentum = 0.9, .nesterov = true};
    double loss, fastest = INFINITY;
    const double start = pb_clock();
    for (uint32_t i = 0; i < MEASURE_STEPS && (i < 3 || pb_clock() - start < MEASURE_SECONDS); i++) {
        const double began = pb_clock();
        enum pb_status status = pb_engine_backward(engine, images, labels, &loss, NULL, error);
        if (status == PB_OK)
            status = pb_engine_step(engine, &step, error);
        if (status != PB_OK)
            return status;
        fastest = fmin(fastest, pb_clock() - began);
    }
    *seconds_per_step = fastest;
    return PB_OK;
}

static enum pb_status time_batch(struct pb_device *device, const struct pb_network *network, uint32_t batch,
                                 double *seconds, struct pb_error *error)
{
    struct pb_engine *engine = NULL;
    const size_t floats = (size_t)batch * pb_shape_count(network->graph->nodes[0].shape);
    float *images = pb_calloc(floats, sizeof *images);
    uint32_t *labels = pb_calloc(batch, sizeof *labels);
    enum pb_status status = PB_OK;
    if (!images || !labels) {
        status = pb_fail_memory(error, floats * sizeof *images);
        goto cleanup;
    }
    for (size_t i = 0; i < floats; i++)
        images[i] = (float)(i * 2654435761u % 1024) / 512 - 1;
    for (uint32_t i = 0; i < batch; i++)
        labels[i] = i % network->graph->classes;
    status = pb_engine_create(device, network,
                              &(struct pb_engine_options){.batch = batch, .mode = PB_ENGINE_TRAIN, .seed = 1}, &engine,
                              error);
    if (status == PB_OK)
        status = time_steps(engine, images, labels, seconds, error);
cleanup:
    pb_engine_free(&engine);
    pb_free(images);
    pb_free(labels);
    return status;
}

/* MACs per second of steps of about limit MACs; *macs: what a step really had. */
static enum pb_status measure_once(struct pb_device *device, const struct pb_cell_config *config, uint32_t classes,
                                   double limit, double *macs, double *macs_per_second, struct pb_error *error)
{
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    uint32_t batch = 0;
    double seconds = 0;
    enum pb_status status = probe_graph(config, classes, limit, &graph, &batch, error);
    if (status == PB_OK)
        status = pb_network_create(graph, &network, error);
    if (status != PB_OK)
        return status;
    pb_network_initialise(network, 1);
    const double step_macs = training_macs(network->graph) * batch;
    status = time_batch(device, network, batch, &seconds, error);
    if (status == PB_OK) {
        *macs = step_macs;
        *macs_per_second = step_macs / seconds;
    }
    pb_network_free(&network);
    return status;
}

/* Steps that grow up to those on the whole network, with the cell's batch. */
static enum pb_status measure(struct pb_device *device, const struct pb_cell_config *config,
                              const struct pb_graph *whole, uint32_t batch, struct pb_speed *speed,
                              struct pb_error *error)
{
    const double whole_step = training_macs(whole) * batch;
    double limit = FIRST_MACS, macs = 0;
    struct pb_load_sample before;
    pb_load_sample(&before);
    do {
        const enum pb_status status =
            measure_once(device, config, whole->classes, limit, &macs, &speed->macs_per_second, error);
        if (status != PB_OK)
            return status;
        limit = fmax(limit, macs) * GROWTH;
    } while (macs < whole_step && macs / speed->macs_per_second < STEP_SECONDS);
    const struct pb_load load = pb_load_since(&before);
    (void)pb_load_is_busy(&load, device->threads, speed->disturbed);
    return PB_OK;
}

/* All that decides the speed. From pb_calloc. */
static enum pb_status describe(const struct pb_device *device, const struct pb_cell_config *config,
                               const struct pb_graph *whole, uint32_t batch, char **key, struct pb_error *error)
{
    struct pb_text text = {0};
    char *network = NULL;
    const enum pb_status status = pb_graph_to_json(whole, &network, error);
    if (status != PB_OK)
        return status;
    pb_text_append(&text, "training speed\n");
    pb_device_identity(device, &config->backend.options, &text);
    pb_text_append(&text, "batch %u\n%s\n", batch, network);
    pb_free(network);
    if (text.failed) {
        pb_text_free(&text);
        return pb_fail_memory(error, text.capacity);
    }
    *key = text.data;
    return PB_OK;
}

/* A speed that was measured beside other processes is not kept. */
static enum pb_status recall_or_measure(struct pb_device *device, const struct pb_cell_config *config, uint32_t classes,
                                        struct pb_speed *speed, struct pb_error *error)
{
    struct pb_graph *whole = NULL;
    struct pb_kept_speed kept = {0};
    uint32_t batch = 0;
    char *key = NULL;
    enum pb_status status = probe_graph(config, classes, INFINITY, &whole, &batch, error);
    if (status == PB_OK)
        status = describe(device, config, whole, batch, &key, error);
    if (status == PB_OK && pb_speed_recall(key, &kept)) {
        speed->macs_per_second = kept.macs_per_second;
        memcpy(speed->measured, kept.measured, sizeof speed->measured);
    } else if (status == PB_OK) {
        status = measure(device, config, whole, batch, speed, error);
        kept.macs_per_second = speed->macs_per_second;
        pb_utc_now(kept.measured);
        if (status == PB_OK && !speed->disturbed[0])
            pb_speed_keep(key, &kept);
    }
    pb_free(key);
    pb_graph_free(&whole);
    return status;
}

static enum pb_status add_speed(struct pb_speeds *speeds, const struct pb_speed *speed, struct pb_error *error)
{
    struct pb_speed *grown = pb_realloc(speeds->list, speeds->count, (size_t)speeds->count + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, sizeof *grown);
    grown[speeds->count++] = *speed;
    speeds->list = grown;
    return PB_OK;
}

enum pb_status pb_speed_of(struct pb_speeds *speeds, struct pb_opened *opened, const struct pb_cell_config *config,
                           uint32_t classes, uint32_t *index, struct pb_error *error)
{
    struct pb_device *device = NULL;
    struct pb_speed speed = {
        .key = pb_format("%s, %s, %u px", config->backend.label, config->model_label, config->model.image_size)};
    if (!speed.key)
        return pb_fail_memory(error, 128);
    for (uint32_t i = 0; i < speeds->count; i++)
        if (strcmp(speeds->list[i].key, speed.key) == 0) {
            *index = i;
            pb_free(speed.key);
            return PB_OK;
        }
    enum pb_status status = pb_opened_device(opened, config, &device, error);
    if (status == PB_OK)
        status = recall_or_measure(device, config, classes, &speed, error);
    if (status == PB_OK) {
        speed.backend = device->description;
        status = add_speed(speeds, &speed, error);
    }
    if (status == PB_OK)
        *index = speeds->count - 1;
    else
        pb_free(speed.key);
    return status;
}

void pb_speeds_free(struct pb_speeds *speeds)
{
    for (uint32_t i = 0; i < speeds->count; i++)
        pb_free(speeds->list[i].key);
    pb_free(speeds->list);
    *speeds = (struct pb_speeds){0};
}
