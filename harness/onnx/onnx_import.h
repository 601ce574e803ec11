/* A file on its way into a graph: what is known of each of its values, and what the operators' rows do with them. */
#ifndef PB_ONNX_ONNX_IMPORT_H
#define PB_ONNX_ONNX_IMPORT_H

#include "base/name_index.h"
#include "graph/graph.h"
#include "onnx/onnx.h"
#include "onnx/onnx_tensor.h"

enum pb_onnx_kind {
    PB_ONNX_PENDING, /* of a node that has not been reached */
    PB_ONNX_CONSTANT,
    PB_ONNX_IMAGES, /* N×C×H×W, where a node of the graph has H×W×C */
    PB_ONNX_ROWS, /* N×features; of a node with H×W×C, in the order C, H, W */
    PB_ONNX_OTHER, /* a node's second output and those behind it, which are not computed */
};

/* What the file has under one name. */
struct pb_onnx_value {
    const char *name;
    enum pb_onnx_kind kind;
    uint32_t definer; /* a node of the file; PB_NO_NODE: it is an input or an initializer */
    uint32_t readers, last_reader; /* nodes of the file; the output of the whole counts, as PB_NO_NODE */
    const Onnx__TensorProto *tensor; /* of a constant */
    uint32_t node; /* of the graph, where the kind is images or rows */
    bool biased; /* the addition that reads it is part of it already */
};

/* Which constant fills a parameter of the graph. */
struct pb_onnx_binding {
    uint32_t parameter;
    struct pb_onnx_constant constant;
    bool transposed; /* in×out there, out×in here */
};

struct pb_onnx_import {
    struct pb_onnx_file file;
    bool outside; /* weights in other files are looked at */
    struct pb_graph *graph;
    struct pb_onnx_value *values;
    uint32_t value_count;
    struct pb_name_index index; /* of values */
    struct pb_onnx_binding *bindings;
    uint32_t binding_count;
    struct pb_onnx_report report;
    struct pb_error *error;
};

/* PB_ERROR_INPUT: "'x.onnx': node 'conv1' (Conv): " and the reason. */
enum pb_status pb_onnx_refuse(const struct pb_onnx_import *import, const Onnx__NodeProto *node, const char *format, ...)
    PB_PRINTF(3, 4);
/* The node's name; where it has none, that of its output. */
const char *pb_onnx_label(const Onnx__NodeProto *node);

/* NULL: the file has nothing of this name. */
struct pb_onnx_value *pb_onnx_find(const struct pb_onnx_import *import, const char *name);
/* NULL: the node has no such input. */
struct pb_onnx_value *pb_onnx_input(const struct pb_onnx_import *import, const Onnx__NodeProto *node, size_t place);
static inline bool pb_onnx_is_data(const struct pb_onnx_value *value)
{
    return value->kind == PB_ONNX_IMAGES || value->kind == PB_ONNX_ROWS;
}
/* Of the graph's node that the data is at. */
struct pb_shape pb_onnx_shape(const struct pb_onnx_import *import, const struct pb_onnx_value *data);

/* Adds a node that reads these data, and makes it the output of the file's node, in the form that its first input has. */
PB_MUST_CHECK enum pb_status pb_onnx_add(struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                         struct pb_graph_node added, struct pb_onnx_value *const *inputs,
                                         uint32_t input_count);
/* The output of the file's node is this data as it is, in this form. */
void pb_onnx_pass(const struct pb_onnx_import *import, const Onnx__NodeProto *node, const struct pb_onnx_value *data,
                  enum pb_onnx_kind form);
/* The graph's node that the output of the file's node is at. */
uint32_t pb_onnx_added(const struct pb_onnx_import *import, const Onnx__NodeProto *node);

/* Fills the parameter of the graph's node that has this role, and says so in the report. */
PB_MUST_CHECK enum pb_status pb_onnx_bind(struct pb_onnx_import *import, const Onnx__NodeProto *node, uint32_t added,
                                          enum pb_role role, const struct pb_onnx_value *constant);
/* The same for a weight that may be in×out in the file. */
PB_MUST_CHECK enum pb_status pb_onnx_bind_matrix(struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                                 uint32_t added, const struct pb_onnx_value *constant, bool transposed);

static inline struct pb_onnx_constant pb_onnx_constant_of(const struct pb_onnx_value *value)
{
    return (struct pb_onnx_constant){value->name, value->tensor};
}

#endif
