/* Layers with weights: convolutions, batch norms, linear layers. */
#include <inttypes.h>
#include <string.h>

#include "onnx/onnx_rows.h"
#include "onnx/onnx_windows.h"

/* The shape of a weight, which must have this rank. */
static enum pb_status read_dims(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                const struct pb_onnx_value *weight, size_t rank, uint32_t *dims)
{
    const Onnx__TensorProto *tensor = weight->tensor;
    if (tensor->n_dims != rank)
        return pb_onnx_refuse(import, node, "its weight '%.80s' has %zu dimensions; only %zu are covered", weight->name,
                              tensor->n_dims, rank);
    for (size_t i = 0; i < rank; i++) {
        if (tensor->dims[i] < 1 || tensor->dims[i] > INT32_MAX)
            return pb_onnx_refuse(import, node, "a dimension of its weight '%.80s' is %" PRId64, weight->name,
                                  tensor->dims[i]);
        dims[i] = (uint32_t)tensor->dims[i];
    }
    return PB_OK;
}

static enum pb_status convert_conv(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    struct pb_onnx_value *data = pb_onnx_input(import, node, 0);
    const struct pb_onnx_value *weight = pb_onnx_input(import, node, 1), *bias = pb_onnx_input(import, node, 2);
    const int64_t groups = pb_onnx_integer(node, "group", 1);
    struct pb_onnx_window window = {.kernel = {0}};
    uint32_t dims[4] = {0}; /* K,C,R,S */
    enum pb_status status = read_dims(import, node, weight, 4, dims);
    if (status == PB_OK && pb_onnx_attribute(node, "kernel_shape"))
        status = pb_onnx_pair(import, node, "kernel_shape", window.kernel);
    else
        memcpy(window.kernel, dims + 2, sizeof window.kernel);
    if (status == PB_OK && memcmp(window.kernel, dims + 2, sizeof window.kernel) != 0)
        status = pb_onnx_refuse(import, node, "'kernel_shape' is not that of its weight '%.80s'", weight->name);
    if (status == PB_OK && (groups < 1 || groups > INT32_MAX))
        status = pb_onnx_refuse(import, node, "'group' is %" PRId64, groups);
    if (status == PB_OK)
        status = pb_onnx_read_window(import, node, &window);
    if (status != PB_OK)
        return status;
    struct pb_graph_node added = {
        .op = PB_OP_CONV2D, .channels = dims[0], .bias = bias != NULL, .conv = {.groups = (uint32_t)groups}};
    memcpy(added.conv.kernel, window.kernel, sizeof window.kernel);
    memcpy(added.conv.stride, window.stride, sizeof window.stride);
    memcpy(added.conv.pad, window.pad, sizeof window.pad);
    memcpy(added.conv.dilation, window.dilation, sizeof window.dilation);
    status = pb_onnx_add(import, node, added, &data, 1);
    if (status == PB_OK)
        status = pb_onnx_bind(import, node, pb_onnx_added(import, node), PB_ROLE_WEIGHT, weight);
    if (status == PB_OK && bias)
        status = pb_onnx_bind(import, node, pb_onnx_added(import, node), PB_ROLE_BIAS, bias);
    return status;
}

static enum pb_status convert_batch_norm(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    static const enum pb_role roles[] = {PB_ROLE_GAMMA, PB_ROLE_BETA, PB_ROLE_RUNNING_MEAN, PB_ROLE_RUNNING_VAR};
    struct pb_onnx_value *data = pb_onnx_input(import, node, 0);
    const struct pb_shape in = pb_onnx_shape(import, data);
    if (data->kind == PB_ONNX_ROWS && (in.height > 1 || in.width > 1))
        return pb_onnx_refuse(import, node, "it is over flattened images; a batch norm over channels is covered");
    enum pb_status status = pb_onnx_must_be(import, node, "training_mode", 0, 0);
    if (status == PB_OK)
        status = pb_onnx_must_be(import, node, "spatial", 1, 1);
    /* ONNX's momentum is the share of the old value, ours that of the new one. */
    const double momentum = pb_onnx_decimal((float)(1 - pb_onnx_real(node, "momentum", 0.9)));
    const struct pb_graph_node added = {
        .op = PB_OP_BATCH_NORM, .eps = pb_onnx_real(node, "epsilon", 1e-5), .momentum = momentum};
    if (status == PB_OK)
        status = pb_onnx_add(import, node, added, &data, 1);
    for (size_t i = 0; i < sizeof roles / sizeof *roles && status == PB_OK; i++)
        status = pb_onnx_bind(import, node, pb_onnx_added(import, node), roles[i], pb_onnx_input(import, node, i + 1));
    return status;
}

