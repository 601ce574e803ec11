/* Sliding windows, and what both poolings share. */
#include "operators/pooling.h"

bool pb_window_output(uint32_t in, uint32_t kernel, uint32_t stride, uint32_t pad, uint32_t dilation, uint32_t *out)
{
    const uint64_t padded = in + 2 * (uint64_t)pad;
    const uint64_t reach = (uint64_t)dilation * (kernel - 1);
    if (reach >= padded)
        return false;
    const uint64_t steps = (padded - reach - 1) / stride + 1;
    if (steps > UINT32_MAX)
        return false;
    *out = (uint32_t)steps;
    return true;
}

const struct pb_attribute pb_pool_attribute_list[] = {PB_ATTRIBUTE(PAIR, "kernel", pool.kernel),
                                                      PB_ATTRIBUTE(PAIR, "stride", pool.stride),
                                                      PB_ATTRIBUTE(PAIR, "pad", pool.pad),
                                                      {0}};

enum pb_status pb_pool_infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    struct pb_pool_attributes *pool = &addition->node.attributes.pool;
    const struct pb_shape in = addition->in[0];
    *pool = asked->pool;
    if (!pool->kernel[0] != !pool->kernel[1])
        return pb_refuse(addition, "the kernel's sides must be both 0 (the whole image) or both at least 1");
    if (!pool->kernel[0]) {
        if (pool->pad[0] || pool->pad[1])
            return pb_refuse(addition, "pooling over the whole image takes no padding");
        pool->kernel[0] = pool->stride[0] = in.height;
        pool->kernel[1] = pool->stride[1] = in.width;
    }
    for (int side = 0; side < 2; side++) {
        pool->stride[side] = pool->stride[side] ? pool->stride[side] : pool->kernel[side];
        if (pool->pad[side] >= pool->kernel[side])
            return pb_refuse(addition, "padding must be smaller than the kernel, or a window holds nothing");
    }
    struct pb_shape *out = &addition->node.shape;
    out->channels = in.channels;
    if (!pb_window_output(in.height, pool->kernel[0], pool->stride[0], pool->pad[0], 1, &out->height) ||
        !pb_window_output(in.width, pool->kernel[1], pool->stride[1], pool->pad[1], 1, &out->width))
        return pb_refuse(addition, "the kernel is larger than the padded input; use larger images");
    return PB_OK;
}

void pb_pool_describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->pool = node->attributes.pool;
}

enum pb_status pb_pool_prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    (void)error;
    engine->pools[i] = pb_pool_shape_of(engine->graph, i, engine->options.batch);
    return PB_OK;
}

struct pb_pool_arguments pb_pool_arguments_of(const struct pb_engine *engine, uint32_t i)
{
    return (struct pb_pool_arguments){.size = sizeof(struct pb_pool_arguments),
                                      .shape = &engine->pools[i],
                                      .x = pb_value_view(engine, engine->graph->nodes[i].inputs[0]),
                                      .y = pb_value_view(engine, i),
                                      .dy = pb_gradient_view(engine, i)};
}
