/* Where every array of an engine lies and when it is needed: fusion, work in place, lifetimes, offsets. */
#ifndef PB_ENGINE_LAYOUT_H
#define PB_ENGINE_LAYOUT_H

#include "engine/engine.h"

#define PB_NO_STORAGE UINT32_MAX

/*
 * A piece of the arena. Time: the forward pass of node i is at i, the loss at n, the backward pass of node i at 2n − i.
 * Storages whose lives overlap never overlap in memory.
 */
struct pb_storage {
    size_t floats;
    uint32_t first, last; /* life, both ends included */
    size_t offset; /* into the arena, in floats; a multiple of 16 */
};

/* What a node's passes work on, and which nodes are computed with it. */
struct pb_node_layout {
    uint32_t value, gradient; /* of the node's output; shared where nodes work in place */
    uint32_t saved[2]; /* batch norm: mean and 1/σ; L2 norm: norms; dropout: mask */
    uint32_t scratch; /* the gradient of an input that others have added to, before it is added, too */
    uint32_t norm; /* convolution: the batch norm that is computed with it; PB_NO_PARAMETER when there is none */
    bool with_relu; /* batch norm or addition: computes the ReLU behind it */
    double ceiling; /* batch norm: of that ReLU; INFINITY when it has none */
    bool with_convolution; /* batch norm: its forward pass is computed with the convolution before it */
    uint32_t pool; /* batch norm, product: the pooling that is computed with it; PB_NO_PARAMETER when there is none */
    bool skipped; /* ReLU, ReLU6 or pooling: computed with a batch norm, an addition or a product */
    bool in_place; /* the value overwrites an input's */
    bool adds_gradient; /* its backward pass adds to an input's gradient, unless it is the first to write there */
    bool first[PB_INPUTS_MAX]; /* per input: this node's backward pass is the first to write the input's gradient */
};

/* The arrays of an engine, by node. */
struct pb_layout {
    struct pb_node_layout *nodes;
    uint32_t node_count;
    struct pb_storage *storages;
    uint32_t storage_count;
    uint32_t losses; /* storage: batch values */
    size_t arena_floats;
    size_t staging_floats; /* on the host: dropout masks, losses */
};

/* device: asked what it computes together. */
PB_MUST_CHECK enum pb_status pb_layout_create(const struct pb_graph *graph, const struct pb_engine_options *options,
                                              const struct pb_device *device, struct pb_layout *layout,
                                              struct pb_error *error);
void pb_layout_free(struct pb_layout *layout);

/* Gives every storage its offset, largest first, each as low as the lives of those already placed allow. */
PB_MUST_CHECK enum pb_status pb_arena_place(struct pb_storage *storages, uint32_t count, size_t *floats,
                                            struct pb_error *error);

#endif
