/* Operators that change a shape or nothing, and constants. None of them is a node of the graph. */
#include <inttypes.h>

#include "onnx/onnx_rows.h"

static enum pb_status to_rows(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    pb_onnx_pass(import, node, pb_onnx_input(import, node, 0), PB_ONNX_ROWS);
    return PB_OK;
}

static int64_t rank_of(const struct pb_onnx_value *data)
{
    return data->kind == PB_ONNX_IMAGES ? 4 : 2;
}

static enum pb_status convert_flatten(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    const int64_t axis = pb_onnx_integer(node, "axis", 1);
    if (axis != 1 && axis + rank_of(pb_onnx_input(import, node, 0)) != 1)
        return pb_onnx_refuse(import, node, "only 'axis' 1 is covered");
    return to_rows(import, node);
}

/* To N×features, where N is stated as -1, 0 (as it is) or 1 and the features as their number or -1. */
static enum pb_status convert_reshape(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    struct pb_onnx_integers shape;
    const enum pb_status status = pb_onnx_list(import, node, "shape", 1, &shape);
    if (status != PB_OK)
        return status;
    const int64_t features = (int64_t)pb_shape_count(pb_onnx_shape(import, pb_onnx_input(import, node, 0)));
    const int64_t batch = shape.count == 2 ? shape.list[0] : 0, rest = shape.count == 2 ? shape.list[1] : 0;
    const bool keeps_batch = batch == -1 || batch == 1 || (batch == 0 && !pb_onnx_integer(node, "allowzero", 0));
    if (!keeps_batch || (rest != features && (rest != -1 || batch == -1)))
        return pb_onnx_refuse(import, node, "only N×%" PRId64 ", all values of an image in a row, is covered",
                              features);
    return to_rows(import, node);
}

static enum pb_status convert_squeeze(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    const struct pb_shape in = pb_onnx_shape(import, pb_onnx_input(import, node, 0));
    struct pb_onnx_integers axes;
    const enum pb_status status = pb_onnx_list(import, node, "axes", 1, &axes);
    if (status != PB_OK)
        return status;
    if (in.height != 1 || in.width != 1 || !pb_onnx_are_positions(&axes))
        return pb_onnx_refuse(import, node, "only N×C×1×1 without height and width, axes 2 and 3, is covered");
    return to_rows(import, node);
}

static enum pb_status convert_identity(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    const struct pb_onnx_value *input = pb_onnx_input(import, node, 0);
    pb_onnx_pass(import, node, input, input->kind);
    return PB_OK;
}

/* A value in an attribute `value` was found before all nodes were converted. */
static enum pb_status convert_constant(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    if (pb_onnx_find(import, node->output[0])->kind == PB_ONNX_CONSTANT)
        return PB_OK;
    return pb_onnx_refuse(import, node, "it has no attribute 'value'");
}

/* At the very end it does not change which class is largest; the loss of a training has its own. */
static enum pb_status convert_softmax(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    const struct pb_onnx_value *output = pb_onnx_find(import, node->output[0]);
    const struct pb_onnx_value *data = pb_onnx_input(import, node, 0);
    const int64_t axis = pb_onnx_integer(node, "axis", import->file.opset < 13 ? 1 : -1);
    if (output->last_reader != PB_NO_NODE)
        return pb_onnx_refuse(import, node, "it is covered only at the very end, where it is left out");
    if (axis != 1 && axis + rank_of(data) != 1)
        return pb_onnx_refuse(import, node, "only 'axis' 1, over the classes, is covered");
    pb_text_append(&import->report.left_out, "%s '%s'\n", node->op_type, pb_onnx_label(node));
    pb_onnx_pass(import, node, data, data->kind);
    return PB_OK;
}

static const struct pb_onnx_attribute axis[] = {PB_ONNX_ATTRIBUTE(INT, "axis"), {0}};
static const struct pb_onnx_attribute axes[] = {PB_ONNX_ATTRIBUTE(INTS, "axes"), {0}};
static const struct pb_onnx_attribute reshape_attributes[] = {PB_ONNX_ATTRIBUTE(INT, "allowzero"), {0}};
static const struct pb_onnx_attribute constant_attributes[] = {PB_ONNX_ATTRIBUTE(TENSOR, "value"), {0}};
static const struct pb_onnx_attribute none[] = {{0}};

const struct pb_onnx_row pb_onnx_shapes[] = {
    {"Flatten", axis, 1, 1, PB_ONNX_FROM_EITHER, convert_flatten},
    {"Reshape", reshape_attributes, 2, 2, PB_ONNX_FROM_EITHER, convert_reshape},
    {"Squeeze", axes, 1, 2, PB_ONNX_FROM_IMAGES, convert_squeeze},
    {"Identity", none, 1, 1, PB_ONNX_FROM_ANY, convert_identity},
    {"Constant", constant_attributes, 0, 0, PB_ONNX_FROM_ANY, convert_constant},
    {"Softmax", axis, 1, 1, PB_ONNX_FROM_EITHER, convert_softmax},
    {0}};
