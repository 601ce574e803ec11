/* Bilinear pooling: the mean over all positions of the products of all pairs of channels. */
#include "operators/channel_pairs.h"

static struct pb_bilinear_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    return pb_pairs_arguments(engine, i, pb_value_view(engine, engine->graph->nodes[i].inputs[0]));
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_bilinear_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(bilinear_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_bilinear_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(bilinear_backward, &arguments);
}

const struct pb_graph_operator pb_op_bilinear_pool = {
    .slot = "bilinear_forward",
    .inputs = 1,
    .infer = pb_infer_pairs,
    .channels = PB_CHANNELS_PAIRS,
    .cost = pb_cost_pairs,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .ask = pb_ask_pairs,
            .forward = forward,
            .backward = backward,
            .reads_input = true,
        },
};
