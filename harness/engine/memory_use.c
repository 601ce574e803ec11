/* What an engine holds, part by part: its own buffers from its layout, the backend's from what the backend says. */
#include "engine/engine_operator.h"

static uint64_t bytes_of(size_t floats)
{
    return (uint64_t)floats * sizeof(float);
}

static void ask_backend(const struct pb_engine *engine, struct pb_engine_memory *memory)
{
    const struct pb_device *device = engine->device;
    for (uint32_t i = 0; i < engine->graph->node_count && device->ops.operator_memory.call; i++) {
        const struct pb_node *node = &engine->graph->nodes[i];
        const struct pb_engine_operator *row = pb_engine_operator(node->op);
        if (!row->ask)
            continue;
        const struct pb_shape in = engine->graph->nodes[node->inputs[0]].shape;
        struct pb_operator asked = {.size = sizeof asked,
                                    .training = engine->options.mode != PB_ENGINE_INFER,
                                    .batch = engine->options.batch,
                                    .channels = in.channels,
                                    .positions = (size_t)in.height * in.width};
        struct pb_operator_memory answer = {.size = sizeof answer};
        row->ask(engine, i, &asked);
        PB_CALL(device, operator_memory, &asked, &answer);
        memory->backend_kept += answer.kept;
        memory->backend_shared = answer.shared > memory->backend_shared ? answer.shared : memory->backend_shared;
    }
}

void pb_engine_memory(const struct pb_engine *engine, struct pb_engine_memory *memory)
{
    const uint64_t values = bytes_of(engine->graph->value_count);
    const enum pb_engine_mode mode = engine->options.mode;
    *memory = (struct pb_engine_memory){.values = values,
                                        .gradients = mode == PB_ENGINE_INFER ? 0 : values,
                                        .velocity = mode == PB_ENGINE_TRAIN ? values : 0,
                                        .masks = mode == PB_ENGINE_TRAIN && engine->options.weight_masks ? values : 0,
                                        .activations = bytes_of(engine->layout.arena_floats),
                                        .workspace = bytes_of(engine->workspace_floats),
                                        .filters = bytes_of(engine->transformed_floats),
                                        .staging = bytes_of(engine->layout.staging_floats)};
    ask_backend(engine, memory);
}

uint64_t pb_engine_buffer_bytes(const struct pb_engine_memory *memory)
{
    return memory->values + memory->gradients + memory->velocity + memory->masks + memory->activations +
           memory->workspace + memory->filters + memory->staging;
}

uint64_t pb_engine_memory_bytes(const struct pb_engine_memory *memory)
{
    return pb_engine_buffer_bytes(memory) + memory->backend_kept + memory->backend_shared;
}
