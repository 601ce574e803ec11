/* MeanReplacement (Evci et al. 2018, arXiv:1803.04757): a removed channel becomes a constant, its mean, in the biases behind it. */
#include "prune/repair_mean.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"
#include "prune/repair_rows.h"

enum { ROWS = 10 }; /* of each image of a convolution, for the errors that are recorded */

/* All that one repair holds. Layer i of the lists is the same one in both networks: one that reads removed channels. */
struct mending {
    const struct pb_network *before;
    struct pb_network *network;
    struct pb_channel_groups groups, left; /* of before, and of network: the same with fewer channels */
    struct pb_consumers pieces; /* of before: what each layer reads of each group */
    struct pb_consumer *then, *now; /* of these only the nodes */
    struct pb_layer_rows *earlier, *later;
    uint32_t count;
    const struct pb_calibration *calibration;
    struct pb_error *error;
};

/* Whether channel k of the group is gone: both lists of origins ascend. */
static void find_removed(const struct mending *mending, uint32_t group, bool *removed)
{
    const uint32_t *then = mending->before->origin[group], *now = mending->network->origin[group];
    for (uint32_t k = 0, kept = 0; k < mending->groups.groups[group].channels; k++) {
        removed[k] = kept == mending->left.groups[group].channels || now[kept] != then[k];
        kept += !removed[k];
    }
}

static bool is_same_layer(const struct pb_consumer *a, const struct pb_consumer *b)
{
    return a->node == b->node && a->part == b->part;
}

/* Which channels of the input are gone: a layer may read several groups. */
static enum pb_status find_gone(const struct mending *mending, const struct pb_consumer *layer, bool *gone)
{
    for (uint32_t i = 0; i < mending->pieces.count; i++) {
        const struct pb_consumer *piece = &mending->pieces.list[i];
        const size_t channels = mending->groups.groups[piece->group].channels;
        if (!is_same_layer(piece, layer))
            continue;
        bool *removed = pb_calloc(channels, sizeof *removed);
        if (!removed)
            return pb_fail_memory(mending->error, channels);
        find_removed(mending, piece->group, removed);
        for (size_t k = 0; k < channels && !piece->pairs; k++)
            gone[piece->first + k] = removed[k];
        for (size_t k = 0; k < channels * channels && piece->pairs; k++)
            gone[piece->first + k] = removed[k / channels] || removed[k % channels];
        pb_free(removed);
    }
    return PB_OK;
}

/* The sums of what one place of the window reads for one output; NULL outside of the image. */
static const double *at_place(const struct pb_layer_rows *rows, uint32_t y, uint32_t x, uint32_t r, uint32_t s)
{
    const struct pb_conv_attributes window = pb_window_of(rows->network->graph, rows->node);
    const struct pb_shape input = rows->network->graph->nodes[rows->input].shape;
    const int64_t i = (int64_t)y * window.stride[0] + (int64_t)r * window.dilation[0] - window.pad[0];
    const int64_t j = (int64_t)x * window.stride[1] + (int64_t)s * window.dilation[1] - window.pad[1];
    if (i < 0 || j < 0 || i >= input.height || j >= input.width)
        return NULL;
    return rows->sums + ((size_t)i * input.width + (size_t)j) * input.channels + (size_t)rows->part * rows->channels;
}

/* Adds what the outputs' windows read, of all outputs or of those with the whole window in the image; returns how many. */
static uint32_t add_windows(const struct pb_layer_rows *rows, bool inside, double *sums)
{
    const struct pb_graph *graph = rows->network->graph;
    const struct pb_shape output = graph->nodes[rows->node].shape;
    const uint32_t channels = rows->channels;
    const struct pb_conv_attributes window = pb_window_of(graph, rows->node);
    const uint32_t *kernel = window.kernel;
    uint32_t outputs = 0;
    for (uint32_t y = 0; y < output.height; y++)
        for (uint32_t x = 0; x < output.width; x++) {
            const bool whole = at_place(rows, y, x, 0, 0) && at_place(rows, y, x, kernel[0] - 1, kernel[1] - 1);
            if (inside && !whole)
                continue;
            outputs++;
            for (uint32_t place = 0; place < kernel[0] * kernel[1]; place++) {
                const double *values = at_place(rows, y, x, place / kernel[1], place % kernel[1]);
                for (uint32_t c = 0; c < channels && values; c++)
                    sums[(size_t)place * channels + c] += values[c];
            }
        }
    return outputs;
}

/* mean: E[a_rsc], as many values as one output is computed from. */
static void average_windows(const struct pb_layer_rows *rows, double *mean)
{
    double count = rows->images;
    const uint32_t inside = add_windows(rows, true, mean);
    count *= inside ? inside : add_windows(rows, false, mean);
    for (size_t i = 0; i < rows->width; i++)
        mean[i] /= count;
}

