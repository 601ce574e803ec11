/* Of a group's channels: the squares of all that goes with each, summed. */
#ifndef PB_PLUGINS_GROUP_SQUARES_H
#define PB_PLUGINS_GROUP_SQUARES_H

#include <prunebench/criterion.h>

static inline double square(float value)
{
    return (double)value * (double)value;
}

/* Filter k belongs to channel k mod channels: those of grouped convolutions repeat. */
static inline void add_filters(const struct pb_layer_view *layer, uint32_t channels, double *sums)
{
    const size_t filter = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    for (uint32_t k = 0, channel = 0; k < layer->channels; k++) {
        for (size_t i = 0; i < filter; i++)
            sums[channel] += square(layer->weight[k * filter + i]);
        sums[channel] += layer->gamma ? square(layer->gamma[k]) : 0;
        channel = channel + 1 < channels ? channel + 1 : 0;
    }
}

static inline void add_columns(const struct pb_consumer_view *consumer, uint32_t channels, double *sums)
{
    const size_t rows = (size_t)consumer->outputs * consumer->kernel_height * consumer->kernel_width;
    for (size_t row = 0; row < rows; row++) {
        const float *weight = consumer->weight + row * consumer->input_channels + consumer->first;
        for (uint32_t i = 0; i < channels; i++) {
            if (!consumer->pairs) {
                sums[i] += square(weight[i]);
                continue;
            }
            for (uint32_t j = 0; j < channels; j++) { /* the product of i and j goes with either */
                const double pair = square(weight[(size_t)i * channels + j]);
                sums[i] += pair;
                sums[j] += i == j ? 0 : pair;
            }
        }
    }
}

/* sums: one for each of the group's channels. Of the data it needs weights and consumers; norms count where there are some. */
static inline enum pb_status group_squares(const struct pb_network_view *network, uint32_t index,
                                           const struct pb_group_view *group, double *sums)
{
    for (uint32_t k = 0; k < group->channels; k++)
        sums[k] = 0;
    for (uint32_t p = 0; p < group->producer_count; p++) {
        const struct pb_layer_view *producer = network->layer(network, group->producers[p]);
        if (!producer)
            return PB_ERROR_MEMORY;
        add_filters(producer, group->channels, sums);
    }
    for (uint32_t i = 0; i < group->consumer_count; i++) {
        const struct pb_consumer_view *consumer = network->consumer(network, index, i);
        if (!consumer)
            return PB_ERROR_MEMORY;
        add_columns(consumer, group->channels, sums);
    }
    return PB_OK;
}

#endif
