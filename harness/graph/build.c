/* Adding nodes: checks, shapes, parameters. */
#include "graph/build.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Views of a network's values start at multiples of 64 bytes. */
#define FLOATS_PER_LINE 16

/* A node on its way in, with the parameters that it brings. */
struct addition {
    struct pb_node node;
    struct pb_parameter parameters[4];
    uint32_t parameter_count;
    struct pb_error *error;
};

static enum pb_status refuse(struct addition *addition, const char *what)
{
    return pb_fail(addition->error, PB_ERROR_INPUT, "node '%s' (%s): %s", addition->node.name,
                   pb_op_name(addition->node.op), what);
}

const char *pb_role_name(enum pb_role role)
{
    static const char *const names[] = {
        [PB_ROLE_WEIGHT] = "weight",
        [PB_ROLE_BIAS] = "bias",
        [PB_ROLE_GAMMA] = "gamma",
        [PB_ROLE_BETA] = "beta",
        [PB_ROLE_RUNNING_MEAN] = "running_mean",
        [PB_ROLE_RUNNING_VAR] = "running_var",
    };
    return names[role];
}

static enum pb_status add_parameter(struct addition *addition, enum pb_role role, uint32_t rank, const size_t *dims)
{
    struct pb_parameter *parameter = &addition->parameters[addition->parameter_count];
    snprintf(parameter->name, sizeof(parameter->name), "%s.%s", addition->node.name, pb_role_name(role));
    parameter->role = role;
    parameter->rank = rank;
    parameter->trainable = role != PB_ROLE_RUNNING_MEAN && role != PB_ROLE_RUNNING_VAR;
    parameter->count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        parameter->dims[i] = dims[i];
        if (!pb_multiply(parameter->count, dims[i], &parameter->count))
            return refuse(addition, "has more parameters than memory has addresses");
    }
    addition->parameter_count++;
    return PB_OK;
}

/* Output of a sliding window along one side; false when the window does not fit. */
static bool window_output(uint32_t in, uint32_t kernel, uint32_t stride, uint32_t pad, uint32_t dilation, uint32_t *out)
{
    const uint64_t padded = in + 2 * (uint64_t)pad;
    const uint64_t reach = (uint64_t)dilation * (kernel - 1);
    if (reach >= padded)
        return false;
    const uint64_t steps = (padded - reach - 1) / stride + 1;
    if (steps > UINT32_MAX)
        return false;
    *out = (uint32_t)steps;
    return true;
}

static enum pb_status add_conv(struct addition *addition, const struct pb_graph_node *wanted, struct pb_shape in)
{
    struct pb_conv_attributes *conv = &addition->node.attributes.conv;
    *conv = wanted->conv;
    for (int side = 0; side < 2; side++) {
        conv->stride[side] = conv->stride[side] ? conv->stride[side] : 1;
        conv->dilation[side] = conv->dilation[side] ? conv->dilation[side] : 1;
        if (!conv->kernel[side])
            return refuse(addition, "the kernel's sides must be at least 1");
    }
    conv->groups = conv->groups ? conv->groups : 1;
    const uint32_t filters = wanted->channels;
    if (!filters)
        return refuse(addition, "needs at least one filter");
    if (in.channels % conv->groups || filters % conv->groups)
        return refuse(addition, "input channels and filters must be multiples of the groups");
    const bool per_channel = conv->groups == in.channels && conv->groups == filters;
    if (conv->depthwise && !per_channel)
        return refuse(addition, "a depthwise convolution has as many groups and filters as input channels");
    conv->depthwise = conv->depthwise || (per_channel && conv->groups > 1);

    struct pb_shape *out = &addition->node.shape;
    out->channels = filters;
    if (!window_output(in.height, conv->kernel[0], conv->stride[0], conv->pad[0], conv->dilation[0], &out->height) ||
        !window_output(in.width, conv->kernel[1], conv->stride[1], conv->pad[1], conv->dilation[1], &out->width))
        return refuse(addition, "the kernel is larger than the padded input; use larger images");
    const size_t dims[] = {filters, conv->kernel[0], conv->kernel[1], in.channels / conv->groups};
    const enum pb_status status = add_parameter(addition, PB_ROLE_WEIGHT, 4, dims);
    if (status != PB_OK || !wanted->bias)
        return status;
    return add_parameter(addition, PB_ROLE_BIAS, 1, dims);
}

