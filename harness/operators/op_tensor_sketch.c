/*
 * Tensor sketch (N. Pham, R. Pagh 2013; in compact bilinear pooling, Y. Gao 2016): every value (i, j) of bilinear pooling's matrix is
 * added, with the sign s1(i)·s2(j), to the output h1(i) + h2(j) modulo d. That is the sketch itself, as a sum over the matrix that is
 * there already instead of a convolution by Fourier transforms. Hashes and signs belong to the channels that bilinear pooling reads: a
 * removed channel takes its own along. They are drawn once and never learnt.
 */
#include <math.h>

#include "engine/engine_operator.h"
#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "channels", channels), {0}};

enum {
    ROWS = 4, /* of the hashes: h1, s1, h2, s2 */
    MOST_OUTPUTS = 1 << 24, /* a place among them is stored as a float */
};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (addition->graph->nodes[addition->node.inputs[0]].op != PB_OP_BILINEAR_POOL)
        return pb_refuse(addition, "reads the output of a bilinear_pool, and of nothing else");
    if (!asked->channels || asked->channels > MOST_OUTPUTS)
        return pb_refuse(addition, "has from 1 to 2²⁴ outputs");
    addition->node.shape = (struct pb_shape){1, 1, asked->channels};
    const size_t dims[] = {ROWS, (size_t)lround(sqrt(addition->in[0].channels))};
    return pb_add_parameter(addition, PB_ROLE_HASH, 2, dims);
}

/* 4 × the channels that bilinear pooling reads */
static void axes(const struct pb_graph *graph, const struct pb_parameter *hashes, struct pb_weight_axes *axes)
{
    const uint32_t pooling = graph->nodes[hashes->node].inputs[0];
    axes->channels = (uint32_t)hashes->dims[1];
    axes->columns_of = graph->nodes[pooling].inputs[0];
    axes->rows_are_fixed = true;
}

static bool is_sign_row(size_t row)
{
    return row % 2 == 1;
}

static void initialise(const struct pb_graph *graph, const struct pb_parameter *parameter, float *values,
                       struct pb_rng *rng)
{
    const uint32_t outputs = graph->nodes[parameter->node].shape.channels;
    for (size_t i = 0; i < parameter->count; i++)
        values[i] =
            is_sign_row(i / parameter->dims[1]) ? pb_rng_below(rng, 2) ? 1 : -1 : (float)pb_rng_below(rng, outputs);
}

static bool fits(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *values)
{
    const float outputs = (float)graph->nodes[parameter->node].shape.channels;
    for (size_t i = 0; i < parameter->count; i++) {
        const bool good = is_sign_row(i / parameter->dims[1])
                              ? fabsf(values[i]) == 1
                              : values[i] >= 0 && values[i] < outputs && values[i] == floorf(values[i]);
        if (!good)
            return false;
    }
    return true;
}

static struct pb_tensor_sketch_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const uint32_t input = engine->graph->nodes[i].inputs[0];
    const uint32_t hashes = engine->graph->nodes[i].parameters[PB_ROLE_HASH];
    return (struct pb_tensor_sketch_arguments){.size = sizeof(struct pb_tensor_sketch_arguments),
                                               .batch = engine->options.batch,
                                               .channels = (uint32_t)engine->graph->parameters[hashes].dims[1],
                                               .dimension = engine->graph->nodes[i].shape.channels,
                                               .x = pb_value_view(engine, input),
                                               .hashes = pb_parameter_view(engine, engine->values, i, PB_ROLE_HASH),
                                               .y = pb_value_view(engine, i),
                                               .dy = pb_gradient_view(engine, i)};
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_tensor_sketch_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(tensor_sketch_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_tensor_sketch_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(tensor_sketch_backward, &arguments);
}

const struct pb_graph_operator pb_op_tensor_sketch = {
    .slot = "tensor_sketch_forward",
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .channels = PB_CHANNELS_FIXED,
    .axes = axes,
    .initialise = initialise,
    .fits = fits,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .forward = forward,
            .backward = backward,
        },
};
