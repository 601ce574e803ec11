/* A layer's weights: how many there are, and sums over filters. */
#ifndef PB_CRITERIA_WEIGHTS_LAYER_H
#define PB_CRITERIA_WEIGHTS_LAYER_H

#include <prunebench/criterion.h>

/* Weights of one filter: R·S·C. */
static inline size_t weights_of_filter(const struct pb_layer_view *layer)
{
    return (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
}

static inline size_t weights_of_layer(const struct pb_layer_view *layer)
{
    return layer->channels * weights_of_filter(layer);
}

/* From one value for each weight to one for each channel: the sum over its filter. */
static inline void sum_filters(const struct pb_layer_view *layer, const double *values, double *sums)
{
    const size_t filter = weights_of_filter(layer);
    for (uint32_t c = 0; c < layer->channels; c++) {
        sums[c] = 0;
        for (size_t i = 0; i < filter; i++)
            sums[c] += values[c * filter + i];
    }
}

#endif
