/* A criterion rewrites what a masking left of the layers that lost weights. */
#include "prune/weight_repair.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* One layer in hand. */
struct repair {
    struct pb_criterion_run *run;
    struct pb_network *network;
    uint32_t index; /* among the run's layers */
    const struct pb_parameter *parameter;
    const unsigned char *mask;
    struct pb_guarded masked, weight;
};

static const char *layer_name(const struct repair *repair)
{
    return repair->network->graph->nodes[repair->parameter->node].name;
}

static enum pb_status check_weights(const struct repair *repair, const float *weight)
{
    char where[96];
    snprintf(where, sizeof where, "layer '%s' in repair_weights", layer_name(repair));
    const enum pb_status status = pb_criterion_check_beside(repair->run, &repair->weight, where);
    if (status != PB_OK)
        return status;
    for (size_t i = 0; i < repair->parameter->count; i++)
        if (!isfinite(weight[i]))
            return pb_fail(repair->run->error, PB_ERROR_RUN,
                           "criterion '%s' repaired layer '%s', weight %zu, with the value %g; values must be finite",
                           repair->run->name, layer_name(repair), i, (double)weight[i]);
    return PB_OK;
}

/* masked, weight: as the hook is shown them. */
static enum pb_status call_hook(struct repair *repair, const unsigned char *masked, float *weight)
{
    struct pb_criterion_run *run = repair->run;
    const struct pb_layer_view view = pb_criterion_layer(run, repair->index), *shown = NULL;
    enum pb_status status = pb_criterion_enter(run, "repair_weights", &view, &shown);
    if (status == PB_OK)
        status = pb_criterion_leave(run, run->criterion->repair_weights(run->self, shown, masked, weight));
    return status == PB_OK ? check_weights(repair, weight) : status;
}

/* ‖repaired − own‖/‖own‖ over the weights that are left; takes them over. */
static double take_over(const struct repair *repair, const float *repaired, float *own)
{
    double change = 0, whole = 0;
    for (size_t i = 0; i < repair->parameter->count; i++) {
        if (pb_mask_has(repair->mask, i))
            continue;
        const double was = (double)own[i], difference = (double)repaired[i] - was;
        change += difference * difference;
        whole += was * was;
        own[i] = repaired[i];
    }
    return whole > 0 ? sqrt(change / whole) : 0;
}

static enum pb_status repair_layer(struct repair *repair, double *change)
{
    const size_t count = repair->parameter->count;
    float *own = repair->network->values + repair->parameter->offset;
    unsigned char *bytes = pb_calloc(count, 1);
    if (!bytes)
        return pb_fail_memory(repair->run->error, count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = pb_mask_has(repair->mask, i);
    const unsigned char *masked = pb_guarded_copy(&repair->masked, "masked", bytes, count, 1);
    float *weight = pb_guarded_open(&repair->weight, "weight", count, sizeof *weight);
    pb_free(bytes);
    if (!masked || !weight)
        return pb_fail_memory(repair->run->error, count * sizeof *weight);
    memcpy(weight, own, count * sizeof *weight);
    const enum pb_status status = call_hook(repair, masked, weight);
    if (status == PB_OK)
        *change = take_over(repair, weight, own);
    return status;
}

enum pb_status pb_repair_weights(struct pb_criterion_run *run, struct pb_network *network, struct pb_masking *masking)
{
    enum pb_status status = PB_OK;
    for (uint32_t l = 0; l < masking->count && status == PB_OK; l++) {
        struct pb_masked_layer *layer = &masking->layers[l];
        struct repair repair = {.run = run,
                                .network = network,
                                .index = l,
                                .parameter = &network->graph->parameters[layer->parameter],
                                .mask = pb_weight_mask(network, layer->parameter)};
        if (layer->masked > pb_masked_weights(run->network, layer->parameter))
            status = repair_layer(&repair, &layer->change);
        pb_guarded_free(&repair.masked);
        pb_guarded_free(&repair.weight);
    }
    return status;
}
