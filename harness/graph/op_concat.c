/* Concatenation: the channels of up to eight inputs of one height and width, behind each other. */
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

const struct pb_graph_operator pb_op_concat = {
    .slot = "copy_columns",
    .inputs = 2,
    .inputs_max = PB_INPUTS_MAX,
    .infer = infer,
    .channels = PB_CHANNELS_CONCATENATED,
};
