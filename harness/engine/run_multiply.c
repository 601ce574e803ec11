/* Multiplication: the gradient of an input is the output's times the other input. */
#include "engine/run_table.h"

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

const struct pb_engine_operator pb_run_multiply = {
    .phases = {PB_PHASE_NORM, PB_PHASE_NORM, PB_PHASE_NORM},
    .forward = forward,
    .backward = backward,
    .reads_input = true,
    .in_place = PB_IN_PLACE_INFERRING,
};
