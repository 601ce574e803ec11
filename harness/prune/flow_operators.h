/* How synaptic flow passes each operator, forwards and backwards: one row per operator. */
#ifndef PB_PRUNE_FLOW_OPERATORS_H
#define PB_PRUNE_FLOW_OPERATORS_H

#include <prunebench/host.h>

#include "graph/network.h"

enum { PB_FLOW_SLICES = 16 }; /* parts of a node's work that threads share, each with room of its own */

/*
 * A node at work on one image. The slope of a value v is what the flow through it is divided by v: ∂R/∂v but for the rule of products.
 */
struct pb_flow_step {
    const struct pb_network *network;
    uint32_t node;
    const struct pb_host *host;
    const double *x[PB_INPUTS_MAX]; /* values of the inputs */
    double *y; /* of the output: zeros before forward */
    const double *out; /* slopes of the output */
    double *in[PB_INPUTS_MAX]; /* of the inputs, to be added to; NULL where nobody asks for them */
    double *weights; /* flow of the node's weights: zeros before backward; NULL where it has none */
    double *room; /* as much as the row's `room` says */
};

struct pb_flow_operator {
    bool unknown; /* there is no rule for it: networks that have it are refused */
    bool passes; /* its output is its only input; nothing else is set */
    void (*forward)(const struct pb_flow_step *step); /* NULL: the node has no inputs */
    void (*backward)(const struct pb_flow_step *step);
    size_t (*room)(const struct pb_graph *graph, uint32_t node); /* doubles; NULL: none */
};

const struct pb_flow_operator *pb_flow_operator(enum pb_op op);

/* Of convolutions and linear layers, in flow_layers.c. */
void pb_flow_layer_forward(const struct pb_flow_step *step);
void pb_flow_layer_backward(const struct pb_flow_step *step);
size_t pb_flow_layer_room(const struct pb_graph *graph, uint32_t node);

#endif
