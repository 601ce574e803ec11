/* The linear layer. */
#include "engine/run_table.h"

static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    asked->kind = PB_OPERATOR_LINEAR;
    asked->outputs = engine->graph->nodes[i].shape.channels;
}

static struct pb_linear_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const uint32_t input = engine->graph->nodes[i].inputs[0];
    return (struct pb_linear_arguments){.size = sizeof(struct pb_linear_arguments),
                                        .batch = engine->options.batch,
                                        .in = pb_shape_count(engine->graph->nodes[input].shape),
                                        .out = engine->graph->nodes[i].shape.channels,
                                        .x = pb_value_view(engine, input),
                                        .w = pb_parameter_view(engine, engine->values, i, PB_ROLE_WEIGHT),
                                        .bias = pb_parameter_view(engine, engine->values, i, PB_ROLE_BIAS),
                                        .y = pb_value_view(engine, i),
                                        .dy = pb_gradient_view(engine, i),
                                        .dw = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_WEIGHT),
                                        .dbias = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BIAS)};
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_linear_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(linear_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_linear_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(linear_backward_data, &arguments);
}

static enum pb_status backward_weights(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_linear_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(linear_backward_weights, &arguments);
}

const struct pb_engine_operator pb_run_linear = {
    .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
    .ask = ask,
    .forward = forward,
    .backward = backward,
    .backward_weights = backward_weights,
    .reads_input = true,
};
