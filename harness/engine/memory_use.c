/* What an engine holds, part by part: its own buffers from its plan, the backend's from what the backend says. */
#include "engine/engine_internal.h"

static uint64_t bytes_of(size_t floats)
{
    return (uint64_t)floats * sizeof(float);
}

static bool asked_kind(enum pb_op op, enum pb_operator_kind *kind)
{
    switch (op) {
    case PB_OP_CONV2D:
        *kind = PB_OPERATOR_CONV;
        return true;
    case PB_OP_BATCH_NORM:
        *kind = PB_OPERATOR_BATCH_NORM;
        return true;
    case PB_OP_MAX_POOL:
        *kind = PB_OPERATOR_MAX_POOL;
        return true;
    case PB_OP_AVG_POOL:
        *kind = PB_OPERATOR_AVG_POOL;
        return true;
    case PB_OP_LINEAR:
        *kind = PB_OPERATOR_LINEAR;
        return true;
    case PB_OP_BILINEAR_POOL:
        *kind = PB_OPERATOR_BILINEAR_POOL;
        return true;
    default:
        return false;
    }
}

static void ask_backend(const struct pb_engine *engine, struct pb_engine_memory *memory)
{
    const struct pb_device *device = engine->device;
    for (uint32_t i = 0; i < engine->graph->node_count; i++) {
        const struct pb_node *node = &engine->graph->nodes[i];
        struct pb_operator asked = {.size = sizeof asked, .training = engine->options.mode != PB_ENGINE_INFER};
        struct pb_operator_memory told = {.size = sizeof told};
        if (!asked_kind(node->op, &asked.kind))
            continue;
        const struct pb_shape in = engine->graph->nodes[node->inputs[0]].shape;
        asked.batch = engine->options.batch;
        asked.channels = in.channels;
        asked.positions = (size_t)in.height * in.width;
        asked.outputs = asked.kind == PB_OPERATOR_LINEAR ? node->shape.channels : 0;
        asked.conv = asked.kind == PB_OPERATOR_CONV ? engine->convolutions[i] : NULL;
        if (asked.kind == PB_OPERATOR_MAX_POOL || asked.kind == PB_OPERATOR_AVG_POOL)
            asked.pool = &engine->pools[i];
        device->ops.operator_memory(device->self, &asked, &told);
        memory->backend_kept += told.kept;
        memory->backend_shared = told.shared > memory->backend_shared ? told.shared : memory->backend_shared;
    }
}

void pb_engine_memory(const struct pb_engine *engine, struct pb_engine_memory *memory)
{
    const uint64_t values = bytes_of(engine->graph->value_count);
    const enum pb_engine_mode mode = engine->options.mode;
    *memory = (struct pb_engine_memory){.values = values,
                                        .gradients = mode == PB_ENGINE_INFER ? 0 : values,
                                        .velocity = mode == PB_ENGINE_TRAIN ? values : 0,
                                        .activations = bytes_of(engine->plan.arena_floats),
                                        .workspace = bytes_of(engine->workspace_floats),
                                        .filters = bytes_of(engine->transformed_floats),
                                        .staging = bytes_of(engine->plan.staging_floats)};
    ask_backend(engine, memory);
}

uint64_t pb_engine_buffer_bytes(const struct pb_engine_memory *memory)
{
    return memory->values + memory->gradients + memory->velocity + memory->activations + memory->workspace +
           memory->filters + memory->staging;
}

uint64_t pb_engine_memory_bytes(const struct pb_engine_memory *memory)
{
    return pb_engine_buffer_bytes(memory) + memory->backend_kept + memory->backend_shared;
}
