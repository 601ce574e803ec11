/*
 * What each channel of a group adds to sampled outputs of the layers that read it (its consumers). Part x_mj of output m is
 * Σ over the kernel of weight · input of channel j; of a product of two channels (bilinear pooling) half belongs to either. The sums
 * over all sampled outputs that criteria need are kept in place of the parts: XᵀX, Xᵀy and ‖y‖².
 *
 * Sampled: consumer_rows positions of each calibration image (one of a linear layer), and of each position `filters` outputs, drawn
 * with replacement from a stream of the cell's seed; all of them where the layer has no more.
 */
#ifndef PB_CRITERIA_CONSUMER_PARTS_H
#define PB_CRITERIA_CONSUMER_PARTS_H

#include <stdio.h>
#include <string.h>

#include <prunebench/criterion.h>

#include "linear.h"

enum { CONSUMER_ROWS = 10 };

/* A row for the options of a criterion whose struct has the number of outputs in an int64_t `filters`. */
#define FILTERS_OPTION(options)                                                                                        \
    {                                                                                                                  \
        .name = "filters", .help = "outputs that are sampled at each sampled position of the next layer",              \
        .type = PB_OPTION_INT, .default_text = "10", .min = 1, .max = 100000, .offset = offsetof(options, filters)     \
    }

/* Of one group of K channels. */
struct part_sums {
    double *gram; /* K×K, lower triangle: XᵀX */
    double *products; /* K: Xᵀy, where y is the output without its bias and what other channels add to it */
    double *panel; /* LINEAR_PANEL × K: parts that are not in gram yet */
    uint32_t waiting; /* how many */
    double target; /* ‖y‖² */
    uint64_t outputs; /* that were sampled */
};

struct consumer_parts {
    const struct pb_host *host;
    uint32_t filters, group_count;
    struct part_sums *groups;
};

/* Which outputs of a row are looked at. */
struct drawn_filters {
    struct pb_rng rng;
    uint32_t outputs, count;
    bool all;
};

static inline struct drawn_filters parts_draw(const struct pb_host *host, uint32_t filters, uint32_t outputs,
                                              const char *stream)
{
    struct drawn_filters drawn = {.outputs = outputs, .count = filters, .all = outputs <= filters};
    if (drawn.all)
        drawn.count = outputs;
    host->rng_init(host, &drawn.rng, stream);
    return drawn;
}

static inline uint32_t parts_next_filter(struct drawn_filters *drawn, uint32_t index)
{
    return drawn->all ? index : pb_rng_below(&drawn->rng, drawn->outputs);
}

static inline size_t parts_positions(const struct pb_consumer_view *consumer)
{
    return (size_t)consumer->kernel_height * consumer->kernel_width;
}

/* filter, row: R×S×C */
static inline void parts_add(const struct pb_consumer_view *consumer, uint32_t channels, const float *filter,
                             const float *row, double *parts)
{
    for (size_t p = 0; p < parts_positions(consumer); p++) {
        const float *w = filter + p * consumer->input_channels + consumer->first;
        const float *x = row + p * consumer->input_channels + consumer->first;
        for (uint32_t i = 0; i < channels && !consumer->pairs; i++)
            parts[i] += (double)w[i] * (double)x[i];
        for (uint32_t i = 0; i < channels && consumer->pairs; i++)
            for (uint32_t j = 0; j < channels; j++) {
                const double half = (double)w[i * channels + j] * (double)x[i * channels + j] / 2;
                parts[i] += half;
                parts[j] += half;
            }
    }
}

/* A layer is there once for each piece of its input that is the group's. */
static inline bool parts_same_layer(const struct pb_network_view *network, uint32_t group, uint32_t a, uint32_t b)
{
    return strcmp(network->consumer(network, group, a)->name, network->consumer(network, group, b)->name) == 0;
}

static inline void parts_flush(struct part_sums *sums, uint32_t channels)
{
    if (sums->waiting == 0)
        return;
    for (size_t i = (size_t)sums->waiting * channels; i < (size_t)LINEAR_PANEL * channels; i++)
        sums->panel[i] = 0;
    linear_add_panel(channels, sums->panel, sums->gram);
    sums->waiting = 0;
}

/* One sampled output: its parts, and what there is of it. */
static inline void parts_add_output(struct part_sums *sums, uint32_t channels, double y)
{
    const double *parts = sums->panel + (size_t)sums->waiting * channels;
    for (uint32_t j = 0; j < channels; j++)
        sums->products[j] += parts[j] * y;
    sums->target += y * y;
    sums->outputs++;
    if (++sums->waiting == LINEAR_PANEL)
        parts_flush(sums, channels);
}

