/* How relevance passes backwards through each operator: one row per operator. */
#ifndef PB_PRUNE_RELEVANCE_OPERATORS_H
#define PB_PRUNE_RELEVANCE_OPERATORS_H

#include "graph/network.h"
#include "prune/relevance_terms.h"

/* A node on the way back; arrays of all images, one image behind the other. */
struct pb_relevance_step {
    const struct pb_network *network;
    uint32_t node;
    uint32_t norm; /* the batch norm that is folded into the node; PB_NO_NODE */
    struct pb_relevance_sharing sharing;
    const float *x[PB_INPUTS_MAX]; /* values of the inputs, where the row reads them */
    const double *out; /* relevance of the node's output */
    double *in[PB_INPUTS_MAX]; /* of its inputs; inputs that are one node have one array */
    double *room; /* as much as the row's `room` says */
};

struct pb_relevance_operator {
    /* Adds an image's relevance to that of the inputs. NULL: the node has no inputs. */
    void (*pass)(const struct pb_relevance_step *step, uint32_t image);
    bool reads_inputs;
    size_t (*room)(const struct pb_graph *graph, uint32_t node); /* doubles of one image; NULL: none */
};

const struct pb_relevance_operator *pb_relevance_operator(enum pb_op op);

#endif
