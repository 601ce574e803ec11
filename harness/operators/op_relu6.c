/* ReLU that stops at 6 (A. Krizhevsky 2010), where it is not computed with the batch norm before it. */
#include "engine/engine_operator.h"
#include "graph/op_table.h"

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    return PB_OPERATE(relu6_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(relu6_backward, &arguments);
}

const struct pb_graph_operator pb_op_relu6 = {
    .slot = "relu6_forward",
    .inputs = 1,
    .infer = pb_infer_elementwise,
    .channels = PB_CHANNELS_IDENTITY,
    .activation = true,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_NORM, PB_PHASE_NORM, PB_PHASE_NORM},
            .forward = forward,
            .backward = backward,
            .reads_output = true,
            .in_place = PB_IN_PLACE_ALWAYS,
            .gradient_in_place = true,
        },
};
