/*
 * The table of operators: one row each, in a file of its own, operators/op_NAME.c. The graph reads what a row says of shapes, parameters,
 * channels and cost; the engine what it says of the passes. The rows come after the engine, whose helpers they call.
 */
#ifndef PB_GRAPH_OP_TABLE_H
#define PB_GRAPH_OP_TABLE_H

#include "base/rng.h"
#include "graph/graph.h"

/* An attribute as it is in a checkpoint: read into a struct pb_graph_node, and written from it. */
enum pb_attribute_type {
    PB_ATTRIBUTE_COUNT, /* uint32_t */
    PB_ATTRIBUTE_PAIR, /* uint32_t[2]: height, width */
    PB_ATTRIBUTE_REAL, /* double */
    PB_ATTRIBUTE_FLAG, /* bool */
    PB_ATTRIBUTE_MARK, /* bool, which a checkpoint has only where it is true */
};
struct pb_attribute {
    const char *name;
    enum pb_attribute_type type;
    size_t offset; /* into struct pb_graph_node */
};
/* For use in a row. attributes end with one without a name. */
#define PB_ATTRIBUTE(type, name, member)                                                                               \
    {                                                                                                                  \
        name, PB_ATTRIBUTE_##type, offsetof(struct pb_graph_node, member)                                              \
    }

/* Where the channels of an operator's output come from. */
enum pb_channel_rule {
    PB_CHANNELS_IDENTITY, /* they are its input's; where it has several inputs, these have the same ones */
    PB_CHANNELS_NEW, /* it makes them: they can be removed, filter by filter */
    PB_CHANNELS_GROUPED, /* it makes them in groups, of parts of its input: each group loses the same ones, and each part */
    PB_CHANNELS_FIXED, /* it makes them, and none can be removed */
    PB_CHANNELS_FIXED_BOTH, /* nor any of its input's */
    PB_CHANNELS_CONCATENATED, /* one input's behind the other's */
    PB_CHANNELS_PAIRS, /* all pairs (i, j) of its input's C channels, as i·C + j */
    PB_CHANNELS_UPPER, /* of its input's pairs those with i ≤ j, in order */
};

/* A node on its way into a graph, with the parameters that it brings. */
struct pb_addition {
    struct pb_node node;
    struct pb_shape in[PB_INPUTS_MAX]; /* of the inputs */
    const char *input_names[PB_INPUTS_MAX];
    const struct pb_graph *graph; /* as it was before */
    struct pb_parameter parameters[PB_ROLE_COUNT];
    uint32_t parameter_count;
    struct pb_error *error;
};
/* For infer: fails, with the node's name in the message. */
enum pb_status pb_refuse(struct pb_addition *addition, const char *what);
enum pb_status pb_add_parameter(struct pb_addition *addition, enum pb_role role, uint32_t rank, const size_t *dims);

/* infer of an operator whose inputs have one shape, which its output has, too. */
enum pb_status pb_infer_elementwise(struct pb_addition *addition, const struct pb_graph_node *asked);

/* A parameter seen as outputs × height × width × channels. */
struct pb_weight_axes {
    uint32_t height, width, channels;
    uint32_t
        columns_of; /* the channels are those of this node's output, or of each of equal parts of it; PB_NO_NODE: of none */
    bool rows_are_fixed; /* its first dimension is not the node's outputs: none is removed with a channel */
};

/* How a layer's outputs read its input: each is computed from a window of kernel positions, across the channels of its group. */
typedef struct pb_conv_attributes pb_window_of_node(const struct pb_graph *graph, const struct pb_node *node);

struct pb_cost;
struct pb_engine_operator;

struct pb_graph_operator {
    const char *
        slot; /* the member of struct pb_backend that computes it when a network infers; NULL: there is nothing to compute */
    uint32_t inputs, inputs_max; /* how many it takes; at most inputs_max where that is not 0 */
    const struct pb_attribute *attributes; /* NULL: none */
    /* Checks attributes and inputs, sets shape and attributes of the node, adds its parameters. */
    enum pb_status (*infer)(struct pb_addition *addition, const struct pb_graph_node *asked);
    /* The attributes that would add the node again. NULL: it has none. */
    void (*describe)(const struct pb_node *node, struct pb_graph_node *description);

    enum pb_channel_rule channels;
    enum pb_channel_rule (*channels_of)(
        const struct pb_node *node); /* in its place, where attributes decide; or NULL */
    /* Gives a description another number of filters. NULL: an operator without filters. */
    void (*resize)(struct pb_graph_node *description, uint32_t filters);
    /* Of its weight and hashes. NULL: it has none; other parameters are one value per output channel. */
    void (*axes)(const struct pb_graph *graph, const struct pb_parameter *parameter, struct pb_weight_axes *axes);

    /* What its outputs read. NULL: an operator without filters. */
    pb_window_of_node *window;

    /* Everything but parameters; the cost is 0 when it is called. NULL: none. */
    void (*cost)(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost);
    /* First values of one parameter; they are 0 when it is called. NULL: they stay 0. */
    void (*initialise)(const struct pb_graph *graph, const struct pb_parameter *parameter, float *values,
                       struct pb_rng *rng);

    /* Whether values from a file can be those of a parameter. NULL: any can. */
    bool (*fits)(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *values);

    bool slides; /* its window is at every position of the output; else its one output reads the whole input */
    bool norm; /* it normalises each channel: γ, β and running statistics are its parameters */
    bool activation; /* what a criterion sees of the channels before it is its output */
    bool before_activation; /* may be between a convolution and its activation */
    bool keeps_symmetry; /* of a symmetric matrix of pairs it makes another one */

    const struct pb_engine_operator *engine; /* its passes, see engine/engine_operator.h */
};

#define PB_DECLARE_OPERATOR(NUMBER, name) extern const struct pb_graph_operator pb_op_##name;
PB_OPERATORS(PB_DECLARE_OPERATOR)
#undef PB_DECLARE_OPERATOR

const struct pb_graph_operator *pb_graph_operator(enum pb_op op);
enum pb_channel_rule pb_channel_rule_of(const struct pb_node *node);
/* Of any parameter: a vector has one position and one channel. */
struct pb_weight_axes pb_weight_axes_of(const struct pb_graph *graph, const struct pb_parameter *parameter);
/* What the outputs of a layer with filters read. */
struct pb_conv_attributes pb_window_of(const struct pb_graph *graph, uint32_t node);
bool pb_is_norm(const struct pb_node *node);
/* Whether node's output is a symmetric matrix: all pairs of some channels. */
bool pb_is_symmetric(const struct pb_graph *graph, uint32_t node);
/* Whether each output is a sum over several input channels: a layer with filters that is not depthwise. */
bool pb_mixes_channels(const struct pb_node *node);
/* Whether node is a layer that makes channels of its own, which a spec gives and a pruning may remove: a convolution that is not
 * depthwise, a linear layer that is not the classifier. */
bool pb_makes_channels(const struct pb_graph *graph, uint32_t node);

#endif
