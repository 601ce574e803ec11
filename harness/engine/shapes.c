/* What the operators need of each layer for as long as an engine exists: convolution plans and pooling shapes. */
#include "engine/engine_operator.h"

#include "base/memory.h"

struct pb_pool_shape pb_pool_shape_of(const struct pb_graph *graph, uint32_t index, uint32_t batch)
{
    const struct pb_node *node = &graph->nodes[index];
    const struct pb_pool_attributes *pool = &node->attributes.pool;
    const struct pb_shape in = graph->nodes[node->inputs[0]].shape;
    return (struct pb_pool_shape){.size = sizeof(struct pb_pool_shape),
                                  .batch = batch,
                                  .height = in.height,
                                  .width = in.width,
                                  .channels = in.channels,
                                  .kernel_height = pool->kernel[0],
                                  .kernel_width = pool->kernel[1],
                                  .stride_height = pool->stride[0],
                                  .stride_width = pool->stride[1],
                                  .pad_height = pool->pad[0],
                                  .pad_width = pool->pad[1],
                                  .output_height = node->shape.height,
                                  .output_width = node->shape.width};
}

void pb_need_workspace(struct pb_engine *engine, size_t floats)
{
    if (floats > engine->workspace_floats)
        engine->workspace_floats = floats;
}

enum pb_status pb_shapes_create(struct pb_engine *engine, struct pb_error *error)
{
    const uint32_t count = engine->graph->node_count;
    engine->convolutions = pb_calloc(count, sizeof(struct pb_conv_plan *));
    engine->filters = pb_calloc(count, sizeof *engine->filters);
    engine->pools = pb_calloc(count, sizeof *engine->pools);
    if (!engine->convolutions || !engine->filters || !engine->pools)
        return pb_fail_memory(error, count * sizeof *engine->pools);
    for (uint32_t i = 0; i < count; i++) {
        const struct pb_engine_operator *row = pb_engine_operator(engine->graph->nodes[i].op);
        if (!row->prepare)
            continue;
        pb_place_node(engine->device->host.name, engine->graph->nodes[i].name, pb_clock());
        const enum pb_status status = row->prepare(engine, i, error);
        if (status)
            return status;
    }
    return PB_OK;
}

void pb_shapes_free(struct pb_engine *engine)
{
    for (uint32_t i = 0; engine->convolutions && i < engine->graph->node_count; i++)
        if (engine->convolutions[i])
            PB_CALL(engine->device, conv_plan_destroy, engine->convolutions[i]);
    pb_free(engine->convolutions);
    pb_free(engine->filters);
    pb_free(engine->pools);
    engine->convolutions = NULL;
    engine->filters = NULL;
    engine->pools = NULL;
}