static enum pb_status add_pool(struct addition *addition, const struct pb_graph_node *wanted, struct pb_shape in)
{
    struct pb_pool_attributes *pool = &addition->node.attributes.pool;
    *pool = wanted->pool;
    if (!pool->kernel[0] != !pool->kernel[1])
        return refuse(addition, "the kernel's sides must be both 0 (the whole image) or both at least 1");
    if (!pool->kernel[0]) {
        if (pool->pad[0] || pool->pad[1])
            return refuse(addition, "pooling over the whole image takes no padding");
        pool->kernel[0] = pool->stride[0] = in.height;
        pool->kernel[1] = pool->stride[1] = in.width;
    }
    for (int side = 0; side < 2; side++) {
        pool->stride[side] = pool->stride[side] ? pool->stride[side] : pool->kernel[side];
        if (pool->pad[side] >= pool->kernel[side])
            return refuse(addition, "padding must be smaller than the kernel, or a window holds nothing");
    }
    struct pb_shape *out = &addition->node.shape;
    out->channels = in.channels;
    if (!window_output(in.height, pool->kernel[0], pool->stride[0], pool->pad[0], 1, &out->height) ||
        !window_output(in.width, pool->kernel[1], pool->stride[1], pool->pad[1], 1, &out->width))
        return refuse(addition, "the kernel is larger than the padded input; use larger images");
    return PB_OK;
}

static enum pb_status add_batch_norm(struct addition *addition, const struct pb_graph_node *wanted, struct pb_shape in)
{
    static const enum pb_role roles[] = {PB_ROLE_GAMMA, PB_ROLE_BETA, PB_ROLE_RUNNING_MEAN, PB_ROLE_RUNNING_VAR};
    if (!(wanted->eps >= 0) || !isfinite(wanted->eps) || !(wanted->momentum >= 0 && wanted->momentum <= 1))
        return refuse(addition, "eps must be at least 0 and momentum from 0 to 1");
    addition->node.shape = in;
    addition->node.attributes.bn = (struct pb_bn_attributes){.eps = wanted->eps, .momentum = wanted->momentum};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < 4 && status == PB_OK; i++)
        status = add_parameter(addition, roles[i], 1, (const size_t[]){in.channels});
    return status;
}

static enum pb_status add_linear(struct addition *addition, const struct pb_graph_node *wanted, struct pb_shape in)
{
    if (!wanted->channels)
        return refuse(addition, "needs at least one output");
    addition->node.shape = (struct pb_shape){1, 1, wanted->channels};
    const size_t dims[] = {wanted->channels, pb_shape_count(in)};
    const enum pb_status status = add_parameter(addition, PB_ROLE_WEIGHT, 2, dims);
    if (status != PB_OK || !wanted->bias)
        return status;
    return add_parameter(addition, PB_ROLE_BIAS, 1, dims);
}

static enum pb_status add_bilinear(struct addition *addition, struct pb_shape in)
{
    const uint64_t pairs = (uint64_t)in.channels * in.channels;
    if (pairs > UINT32_MAX)
        return refuse(addition, "has more channel pairs than can be counted");
    addition->node.shape = (struct pb_shape){1, 1, (uint32_t)pairs};
    return PB_OK;
}

/* Operators that keep their input's shape and bring no parameters. */
static enum pb_status add_elementwise(struct addition *addition, const struct pb_graph_node *wanted, struct pb_shape in)
{
    addition->node.shape = in;
    switch (wanted->op) {
    case PB_OP_SIGNED_SQRT:
    case PB_OP_L2_NORM:
        if (!(wanted->eps >= 0) || !isfinite(wanted->eps))
            return refuse(addition, "eps must be at least 0");
        addition->node.attributes.eps = wanted->eps;
        return PB_OK;
    case PB_OP_DROPOUT:
        if (!(wanted->dropout >= 0 && wanted->dropout < 1))
            return refuse(addition, "the share of dropped values must be at least 0 and below 1");
        addition->node.attributes.dropout = wanted->dropout;
        return PB_OK;
    default:
        return PB_OK;
    }
}

