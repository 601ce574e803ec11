/* The signed square root. */
#include "engine/engine_operator.h"
#include "operators/op_eps.h"

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

const struct pb_graph_operator pb_op_signed_sqrt = {
    .slot = "signed_sqrt_forward",
    .inputs = 1,
    .attributes = pb_eps_attributes,
    .infer = pb_eps_infer,
    .describe = pb_eps_describe,
    .channels = PB_CHANNELS_IDENTITY,
    .keeps_symmetry = true,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .forward = forward,
            .backward = backward,
            .reads_input = true,
            .gradient_in_place = true,
        },
};
