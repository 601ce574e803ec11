/* An engine's life: what it allocates, and values in and out. */
#include "engine/engine_internal.h"

#include "base/memory.h"

/* Plans without buffers; on failure what was made is left for dismantle. */
static enum pb_status prepare(struct pb_engine *engine, struct pb_device *device, const struct pb_graph *graph,
                              const struct pb_engine_options *options, struct pb_error *error)
{
    engine->device = device;
    engine->options = *options;
    enum pb_status status = pb_graph_copy(graph, &engine->graph, error);
    if (!status)
        status = pb_layout_create(engine->graph, options, device, &engine->layout, error);
    if (!status)
        status = pb_shapes_create(engine, error);
    return status;
}

static void dismantle(struct pb_engine *engine)
{
    struct pb_buffer *buffers[] = {engine->values,
                                   engine->velocity,
                                   engine->gradients,
                                   engine->masks,
                                   engine->arena,
                                   engine->workspace,
                                   engine->transformed,
                                   engine->convolved.inputs,
                                   engine->convolved.outputs,
                                   engine->convolved.filters};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i])
            PB_CALL(engine->device, buffer_destroy, buffers[i]);
    pb_penalties_free(engine);
    pb_shapes_free(engine);
    pb_layout_free(&engine->layout);
    pb_graph_free(&engine->graph);
    pb_free(engine->staging);
    pb_free(engine->is_masked);
    pb_free(engine->times.node);
}

enum pb_status pb_engine_predict(struct pb_device *device, const struct pb_graph *graph,
                                 const struct pb_engine_options *options, struct pb_engine_memory *memory,
                                 struct pb_error *error)
{
    struct pb_engine engine = {0};
    const enum pb_status status = prepare(&engine, device, graph, options, error);
    if (!status)
        pb_engine_memory(&engine, memory);
    dismantle(&engine);
    return status;
}

static enum pb_status create_buffers(struct pb_engine *engine, struct pb_error *error)
{
    struct pb_engine_memory memory;
    pb_place_node(engine->device->host.name, "memory", pb_clock());
    pb_engine_memory(engine, &memory);
    const struct {
        uint64_t bytes;
        struct pb_buffer **buffer;
    } requested[] = {{memory.values, &engine->values},      {memory.gradients, &engine->gradients},
                     {memory.velocity, &engine->velocity},  {memory.masks, &engine->masks},
                     {memory.activations, &engine->arena},  {memory.workspace, &engine->workspace},
                     {memory.filters, &engine->transformed}};
    for (size_t i = 0; i < sizeof requested / sizeof requested[0]; i++)
        if (requested[i].bytes && PB_OPERATE(buffer_create, requested[i].bytes / sizeof(float), requested[i].buffer))
            return pb_fail_context(error, "a batch of %u needs %.0f MB in all; use a smaller one",
                                   engine->options.batch, (double)pb_engine_memory_bytes(&memory) / 1e6);
    const uint32_t nodes = engine->graph->node_count;
    engine->staging = pb_calloc(engine->layout.staging_floats ? engine->layout.staging_floats : 1, sizeof(float));
    engine->times.node = pb_calloc(nodes, sizeof *engine->times.node);
    engine->times.node_count = nodes;
    engine->is_masked = pb_calloc(engine->graph->parameter_count, sizeof *engine->is_masked);
    if (!engine->staging || !engine->times.node || !engine->is_masked)
        return pb_fail_memory(error, engine->layout.staging_floats * sizeof(float));
    return PB_OK;
}

enum pb_status pb_engine_create(struct pb_device *device, const struct pb_network *network,
                                const struct pb_engine_options *options, struct pb_engine **engine,
                                struct pb_error *error)
{
    struct pb_engine *created = pb_calloc(1, sizeof *created);
    if (!created)
        return pb_fail_memory(error, sizeof *created);
    struct pb_engine_options own = *options;
    own.weight_masks = pb_network_has_masks(network);
    enum pb_status status = prepare(created, device, network->graph, &own, error);
    if (!status)
        status = create_buffers(created, error);
    if (!status)
        status = pb_engine_load(created, network, error);
    if (!status)
        *engine = created;
    else
        pb_engine_free(&created);
    return status;
}

void pb_engine_free(struct pb_engine **engine)
{
    if (!*engine)
        return;
    dismantle(*engine);
    pb_free(*engine);
    *engine = NULL;
}

static enum pb_status require_same_graph(const struct pb_engine *engine, const struct pb_network *network,
                                         struct pb_error *error)
{
    const struct pb_graph *own = engine->graph, *other = network->graph;
    bool same = own->value_count == other->value_count && own->parameter_count == other->parameter_count;
    for (uint32_t p = 0; same && p < own->parameter_count; p++)
        same = own->parameters[p].offset == other->parameters[p].offset &&
               own->parameters[p].count == other->parameters[p].count;
    if (!same)
        return pb_fail(error, PB_ERROR_RUN,
                       "the network's parameters are not those that this engine was made for (model '%s')", own->model);
    return PB_OK;
}