/* Output m of a row: the parts of all pieces that the layer reads of the group. */
static inline void parts_sample(struct consumer_parts *all, const struct pb_network_view *network, uint32_t group,
                                uint32_t first, const struct pb_rows_view *rows, uint32_t n, uint32_t m)
{
    const struct pb_group_view *described = network->group(network, group);
    const struct pb_consumer_view *consumer = network->consumer(network, group, first);
    struct part_sums *sums = &all->groups[group];
    const float *filter = consumer->weight + (size_t)m * rows->width, *row = rows->input_rows + (size_t)n * rows->width;
    double *parts = sums->panel + (size_t)sums->waiting * described->channels;
    double rest = 0;
    memset(parts, 0, described->channels * sizeof *parts);
    for (uint32_t c = first; c < described->consumer_count; c++)
        if (parts_same_layer(network, group, first, c))
            parts_add(network->consumer(network, group, c), described->channels, filter, row, parts);
    for (uint32_t k = 0; k < rows->width; k++)
        rest += (double)filter[k] * (double)row[k];
    for (uint32_t j = 0; j < described->channels; j++)
        rest -= parts[j];
    const double bias = consumer->bias ? (double)consumer->bias[m] : 0;
    const double y = (double)rows->output_rows[(size_t)n * rows->outputs + m] - bias - rest;
    parts_add_output(sums, described->channels, y);
}

static inline enum pb_status parts_of_consumer(struct consumer_parts *all, const struct pb_layer_view *layer,
                                               uint32_t consumer)
{
    const struct pb_network_view *network = layer->network;
    const struct pb_consumer_view *read = network->consumer(network, layer->group, consumer);
    const struct pb_rows_view *rows = network->rows(network, layer->group, consumer);
    char stream[96];
    if (!rows)
        return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < consumer; c++) /* which has been looked at together with that piece */
        if (parts_same_layer(network, layer->group, c, consumer))
            return PB_OK;
    snprintf(stream, sizeof stream, "filters/%u/%s", (unsigned)layer->batch_index, read->name);
    struct drawn_filters drawn = parts_draw(all->host, all->filters, rows->outputs, stream);
    for (uint32_t n = 0; n < rows->rows; n++)
        for (uint32_t f = 0; f < drawn.count; f++)
            parts_sample(all, network, layer->group, consumer, rows, n, parts_next_filter(&drawn, f));
    return PB_OK;
}

static inline enum pb_status parts_open_group(struct consumer_parts *all, const struct pb_layer_view *layer)
{
    const struct pb_host *host = all->host;
    if (!all->groups) {
        all->groups = host->alloc(host, layer->network->group_count * sizeof *all->groups);
        if (!all->groups)
            return PB_ERROR_MEMORY;
        all->group_count = layer->network->group_count;
    }
    struct part_sums *sums = &all->groups[layer->group];
    const size_t channels = layer->channels;
    if (!sums->gram)
        sums->gram = host->alloc(host, channels * channels * sizeof *sums->gram);
    if (!sums->products)
        sums->products = host->alloc(host, channels * sizeof *sums->products);
    if (!sums->panel)
        sums->panel = host->alloc(host, LINEAR_PANEL * channels * sizeof *sums->panel);
    return sums->gram && sums->products && sums->panel ? PB_OK : PB_ERROR_MEMORY;
}

/* The hook observe. A group's consumers are looked at together with its first layer. */
static inline enum pb_status parts_observe(struct consumer_parts *all, const struct pb_layer_view *layer)
{
    if (layer->group == UINT32_MAX)
        return PB_OK;
    const struct pb_group_view *group = layer->network->group(layer->network, layer->group);
    enum pb_status status = group ? parts_open_group(all, layer) : PB_ERROR_MEMORY;
    if (status != PB_OK || group->producers[0] != layer->index)
        return status;
    for (uint32_t c = 0; c < group->consumer_count; c++)
        if (!layer->network->consumer(layer->network, layer->group, c))
            return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < group->consumer_count && status == PB_OK; c++)
        status = parts_of_consumer(all, layer, c);
    return status;
}

/* Complete sums; NULL after a failure, with a message. */
static inline const struct part_sums *parts_finish(struct consumer_parts *all, const struct pb_network_view *network,
                                                   uint32_t group)
{
    const struct pb_group_view *described = network->group(network, group);
    if (!described)
        return NULL;
    if (!all->groups || all->groups[group].outputs == 0) {
        all->host->fail(all->host, PB_ERROR_RUN,
                        "no output of a layer that reads the channels of group '%s' was sampled; give the cell a "
                        "calibration batch, or choose another criterion",
                        described->id);
        return NULL;
    }
    parts_flush(&all->groups[group], described->channels);
    return &all->groups[group];
}

static inline void parts_free(struct consumer_parts *all)
{
    for (uint32_t g = 0; g < all->group_count; g++) {
        all->host->free(all->host, all->groups[g].gram);
        all->host->free(all->host, all->groups[g].products);
        all->host->free(all->host, all->groups[g].panel);
    }
    all->host->free(all->host, all->groups);
}

/* From the lower triangle. */
static inline double parts_product(const struct part_sums *sums, uint32_t channels, uint32_t i, uint32_t j)
{
    return sums->gram[i > j ? (size_t)i * channels + j : (size_t)j * channels + i];
}

#endif
