/* Removing channels: for show (masks), for real (compaction), and with their earlier values (rewinding). */
#include <string.h>

#include "base/memory.h"
#include "graph/build.h"
#include "graph/network.h"
#include "graph/op_table.h"

/* Of one node's output: which channels stay, in order. */
struct kept {
    uint32_t *index;
    uint32_t count;
};

static uint32_t kept_channels(const struct pb_keep *keep, uint32_t group, uint32_t channels)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < channels; c++)
        count += keep->keep[group][c];
    return count;
}

static bool segment_stays(const struct pb_node_channels *channels, const struct pb_keep *keep, uint32_t c)
{
    uint32_t i = 0;
    for (; c >= channels->segments[i].channels; i++)
        c -= channels->segments[i].channels;
    const uint32_t group = channels->segments[i].group;
    return group == PB_NO_GROUP || keep->keep[group][c];
}

/* Whether channel c of node's output stays; a pair stays when both of its channels do. */
static bool stays(const struct pb_channel_groups *groups, const struct pb_keep *keep, uint32_t node, uint32_t c)
{
    const struct pb_node_channels *channels = &groups->nodes[node];
    if (channels->pairs == PB_PAIRS_NONE)
        return segment_stays(channels, keep, c);
    uint32_t width = channels->segments[0].channels, row = 0;
    for (uint32_t i = 1; i < channels->count; i++)
        width += channels->segments[i].channels;
    if (channels->pairs == PB_PAIRS_ALL)
        return segment_stays(channels, keep, c / width) && segment_stays(channels, keep, c % width);
    for (; c >= width - row; row++)
        c -= width - row;
    return segment_stays(channels, keep, row) && segment_stays(channels, keep, row + c);
}

static enum pb_status find_kept(const struct pb_graph *graph, const struct pb_channel_groups *groups,
                                const struct pb_keep *keep, struct kept *kept, struct pb_error *error)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const uint32_t channels = graph->nodes[i].shape.channels;
        kept[i].index = pb_calloc(channels, sizeof(*kept[i].index));
        if (!kept[i].index)
            return pb_fail_memory(error, channels * sizeof(*kept[i].index));
        for (uint32_t c = 0; c < channels; c++)
            if (stays(groups, keep, i, c))
                kept[i].index[kept[i].count++] = c;
    }
    return PB_OK;
}

/* A parameter seen as rows (outputs) × middle (positions) × columns (inputs); vectors have one column. */
struct cut {
    const struct kept *rows, *columns; /* NULL: all of them */
    size_t row_count, middle, column_count;
    size_t columns_kept; /* the first of `columns`: a filter of a grouped convolution reads a part of the input */
};

static size_t rows_of(const struct cut *cut)
{
    return cut->rows ? cut->rows->count : cut->row_count;
}

static size_t row_at(const struct cut *cut, size_t row)
{
    return cut->rows ? cut->rows->index[row] : row;
}

static void copy_cut(const struct cut *cut, const float *from, float *to)
{
    for (size_t row = 0; row < rows_of(cut); row++) {
        for (size_t m = 0; m < cut->middle; m++) {
            const float *source = from + (row_at(cut, row) * cut->middle + m) * cut->column_count;
            for (size_t column = 0; column < cut->columns_kept; column++)
                *to++ = source[cut->columns ? cut->columns->index[column] : column];
        }
    }
}

/* The bits of what copy_cut copies. */
static void copy_mask_cut(const struct cut *cut, const unsigned char *from, unsigned char *to)
{
    size_t next = 0;
    for (size_t row = 0; row < rows_of(cut); row++) {
        for (size_t m = 0; m < cut->middle; m++) {
            const size_t source = (row_at(cut, row) * cut->middle + m) * cut->column_count;
            for (size_t column = 0; column < cut->columns_kept; column++, next++)
                if (pb_mask_has(from, source + (cut->columns ? cut->columns->index[column] : column)))
                    pb_mask_add(to, next);
        }
    }
}

static struct cut cut_of(const struct pb_graph *graph, const struct pb_parameter *parameter, const struct kept *kept)
{
    const struct pb_weight_axes axes = pb_weight_axes_of(graph, parameter);
    struct cut cut = {.rows = axes.rows_are_fixed ? NULL : &kept[parameter->node],
                      .row_count = parameter->dims[0],
                      .middle = (size_t)axes.height * axes.width,
                      .column_count = axes.channels,
                      .columns_kept = axes.channels};
    if (axes.columns_of != PB_NO_NODE) {
        const uint32_t parts = graph->nodes[axes.columns_of].shape.channels / axes.channels;
        cut.columns = &kept[axes.columns_of];
        cut.columns_kept = cut.columns->count / parts;
    }
    return cut;
}

