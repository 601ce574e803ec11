/* What both poolings share. */
#include "engine/run_pools.h"

enum pb_status pb_pool_prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    (void)error;
    engine->pools[i] = pb_pool_shape_of(engine->graph, i, engine->options.batch);
    return PB_OK;
}

struct pb_pool_arguments pb_pool_arguments_of(const struct pb_engine *engine, uint32_t i)
{
    return (struct pb_pool_arguments){.size = sizeof(struct pb_pool_arguments),
                                      .shape = &engine->pools[i],
                                      .x = pb_value_view(engine, engine->graph->nodes[i].inputs[0]),
                                      .y = pb_value_view(engine, i),
                                      .dy = pb_gradient_view(engine, i)};
}
