/* The forward pass, node by node. */
#include "engine/engine_operator.h"

enum pb_status pb_engine_refresh(struct pb_engine *engine, struct pb_error *error)
{
    for (uint32_t i = 0; engine->transformed_stale && i < engine->graph->node_count; i++) {
        const struct pb_node *node = &engine->graph->nodes[i];
        const struct pb_engine_operator *row = pb_engine_operator(node->op);
        if (row->refresh && row->refresh(engine, i, error))
            return pb_fail_context(error, "node '%s'", node->name);
    }
    engine->transformed_stale = false;
    return PB_OK;
}

enum pb_status pb_run_forward_node(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    const double start = pb_clock();
    const struct pb_node *node = &engine->graph->nodes[i];
    const struct pb_node_layout *layout = &engine->layout.nodes[i];
    enum pb_status status = PB_OK;
    pb_place_node(engine->device->host.name, node->name, start);
    if (!layout->skipped && !layout->with_convolution)
        status = pb_engine_operator(node->op)->forward(engine, i, training, error);
    if (!status)
        status = pb_engine_wait(engine, error);
    if (status)
        return pb_fail_context(error, "node '%s'", node->name);
    pb_engine_clock(engine, start, pb_node_phase(node->op, PB_PASS_FORWARD), i, PB_PASS_FORWARD);
    return PB_OK;
}

enum pb_status pb_run_forward(struct pb_engine *engine, bool training, struct pb_error *error)
{
    enum pb_status status = pb_engine_refresh(engine, error);
    for (uint32_t i = 0; i < engine->graph->node_count && !status; i++)
        status = pb_run_forward_node(engine, i, training, error);
    return status;
}
