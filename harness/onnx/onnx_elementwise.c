/* Operators that work value by value, and concatenation. */
#include <float.h>
#include <math.h>

#include "base/memory.h"
#include "onnx/onnx_rows.h"

static enum pb_status add_unary(struct pb_onnx_import *import, const Onnx__NodeProto *node, struct pb_onnx_value *data,
                                enum pb_op op)
{
    return pb_onnx_add(import, node, (struct pb_graph_node){.op = op}, &data, 1);
}

static enum pb_status convert_relu(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    return add_unary(import, node, pb_onnx_input(import, node, 0), PB_OP_RELU);
}

/* A constant of one value; left as it is where there is none. */
static enum pb_status read_scalar(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                  const struct pb_onnx_value *constant, double *scalar)
{
    float *values = NULL;
    size_t count;
    if (!constant)
        return PB_OK;
    enum pb_status status =
        pb_onnx_read_floats(&import->file, pb_onnx_constant_of(constant), &values, &count, import->error);
    if (status == PB_OK && count != 1)
        status = pb_onnx_refuse(import, node, "'%.80s' must be a single value", constant->name);
    if (status == PB_OK)
        *scalar = (double)values[0];
    pb_free(values);
    return status;
}

/* min(max(x, low), high). Behind a ReLU, nothing is below 0. */
static enum pb_status add_clip(struct pb_onnx_import *import, const Onnx__NodeProto *node, struct pb_onnx_value *data,
                               double low, double high)
{
    const bool positive = import->graph->nodes[data->node].op == PB_OP_RELU;
    if ((low == 0 || (positive && low < 0)) && high == 6)
        return add_unary(import, node, data, PB_OP_RELU6);
    if (low == 0 && high >= (double)FLT_MAX)
        return add_unary(import, node, data, PB_OP_RELU);
    return pb_onnx_refuse(
        import, node, "it clips to %g…%g; only 0…6 is covered (ReLU6), and 0 without an upper limit (ReLU)", low, high);
}

static enum pb_status convert_clip(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    double low = pb_onnx_real(node, "min", -INFINITY), high = pb_onnx_real(node, "max", INFINITY);
    enum pb_status status = read_scalar(import, node, pb_onnx_input(import, node, 1), &low);
    if (status == PB_OK)
        status = read_scalar(import, node, pb_onnx_input(import, node, 2), &high);
    return status == PB_OK ? add_clip(import, node, pb_onnx_input(import, node, 0), low, high) : status;
}

/* One input may be the constant. */
static enum pb_status convert_min(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    struct pb_onnx_value *first = pb_onnx_input(import, node, 0), *second = pb_onnx_input(import, node, 1);
    struct pb_onnx_value *data = pb_onnx_is_data(first) ? first : second;
    const struct pb_onnx_value *constant = data == first ? second : first;
    double high = INFINITY;
    if (!pb_onnx_is_data(data) || constant->kind != PB_ONNX_CONSTANT)
        return pb_onnx_refuse(import, node, "only the minimum with a constant is covered");
    const enum pb_status status = read_scalar(import, node, constant, &high);
    return status == PB_OK ? add_clip(import, node, data, -INFINITY, high) : status;
}

/* Its third input, whether it drops values now, is not read: a network of ours drops them while it is trained. */
static enum pb_status convert_dropout(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    struct pb_onnx_value *data = pb_onnx_input(import, node, 0);
    double ratio = pb_onnx_real(node, "ratio", 0.5);
    const enum pb_status status = read_scalar(import, node, pb_onnx_input(import, node, 1), &ratio);
    if (status != PB_OK)
        return status;
    const struct pb_graph_node added = {.op = PB_OP_DROPOUT, .dropout = pb_onnx_decimal((float)ratio)};
    return pb_onnx_add(import, node, added, &data, 1);
}

/* Two or more inputs that are images, or rows. */
static enum pb_status check_alike(const struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    const struct pb_onnx_value *first = pb_onnx_input(import, node, 0);
    for (size_t i = 0; i < node->n_input; i++) {
        const struct pb_onnx_value *input = pb_onnx_input(import, node, i);
        if (!input || !pb_onnx_is_data(input))
            return pb_onnx_refuse(import, node, "'%.80s' is a constant; only what is computed is covered here",
                                  node->input[i]);
        if (input->kind != first->kind)
            return pb_onnx_refuse(import, node, "some of its inputs are N×C×H×W, and some N×features");
    }
    return PB_OK;
}