static void copy_parameters(const struct pb_network *from, struct pb_network *to, const struct kept *kept)
{
    for (uint32_t i = 0; i < from->graph->parameter_count; i++) {
        const struct cut cut = cut_of(from->graph, &from->graph->parameters[i], kept);
        const size_t source = from->graph->parameters[i].offset, target = to->graph->parameters[i].offset;
        copy_cut(&cut, from->values + source, to->values + target);
        if (from->velocity)
            copy_cut(&cut, from->velocity + source, to->velocity + target);
    }
}

static enum pb_status copy_masks(const struct pb_network *from, struct pb_network *to, const struct kept *kept,
                                 struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < from->graph->parameter_count && status == PB_OK; i++) {
        const unsigned char *mask = pb_weight_mask(from, i);
        const struct cut cut = cut_of(from->graph, &from->graph->parameters[i], kept);
        unsigned char *copy = NULL;
        if (!mask)
            continue;
        status = pb_network_need_mask(to, i, &copy, error);
        if (status == PB_OK)
            copy_mask_cut(&cut, mask, copy);
    }
    return status;
}

static void copy_origin(const struct pb_network *from, struct pb_network *to, const struct pb_channel_groups *groups,
                        const struct pb_keep *keep)
{
    for (uint32_t g = 0; g < groups->count; g++) {
        uint32_t next = 0;
        to->original_widths[g] = from->original_widths[g];
        for (uint32_t c = 0; c < groups->groups[g].channels; c++)
            if (keep->keep[g][c])
                to->origin[g][next++] = from->origin[g][c];
    }
}

enum pb_status pb_graph_shrink(const struct pb_graph *graph, const struct pb_channel_groups *groups,
                               const uint32_t *kept, struct pb_graph **shrunk, struct pb_error *error)
{
    uint32_t *channels = pb_calloc(graph->node_count, sizeof(*channels));
    if (!channels)
        return pb_fail_memory(error, graph->node_count * sizeof(*channels));
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const uint32_t group = pb_node_group(groups, i);
        channels[i] = group == PB_NO_GROUP ? graph->nodes[i].shape.channels : kept[group] * pb_node_repeats(groups, i);
    }
    const enum pb_status status = pb_graph_rebuild(graph, channels, shrunk, error);
    pb_free(channels);
    return status;
}

/* Counts what stays of every group; none may be left empty. */
static enum pb_status count_kept(const struct pb_graph *graph, const struct pb_channel_groups *groups,
                                 const struct pb_keep *keep, uint32_t *counts, struct pb_error *error)
{
    if (keep->group_count != groups->count)
        return pb_fail(error, PB_ERROR_RUN, "the keep mask has %u groups, the network %u", keep->group_count,
                       groups->count);
    for (uint32_t g = 0; g < groups->count; g++) {
        counts[g] = kept_channels(keep, g, groups->groups[g].channels);
        if (!counts[g])
            return pb_fail(error, PB_ERROR_INPUT, "layer '%s' would be left without channels; keep at least one",
                           graph->nodes[groups->groups[g].producers[0]].name);
    }
    return PB_OK;
}

enum pb_status pb_network_compact(const struct pb_network *network, const struct pb_keep *keep,
                                  struct pb_network **compacted, struct pb_error *error)
{
    const struct pb_graph *graph = network->graph;
    struct pb_channel_groups groups = {0};
    struct pb_graph *shrunk = NULL;
    struct pb_network *created = NULL;
    struct kept *kept = pb_calloc(graph->node_count, sizeof(*kept));
    uint32_t *counts = pb_calloc(graph->node_count, sizeof(*counts)); /* groups are never more than nodes */
    enum pb_status status;
    if (!kept || !counts) {
        status = pb_fail_memory(error, graph->node_count * sizeof(*kept));
        goto cleanup;
    }
    status = pb_channel_groups_find(graph, &groups, error);
    if (status != PB_OK)
        goto cleanup;
    status = count_kept(graph, &groups, keep, counts, error);
    if (status != PB_OK)
        goto cleanup;
    status = find_kept(graph, &groups, keep, kept, error);
    if (status != PB_OK)
        goto cleanup;
    status = pb_graph_shrink(graph, &groups, counts, &shrunk, error);
    if (status != PB_OK)
        goto cleanup;
    status = pb_network_create(shrunk, &created, error);
    if (status == PB_OK && network->velocity)
        status = pb_network_need_velocity(created, error);
    if (status == PB_OK)
        status = copy_masks(network, created, kept, error);
    if (status != PB_OK)
        goto cleanup;
    copy_parameters(network, created, kept);
    copy_origin(network, created, &groups, keep);
    *compacted = created;
    created = NULL;
cleanup:
    for (uint32_t i = 0; kept && i < graph->node_count; i++)
        pb_free(kept[i].index);
    pb_free(kept);
    pb_free(counts);
    pb_network_free(&created);
    pb_channel_groups_free(&groups);
    return status;
}

