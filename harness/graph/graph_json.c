/* A graph as JSON: one object per node, with the members that its operator has. */
#include "graph/graph_json.h"

#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "graph/build.h"

static json_t *attributes_of(const struct pb_graph_node *node)
{
    const struct pb_conv_attributes *conv = &node->conv;
    const struct pb_pool_attributes *pool = &node->pool;
    switch (node->op) {
    case PB_OP_INPUT:
        return json_pack("{s:I, s:I, s:I}", "height", (json_int_t)node->height, "width", (json_int_t)node->width,
                         "channels", (json_int_t)node->channels);
    case PB_OP_CONV2D:
        return json_pack("{s:I, s:[I,I], s:[I,I], s:[I,I], s:[I,I], s:I, s:b, s:b}", "channels",
                         (json_int_t)node->channels, "kernel", (json_int_t)conv->kernel[0], (json_int_t)conv->kernel[1],
                         "stride", (json_int_t)conv->stride[0], (json_int_t)conv->stride[1], "pad",
                         (json_int_t)conv->pad[0], (json_int_t)conv->pad[1], "dilation", (json_int_t)conv->dilation[0],
                         (json_int_t)conv->dilation[1], "groups", (json_int_t)conv->groups, "depthwise",
                         (int)conv->depthwise, "bias", (int)node->bias);
    case PB_OP_MAX_POOL:
    case PB_OP_AVG_POOL:
        return json_pack("{s:[I,I], s:[I,I], s:[I,I]}", "kernel", (json_int_t)pool->kernel[0],
                         (json_int_t)pool->kernel[1], "stride", (json_int_t)pool->stride[0],
                         (json_int_t)pool->stride[1], "pad", (json_int_t)pool->pad[0], (json_int_t)pool->pad[1]);
    case PB_OP_BATCH_NORM:
        return json_pack("{s:f, s:f}", "eps", node->eps, "momentum", node->momentum);
    case PB_OP_SIGNED_SQRT:
    case PB_OP_L2_NORM:
        return json_pack("{s:f}", "eps", node->eps);
    case PB_OP_DROPOUT:
        return json_pack("{s:f}", "share", node->dropout);
    case PB_OP_LINEAR:
        return json_pack("{s:I, s:b}", "channels", (json_int_t)node->channels, "bias", (int)node->bias);
    default:
        return json_object();
    }
}

