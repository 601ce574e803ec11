/* Average pooling. */
#include "operators/pooling.h"

static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    asked->kind = PB_OPERATOR_AVG_POOL;
    asked->pool = &engine->pools[i];
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_pool_arguments arguments = pb_pool_arguments_of(engine, i);
    return PB_OPERATE(avg_pool_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_pool_arguments arguments = pb_pool_arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(avg_pool_backward, &arguments);
}

const struct pb_graph_operator pb_op_avg_pool = {
    .slot = "avg_pool_forward",
    .inputs = 1,
    .attributes = pb_pool_attribute_list,
    .infer = pb_pool_infer,
    .describe = pb_pool_describe,
    .channels = PB_CHANNELS_IDENTITY,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_POOL, PB_PHASE_POOL, PB_PHASE_POOL},
            .prepare = pb_pool_prepare,
            .ask = ask,
            .forward = forward,
            .backward = backward,
        },
};
