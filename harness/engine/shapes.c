/* What the operators are told of each layer: convolution plans and pooling shapes. */
#include "engine/engine_internal.h"

#include "base/memory.h"

enum { ALIGNED_FLOATS = 16 }; /* views are aligned to 64 bytes */

static struct pb_conv_shape conv_shape(const struct pb_engine *engine, uint32_t index)
{
    const struct pb_node *node = &engine->graph->nodes[index];
    const struct pb_conv_attributes *conv = &node->attributes.conv;
    const struct pb_shape in = engine->graph->nodes[node->inputs[0]].shape;
    return (struct pb_conv_shape){.size = sizeof(struct pb_conv_shape),
                                  .batch = engine->options.batch,
                                  .height = in.height,
                                  .width = in.width,
                                  .channels = in.channels,
                                  .filters = node->shape.channels,
                                  .kernel_height = conv->kernel[0],
                                  .kernel_width = conv->kernel[1],
                                  .stride_height = conv->stride[0],
                                  .stride_width = conv->stride[1],
                                  .pad_height = conv->pad[0],
                                  .pad_width = conv->pad[1],
                                  .dilation_height = conv->dilation[0],
                                  .dilation_width = conv->dilation[1],
                                  .groups = conv->groups,
                                  .output_height = node->shape.height,
                                  .output_width = node->shape.width,
                                  .training = engine->options.mode != PB_ENGINE_INFER};
}

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

static enum pb_status create_convolution(struct pb_engine *engine, uint32_t index, struct pb_error *error)
{
    const struct pb_conv_shape shape = conv_shape(engine, index);
    const struct pb_backend *ops = &engine->device->ops;
    pb_place_node(engine->device->host.name, engine->graph->nodes[index].name, pb_clock());
    if (PB_OPERATE(conv_plan_create, &shape, &engine->convolutions[index]))
        return pb_fail_context(error, "node '%s'", engine->graph->nodes[index].name);
    const size_t floats =
        ops->conv_workspace(pb_device_self(engine->device, conv_workspace), engine->convolutions[index]);
    if (floats > engine->workspace_floats)
        engine->workspace_floats = floats;
    if (shape.training || !ops->conv_filter_floats)
        return PB_OK;
    struct pb_filters *filters = &engine->filters[index];
    filters->offset = engine->transformed_floats;
    filters->floats =
        ops->conv_filter_floats(pb_device_self(engine->device, conv_filter_floats), engine->convolutions[index]);
    engine->transformed_floats += (filters->floats + ALIGNED_FLOATS - 1) / ALIGNED_FLOATS * ALIGNED_FLOATS;
    return PB_OK;
}

struct pb_view pb_filters_view(const struct pb_engine *engine, uint32_t node)
{
    const struct pb_filters *filters = &engine->filters[node];
    if (filters->floats)
        return (struct pb_view){.buffer = engine->transformed, .offset = filters->offset};
    return pb_parameter_view(engine, engine->values, node, PB_ROLE_WEIGHT);
}

enum pb_status pb_filters_update(struct pb_engine *engine, struct pb_error *error)
{
    for (uint32_t i = 0; engine->transformed_stale && i < engine->graph->node_count; i++) {
        if (!engine->filters[i].floats)
            continue;
        const enum pb_status status =
            PB_OPERATE(conv_filter_transform, engine->convolutions[i],
                       pb_parameter_view(engine, engine->values, i, PB_ROLE_WEIGHT), pb_filters_view(engine, i));
        if (status)
            return pb_fail_context(error, "node '%s'", engine->graph->nodes[i].name);
    }
    engine->transformed_stale = false;
    return PB_OK;
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
        const enum pb_op op = engine->graph->nodes[i].op;
        if (op == PB_OP_MAX_POOL || op == PB_OP_AVG_POOL)
            engine->pools[i] = pb_pool_shape_of(engine->graph, i, engine->options.batch);
        if (op != PB_OP_CONV2D)
            continue;
        const enum pb_status status = create_convolution(engine, i, error);
        if (status)
            return status;
    }
    return PB_OK;
}

void pb_shapes_free(struct pb_engine *engine)
{
    const struct pb_backend *ops = &engine->device->ops;
    for (uint32_t i = 0; engine->convolutions && i < engine->graph->node_count; i++)
        if (engine->convolutions[i])
            ops->conv_plan_destroy(pb_device_self(engine->device, conv_plan_destroy), engine->convolutions[i]);
    pb_free(engine->convolutions);
    pb_free(engine->filters);
    pb_free(engine->pools);
    engine->convolutions = NULL;
    engine->filters = NULL;
    engine->pools = NULL;
}