static void zero_filters_of(struct pb_network *network, const struct pb_channel_groups *groups,
                            const struct pb_keep *keep, uint32_t node)
{
    const struct pb_parameter *weight =
        &network->graph->parameters[network->graph->nodes[node].parameters[PB_ROLE_WEIGHT]];
    const size_t filter = weight->count / weight->dims[0];
    float *weights = pb_network_values(network, node, PB_ROLE_WEIGHT);
    float *bias = pb_network_values(network, node, PB_ROLE_BIAS);
    for (uint32_t c = 0; c < weight->dims[0]; c++) {
        if (stays(groups, keep, node, c))
            continue;
        memset(weights + c * filter, 0, filter * sizeof(float));
        if (bias)
            bias[c] = 0;
    }
}

void pb_network_zero_filters(struct pb_network *network, const struct pb_channel_groups *groups,
                             const struct pb_keep *keep)
{
    for (uint32_t g = 0; g < groups->count; g++)
        for (uint32_t p = 0; p < groups->groups[g].producer_count; p++)
            zero_filters_of(network, groups, keep, groups->groups[g].producers[p]);
}

void pb_network_mask(struct pb_network *network, const struct pb_channel_groups *groups, const struct pb_keep *keep)
{
    for (uint32_t g = 0; g < groups->count; g++)
        for (uint32_t p = 0; p < groups->groups[g].producer_count; p++)
            if (groups->groups[g].norms[p] == UINT32_MAX)
                zero_filters_of(network, groups, keep, groups->groups[g].producers[p]);
    /* Every batch norm over a group's channels, also one behind an add: β − γμ/σ would come back to life. */
    for (uint32_t i = 0; i < network->graph->node_count; i++) {
        if (!pb_is_norm(&network->graph->nodes[i]))
            continue;
        float *gamma = pb_network_values(network, i, PB_ROLE_GAMMA),
              *beta = pb_network_values(network, i, PB_ROLE_BETA);
        for (uint32_t c = 0; c < network->graph->nodes[i].shape.channels; c++)
            if (!stays(groups, keep, i, c))
                gamma[c] = beta[c] = 0;
    }
}

/* Which of earlier's channels the network still has, by origin. */
static enum pb_status match_origins(const struct pb_network *network, const struct pb_channel_groups *now,
                                    const struct pb_network *earlier, const struct pb_channel_groups *then,
                                    struct pb_keep *keep, struct pb_error *error)
{
    if (then->count != now->count)
        return pb_fail(error, PB_ERROR_RUN, "cannot rewind: the earlier network has %u channel groups, this one %u",
                       then->count, now->count);
    for (uint32_t g = 0; g < now->count; g++) {
        uint32_t next = 0;
        for (uint32_t c = 0; c < then->groups[g].channels; c++) {
            keep->keep[g][c] = next < now->groups[g].channels && earlier->origin[g][c] == network->origin[g][next];
            next += keep->keep[g][c];
        }
        if (next != now->groups[g].channels || earlier->original_widths[g] != network->original_widths[g])
            return pb_fail(error, PB_ERROR_RUN,
                           "cannot rewind layer '%s': the earlier network does not have all of its channels",
                           network->graph->nodes[now->groups[g].producers[0]].name);
    }
    return PB_OK;
}

enum pb_status pb_network_rewind(struct pb_network *network, const struct pb_network *earlier, struct pb_error *error)
{
    struct pb_channel_groups now = {0}, then = {0};
    struct pb_keep keep = {0};
    struct pb_network *rewound = NULL;
    enum pb_status status = pb_channel_groups_find(network->graph, &now, error);
    if (status != PB_OK)
        goto cleanup;
    status = pb_channel_groups_find(earlier->graph, &then, error);
    if (status != PB_OK)
        goto cleanup;
    status = pb_keep_create(&then, &keep, error);
    if (status != PB_OK)
        goto cleanup;
    status = match_origins(network, &now, earlier, &then, &keep, error);
    if (status != PB_OK)
        goto cleanup;
    status = pb_network_compact(earlier, &keep, &rewound, error);
    if (status != PB_OK)
        goto cleanup;
    if (rewound->graph->value_count != network->graph->value_count) { // NOLINT(clang-analyzer-core.NullDereference)
        status = pb_fail(error, PB_ERROR_RUN, "cannot rewind: the earlier network is of another model");
        goto cleanup;
    }
    memcpy(network->values, rewound->values, network->graph->value_count * sizeof(float));
    pb_network_drop_velocity(network);
    pb_network_apply_masks(network);
cleanup:
    pb_network_free(&rewound);
    pb_keep_free(&keep);
    pb_channel_groups_free(&now);
    pb_channel_groups_free(&then);
    return status;
}
