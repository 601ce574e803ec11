/* The Hessian column by column: one product with a unit vector for each weight of every layer. */
#ifndef PB_CRITERIA_UNIT_DIRECTIONS_H
#define PB_CRITERIA_UNIT_DIRECTIONS_H

#include "weights-layer.h"

/* The weights of layers 0 … layer − 1. */
static inline enum pb_status weights_in_front(const struct pb_network_view *network, uint32_t layer, size_t *weights)
{
    *weights = 0;
    for (uint32_t l = 0; l < layer; l++) {
        const struct pb_layer_view *other = network->layer(network, l);
        if (!other)
            return PB_ERROR_MEMORY;
        *weights += weights_of_layer(other);
    }
    return PB_OK;
}

/* Which of the layer's weights product number `product` is of; own: whether it is one of them at all. */
static inline enum pb_status unit_of_layer(const struct pb_layer_view *layer, uint32_t product, size_t *weight,
                                           bool *own)
{
    size_t first;
    *weight = 0;
    *own = false;
    const enum pb_status status = weights_in_front(layer->network, layer->index, &first);
    if (status != PB_OK)
        return status;
    *own = product >= first && product - first < weights_of_layer(layer);
    if (*own)
        *weight = product - first;
    return PB_OK;
}

/* The hook direction. */
static inline enum pb_status unit_direction(const struct pb_layer_view *layer, uint32_t product,
                                            struct pb_direction *direction)
{
    size_t weight;
    bool own;
    const enum pb_status status = unit_of_layer(layer, product, &weight, &own);
    if (status == PB_OK && own)
        direction->weight[weight] = 1;
    return status;
}

#endif