static enum pb_status infer(const struct pb_graph *graph, const struct pb_graph_node *wanted, struct addition *addition)
{
    if (wanted->op == PB_OP_INPUT) {
        addition->node.shape = (struct pb_shape){wanted->height, wanted->width, wanted->channels};
        if (!wanted->height || !wanted->width || !wanted->channels)
            return refuse(addition, "height, width and channels must be at least 1");
        return PB_OK;
    }
    const struct pb_shape in = graph->nodes[wanted->inputs[0]].shape;
    switch (wanted->op) {
    case PB_OP_CONV2D:
        return add_conv(addition, wanted, in);
    case PB_OP_BATCH_NORM:
        return add_batch_norm(addition, wanted, in);
    case PB_OP_MAX_POOL:
    case PB_OP_AVG_POOL:
        return add_pool(addition, wanted, in);
    case PB_OP_LINEAR:
        return add_linear(addition, wanted, in);
    case PB_OP_BILINEAR_POOL:
        return add_bilinear(addition, in);
    case PB_OP_ADD: {
        const struct pb_shape other = graph->nodes[wanted->inputs[1]].shape;
        if (in.height != other.height || in.width != other.width || in.channels != other.channels)
            return refuse(addition, "its two inputs differ in shape");
        return add_elementwise(addition, wanted, in);
    }
    default:
        return add_elementwise(addition, wanted, in);
    }
}

static enum pb_status check_place(const struct pb_graph *graph, const struct pb_graph_node *wanted,
                                  struct addition *addition)
{
    const size_t length = strlen(wanted->name);
    if (!length || length >= sizeof(addition->node.name))
        return pb_fail(addition->error, PB_ERROR_INPUT, "node name '%s': must have 1 to %zu characters", wanted->name,
                       sizeof(addition->node.name) - 1);
    memcpy(addition->node.name, wanted->name, length + 1);
    addition->node.op = wanted->op;
    if ((unsigned)wanted->op > PB_OP_DROPOUT)
        return refuse(addition, "no such operator");
    if (pb_graph_find(graph, wanted->name) != UINT32_MAX)
        return refuse(addition, "another node has this name");
    if ((wanted->op == PB_OP_INPUT) != (graph->node_count == 0))
        return refuse(addition, "a graph begins with its input, and has no other");
    addition->node.input_count = wanted->op == PB_OP_INPUT ? 0 : wanted->op == PB_OP_ADD ? 2 : 1;
    for (uint32_t i = 0; i < addition->node.input_count; i++) {
        if (wanted->inputs[i] >= graph->node_count)
            return refuse(addition, "takes its input from a node that comes later or is not there");
        addition->node.inputs[i] = wanted->inputs[i];
    }
    return PB_OK;
}

/* Gives the new parameters their places; fails when the values outgrow the address space. */
static enum pb_status place_parameters(const struct pb_graph *graph, struct addition *addition, size_t *value_count)
{
    size_t end = graph->value_count;
    for (uint32_t role = 0; role < 6; role++)
        addition->node.parameters[role] = PB_NO_PARAMETER;
    for (uint32_t i = 0; i < addition->parameter_count; i++) {
        struct pb_parameter *parameter = &addition->parameters[i];
        parameter->node = graph->node_count;
        parameter->offset = end;
        addition->node.parameters[parameter->role] = graph->parameter_count + i;
        size_t bytes;
        if (!pb_add(end, parameter->count, &end) || !pb_add(end, FLOATS_PER_LINE - 1, &end) ||
            !pb_multiply(end, sizeof(float), &bytes))
            return refuse(addition, "makes the model larger than memory has addresses");
        end -= end % FLOATS_PER_LINE;
    }
    *value_count = end;
    return PB_OK;
}

