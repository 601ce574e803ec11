/* Division of every image's values by their Euclidean norm. */
#include "graph/op_eps.h"

const struct pb_graph_operator pb_op_l2_norm = {
    .slot = "l2_norm_forward",
    .inputs = 1,
    .attributes = pb_eps_attributes,
    .infer = pb_eps_infer,
    .describe = pb_eps_describe,
    .channels = PB_CHANNELS_IDENTITY,
};
