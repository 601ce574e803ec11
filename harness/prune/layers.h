/* The prunable layers of a network as criteria see them. */
#ifndef PB_PRUNE_LAYERS_H
#define PB_PRUNE_LAYERS_H

#include <prunebench/criterion.h>

#include "engine/engine.h"
#include "graph/channels.h"

/* One convolution whose filters can go, or linear layer whose neurons can, with what follows it. */
struct pb_prunable_layer {
    uint32_t node; /* the layer */
    uint32_t norm; /* UINT32_MAX where there is none */
    uint32_t activation; /* node */
    uint32_t group; /* PB_NO_GROUP: its channels cannot be removed; among layers with weights only */
};
struct pb_prunable_layers {
    struct pb_prunable_layer *layers; /* in graph order */
    uint32_t count;
};
PB_MUST_CHECK enum pb_status pb_prunable_layers_find(const struct pb_network *network,
                                                     const struct pb_channel_groups *groups,
                                                     struct pb_prunable_layers *layers, struct pb_error *error);
/* Every layer whose single weights can be masked, in graph order. */
PB_MUST_CHECK enum pb_status pb_weight_layers_find(const struct pb_network *network,
                                                   const struct pb_channel_groups *groups,
                                                   struct pb_prunable_layers *layers, struct pb_error *error);
void pb_prunable_layers_free(struct pb_prunable_layers *layers);

const char *pb_layer_name(const struct pb_network *network, const struct pb_prunable_layer *layer);

/*
 * Everything that stays the same over the batches of a scoring: geometry, and the parameters that data names, in the network itself.
 * gradients, flow: of all parameters, at their offsets; NULL where there are none to show.
 */
struct pb_layer_view pb_layer_view_of(const struct pb_network *network, const struct pb_prunable_layers *layers,
                                      uint32_t index, uint32_t data, const float *gradients, const double *flow);
/* A layer's part of an array of the network's parameters; NULL where the layer has no such parameter. */
const float *pb_layer_part(const struct pb_network *network, const struct pb_prunable_layer *layer, enum pb_role role,
                           const float *values);

#endif
