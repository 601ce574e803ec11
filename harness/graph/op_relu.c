/* ReLU. */
#include "graph/op_table.h"

const struct pb_graph_operator pb_op_relu = {
    .slot = "relu_forward",
    .inputs = 1,
    .infer = pb_infer_elementwise,
    .channels = PB_CHANNELS_IDENTITY,
    .activation = true,
};
