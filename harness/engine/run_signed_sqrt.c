/* The signed square root. */
#include "engine/run_table.h"

static struct pb_elementwise_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    arguments.eps = engine->graph->nodes[i].attributes.eps;
    return arguments;
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_elementwise_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(signed_sqrt_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_elementwise_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(signed_sqrt_backward, &arguments);
}

const struct pb_engine_operator pb_run_signed_sqrt = {
    .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
    .forward = forward,
    .backward = backward,
    .reads_input = true,
    .gradient_in_place = true,
};
