/* Addition of two inputs of one shape: both receive its gradient as it is. */
#include "engine/engine_operator.h"
#include "graph/op_table.h"

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    return PB_OPERATE(add_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    return pb_accumulate(engine, pb_output_count(engine, i), pb_gradient_view(engine, i), dx, error);
}

const struct pb_graph_operator pb_op_add = {
    .slot = "add_forward",
    .inputs = 2,
    .infer = pb_infer_elementwise,
    .channels = PB_CHANNELS_IDENTITY,
    .before_activation = true,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_NORM, PB_PHASE_NORM, PB_PHASE_NORM},
            .forward = forward,
            .backward = backward,
            .adds_gradient = true,
            .in_place = PB_IN_PLACE_ALWAYS,
            .gradient_in_place = true,
        },
};
