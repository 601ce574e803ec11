/* The product of two inputs of one shape, value by value. */
#include "graph/op_table.h"

const struct pb_graph_operator pb_op_multiply = {
    .inputs = 2,
    .infer = pb_infer_elementwise,
    .channels = PB_CHANNELS_IDENTITY,
};
