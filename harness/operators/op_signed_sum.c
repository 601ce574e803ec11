/*
 * Sums of r values each, the first half of them added and the rest subtracted, and a bias: what low-rank bilinear classifiers end in
 * (S. Kong, C. Fowlkes 2017), whose filters of either sign are of the same number for every class.
 */
#include "engine/engine_operator.h"
#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "channels", channels), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    const uint64_t values = pb_shape_count(addition->in[0]);
    if (!asked->channels)
        return pb_refuse(addition, "needs at least one output");
    if (addition->in[0].height != 1 || addition->in[0].width != 1)
        return pb_refuse(addition, "reads values without a place; put a global pooling in front of it");
    if (values % (2 * (uint64_t)asked->channels) != 0)
        return pb_refuse(addition, "each output needs an even number of values, and all the same: half of them are "
                                   "added, half subtracted");
    addition->node.shape = (struct pb_shape){1, 1, asked->channels};
    const size_t dims[] = {asked->channels};
    return pb_add_parameter(addition, PB_ROLE_BIAS, 1, dims);
}

static struct pb_signed_sum_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const uint32_t input = engine->graph->nodes[i].inputs[0], outputs = engine->graph->nodes[i].shape.channels;
    return (struct pb_signed_sum_arguments){
        .size = sizeof(struct pb_signed_sum_arguments),
        .batch = engine->options.batch,
        .outputs = outputs,
        .rank = engine->graph->nodes[input].shape.channels / outputs,
        .x = pb_value_view(engine, input),
        .bias = pb_parameter_view(engine, engine->values, i, PB_ROLE_BIAS),
        .y = pb_value_view(engine, i),
        .dy = pb_gradient_view(engine, i),
        .dbias = pb_parameter_view(engine, engine->gradients, i, PB_ROLE_BIAS),
    };
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_signed_sum_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(signed_sum_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_signed_sum_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(signed_sum_backward_data, &arguments);
}

static enum pb_status backward_bias(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_signed_sum_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(signed_sum_backward_bias, &arguments);
}

const struct pb_graph_operator pb_op_signed_sum = {
    .slot = "signed_sum_forward",
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .channels = PB_CHANNELS_FIXED_BOTH,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .forward = forward,
            .backward = backward,
            .backward_weights = backward_bias,
        },
};