enum pb_status pb_engine_load(struct pb_engine *engine, const struct pb_network *network, struct pb_error *error)
{
    const size_t count = engine->graph->value_count;
    enum pb_status status = require_same_graph(engine, network, error);
    if (status || !count)
        return status;
    engine->transformed_stale = true;
    pb_place_node(engine->device->host.name, "parameters", pb_clock());
    status = PB_OPERATE(upload, (struct pb_view){.buffer = engine->values}, network->values, count);
    if (!status && engine->velocity && network->velocity)
        status = PB_OPERATE(upload, (struct pb_view){.buffer = engine->velocity}, network->velocity, count);
    else if (!status && engine->velocity)
        status = PB_OPERATE(fill, (struct pb_view){.buffer = engine->velocity}, 0, count);
    if (!status)
        status = pb_masks_load(engine, network, error);
    return status ? status : pb_engine_wait(engine, error);
}

enum pb_status pb_engine_store(struct pb_engine *engine, struct pb_network *network, struct pb_error *error)
{
    const size_t count = engine->graph->value_count;
    enum pb_status status = require_same_graph(engine, network, error);
    if (status || !count)
        return status;
    /* once an epoch: what a backend has written beside its memory */
    status = pb_host_result(&engine->device->host, PB_OK, error);
    if (status)
        return status;
    pb_place_node(engine->device->host.name, "parameters", pb_clock());
    status = PB_OPERATE(download, network->values, (struct pb_view){.buffer = engine->values}, count);
    if (!status && engine->velocity)
        status = pb_network_need_velocity(network, error);
    if (!status && engine->velocity)
        status = PB_OPERATE(download, network->velocity, (struct pb_view){.buffer = engine->velocity}, count);
    return status ? status : pb_engine_wait(engine, error);
}

enum pb_status pb_engine_gradient(struct pb_engine *engine, uint32_t parameter, float *gradient, struct pb_error *error)
{
    const struct pb_graph *graph = engine->graph;
    if (parameter >= graph->parameter_count || !graph->parameters[parameter].trainable)
        return pb_fail(error, PB_ERROR_RUN, "parameter %u of model '%s' has no gradient", parameter, graph->model);
    if (!engine->has_gradients)
        return pb_fail(error, PB_ERROR_RUN, "there are no gradients before a backward pass");
    pb_place_node(engine->device->host.name, graph->nodes[graph->parameters[parameter].node].name, pb_clock());
    const struct pb_view view = {.buffer = engine->gradients, .offset = graph->parameters[parameter].offset};
    const enum pb_status status = PB_OPERATE(download, gradient, view, graph->parameters[parameter].count);
    return status ? status : pb_engine_wait(engine, error);
}

enum pb_status pb_engine_activation(struct pb_engine *engine, uint32_t node, float *activation, float *gradient,
                                    struct pb_error *error)
{
    if (engine->options.mode != PB_ENGINE_CALIBRATE || node >= engine->graph->node_count ||
        !(gradient ? engine->has_gradients : engine->has_values))
        return pb_fail(
            error, PB_ERROR_RUN,
            "activations are kept by calibrating engines, once they have run forward, and their gradients once "
            "they have run backward");
    const struct pb_node_layout *layout = &engine->layout.nodes[node];
    const char *name = engine->graph->nodes[node].name;
    if (layout->with_relu)
        return pb_fail(error, PB_ERROR_UNSUPPORTED, "node '%s' is computed with the ReLU behind it; ask for that one",
                       name);
    if (gradient && layout->gradient == PB_NO_STORAGE)
        return pb_fail(error, PB_ERROR_UNSUPPORTED, "node '%s' has no gradient: nothing trainable comes before it",
                       name);
    const size_t count = pb_output_count(engine, node);
    enum pb_status status = PB_OK;
    pb_place_node(engine->device->host.name, name, pb_clock());
    if (activation)
        status = PB_OPERATE(download, activation, pb_value_view(engine, node), count);
    if (!status && gradient)
        status = PB_OPERATE(download, gradient, pb_gradient_view(engine, node), count);
    return status ? status : pb_engine_wait(engine, error);
}

const char *pb_engine_algorithm(const struct pb_engine *engine, uint32_t node)
{
    if (node >= engine->graph->node_count || !engine->convolutions[node] || !engine->device->ops.conv_algorithm.call)
        return "";
    const char *name = PB_CALL(engine->device, conv_algorithm, engine->convolutions[node]);
    return name ? name : "";
}