/* Of the network that is left. It may have lost filters itself. */
static struct pb_kept_layer kept_layer(const struct mending *mending, uint32_t layer)
{
    const uint32_t node = mending->now[layer].node;
    const struct pb_graph *graph = mending->network->graph;
    return (struct pb_kept_layer){.then = mending->before,
                                  .now = mending->network,
                                  .groups = &mending->left,
                                  .node = node,
                                  .outputs = graph->nodes[node].shape.channels / pb_window_of(graph, node).groups};
}

/* The weights and the bias that it had before, and its mean inputs. */
struct mean_of_layer {
    size_t width, channels;
    const float *weight;
    const double *mean;
    const bool *gone; /* per channel */
    const uint32_t *from; /* per filter that is left */
};

static enum pb_status shift_biases(const struct mending *mending, uint32_t layer, const struct mean_of_layer *was,
                                   float *bias)
{
    const struct pb_node *node = &mending->network->graph->nodes[mending->now[layer].node];
    for (size_t m = 0; m < kept_layer(mending, layer).outputs; m++) {
        double shift = 0;
        for (size_t i = 0; i < was->width; i++)
            if (was->gone[i % was->channels])
                shift += (double)was->weight[was->from[m] * was->width + i] * was->mean[i];
        bias[m] = (float)((double)bias[m] + shift);
        if (!isfinite(bias[m]))
            return pb_fail(mending->error, PB_ERROR_RUN,
                           "the means of removed channels gave layer '%s' a bias of %g; values must be finite",
                           node->name, (double)bias[m]);
    }
    return PB_OK;
}

static enum pb_status repair_layer(const struct mending *mending, uint32_t layer)
{
    const struct pb_layer_rows *rows = &mending->earlier[layer];
    const struct pb_consumer *then = &mending->then[layer];
    const struct pb_kept_layer kept = kept_layer(mending, layer);
    float *bias = pb_network_values(mending->network, mending->now[layer].node, PB_ROLE_BIAS);
    if (!bias)
        return PB_OK;
    const size_t outputs = mending->before->graph->nodes[then->node].shape.channels /
                           pb_window_of(mending->before->graph, then->node).groups;
    bool *gone = pb_calloc(rows->channels, sizeof *gone);
    double *mean = pb_calloc(rows->width, sizeof *mean);
    uint32_t *from = pb_calloc(kept.outputs, sizeof *from);
    enum pb_status status = gone && mean && from ? find_gone(mending, then, gone)
                                                 : pb_fail_memory(mending->error, rows->width * sizeof *mean);
    if (status == PB_OK) {
        average_windows(rows, mean);
        pb_kept_filters(&kept, outputs, from);
        const struct mean_of_layer was = {.width = rows->width,
                                          .channels = rows->channels,
                                          .weight = pb_network_values(mending->before, then->node, PB_ROLE_WEIGHT) +
                                                    then->part * outputs * rows->width,
                                          .mean = mean,
                                          .gone = gone,
                                          .from = from};
        status = shift_biases(mending, layer, &was, bias + then->part * kept.outputs);
    }
    pb_free(gone);
    pb_free(mean);
    pb_free(from);
    return status;
}

/* The first piece of a layer that is of a group which lost channels; NULL: there is none. */
static const struct pb_consumer *find_piece(const struct mending *mending, const struct pb_consumer *layer)
{
    for (uint32_t i = 0; i < mending->pieces.count; i++) {
        const struct pb_consumer *read = &mending->pieces.list[i];
        if (is_same_layer(read, layer) &&
            mending->left.groups[read->group].channels < mending->groups.groups[read->group].channels)
            return read;
    }
    return NULL;
}

/* Layers of which an input is gone, in graph order, each once. */
static enum pb_status choose_layers(struct mending *mending)
{
    const struct pb_graph *before = mending->before->graph, *graph = mending->network->graph;
    const uint32_t most = mending->pieces.count;
    mending->then = pb_calloc(most, sizeof *mending->then);
    mending->now = pb_calloc(most, sizeof *mending->now);
    if (most && (!mending->then || !mending->now))
        return pb_fail_memory(mending->error, most * sizeof *mending->then);
    for (uint32_t node = 1; node < before->node_count; node++) {
        const uint32_t parts = pb_mixes_channels(&before->nodes[node]) ? pb_window_of(before, node).groups : 0;
        for (uint32_t part = 0; part < parts; part++) {
            const struct pb_consumer *piece = find_piece(mending, &(struct pb_consumer){.node = node, .part = part});
            if (!piece)
                continue;
            mending->then[mending->count] = *piece;
            mending->now[mending->count++] =
                (struct pb_consumer){.node = pb_graph_find(graph, before->nodes[node].name),
                                     .part = part,
                                     .input = pb_graph_find(graph, before->nodes[piece->input].name)};
        }
    }
    return PB_OK;
}

