/*
 * The product of two inputs, value by value, with the average pooling behind it where the two are computed together. Both have the same height, width and channels: a gate of one value per channel (1×1×C
 * beside H×W×C, as in squeeze-and-excitation) is refused, because no operator of a backend repeats an input.
 */
#include "engine/engine_operator.h"
#include "graph/op_table.h"

/* Of a node whose products are not stored: its own gradient is the pooled one. */
static struct pb_product_pool_arguments pooled(const struct pb_engine *engine, uint32_t i)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    return (struct pb_product_pool_arguments){.size = sizeof(struct pb_product_pool_arguments),
                                              .batch = engine->options.batch,
                                              .positions = (size_t)node->shape.height * node->shape.width,
                                              .channels = node->shape.channels,
                                              .dy = pb_gradient_view(engine, i)};
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    const uint32_t pool = engine->layout.nodes[i].pool;
    if (pool == PB_NO_PARAMETER)
        return PB_OPERATE(multiply, &arguments);
    struct pb_product_pool_arguments both = pooled(engine, i);
    both.x = arguments.x;
    both.other = arguments.other;
    both.y = pb_value_view(engine, pool);
    return PB_OPERATE(product_pool_forward, &both);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    const struct pb_view other = pb_value_view(engine, engine->graph->nodes[i].inputs[1 - slot]);
    if (engine->layout.nodes[i].pool != PB_NO_PARAMETER) {
        struct pb_product_pool_arguments both = pooled(engine, i);
        both.other = other;
        both.dx = dx;
        both.adds = !engine->layout.nodes[i].first[slot];
        return PB_OPERATE(product_pool_backward, &both);
    }
    const struct pb_elementwise_arguments arguments = {
        .size = sizeof arguments,
        .count = pb_output_count(engine, i),
        .x = pb_gradient_view(engine, i),
        .other = other,
        .y = dx,
    };
    return PB_OPERATE(multiply, &arguments);
}

const struct pb_graph_operator pb_op_multiply = {
    .slot = "multiply",
    .inputs = 2,
    .infer = pb_infer_elementwise,
    .channels = PB_CHANNELS_IDENTITY,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_NORM, PB_PHASE_NORM, PB_PHASE_NORM},
            .forward = forward,
            .backward = backward,
            .reads_input = true,
            .in_place = PB_IN_PLACE_INFERRING,
        },
};
