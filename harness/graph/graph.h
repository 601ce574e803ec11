/* The model as a graph of nodes in topological order, its parameters, and its shapes. */
#ifndef PB_GRAPH_GRAPH_H
#define PB_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/op_list.h"
#include "graph/role_list.h"

enum pb_op {
#define PB_OP_NUMBER(NUMBER, name) PB_OP_##NUMBER,
    PB_OPERATORS(PB_OP_NUMBER)
#undef PB_OP_NUMBER
        PB_OP_COUNT
};

/* Of one image's array at a node: H×W×C. A vector has height = width = 1. */
struct pb_shape {
    uint32_t height, width, channels;
};

struct pb_conv_attributes {
    uint32_t kernel[2], stride[2], pad[2], dilation[2]; /* height, width */
    uint32_t groups;
    bool depthwise; /* filter c sees input channel c alone; set by pb_graph_add where groups = channels = filters > 1 */
    bool
        grouped; /* several groups, and not depthwise, though pruning may leave each one channel and one filter; set by pb_graph_add */
};
struct pb_pool_attributes {
    uint32_t kernel[2], stride[2], pad[2]; /* resolved: a global pooling's kernel is its input's size */
};
struct pb_bn_attributes {
    double eps, momentum;
};

enum pb_role {
#define PB_ROLE_NUMBER(NUMBER, name, words, learns) PB_ROLE_##NUMBER,
    PB_ROLES(PB_ROLE_NUMBER)
#undef PB_ROLE_NUMBER
        PB_ROLE_COUNT
};

#define PB_NO_PARAMETER UINT32_MAX

#define PB_INPUTS_MAX 8

#define PB_NO_NODE UINT32_MAX

#define PB_NODE_NAME 32

struct pb_node {
    enum pb_op op;
    bool fixed; /* a layer whose output channels are never removed, though its operator would allow it */
    char name[PB_NODE_NAME]; /* unique: "conv3_2", "bn3_2", "pool3", "fc" */
    uint32_t inputs[PB_INPUTS_MAX]; /* nodes before this one */
    uint32_t input_count;
    struct pb_shape shape; /* of the output */
    union {
        struct pb_conv_attributes conv;
        struct pb_pool_attributes pool;
        struct pb_bn_attributes bn;
        double eps; /* signed sqrt, L2 norm */
        double dropout; /* share of values dropped while training */
        uint32_t iterations; /* matrix square root */
        uint32_t rank; /* Grassmann pooling */
    } attributes;
    uint32_t parameters[PB_ROLE_COUNT]; /* by enum pb_role: index into the graph's parameters, or PB_NO_PARAMETER */
};

/* One tensor of learned or running values. */
struct pb_parameter {
    char name[48]; /* "conv3_2.weight": node, dot, role */
    enum pb_role role;
    uint32_t node;
    uint32_t rank;
    size_t dims[4]; /* conv: K,R,S,C/groups; linear: out,in; else channels */
    size_t count; /* product of dims */
    size_t offset; /* in floats, into a network's values; multiples of 16 */
    bool trainable; /* running statistics are not */
};

/*
 * The parts of a network, as whoever builds it states them. Each is a node, or PB_NO_NODE where the network has none.
 * Nodes before `head` are the trunk.
 */
struct pb_graph_parts {
    uint32_t last_norm; /* the trunk's last batch norm */
    uint32_t head; /* the first node of the head; greater than every node's index where there is none */
    uint32_t classifier; /* the layer whose outputs are the classes */
};

struct pb_graph {
    char model[32]; /* "vgg16-bcnn" */
    char head[24]; /* of head_list.h, where it replaces the model's own; else "" */
    struct pb_graph_parts parts;
    uint32_t classes; /* values that the last node outputs */
    struct pb_node *nodes; /* topological; node 0 is the input, the last one outputs the logits */
    uint32_t node_count;
    struct pb_parameter *parameters;
    uint32_t parameter_count;
    size_t value_count; /* floats of all parameters, padding between them included */
};

/* Building: each adds one node behind its inputs, works out shapes and parameters, and gives its index. */
struct pb_graph_node {
    enum pb_op op;
    const char *name;
    uint32_t inputs[PB_INPUTS_MAX];
    uint32_t input_count; /* 0: as many as the operator takes at least */
    uint32_t channels; /* conv: filters; linear: outputs; input: channels */
    uint32_t height, width; /* input only */
    bool bias; /* conv, linear */
    bool fixed; /* conv, linear: see struct pb_node */
    struct pb_conv_attributes conv; /* conv; zero strides, dilations and groups mean 1 */
    struct pb_pool_attributes pool; /* kernel 0: the whole image; stride 0: the kernel's size */
    double eps, momentum, dropout;
    uint32_t iterations, rank;
};
PB_MUST_CHECK enum pb_status pb_graph_create(const char *model, struct pb_graph **graph, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_graph_add(struct pb_graph *graph, const struct pb_graph_node *node, uint32_t *index,
                                          struct pb_error *error);
/* The next node begins the head; what was added is the trunk, and its last batch norm the trunk's last. */
void pb_graph_begin_head(struct pb_graph *graph);
/* The last node is the classifier. */
void pb_graph_end_in_classifier(struct pb_graph *graph);
PB_MUST_CHECK enum pb_status pb_graph_copy(const struct pb_graph *from, struct pb_graph **graph,
                                           struct pb_error *error);
void pb_graph_free(struct pb_graph **graph);

/* The node called name; UINT32_MAX when there is none. */
uint32_t pb_graph_find(const struct pb_graph *graph, const char *name);
/* Characters of the longest node name, and at least that many: the width of a column of names. */
int pb_graph_name_width(const struct pb_graph *graph, int least);
const char *pb_op_name(enum pb_op op);
/* "weight", "running_mean", …, and in words: "weights", "running mean". */
const char *pb_role_name(enum pb_role role);
const char *pb_role_words(enum pb_role role);
/* Floats of the node's output for one image. */
size_t pb_shape_count(struct pb_shape shape);

#endif
