/* Average pooling. */
#include "engine/run_pools.h"

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

const struct pb_engine_operator pb_run_avg_pool = {
    .phases = {PB_PHASE_POOL, PB_PHASE_POOL, PB_PHASE_POOL},
    .prepare = pb_pool_prepare,
    .ask = ask,
    .forward = forward,
    .backward = backward,
};
