/* Masks on single weights: 0 or 1 for each, by which weights and momentum are multiplied after every step. */
#include "base/memory.h"
#include "engine/engine_internal.h"

static enum pb_status load_mask(struct pb_engine *engine, const struct pb_network *network, uint32_t index,
                                float *factors, struct pb_error *error)
{
    const struct pb_parameter *parameter = &engine->graph->parameters[index];
    const unsigned char *mask = pb_weight_mask(network, index);
    const struct pb_view view = {.buffer = engine->masks, .offset = parameter->offset};
    engine->is_masked[index] = mask != NULL;
    if (!mask)
        return PB_OK;
    for (size_t i = 0; i < parameter->count; i++)
        factors[i] = pb_mask_has(mask, i) ? 0 : 1;
    const enum pb_status status = PB_OPERATE(upload, view, factors, parameter->count);
    return status ? status : pb_engine_wait(engine, error);
}

enum pb_status pb_masks_load(struct pb_engine *engine, const struct pb_network *network, struct pb_error *error)
{
    const struct pb_graph *graph = engine->graph;
    if (engine->options.mode != PB_ENGINE_TRAIN)
        return PB_OK;
    if (!engine->masks)
        return pb_network_has_masks(network)
                   ? pb_fail(error, PB_ERROR_RUN, "this engine was made without room for the network's masks")
                   : PB_OK;
    float *factors = pb_calloc(graph->value_count, sizeof *factors);
    if (!factors)
        return pb_fail_memory(error, graph->value_count * sizeof *factors);
    enum pb_status status = PB_OK;
    for (uint32_t p = 0; p < graph->parameter_count && !status; p++)
        status = load_mask(engine, network, p, factors, error);
    pb_free(factors);
    return status;
}

/* values ← values · mask */
static enum pb_status multiply(struct pb_engine *engine, struct pb_buffer *values, const struct pb_parameter *parameter,
                               struct pb_error *error)
{
    const struct pb_view view = {.buffer = values, .offset = parameter->offset};
    const struct pb_elementwise_arguments arguments = {
        .size = sizeof arguments,
        .count = parameter->count,
        .x = view,
        .other = {.buffer = engine->masks, .offset = parameter->offset},
        .y = view,
    };
    return PB_OPERATE(multiply, &arguments);
}

enum pb_status pb_masks_apply(struct pb_engine *engine, struct pb_error *error)
{
    const struct pb_graph *graph = engine->graph;
    enum pb_status status = PB_OK;
    for (uint32_t p = 0; engine->masks && p < graph->parameter_count && !status; p++) {
        if (!engine->is_masked[p])
            continue;
        pb_place_node(engine->device->host.name, graph->nodes[graph->parameters[p].node].name, pb_clock());
        status = multiply(engine, engine->values, &graph->parameters[p], error);
        if (!status)
            status = multiply(engine, engine->velocity, &graph->parameters[p], error);
    }
    return status;
}
