/* A node on the way back, as the operators' rules see it. */
#ifndef PB_PRUNE_RELEVANCE_STEP_H
#define PB_PRUNE_RELEVANCE_STEP_H

#include "engine/engine.h"
#include "plugin/host.h"
#include "prune/relevance_terms.h"

/* Arrays are of all images, one image behind the other. */
struct pb_relevance_step {
    const struct pb_host *host; /* whose threads share the images */
    const struct pb_network *network;
    uint32_t node;
    uint32_t norm; /* the batch norm that is folded into the node; PB_NO_NODE */
    uint32_t batch;
    struct pb_relevance_sharing sharing;
    const float *x[PB_INPUTS_MAX]; /* values of the inputs, where the row reads them */
    const float *out; /* relevance of the node's output */
    float *in[PB_INPUTS_MAX]; /* of its inputs; inputs that are one node have one array */
    float *room; /* as much as the row's `room` says */
};

/* A node without inputs has neither `whole` nor a pass. */
struct pb_relevance_operator {
    bool unknown; /* there is no rule for it: networks that have it are refused */
    bool whole; /* the one input gets the relevance as it is */
    /* Adds an image's relevance to that of the inputs. */
    void (*pass)(const struct pb_relevance_step *step, uint32_t image);
    /* In its place, where the engine computes: adds that of all images. */
    enum pb_status (*pass_batch)(const struct pb_relevance_step *step, struct pb_engine *engine,
                                 struct pb_error *error);
    bool reads_inputs;
    size_t (*room)(const struct pb_graph *graph, uint32_t node); /* floats for each image; NULL: none */
    uint64_t (*bytes)(const struct pb_graph *graph, uint32_t node); /* that pass_batch allocates, whatever the batch */
};

static inline const struct pb_node *pb_step_node(const struct pb_relevance_step *step)
{
    return &step->network->graph->nodes[step->node];
}

static inline struct pb_shape pb_step_input_shape(const struct pb_relevance_step *step, uint32_t slot)
{
    return step->network->graph->nodes[pb_step_node(step)->inputs[slot]].shape;
}

static inline const float *pb_step_out(const struct pb_relevance_step *step, uint32_t image)
{
    return step->out + image * pb_shape_count(pb_step_node(step)->shape);
}

static inline float *pb_step_in(const struct pb_relevance_step *step, uint32_t image, uint32_t slot)
{
    return step->in[slot] + image * pb_shape_count(pb_step_input_shape(step, slot));
}

static inline const float *pb_step_x(const struct pb_relevance_step *step, uint32_t image, uint32_t slot)
{
    return step->x[slot] + image * pb_shape_count(pb_step_input_shape(step, slot));
}

/* Filter k with the norm behind it: y = scale·Σ x·w + bias. */
struct pb_relevance_filter {
    double scale, bias;
};
struct pb_relevance_filter pb_step_filter(const struct pb_relevance_step *step, uint32_t k);

#endif
