/* Concatenation: the channels of up to eight inputs of one height and width, behind each other. */
#include "engine/engine_operator.h"
#include "graph/op_table.h"

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    (void)asked;
    const struct pb_shape first = addition->in[0];
    uint64_t channels = 0;
    for (uint32_t i = 0; i < addition->node.input_count; i++) {
        if (addition->in[i].height != first.height || addition->in[i].width != first.width)
            return pb_refuse(addition, "its inputs differ in height or width");
        channels += addition->in[i].channels;
    }
    if (channels > UINT32_MAX)
        return pb_refuse(addition, "has more channels than can be counted");
    addition->node.shape = (struct pb_shape){first.height, first.width, (uint32_t)channels};
    return PB_OK;
}

/* The columns of input number `slot`, and where they begin in the output. */
static struct pb_columns_arguments arguments_of(const struct pb_engine *engine, uint32_t i, uint32_t slot)
{
    const struct pb_node *nodes = engine->graph->nodes;
    struct pb_columns_arguments arguments = {.size = sizeof arguments,
                                             .rows = pb_row_count(engine, i),
                                             .columns = nodes[nodes[i].inputs[slot]].shape.channels};
    for (uint32_t k = 0; k < slot; k++)
        arguments.y_first += nodes[nodes[i].inputs[k]].shape.channels;
    arguments.x_columns = arguments.columns;
    arguments.y_columns = nodes[i].shape.channels;
    return arguments;
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    enum pb_status status = PB_OK;
    for (uint32_t slot = 0; slot < engine->graph->nodes[i].input_count && !status; slot++) {
        struct pb_columns_arguments arguments = arguments_of(engine, i, slot);
        arguments.x = pb_value_view(engine, engine->graph->nodes[i].inputs[slot]);
        arguments.y = pb_value_view(engine, i);
        status = PB_OPERATE(copy_columns, &arguments);
    }
    return status;
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    const struct pb_columns_arguments there = arguments_of(engine, i, slot);
    const struct pb_columns_arguments back = {.size = sizeof back,
                                              .rows = there.rows,
                                              .columns = there.columns,
                                              .x_first = there.y_first,
                                              .x_columns = there.y_columns,
                                              .y_columns = there.x_columns,
                                              .x = pb_gradient_view(engine, i),
                                              .y = dx};
    return PB_OPERATE(copy_columns, &back);
}

const struct pb_graph_operator pb_op_concat = {
    .slot = "copy_columns",
    .inputs = 2,
    .inputs_max = PB_INPUTS_MAX,
    .infer = infer,
    .channels = PB_CHANNELS_CONCATENATED,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_NORM, PB_PHASE_NORM, PB_PHASE_NORM},
            .forward = forward,
            .backward = backward,
        },
};
