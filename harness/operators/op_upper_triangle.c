/* The upper triangle of a symmetric matrix: its values (i, j) with i ≤ j, row by row. */
#include "operators/symmetric.h"

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    (void)asked;
    uint32_t side;
    const enum pb_status status = pb_infer_symmetric(addition, &side);
    if (status)
        return status;
    addition->node.shape = (struct pb_shape){1, 1, (uint32_t)((uint64_t)side * (side + 1u) / 2)};
    return PB_OK;
}

/* Row `row` of the matrix from the diagonal on, as columns of x, and its place among those of y. */
static struct pb_columns_arguments row_of(const struct pb_engine *engine, uint32_t i, size_t row)
{
    const size_t side = pb_input_side(engine, i);
    return (struct pb_columns_arguments){.size = sizeof(struct pb_columns_arguments),
                                         .rows = engine->options.batch,
                                         .columns = side - row,
                                         .x_columns = side * side,
                                         .x_first = row * side + row,
                                         .y_columns = engine->graph->nodes[i].shape.channels,
                                         .y_first = row * side - row * (row - 1) / 2};
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const uint32_t side = pb_input_side(engine, i);
    enum pb_status status = PB_OK;
    for (uint32_t row = 0; row < side && !status; row++) {
        struct pb_columns_arguments arguments = row_of(engine, i, row);
        arguments.x = pb_value_view(engine, engine->graph->nodes[i].inputs[0]);
        arguments.y = pb_value_view(engine, i);
        status = PB_OPERATE(copy_columns, &arguments);
    }
    return status;
}

/* 0 below the diagonal. */
static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    const uint32_t side = pb_input_side(engine, i);
    enum pb_status status = PB_OPERATE(fill, dx, 0, pb_output_count(engine, engine->graph->nodes[i].inputs[0]));
    for (uint32_t row = 0; row < side && !status; row++) {
        const struct pb_columns_arguments there = row_of(engine, i, row);
        const struct pb_columns_arguments back = {.size = sizeof back,
                                                  .rows = there.rows,
                                                  .columns = there.columns,
                                                  .x_columns = there.y_columns,
                                                  .x_first = there.y_first,
                                                  .y_columns = there.x_columns,
                                                  .y_first = there.x_first,
                                                  .x = pb_gradient_view(engine, i),
                                                  .y = dx};
        status = PB_OPERATE(copy_columns, &back);
    }
    return status;
}

const struct pb_graph_operator pb_op_upper_triangle = {
    .slot = "copy_columns",
    .inputs = 1,
    .infer = infer,
    .channels = PB_CHANNELS_UPPER,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .forward = forward,
            .backward = backward,
        },
};
