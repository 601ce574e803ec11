/* Layer-wise relevance (S. Bach et al. 2015): what every activation contributes to the logit of an image's label. */
#ifndef PB_PRUNE_RELEVANCE_H
#define PB_PRUNE_RELEVANCE_H

#include "data/data.h"
#include "plugin/host.h"
#include "prune/layers.h"

/*
 * Refuses, by name, a batch norm that does not follow a convolution or linear layer that nothing else reads: it cannot be folded into
 * one, and has no rule of its own.
 */
PB_MUST_CHECK enum pb_status pb_relevance_check(const struct pb_graph *graph, struct pb_error *error);

struct pb_relevance;

/* What it is computed with, all of which must outlive it; the graph has been checked. */
struct pb_relevance_source {
    const struct pb_host *host; /* whose threads share the images */
    const struct pb_network *network;
    const struct pb_prunable_layers *layers; /* whose activations' relevance is kept */
    struct pb_relevance_rule rule;
};
/* Refuses a rule that is unknown, or whose ε is not above 0. */
PB_MUST_CHECK enum pb_status pb_relevance_create(const struct pb_relevance_source *source,
                                                 struct pb_relevance **relevance, struct pb_error *error);
void pb_relevance_free(struct pb_relevance **relevance);

/*
 * Of a batch through which the engine, a CALIBRATE one of the network, has just run forward. The last node's relevance is the logit of
 * the label, and 0 for every other class. Behind every node, the relevance of each image is still that logit to 1e-4, or the node is
 * named in an error.
 */
PB_MUST_CHECK enum pb_status pb_relevance_compute(struct pb_relevance *relevance, struct pb_engine *engine,
                                                  const struct pb_batch *batch, struct pb_error *error);
/* Of a layer's activation in that batch: N×H×W×K, until the next one. */
const float *pb_relevance_of_layer(const struct pb_relevance *relevance, uint32_t layer);

/* Memory that this takes at most for batches of so many images, in the engine, too. */
uint64_t pb_relevance_bytes(const struct pb_graph *graph, uint32_t batch);

#endif
