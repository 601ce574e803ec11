/* How fast this machine trains a cell's network. */
#include "cli/check_speed.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "graph/cost.h"
#include "graph/network.h"

#define PROBE_MACS 2e9 /* one step of the probe; more than that is scaled down */
#define PROBE_SECONDS 0.25
#define PROBE_STEPS 20
#define PROBE_CLASSES 10
#define SMALLEST_IMAGE 32

/* The cell's network, on smaller images where one image alone is more than a step shall take, and a batch that fits. */
static enum pb_status probe_network(const struct pb_cell_config *config, struct pb_network **network, uint32_t *batch,
                                    double *macs, struct pb_error *error)
{
    struct pb_model_spec spec = config->model;
    struct pb_graph *graph = NULL;
    double one;
    spec.classes = PROBE_CLASSES;
    for (;;) {
        const enum pb_status status = pb_model_build(&spec, &graph, error);
        if (status != PB_OK)
            return status;
        one = 3 * (double)pb_graph_cost(graph).macs;
        if (one <= PROBE_MACS || spec.image_size / 2 < SMALLEST_IMAGE)
            break;
        pb_graph_free(&graph);
        spec.image_size /= 2;
    }
    const enum pb_status status = pb_network_create(graph, network, error);
    if (status != PB_OK)
        return status;
    pb_network_initialise(*network, 1);
    const double fitting = PROBE_MACS / one;
    *batch = fitting < 1 ? 1 : fitting < config->batch ? (uint32_t)fitting : config->batch;
    *macs = one * *batch;
    return PB_OK;
}

static enum pb_status time_steps(struct pb_engine *engine, const float *images, const uint32_t *labels,
                                 double *seconds_per_step, struct pb_error *error)
{
    const struct pb_step step = {.lr = 1e-3, .momentum = 0.9, .nesterov = true};
    double loss, began = 0, now = 0;
    uint32_t steps = 0;
    /* the first step is for caches and first touches */
    for (uint32_t i = 0; i <= PROBE_STEPS && (i < 2 || now - began < PROBE_SECONDS); i++) {
        enum pb_status status = pb_engine_backward(engine, images, labels, &loss, NULL, error);
        if (status == PB_OK)
            status = pb_engine_step(engine, &step, error);
        if (status != PB_OK)
            return status;
        now = pb_clock();
        if (i == 0)
            began = now;
        else
            steps++;
    }
    *seconds_per_step = (now - began) / steps;
    return PB_OK;
}

static enum pb_status measure(struct pb_device *device, const struct pb_cell_config *config, double *macs_per_second,
                              struct pb_error *error)
{
    struct pb_network *network = NULL;
    struct pb_engine *engine = NULL;
    float *images = NULL;
    uint32_t *labels = NULL, batch = 0;
    double macs = 0, seconds = 0;
    enum pb_status status = probe_network(config, &network, &batch, &macs, error);
    if (status != PB_OK)
        return status;
    const size_t floats = (size_t)batch * pb_shape_count(network->graph->nodes[0].shape);
    images = pb_calloc(floats, sizeof *images);
    labels = pb_calloc(batch, sizeof *labels);
    if (!images || !labels) {
        status = pb_fail_memory(error, floats * sizeof *images);
        goto cleanup;
    }
    for (size_t i = 0; i < floats; i++)
        images[i] = (float)(i * 2654435761u % 1024) / 512 - 1;
    for (uint32_t i = 0; i < batch; i++)
        labels[i] = i % PROBE_CLASSES;
    status = pb_engine_create(device, network,
                              &(struct pb_engine_options){.batch = batch, .mode = PB_ENGINE_TRAIN, .seed = 1}, &engine,
                              error);
    if (status == PB_OK)
        status = time_steps(engine, images, labels, &seconds, error);
    if (status == PB_OK)
        *macs_per_second = macs / seconds;
cleanup:
    pb_engine_free(&engine);
    pb_network_free(&network);
    pb_free(images);
    pb_free(labels);
    return status;
}

enum pb_status pb_speed_of(struct pb_speeds *speeds, struct pb_planner *planner, const struct pb_cell_config *config,
                           double *macs_per_second, struct pb_error *error)
{
    struct pb_device *device = NULL;
    struct pb_speed speed = {0};
    char *key = pb_format("%s %s %u", config->backend.label, config->model_label, config->model.image_size);
    if (!key)
        return pb_fail_memory(error, 64);
    for (uint32_t i = 0; i < speeds->count; i++)
        if (strcmp(speeds->list[i].key, key) == 0) {
            *macs_per_second = speeds->list[i].macs_per_second;
            pb_free(key);
            return PB_OK;
        }
    enum pb_status status = pb_planner_device(planner, config, &device, error);
    if (status == PB_OK)
        status = measure(device, config, &speed.macs_per_second, error);
    struct pb_speed *grown =
        status == PB_OK ? pb_realloc(speeds->list, speeds->count, (size_t)speeds->count + 1, sizeof *grown) : NULL;
    if (!grown) {
        pb_free(key);
        return status == PB_OK ? pb_fail_memory(error, sizeof *grown) : status;
    }
    speed.key = key;
    speed.backend = device->description;
    grown[speeds->count++] = speed;
    speeds->list = grown;
    *macs_per_second = speed.macs_per_second;
    return PB_OK;
}

void pb_speeds_free(struct pb_speeds *speeds)
{
    for (uint32_t i = 0; i < speeds->count; i++)
        pb_free(speeds->list[i].key);
    pb_free(speeds->list);
    *speeds = (struct pb_speeds){0};
}
