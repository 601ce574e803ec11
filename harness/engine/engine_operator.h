/* How the engine runs an operator: member `engine` of its row in the table of operators. */
#ifndef PB_ENGINE_ENGINE_OPERATOR_H
#define PB_ENGINE_ENGINE_OPERATOR_H

#include "engine/engine_internal.h"
#include "graph/op_table.h"

/* Whether a node's output may take the place of an input that nobody else reads. */
enum pb_in_place {
    PB_IN_PLACE_NEVER,
    PB_IN_PLACE_ALWAYS,
    PB_IN_PLACE_INFERRING, /* where no backward pass follows: it reads the input */
};

/* What a node keeps from its forward pass for its backward pass, and needs on the host for it; in floats. */
struct pb_saved {
    size_t floats[2];
    size_t staging;
};

struct pb_engine_operator {
    enum pb_phase phases[3]; /* where the time of each pass counts, by enum pb_pass */

    /* What the graph asks that no backend computes. May be NULL. */
    enum pb_status (*check)(const struct pb_graph *graph, uint32_t node, struct pb_error *error);
    /* Makes what the node's operators need for as long as the engine exists. May be NULL. */
    enum pb_status (*prepare)(struct pb_engine *engine, uint32_t node, struct pb_error *error);
    /* Before a pass, when parameters have changed: what the node keeps of them in another form. May be NULL. */
    enum pb_status (*refresh)(struct pb_engine *engine, uint32_t node, struct pb_error *error);
    /* Says what the backend is asked about its memory. NULL: it is not asked. */
    void (*ask)(const struct pb_engine *engine, uint32_t node, struct pb_operator *asked);

    enum pb_status (*forward)(struct pb_engine *engine, uint32_t node, bool training, struct pb_error *error);
    /* dx: the gradient of input number `slot`. */
    enum pb_status (*backward)(struct pb_engine *engine, uint32_t node, uint32_t slot, struct pb_view dx,
                               struct pb_error *error);
    /* Where the ReLU behind the node is computed with it: all inputs' gradients at once. NULL: backward does that, too. */
    enum pb_status (*backward_with_relu)(struct pb_engine *engine, uint32_t node, struct pb_error *error);
    enum pb_status (*backward_weights)(struct pb_engine *engine, uint32_t node, struct pb_error *error); /* or NULL */

    bool reads_input, reads_output; /* the backward pass does, in the values of the forward pass */
    bool reads_sign; /* of its output alone */
    bool keeps_sign; /* every output has its input's sign, or is 0 and so is the gradient that arrives there */
    bool adds_gradient; /* backward adds to dx itself, unless it is the first to write there */
    bool always_backward; /* backward computes the parameters' gradients, too, and so runs where nobody needs dx */
    enum pb_in_place in_place;
    bool gradient_in_place; /* dx of the first input may take dy's place */
    void (*saved)(const struct pb_graph *graph, uint32_t node, const struct pb_engine_options *options,
                  struct pb_saved *saved); /* sizes are 0 when it is called; may be NULL */
    bool saved_unless_in_place; /* kept while training, and else only where the node does not work in place */
};

static inline const struct pb_engine_operator *pb_engine_operator(enum pb_op op)
{
    return pb_graph_operator(op)->engine;
}

#endif
