/* A graph as JSON: one object per node, with the members that its operator has. */
#include "graph/graph_json.h"

#include <string.h>

#include "base/memory.h"
#include "graph/build.h"
#include "graph/op_table.h"

/* Where an attribute is in a description. */
static void *member(struct pb_graph_node *node, const struct pb_attribute *attribute)
{
    return (char *)node + attribute->offset;
}

static const struct pb_attribute *attributes_of(enum pb_op op)
{
    static const struct pb_attribute none[] = {{0}};
    const struct pb_attribute *attributes = pb_graph_operator(op)->attributes;
    return attributes ? attributes : none;
}

static json_t *attribute_to_json(struct pb_graph_node *node, const struct pb_attribute *attribute)
{
    const void *value = member(node, attribute);
    switch (attribute->type) {
    case PB_ATTRIBUTE_COUNT:
        return json_integer((json_int_t) * (const uint32_t *)value);
    case PB_ATTRIBUTE_PAIR:
        return json_pack("[I,I]", (json_int_t)((const uint32_t *)value)[0], (json_int_t)((const uint32_t *)value)[1]);
    case PB_ATTRIBUTE_REAL:
        return json_real(*(const double *)value);
    case PB_ATTRIBUTE_FLAG:
    case PB_ATTRIBUTE_MARK:
        return json_boolean(*(const bool *)value);
    }
    return NULL;
}

/* The parts of the network, by the names of their nodes. In this order in the file. */
static const struct part {
    const char *name;
    size_t offset; /* into struct pb_graph_parts */
} parts[] = {{"last_norm", offsetof(struct pb_graph_parts, last_norm)},
             {"head", offsetof(struct pb_graph_parts, head)},
             {"classifier", offsetof(struct pb_graph_parts, classifier)}};
enum { PART_COUNT = sizeof parts / sizeof *parts };

static json_t *parts_to_json(const struct pb_graph *graph)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; good && i < PART_COUNT; i++) {
        uint32_t node;
        memcpy(&node, (const char *)&graph->parts + parts[i].offset, sizeof node);
        good =
            node == PB_NO_NODE || json_object_set_new(object, parts[i].name, json_string(graph->nodes[node].name)) == 0;
    }
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static bool is_left_out(struct pb_graph_node *node, const struct pb_attribute *attribute)
{
    return attribute->type == PB_ATTRIBUTE_MARK && !*(const bool *)member(node, attribute);
}

