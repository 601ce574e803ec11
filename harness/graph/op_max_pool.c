/* Maximum pooling. */
#include "graph/op_window.h"

const struct pb_graph_operator pb_op_max_pool = {
    .slot = "max_pool_forward",
    .inputs = 1,
    .attributes = pb_pool_attribute_list,
    .infer = pb_pool_infer,
    .describe = pb_pool_describe,
    .channels = PB_CHANNELS_IDENTITY,
};
