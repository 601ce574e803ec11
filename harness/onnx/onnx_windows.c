/* Strides and padding. */
#include "onnx/onnx_windows.h"

#include <inttypes.h>

/* The first two numbers of `pads` are before the image, the last two behind it. */
static enum pb_status read_pads(const struct pb_onnx_import *import, const Onnx__NodeProto *node, uint32_t pad[2])
{
    const Onnx__AttributeProto *pads = pb_onnx_attribute(node, "pads");
    if (pads && pads->n_ints != 4)
        return pb_onnx_refuse(import, node, "'pads' has %zu numbers; only two-dimensional images are covered",
                              pads->n_ints);
    for (size_t side = 0; side < 2; side++) {
        const int64_t before = pads ? pads->ints[side] : 0, behind = pads ? pads->ints[side + 2] : 0;
        if (before != behind)
            return pb_onnx_refuse(import, node,
                                  "'pads' has %" PRId64 " before the image and %" PRId64
                                  " behind it; only equal ones are covered",
                                  before, behind);
        if (before < 0 || before > INT32_MAX)
            return pb_onnx_refuse(import, node, "a number of 'pads' is %" PRId64, before);
        pad[side] = (uint32_t)before;
    }
    return PB_OK;
}

/* SAME_UPPER and SAME_LOWER: an output for every stride of the input; they differ in where an odd pixel of padding is. */
static enum pb_status pad_to_same(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                  struct pb_onnx_window *window)
{
    const struct pb_shape in = pb_onnx_shape(import, pb_onnx_input(import, node, 0));
    const uint32_t size[2] = {in.height, in.width};
    for (size_t side = 0; side < 2; side++) {
        const int64_t reach = (int64_t)window->dilation[side] * (window->kernel[side] - 1) + 1;
        const int64_t steps = (size[side] + (int64_t)window->stride[side] - 1) / window->stride[side];
        const int64_t padding = (steps - 1) * window->stride[side] + reach - size[side];
        if (padding > 0 && padding % 2)
            return pb_onnx_refuse(import, node,
                                  "'auto_pad' asks for %" PRId64
                                  " pixels of padding, which is not the same number before and behind the image",
                                  padding);
        if (padding / 2 > INT32_MAX)
            return pb_onnx_refuse(import, node, "'auto_pad' asks for %" PRId64 " pixels of padding", padding);
        window->pad[side] = padding > 0 ? (uint32_t)(padding / 2) : 0;
    }
    return PB_OK;
}

enum pb_status pb_onnx_read_window(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                   struct pb_onnx_window *window)
{
    enum pb_status status = pb_onnx_pair(import, node, "strides", window->stride);
    if (status == PB_OK)
        status = pb_onnx_pair(import, node, "dilations", window->dilation);
    if (status == PB_OK)
        status = read_pads(import, node, window->pad);
    if (status != PB_OK || !pb_onnx_attribute(node, "auto_pad") || pb_onnx_says(node, "auto_pad", "NOTSET"))
        return status;
    if (window->pad[0] || window->pad[1])
        return pb_onnx_refuse(import, node, "it has both 'pads' and 'auto_pad'");
    if (pb_onnx_says(node, "auto_pad", "VALID"))
        return PB_OK;
    if (pb_onnx_says(node, "auto_pad", "SAME_UPPER") || pb_onnx_says(node, "auto_pad", "SAME_LOWER"))
        return pad_to_same(import, node, window);
    return pb_onnx_refuse(import, node, "'auto_pad' is none of NOTSET, VALID, SAME_UPPER and SAME_LOWER");
}