/* The node with its inputs by name. */
static json_t *node_to_json(const struct pb_graph *graph, uint32_t index)
{
    const struct pb_graph_node node = pb_graph_describe(graph, index);
    json_t *object = json_pack("{s:s, s:s}", "op", pb_op_name(node.op), "name", node.name);
    json_t *attributes = attributes_of(&node);
    json_t *inputs = json_array();
    bool good = object && attributes && inputs;
    for (uint32_t i = 0; good && i < graph->nodes[index].input_count; i++)
        good = json_array_append_new(inputs, json_string(graph->nodes[node.inputs[i]].name)) == 0;
    good = good && json_object_set(object, "inputs", inputs) == 0 && json_object_update(object, attributes) == 0;
    json_decref(attributes);
    json_decref(inputs);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

enum pb_status pb_graph_to_json(const struct pb_graph *graph, char **text, struct pb_error *error)
{
    json_t *nodes = json_array();
    json_t *whole = nodes ? json_pack("{s:s, s:O}", "model", graph->model, "nodes", nodes) : NULL;
    bool good = whole != NULL;
    for (uint32_t i = 0; good && i < graph->node_count; i++)
        good = json_array_append_new(nodes, node_to_json(graph, i)) == 0;
    const size_t length = good ? json_dumpb(whole, NULL, 0, JSON_COMPACT) : 0;
    char *rendered = length ? pb_calloc(length + 1, 1) : NULL;
    good = rendered && json_dumpb(whole, rendered, length, JSON_COMPACT) == length;
    json_decref(whole);
    json_decref(nodes);
    if (good) {
        *text = rendered;
        return PB_OK;
    }
    pb_free(rendered);
    return pb_fail_memory(error, length);
}

/* A node on its way in. Numbers are read wide and narrowed with a check. */
struct node_reader {
    json_t *object;
    json_error_t problem;
    struct pb_graph_node *node;
    bool good;
};

static uint32_t narrow(struct node_reader *reader, json_int_t value)
{
    if (value >= 0 && value <= UINT32_MAX)
        return (uint32_t)value;
    strcpy(reader->problem.text, "a number is out of range");
    reader->good = false;
    return 0;
}

static void narrow_pair(struct node_reader *reader, const json_int_t *from, uint32_t *to)
{
    to[0] = narrow(reader, from[0]);
    to[1] = narrow(reader, from[1]);
}

/* The members that every node has, and the operator's own; strict, so that nothing is overlooked. */
#define COMMON "s:s, s:s, s:o"
#define COMMON_INTO "op", &op, "name", &node->name, "inputs", &inputs
#define UNPACK(format, ...) json_unpack_ex(reader->object, &reader->problem, JSON_STRICT, format, __VA_ARGS__)

static void read_conv(struct node_reader *reader)
{
    struct pb_graph_node *node = reader->node;
    const char *op;
    json_t *inputs;
    json_int_t channels, kernel[2], stride[2], pad[2], dilation[2], groups;
    int depthwise, bias;
    reader->good =
        UNPACK("{" COMMON ", s:I, s:[I,I!], s:[I,I!], s:[I,I!], s:[I,I!], s:I, s:b, s:b}", COMMON_INTO, "channels",
               &channels, "kernel", &kernel[0], &kernel[1], "stride", &stride[0], &stride[1], "pad", &pad[0], &pad[1],
               "dilation", &dilation[0], &dilation[1], "groups", &groups, "depthwise", &depthwise, "bias", &bias) == 0;
    if (!reader->good)
        return;
    node->channels = narrow(reader, channels);
    node->bias = bias;
    node->conv.depthwise = depthwise;
    node->conv.groups = narrow(reader, groups);
    narrow_pair(reader, kernel, node->conv.kernel);
    narrow_pair(reader, stride, node->conv.stride);
    narrow_pair(reader, pad, node->conv.pad);
    narrow_pair(reader, dilation, node->conv.dilation);
}

static void read_pool(struct node_reader *reader)
{
    struct pb_graph_node *node = reader->node;
    const char *op;
    json_t *inputs;
    json_int_t kernel[2], stride[2], pad[2];
    reader->good = UNPACK("{" COMMON ", s:[I,I!], s:[I,I!], s:[I,I!]}", COMMON_INTO, "kernel", &kernel[0], &kernel[1],
                          "stride", &stride[0], &stride[1], "pad", &pad[0], &pad[1]) == 0;
    if (!reader->good)
        return;
    narrow_pair(reader, kernel, node->pool.kernel);
    narrow_pair(reader, stride, node->pool.stride);
    narrow_pair(reader, pad, node->pool.pad);
}

static void read_input(struct node_reader *reader)
{
    struct pb_graph_node *node = reader->node;
    const char *op;
    json_t *inputs;
    json_int_t height, width, channels;
    reader->good = UNPACK("{" COMMON ", s:I, s:I, s:I}", COMMON_INTO, "height", &height, "width", &width, "channels",
                          &channels) == 0;
    if (!reader->good)
        return;
    node->height = narrow(reader, height);
    node->width = narrow(reader, width);
    node->channels = narrow(reader, channels);
}

static void read_linear(struct node_reader *reader)
{
    struct pb_graph_node *node = reader->node;
    const char *op;
    json_t *inputs;
    json_int_t channels;
    int bias;
    reader->good = UNPACK("{" COMMON ", s:I, s:b}", COMMON_INTO, "channels", &channels, "bias", &bias) == 0;
    if (!reader->good)
        return;
    node->channels = narrow(reader, channels);
    node->bias = bias;
}

static void read_simple(struct node_reader *reader)
{
    struct pb_graph_node *node = reader->node;
    const char *op;
    json_t *inputs;
    int failed;
    switch (node->op) {
    case PB_OP_BATCH_NORM:
        failed = UNPACK("{" COMMON ", s:F, s:F}", COMMON_INTO, "eps", &node->eps, "momentum", &node->momentum);
        break;
    case PB_OP_SIGNED_SQRT:
    case PB_OP_L2_NORM:
        failed = UNPACK("{" COMMON ", s:F}", COMMON_INTO, "eps", &node->eps);
        break;
    case PB_OP_DROPOUT:
        failed = UNPACK("{" COMMON ", s:F}", COMMON_INTO, "share", &node->dropout);
        break;
    default:
        failed = UNPACK("{" COMMON "}", COMMON_INTO);
        break;
    }
    reader->good = failed == 0;
}

static void read_members(struct node_reader *reader)
{
    switch (reader->node->op) {
    case PB_OP_INPUT:
        read_input(reader);
        break;
    case PB_OP_CONV2D:
        read_conv(reader);
        break;
    case PB_OP_MAX_POOL:
    case PB_OP_AVG_POOL:
        read_pool(reader);
        break;
    case PB_OP_LINEAR:
        read_linear(reader);
        break;
    default:
        read_simple(reader);
        break;
    }
}

static bool find_op(const char *name, enum pb_op *op)
{
    for (unsigned i = 0; name && i <= PB_OP_DROPOUT; i++)
        if (!strcmp(pb_op_name((enum pb_op)i), name)) {
            *op = (enum pb_op)i;
            return true;
        }
    return false;
}

static bool find_inputs(const struct pb_graph *graph, const json_t *names, struct pb_graph_node *node)
{
    const size_t wanted = node->op == PB_OP_INPUT ? 0 : node->op == PB_OP_ADD ? 2 : 1;
    if (!json_is_array(names) || json_array_size(names) != wanted)
        return false;
    for (size_t i = 0; i < wanted; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        node->inputs[i] = name ? pb_graph_find(graph, name) : UINT32_MAX;
        if (node->inputs[i] == UINT32_MAX)
            return false;
    }
    return true;
}

static enum pb_status add_node(struct pb_graph *graph, json_t *object, const char *where, struct pb_error *error)
{
    struct pb_graph_node node = {.op = PB_OP_INPUT};
    struct node_reader reader = {.object = object, .node = &node};
    if (!find_op(json_string_value(json_object_get(object, "op")), &node.op))
        return pb_fail(error, PB_ERROR_INPUT, "'%s': node %u has an unknown operator", where, graph->node_count);
    read_members(&reader);
    if (!reader.good)
        return pb_fail(error, PB_ERROR_INPUT, "'%s': node %u (%s): %s", where, graph->node_count, pb_op_name(node.op),
                       reader.problem.text);
    if (!find_inputs(graph, json_object_get(object, "inputs"), &node))
        return pb_fail(error, PB_ERROR_INPUT, "'%s': node '%.32s': its inputs are not nodes before it", where,
                       node.name);
    if (pb_graph_add(graph, &node, NULL, error) != PB_OK)
        return pb_fail_context(error, "'%s'", where);
    return PB_OK;
}

enum pb_status pb_graph_from_json(const char *text, const char *where, struct pb_graph **graph, struct pb_error *error)
{
    json_error_t problem;
    const char *model;
    json_t *nodes;
    struct pb_graph *read = NULL;
    enum pb_status status;
    json_t *whole = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (!whole || json_unpack_ex(whole, &problem, JSON_STRICT, "{s:s, s:o}", "model", &model, "nodes", &nodes) != 0) {
        json_decref(whole);
        return pb_fail(error, PB_ERROR_INPUT, "'%s': its graph cannot be read: %s", where, problem.text);
    }
    status = pb_graph_create(model, &read, error);
    for (size_t i = 0; i < json_array_size(nodes) && status == PB_OK; i++)
        status = add_node(read, json_array_get(nodes, i), where, error);
    if (status == PB_OK && !read->node_count)
        status = pb_fail(error, PB_ERROR_INPUT, "'%s': its graph has no nodes", where);
    json_decref(whole);
    if (status == PB_OK)
        *graph = read;
    else if (read)
        pb_graph_free(&read);
    return status;
}
