/*
 * The product of two inputs, value by value. Both have the same height, width and channels: a gate of one value per channel (1×1×C
 * beside H×W×C, as in squeeze-and-excitation) is refused, because no operator of a backend repeats an input.
 */
#include "engine/engine_operator.h"
#include "graph/op_table.h"

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    return PB_OPERATE(multiply, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    const struct pb_elementwise_arguments arguments = {
        .size = sizeof arguments,
        .count = pb_output_count(engine, i),
        .x = pb_gradient_view(engine, i),
        .other = pb_value_view(engine, engine->graph->nodes[i].inputs[1 - slot]),
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