static enum pb_status commit(struct pb_graph *graph, const struct addition *addition, size_t value_count)
{
    struct pb_node *nodes = pb_realloc(graph->nodes, graph->node_count, graph->node_count + 1u, sizeof(*nodes));
    if (!nodes)
        return pb_fail_memory(addition->error, (graph->node_count + 1u) * sizeof(*nodes));
    graph->nodes = nodes;
    if (addition->parameter_count) {
        const size_t count = graph->parameter_count + addition->parameter_count;
        struct pb_parameter *parameters =
            pb_realloc(graph->parameters, graph->parameter_count, count, sizeof(*parameters));
        if (!parameters)
            return pb_fail_memory(addition->error, count * sizeof(*parameters));
        graph->parameters = parameters;
        memcpy(parameters + graph->parameter_count, addition->parameters,
               addition->parameter_count * sizeof(*parameters));
    }
    nodes[graph->node_count] = addition->node;
    graph->node_count++;
    graph->parameter_count += addition->parameter_count;
    graph->value_count = value_count;
    graph->classes = (uint32_t)pb_shape_count(addition->node.shape);
    return PB_OK;
}

enum pb_status pb_graph_add(struct pb_graph *graph, const struct pb_graph_node *node, uint32_t *index,
                            struct pb_error *error)
{
    struct addition addition = {.error = error};
    enum pb_status status = check_place(graph, node, &addition);
    if (status != PB_OK)
        return status;
    status = infer(graph, node, &addition);
    if (status != PB_OK)
        return status;
    const struct pb_shape shape = addition.node.shape;
    size_t values;
    if (!pb_multiply(shape.height, shape.width, &values) || !pb_multiply(values, shape.channels, &values) ||
        values > SIZE_MAX / sizeof(float))
        return refuse(&addition, "its output is larger than memory has addresses");
    size_t value_count = 0;
    status = place_parameters(graph, &addition, &value_count);
    if (status != PB_OK)
        return status;
    const uint32_t place = graph->node_count;
    status = commit(graph, &addition, value_count);
    if (status == PB_OK && index)
        *index = place;
    return status;
}

struct pb_graph_node pb_graph_describe(const struct pb_graph *graph, uint32_t index)
{
    const struct pb_node *node = &graph->nodes[index];
    struct pb_graph_node description = {
        .op = node->op,
        .name = node->name,
        .inputs = {node->inputs[0], node->inputs[1]},
        .channels = node->shape.channels,
        .height = node->shape.height,
        .width = node->shape.width,
        .bias = node->parameters[PB_ROLE_BIAS] != PB_NO_PARAMETER,
    };
    switch (node->op) {
    case PB_OP_CONV2D:
        description.conv = node->attributes.conv;
        break;
    case PB_OP_BATCH_NORM:
        description.eps = node->attributes.bn.eps;
        description.momentum = node->attributes.bn.momentum;
        break;
    case PB_OP_MAX_POOL:
    case PB_OP_AVG_POOL:
        description.pool = node->attributes.pool;
        break;
    case PB_OP_SIGNED_SQRT:
    case PB_OP_L2_NORM:
        description.eps = node->attributes.eps;
        break;
    case PB_OP_DROPOUT:
        description.dropout = node->attributes.dropout;
        break;
    default:
        break;
    }
    return description;
}

enum pb_status pb_graph_rebuild(const struct pb_graph *graph, const uint32_t *channels, struct pb_graph **rebuilt,
                                struct pb_error *error)
{
    struct pb_graph *fresh = NULL;
    enum pb_status status = pb_graph_create(graph->model, &fresh, error);
    for (uint32_t i = 0; i < graph->node_count && status == PB_OK; i++) {
        struct pb_graph_node node = pb_graph_describe(graph, i);
        if (node.op == PB_OP_CONV2D) {
            node.channels = channels[i];
            if (node.conv.depthwise)
                node.conv.groups = channels[i];
        }
        status = pb_graph_add(fresh, &node, NULL, error);
    }
    if (status == PB_OK)
        *rebuilt = fresh;
    else if (fresh)
        pb_graph_free(&fresh);
    return status;
}
