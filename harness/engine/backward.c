/* The backward pass, node by node from the loss to the first layer. */
#include "engine/engine_operator.h"

/* Where the backward pass of a node writes dx of an input: in the input's gradient or, when others were there first or
 * nobody needs it, beside it. */
static struct pb_view target(const struct pb_engine *engine, uint32_t i, uint32_t slot)
{
    const struct pb_node_layout *layout = &engine->layout.nodes[i];
    if (layout->first[slot])
        return pb_gradient_view(engine, engine->graph->nodes[i].inputs[slot]);
    return layout->scratch != PB_NO_STORAGE ? pb_storage_view(engine, layout->scratch) : pb_gradient_view(engine, i);
}

enum pb_status pb_accumulate(struct pb_engine *engine, size_t count, struct pb_view value, struct pb_view sum,
                             struct pb_error *error)
{
    return PB_OPERATE(accumulate,
                      &(struct pb_elementwise_arguments){
                          .size = sizeof(struct pb_elementwise_arguments), .count = count, .x = value, .y = sum});
}

static enum pb_status input_backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_error *error)
{
    const uint32_t input = engine->graph->nodes[i].inputs[slot];
    const struct pb_engine_operator *row = pb_engine_operator(engine->graph->nodes[i].op);
    const bool needed = pb_needs_gradient(engine, input);
    if (engine->layout.nodes[i].skipped || !(needed || row->always_backward))
        return PB_OK;
    if (engine->layout.nodes[i].adds_gradient)
        return row->backward(engine, i, slot, pb_gradient_view(engine, input), error);
    const struct pb_view dx = target(engine, i, slot);
    const enum pb_status status = row->backward(engine, i, slot, dx, error);
    if (status || engine->layout.nodes[i].first[slot] || !needed)
        return status;
    return pb_accumulate(engine, pb_output_count(engine, input), dx, pb_gradient_view(engine, input), error);
}

static enum pb_status data_backward(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_engine_operator *row = pb_engine_operator(engine->graph->nodes[i].op);
    if (engine->layout.nodes[i].with_relu && row->backward_with_relu)
        return row->backward_with_relu(engine, i, error);
    enum pb_status status = PB_OK;
    for (uint32_t slot = 0; slot < engine->graph->nodes[i].input_count && !status; slot++)
        status = input_backward(engine, i, slot, error);
    return status;
}

static enum pb_status weights_backward(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_engine_operator *row = pb_engine_operator(engine->graph->nodes[i].op);
    return row->backward_weights ? row->backward_weights(engine, i, error) : PB_OK;
}

static enum pb_status timed(struct pb_engine *engine, uint32_t i, enum pb_pass pass, struct pb_error *error)
{
    const double start = pb_clock();
    pb_place_node(engine->device->host.name, engine->graph->nodes[i].name, start);
    enum pb_status status =
        pass == PB_PASS_BACKWARD_DATA ? data_backward(engine, i, error) : weights_backward(engine, i, error);
    if (!status)
        status = pb_engine_wait(engine, error);
    pb_engine_clock(engine, start, pb_node_phase(engine->graph->nodes[i].op, pass), i, pass);
    return status;
}

enum pb_status pb_run_backward(struct pb_engine *engine, struct pb_error *error)
{
    for (uint32_t i = engine->graph->node_count; i-- > 1;) {
        if (!pb_needs_gradient(engine, i))
            continue;
        enum pb_status status = timed(engine, i, PB_PASS_BACKWARD_WEIGHTS, error);
        if (!status)
            status = timed(engine, i, PB_PASS_BACKWARD_DATA, error);
        if (status)
            return pb_fail_context(error, "node '%s'", engine->graph->nodes[i].name);
    }
    return PB_OK;
}
