/*
 * The product of two inputs, value by value. Both have the same height, width and channels: a gate of one value per channel (1×1×C
 * beside H×W×C, as in squeeze-and-excitation) is refused, because no operator of a backend repeats an input.
 */
#include "graph/op_table.h"

const struct pb_graph_operator pb_op_multiply = {
    .slot = "multiply",
    .inputs = 2,
    .infer = pb_infer_elementwise,
    .channels = PB_CHANNELS_IDENTITY,
};