json_t *pb_graph_node_to_json(const struct pb_graph *graph, uint32_t index)
{
    struct pb_graph_node node = pb_graph_describe(graph, index);
    json_t *object = json_pack("{s:s, s:s}", "op", pb_op_name(node.op), "name", node.name);
    json_t *inputs = json_array();
    bool good = object && inputs;
    for (uint32_t i = 0; good && i < graph->nodes[index].input_count; i++)
        good = json_array_append_new(inputs, json_string(graph->nodes[node.inputs[i]].name)) == 0;
    good = good && json_object_set(object, "inputs", inputs) == 0;
    for (const struct pb_attribute *a = attributes_of(node.op); good && a->name; a++)
        good = is_left_out(&node, a) || json_object_set_new(object, a->name, attribute_to_json(&node, a)) == 0;
    if (good && node.fixed)
        good = json_object_set_new(object, "fixed", json_true()) == 0;
    json_decref(inputs);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

enum pb_status pb_graph_to_json(const struct pb_graph *graph, char **text, struct pb_error *error)
{
    json_t *nodes = json_array();
    const char *head = graph->head[0] ? graph->head : NULL;
    json_t *whole = nodes ? json_pack("{s:s, s:s*, s:o, s:O}", "model", graph->model, "head", head, "parts",
                                      parts_to_json(graph), "nodes", nodes)
                          : NULL;
    bool good = whole != NULL;
    for (uint32_t i = 0; good && i < graph->node_count; i++)
        good = json_array_append_new(nodes, pb_graph_node_to_json(graph, i)) == 0;
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

/* A whole number of 32 bits. */
static const char *read_count(const json_t *value, uint32_t *count)
{
    if (!json_is_integer(value))
        return "must be a whole number";
    const json_int_t number = json_integer_value(value);
    if (number < 0 || number > UINT32_MAX)
        return "a number is out of range";
    *count = (uint32_t)number;
    return NULL;
}

/* What is wrong with an attribute; NULL: nothing, and it is read. */
static const char *read_attribute(const json_t *value, const struct pb_attribute *attribute, struct pb_graph_node *node)
{
    void *to = member(node, attribute);
    switch (attribute->type) {
    case PB_ATTRIBUTE_COUNT:
        return read_count(value, to);
    case PB_ATTRIBUTE_PAIR: {
        if (json_array_size(value) != 2)
            return "must be a list of two whole numbers";
        const char *problem = read_count(json_array_get(value, 0), (uint32_t *)to);
        return problem ? problem : read_count(json_array_get(value, 1), (uint32_t *)to + 1);
    }
    case PB_ATTRIBUTE_REAL:
        if (!json_is_number(value))
            return "must be a number";
        *(double *)to = json_number_value(value);
        return NULL;
    case PB_ATTRIBUTE_FLAG:
    case PB_ATTRIBUTE_MARK:
        if (!json_is_boolean(value))
            return "must be true or false";
        *(bool *)to = json_is_true(value);
        return NULL;
    }
    return "is of no known type";
}

static bool is_known(const char *name, enum pb_op op)
{
    bool known = !strcmp(name, "op") || !strcmp(name, "name") || !strcmp(name, "inputs") || !strcmp(name, "fixed");
    for (const struct pb_attribute *a = attributes_of(op); a->name; a++)
        known = known || !strcmp(name, a->name);
    return known;
}

/* The members that every node has, and the operator's own; strict, so that nothing is overlooked. */
static enum pb_status read_members(json_t *object, struct pb_graph_node *node, const char *where, uint32_t index,
                                   struct pb_error *error)
{
    const char *key;
    json_t *value;
    const char *op = pb_op_name(node->op);
    node->name = json_string_value(json_object_get(object, "name"));
    if (!node->name)
        return pb_fail(error, PB_ERROR_INPUT, "'%s': node %u (%s): has no name", where, index, op);
    value = json_object_get(object, "fixed");
    if (value && !json_is_boolean(value))
        return pb_fail(error, PB_ERROR_INPUT, "'%s': node %u (%s): 'fixed': must be true or false", where, index, op);
    node->fixed = json_is_true(value);
    for (const struct pb_attribute *a = attributes_of(node->op); a->name; a++) {
        value = json_object_get(object, a->name);
        const char *missing = a->type == PB_ATTRIBUTE_MARK ? NULL : "is missing";
        const char *problem = value ? read_attribute(value, a, node) : missing;
        if (problem)
            return pb_fail(error, PB_ERROR_INPUT, "'%s': node %u (%s): '%s': %s", where, index, op, a->name, problem);
    }
    json_object_foreach(object, key, value) if (!is_known(key, node->op)) return pb_fail(
        error, PB_ERROR_INPUT, "'%s': node %u (%s): '%.40s' is no member of this operator", where, index, op, key);
    return PB_OK;
}

static bool find_op(const char *name, enum pb_op *op)
{
    for (unsigned i = 0; name && i < PB_OP_COUNT; i++)
        if (!strcmp(pb_op_name((enum pb_op)i), name)) {
            *op = (enum pb_op)i;
            return true;
        }
    return false;
}

static bool find_inputs(const struct pb_graph *graph, const json_t *names, struct pb_graph_node *node)
{
    if (!json_is_array(names) || json_array_size(names) > PB_INPUTS_MAX ||
        (json_array_size(names) == 0) != (pb_graph_operator(node->op)->inputs == 0))
        return false;
    node->input_count = (uint32_t)json_array_size(names);
    for (uint32_t i = 0; i < node->input_count; i++) {
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
    if (!find_op(json_string_value(json_object_get(object, "op")), &node.op))
        return pb_fail(error, PB_ERROR_INPUT, "'%s': node %u has an unknown operator", where, graph->node_count);
    const enum pb_status status = read_members(object, &node, where, graph->node_count, error);
    if (status != PB_OK)
        return status;
    if (!find_inputs(graph, json_object_get(object, "inputs"), &node))
        return pb_fail(error, PB_ERROR_INPUT, "'%s': node '%.32s': its inputs are not nodes before it", where,
                       node.name);
    if (pb_graph_add(graph, &node, NULL, error) != PB_OK)
        return pb_fail_context(error, "'%s'", where);
    return PB_OK;
}

static enum pb_status read_parts(struct pb_graph *graph, json_t *object, const char *where, struct pb_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        const char *name = json_string_value(value);
        const uint32_t node = name ? pb_graph_find(graph, name) : PB_NO_NODE;
        size_t i = 0;
        while (i < PART_COUNT && strcmp(parts[i].name, key) != 0)
            i++;
        if (i == PART_COUNT || node == PB_NO_NODE)
            return pb_fail(error, PB_ERROR_INPUT, "'%s': its graph's part '%.40s' is unknown or names no node", where,
                           key);
        memcpy((char *)&graph->parts + parts[i].offset, &node, sizeof node);
    }
    if (json_is_object(object))
        return PB_OK;
    return pb_fail(error, PB_ERROR_INPUT, "'%s': its graph's parts are no JSON object", where);
}

/*
 * Of files that were written before graphs stated their parts: the head began with the first bilinear pooling or linear layer,
 * and no linear layer could lose outputs.
 */
static void derive_parts(struct pb_graph *graph)
{
    const uint32_t last = graph->node_count - 1;
    uint32_t head = 0;
    while (head < last && graph->nodes[head].op != PB_OP_BILINEAR_POOL && graph->nodes[head].op != PB_OP_LINEAR)
        head++;
    graph->parts.last_norm = pb_last_norm(graph, head);
    graph->parts.head = head;
    graph->parts.classifier = last;
    for (uint32_t i = head; i < last; i++)
        graph->nodes[i].fixed = graph->nodes[i].op == PB_OP_LINEAR;
}

enum pb_status pb_graph_from_json(const char *text, const char *where, struct pb_graph **graph, struct pb_error *error)
{
    json_error_t problem;
    const char *model, *head = "";
    json_t *nodes, *stated = NULL;
    struct pb_graph *read = NULL;
    enum pb_status status;
    json_t *whole = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (!whole || json_unpack_ex(whole, &problem, JSON_STRICT, "{s:s, s?s, s?o, s:o}", "model", &model, "head", &head,
                                 "parts", &stated, "nodes", &nodes) != 0) {
        json_decref(whole);
        return pb_fail(error, PB_ERROR_INPUT, "'%s': its graph cannot be read: %s", where, problem.text);
    }
    status = pb_graph_create(model, &read, error);
    if (status == PB_OK && strlen(head) >= sizeof read->head)
        status = pb_fail(error, PB_ERROR_INPUT, "'%s': its graph's head '%.40s' is none that is known", where, head);
    else if (status == PB_OK)
        memcpy(read->head, head, strlen(head) + 1);
    for (size_t i = 0; i < json_array_size(nodes) && status == PB_OK; i++)
        status = add_node(read, json_array_get(nodes, i), where, error);
    if (status == PB_OK && !read->node_count)
        status = pb_fail(error, PB_ERROR_INPUT, "'%s': its graph has no nodes", where);
    if (status == PB_OK && stated)
        status = read_parts(read, stated, where, error);
    else if (status == PB_OK)
        derive_parts(read);
    json_decref(whole);
    if (status == PB_OK)
        *graph = read;
    else if (read)
        pb_graph_free(&read);
    return status;
}
