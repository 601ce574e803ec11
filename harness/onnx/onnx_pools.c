/* Pooling, and means over the positions of an image. */
#include <string.h>

#include "onnx/onnx_rows.h"
#include "onnx/onnx_windows.h"

/* Rounding up makes a last window that leaves the image, which is not covered; here it must make none. */
static enum pb_status check_ceiling(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                    const struct pb_onnx_window *window)
{
    const struct pb_shape in = pb_onnx_shape(import, pb_onnx_input(import, node, 0));
    const uint32_t size[2] = {in.height, in.width};
    for (size_t side = 0; side < 2; side++) {
        const int64_t rest = size[side] + 2 * (int64_t)window->pad[side] - window->kernel[side];
        if (pb_onnx_integer(node, "ceil_mode", 0) && rest % window->stride[side])
            return pb_onnx_refuse(import, node, "'ceil_mode' makes a window that leaves the image here");
    }
    return PB_OK;
}

static enum pb_status convert_pool(struct pb_onnx_import *import, const Onnx__NodeProto *node, enum pb_op op)
{
    struct pb_onnx_value *data = pb_onnx_input(import, node, 0);
    struct pb_graph_node added = {.op = op};
    struct pb_onnx_window window = {.kernel = {0}};
    enum pb_status status = pb_onnx_attribute(node, "kernel_shape")
                                ? pb_onnx_pair(import, node, "kernel_shape", window.kernel)
                                : pb_onnx_refuse(import, node, "it has no 'kernel_shape'");
    if (status == PB_OK)
        status = pb_onnx_read_window(import, node, &window);
    if (status == PB_OK && (window.dilation[0] > 1 || window.dilation[1] > 1))
        status = pb_onnx_refuse(import, node, "'dilations' other than 1 are covered for Conv only");
    if (status == PB_OK)
        status = check_ceiling(import, node, &window);
    if (status == PB_OK && (window.pad[0] || window.pad[1]))
        status = pb_onnx_must_be(import, node, "count_include_pad", 0, 0);
    if (status != PB_OK)
        return status;
    memcpy(added.pool.kernel, window.kernel, sizeof window.kernel);
    memcpy(added.pool.stride, window.stride, sizeof window.stride);
    memcpy(added.pool.pad, window.pad, sizeof window.pad);
    return pb_onnx_add(import, node, added, &data, 1);
}

static enum pb_status convert_max_pool(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    return convert_pool(import, node, PB_OP_MAX_POOL);
}

static enum pb_status convert_average_pool(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    return convert_pool(import, node, PB_OP_AVG_POOL);
}

static enum pb_status convert_global(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    struct pb_onnx_value *data = pb_onnx_input(import, node, 0);
    return pb_onnx_add(import, node, (struct pb_graph_node){.op = PB_OP_AVG_POOL}, &data, 1);
}

static enum pb_status convert_mean(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    struct pb_onnx_integers axes;
    enum pb_status status = pb_onnx_list(import, node, "axes", 1, &axes);
    if (status == PB_OK && !pb_onnx_are_positions(&axes))
        status = pb_onnx_refuse(import, node, "only the mean over height and width, axes 2 and 3, is covered");
    if (status == PB_OK)
        status = convert_global(import, node);
    if (status == PB_OK && !pb_onnx_integer(node, "keepdims", 1))
        pb_onnx_find(import, node->output[0])->kind = PB_ONNX_ROWS;
    return status;
}

static const struct pb_onnx_attribute max_attributes[] = {
    PB_ONNX_WINDOW_ATTRIBUTES, PB_ONNX_ATTRIBUTE(INT, "ceil_mode"), PB_ONNX_ATTRIBUTE(INT, "storage_order"), {0}};
static const struct pb_onnx_attribute average_attributes[] = {
    PB_ONNX_WINDOW_ATTRIBUTES, PB_ONNX_ATTRIBUTE(INT, "ceil_mode"), PB_ONNX_ATTRIBUTE(INT, "count_include_pad"), {0}};
static const struct pb_onnx_attribute mean_attributes[] = {PB_ONNX_ATTRIBUTE(INTS, "axes"),
                                                           PB_ONNX_ATTRIBUTE(INT, "keepdims"),
                                                           PB_ONNX_ATTRIBUTE(INT, "noop_with_empty_axes"),
                                                           {0}};
static const struct pb_onnx_attribute none[] = {{0}};

const struct pb_onnx_row pb_onnx_pools[] = {
    {"MaxPool", max_attributes, 1, 1, PB_ONNX_FROM_IMAGES, convert_max_pool},
    {"AveragePool", average_attributes, 1, 1, PB_ONNX_FROM_IMAGES, convert_average_pool},
    {"GlobalAveragePool", none, 1, 1, PB_ONNX_FROM_IMAGES, convert_global},
    {"ReduceMean", mean_attributes, 1, 2, PB_ONNX_FROM_IMAGES, convert_mean},
    {0}};
