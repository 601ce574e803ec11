/* The input: its values are uploaded before the forward pass. */
#include "engine/engine_operator.h"
#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "height", height),
                                                 PB_ATTRIBUTE(COUNT, "width", width),
                                                 PB_ATTRIBUTE(COUNT, "channels", channels),
                                                 {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    addition->node.shape = (struct pb_shape){asked->height, asked->width, asked->channels};
    if (!asked->height || !asked->width || !asked->channels)
        return pb_refuse(addition, "height, width and channels must be at least 1");
    return PB_OK;
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)engine, (void)i, (void)training, (void)error;
    return PB_OK;
}

const struct pb_graph_operator pb_op_input = {
    .inputs = 0,
    .attributes = attributes,
    .infer = infer,
    .channels = PB_CHANNELS_FIXED,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_TRANSFER, PB_PHASE_TRANSFER, PB_PHASE_TRANSFER},
            .forward = forward,
        },
};
