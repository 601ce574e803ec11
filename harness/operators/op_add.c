/* Addition of two inputs of one shape, with the ReLU behind it where the two are computed together. */
#include "engine/engine_operator.h"
#include "graph/op_table.h"

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    if (engine->layout.nodes[i].with_relu)
        return PB_OPERATE(add_relu_forward, &arguments);
    return PB_OPERATE(add_forward, &arguments);
}

static enum pb_status copy_gradient(struct pb_engine *engine, uint32_t i, struct pb_view dx, struct pb_error *error)
{
    const struct pb_shape shape = engine->graph->nodes[i].shape;
    const size_t columns = (size_t)shape.width * shape.channels;
    return PB_OPERATE(copy_columns, &(struct pb_columns_arguments){.size = sizeof(struct pb_columns_arguments),
                                                                   .rows = (size_t)engine->options.batch * shape.height,
                                                                   .columns = columns,
                                                                   .x_columns = columns,
                                                                   .y_columns = columns,
                                                                   .x = pb_gradient_view(engine, i),
                                                                   .y = dx});
}

/* An input receives the gradient as it is. Where its own has the memory of the node's, it is there already. */
static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    const struct pb_node_layout *nodes = engine->layout.nodes;
    if (nodes[engine->graph->nodes[i].inputs[slot]].gradient == nodes[i].gradient)
        return PB_OK;
    if (nodes[i].first[slot])
        return copy_gradient(engine, i, dx, error);
    return pb_accumulate(engine, pb_output_count(engine, i), pb_gradient_view(engine, i), dx, error);
}

/* What passes the ReLU takes the place of the node's gradient, and goes to the second input in the same pass. */
static enum pb_status backward_with_relu(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const uint32_t *inputs = engine->graph->nodes[i].inputs;
    struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    arguments.dx = arguments.dy;
    if (pb_needs_gradient(engine, inputs[1])) {
        arguments.dother = pb_gradient_view(engine, inputs[1]);
        arguments.adds_other = !engine->layout.nodes[i].first[1];
    }
    const enum pb_status status = PB_OPERATE(add_relu_backward, &arguments);
    if (status || !pb_needs_gradient(engine, inputs[0]))
        return status;
    return backward(engine, i, 0, pb_gradient_view(engine, inputs[0]), error);
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
            .backward_with_relu = backward_with_relu,
            .adds_gradient = true,
            .in_place = PB_IN_PLACE_ALWAYS,
            .gradient_in_place = true,
        },
};
