/* Addition of two inputs of one shape. */
#include "graph/op_table.h"

const struct pb_graph_operator pb_op_add = {
    .slot = "add_forward",
    .inputs = 2,
    .infer = pb_infer_elementwise,
    .channels = PB_CHANNELS_IDENTITY,
    .before_activation = true,
};