/* weight: out×in, or in×out where transposed is set. */
static enum pb_status add_linear(struct pb_onnx_import *import, const Onnx__NodeProto *node, bool transposed,
                                 const struct pb_onnx_value *bias)
{
    struct pb_onnx_value *data = pb_onnx_input(import, node, 0);
    const struct pb_onnx_value *weight = pb_onnx_input(import, node, 1);
    uint32_t dims[2] = {0};
    enum pb_status status = read_dims(import, node, weight, 2, dims);
    const struct pb_graph_node added = {.op = PB_OP_LINEAR, .channels = dims[transposed], .bias = bias != NULL};
    if (status == PB_OK)
        status = pb_onnx_add(import, node, added, &data, 1);
    if (status == PB_OK)
        status = pb_onnx_bind_matrix(import, node, pb_onnx_added(import, node), weight, transposed);
    if (status == PB_OK && bias)
        status = pb_onnx_bind(import, node, pb_onnx_added(import, node), PB_ROLE_BIAS, bias);
    return status;
}

static enum pb_status convert_gemm(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    enum pb_status status = pb_onnx_must_be(import, node, "transA", 0, 0);
    if (status == PB_OK && (pb_onnx_real(node, "alpha", 1) != 1 || pb_onnx_real(node, "beta", 1) != 1))
        status = pb_onnx_refuse(import, node, "'alpha' and 'beta' must be 1");
    if (status != PB_OK)
        return status;
    return add_linear(import, node, pb_onnx_integer(node, "transB", 0) == 0, pb_onnx_input(import, node, 2));
}

/* The constant that the only reader of the product adds to it; NULL: it is read otherwise. */
static const struct pb_onnx_value *added_behind(const struct pb_onnx_import *import,
                                                const struct pb_onnx_value *product)
{
    if (product->readers != 1 || product->last_reader == PB_NO_NODE)
        return NULL;
    const Onnx__NodeProto *reader = import->file.model->graph->node[product->last_reader];
    if (strcmp(reader->op_type, "Add") != 0 || !pb_onnx_is_default_domain(reader->domain) || reader->n_input != 2)
        return NULL;
    const struct pb_onnx_value *first = pb_onnx_input(import, reader, 0);
    const struct pb_onnx_value *other = first == product ? pb_onnx_input(import, reader, 1) : first;
    return other && other->kind == PB_ONNX_CONSTANT ? other : NULL;
}

static enum pb_status convert_mat_mul(struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    struct pb_onnx_value *product = pb_onnx_find(import, node->output[0]);
    const struct pb_onnx_value *bias = added_behind(import, product);
    product->biased = bias != NULL;
    return add_linear(import, node, true, bias);
}

static const struct pb_onnx_attribute conv_attributes[] = {
    PB_ONNX_WINDOW_ATTRIBUTES, PB_ONNX_ATTRIBUTE(INT, "group"), {0}};
static const struct pb_onnx_attribute batch_norm_attributes[] = {PB_ONNX_ATTRIBUTE(FLOAT, "epsilon"),
                                                                 PB_ONNX_ATTRIBUTE(FLOAT, "momentum"),
                                                                 PB_ONNX_ATTRIBUTE(INT, "training_mode"),
                                                                 PB_ONNX_ATTRIBUTE(INT, "spatial"),
                                                                 {0}};
static const struct pb_onnx_attribute gemm_attributes[] = {PB_ONNX_ATTRIBUTE(FLOAT, "alpha"),
                                                           PB_ONNX_ATTRIBUTE(FLOAT, "beta"),
                                                           PB_ONNX_ATTRIBUTE(INT, "transA"),
                                                           PB_ONNX_ATTRIBUTE(INT, "transB"),
                                                           {0}};
static const struct pb_onnx_attribute none[] = {{0}};

const struct pb_onnx_row pb_onnx_layers[] = {
    {"Conv", conv_attributes, 2, 3, PB_ONNX_FROM_IMAGES, convert_conv},
    {"BatchNormalization", batch_norm_attributes, 5, 5, PB_ONNX_FROM_EITHER, convert_batch_norm},
    {"Gemm", gemm_attributes, 2, 3, PB_ONNX_FROM_ROWS, convert_gemm},
    {"MatMul", none, 2, 2, PB_ONNX_FROM_ROWS, convert_mat_mul},
    {0}};