static enum pb_status convert_binary(struct pb_onnx_import *import, const Onnx__NodeProto *node, enum pb_op op)
{
    struct pb_onnx_value *inputs[] = {pb_onnx_input(import, node, 0), pb_onnx_input(import, node, 1)};
    const enum pb_status status = check_alike(import, node);
    return status == PB_OK ? pb_onnx_add(import, node, (struct pb_graph_node){.op = op}, inputs, 2) : status;
}

static enum pb_status convert_add(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < 2; i++) {
        const struct pb_onnx_value *input = pb_onnx_input(import, node, i);
        if (input->biased) {
            pb_onnx_pass(import, node, input, input->kind);
            return PB_OK;
        }
    }
    return convert_binary(import, node, PB_OP_ADD);
}

static enum pb_status convert_mul(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    return convert_binary(import, node, PB_OP_MULTIPLY);
}

static enum pb_status check_concatenation(const struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    const enum pb_status status = check_alike(import, node);
    if (status != PB_OK)
        return status;
    const struct pb_onnx_value *first = pb_onnx_input(import, node, 0);
    const bool rows = first->kind == PB_ONNX_ROWS;
    const int64_t axis = pb_onnx_integer(node, "axis", 0), rank = rows ? 2 : 4;
    if (axis != 1 && axis + rank != 1)
        return pb_onnx_refuse(import, node, "only 'axis' 1, over channels, is covered");
    const struct pb_shape in = pb_onnx_shape(import, first);
    if (rows && (in.height > 1 || in.width > 1))
        return pb_onnx_refuse(import, node, "it is over flattened images; concatenate their channels before");
    return PB_OK;
}

/* A node of the graph has at most PB_INPUTS_MAX inputs; what is more comes behind its output. */
static enum pb_status convert_concat(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    enum pb_status status = check_concatenation(import, node);
    if (status != PB_OK)
        return status;
    struct pb_onnx_value *output = pb_onnx_find(import, node->output[0]);
    pb_onnx_pass(import, node, pb_onnx_input(import, node, 0), pb_onnx_input(import, node, 0)->kind);
    for (size_t next = 1; next < node->n_input && status == PB_OK;) {
        struct pb_onnx_value *inputs[PB_INPUTS_MAX] = {output};
        uint32_t count = 1;
        while (next < node->n_input && count < PB_INPUTS_MAX)
            inputs[count++] = pb_onnx_input(import, node, next++);
        status = pb_onnx_add(import, node, (struct pb_graph_node){.op = PB_OP_CONCAT}, inputs, count);
    }
    return status;
}

static const struct pb_onnx_attribute clip_attributes[] = {
    PB_ONNX_ATTRIBUTE(FLOAT, "min"), PB_ONNX_ATTRIBUTE(FLOAT, "max"), {0}};
static const struct pb_onnx_attribute dropout_attributes[] = {
    PB_ONNX_ATTRIBUTE(FLOAT, "ratio"), PB_ONNX_ATTRIBUTE(INT, "seed"), {0}};
static const struct pb_onnx_attribute concat_attributes[] = {PB_ONNX_ATTRIBUTE(INT, "axis"), {0}};
static const struct pb_onnx_attribute none[] = {{0}};

const struct pb_onnx_row pb_onnx_elementwise[] = {
    {"Relu", none, 1, 1, PB_ONNX_FROM_EITHER, convert_relu},
    {"Clip", clip_attributes, 1, 3, PB_ONNX_FROM_EITHER, convert_clip},
    {"Min", none, 2, 2, PB_ONNX_FROM_ANY, convert_min},
    {"Dropout", dropout_attributes, 1, 3, PB_ONNX_FROM_EITHER, convert_dropout},
    {"Add", none, 2, 2, PB_ONNX_FROM_ANY, convert_add},
    {"Mul", none, 2, 2, PB_ONNX_FROM_ANY, convert_mul},
    {"Concat", concat_attributes, 1, SIZE_MAX, PB_ONNX_FROM_ANY, convert_concat},
    {0}};
