/* Synaptic flow (H. Tanaka et al. 2020): what every weight contributes to the outputs of the network of magnitudes. */
#ifndef PB_PRUNE_FLOW_H
#define PB_PRUNE_FLOW_H

#include <prunebench/host.h>

#include "graph/network.h"

/*
 * What struct pb_layer_view calls weight_flow, of every weight of a convolution or linear layer, at the parameters' offsets in flow:
 * value_count zeros. A weight that is not finite, a sum that double precision cannot hold, and a network that nothing flows through
 * are errors that name the node. host: whose threads share the work; the numbers do not depend on how many they are.
 */
PB_MUST_CHECK enum pb_status pb_synaptic_flow(const struct pb_network *network, const struct pb_host *host,
                                              double *flow, struct pb_error *error);

/* Memory that this takes, flow included. */
uint64_t pb_synaptic_flow_bytes(const struct pb_graph *graph);

#endif
