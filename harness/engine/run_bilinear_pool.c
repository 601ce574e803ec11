/* Bilinear pooling. */
#include "engine/run_table.h"

static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    (void)engine, (void)i;
    asked->kind = PB_OPERATOR_BILINEAR_POOL;
}

static struct pb_bilinear_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const uint32_t input = engine->graph->nodes[i].inputs[0];
    const struct pb_shape in = engine->graph->nodes[input].shape;
    return (struct pb_bilinear_arguments){.size = sizeof(struct pb_bilinear_arguments),
                                          .batch = engine->options.batch,
                                          .channels = in.channels,
                                          .positions = (size_t)in.height * in.width,
                                          .x = pb_value_view(engine, input),
                                          .y = pb_value_view(engine, i),
                                          .dy = pb_gradient_view(engine, i)};
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

const struct pb_engine_operator pb_run_bilinear_pool = {
    .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
    .ask = ask,
    .forward = forward,
    .backward = backward,
    .reads_input = true,
};