/* What the layers give now, beside what they gave: ‖now − earlier‖/‖earlier‖ for each. */
static enum pb_status measure(struct mending *mending, struct pb_repaired *repaired, bool after)
{
    enum pb_status status = pb_layer_rows_fill(mending->later, mending->now, mending->count, mending->network, ROWS,
                                               PB_ROWS_GIVEN, mending->calibration, mending->error);
    for (uint32_t l = 0; l < mending->count && status == PB_OK; l++) {
        const struct pb_layer_rows *earlier = &mending->earlier[l], *later = &mending->later[l];
        double difference = 0, whole = 0;
        for (size_t i = 0; i < later->count * later->outputs; i++) {
            const double then = (double)earlier->given[i], now = (double)later->given[i];
            difference += (now - then) * (now - then);
            whole += then * then;
        }
        *(after ? &repaired[l].error_after : &repaired[l].error_before) = whole > 0 ? sqrt(difference / whole) : 0;
        repaired[l].rows = later->count;
    }
    for (uint32_t l = 0; l < mending->count && status == PB_OK; l++)
        pb_layer_rows_free(&mending->later[l]);
    return status;
}

static enum pb_status repair_layers(struct mending *mending, struct pb_repaired *repaired)
{
    enum pb_status status = pb_layer_rows_fill(mending->earlier, mending->then, mending->count, mending->before, ROWS,
                                               PB_ROWS_GIVEN | PB_ROWS_SUMS, mending->calibration, mending->error);
    for (uint32_t l = 0; l < mending->count && status == PB_OK; l++) {
        const struct pb_kept_layer kept = kept_layer(mending, l);
        pb_consumer_name(mending->network->graph, &mending->now[l], repaired[l].name);
        repaired[l].without_bias = !pb_network_values(mending->network, mending->now[l].node, PB_ROLE_BIAS);
        if (mending->earlier[l].outputs != kept.outputs)
            status = pb_layer_rows_keep(&mending->earlier[l], &kept, mending->error);
    }
    if (status == PB_OK)
        status = measure(mending, repaired, false);
    for (uint32_t l = 0; l < mending->count && status == PB_OK; l++)
        status = repair_layer(mending, l);
    return status == PB_OK ? measure(mending, repaired, true) : status;
}

static enum pb_status open_mending(struct mending *mending)
{
    enum pb_status status = pb_channel_groups_find(mending->before->graph, &mending->groups, mending->error);
    if (status == PB_OK)
        status = pb_channel_groups_find(mending->network->graph, &mending->left, mending->error);
    if (status == PB_OK)
        status = pb_consumers_find(mending->before, &mending->groups, &mending->pieces, mending->error);
    if (status == PB_OK)
        status = choose_layers(mending);
    if (status != PB_OK)
        return status;
    mending->earlier = pb_calloc(mending->count, sizeof *mending->earlier);
    mending->later = pb_calloc(mending->count, sizeof *mending->later);
    return mending->earlier && mending->later ? PB_OK
                                              : pb_fail_memory(mending->error, mending->count * sizeof *mending->later);
}

static void close_mending(struct mending *mending)
{
    for (uint32_t l = 0; l < mending->count && mending->earlier && mending->later; l++) {
        pb_layer_rows_free(&mending->earlier[l]);
        pb_layer_rows_free(&mending->later[l]);
    }
    pb_free(mending->earlier);
    pb_free(mending->later);
    pb_free(mending->then);
    pb_free(mending->now);
    pb_consumers_free(&mending->pieces);
    pb_channel_groups_free(&mending->left);
    pb_channel_groups_free(&mending->groups);
}

enum pb_status pb_repair_by_means(const struct pb_network *before, struct pb_network *network,
                                  const struct pb_calibration *calibration, struct pb_repaired **repaired,
                                  uint32_t *count, struct pb_error *error)
{
    struct mending mending = {.before = before, .network = network, .calibration = calibration, .error = error};
    struct pb_repaired *rows = NULL;
    enum pb_status status = open_mending(&mending);
    if (status == PB_OK) {
        rows = pb_calloc(mending.count, sizeof *rows);
        status = rows ? PB_OK : pb_fail_memory(error, mending.count * sizeof *rows);
    }
    if (status == PB_OK && mending.count)
        status = repair_layers(&mending, rows);
    if (status == PB_OK) {
        *repaired = rows;
        *count = mending.count;
    } else {
        pb_free(rows);
    }
    close_mending(&mending);
    return status;
}
