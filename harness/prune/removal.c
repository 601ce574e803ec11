/* The order in which channels would go. */
#include "prune/removal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "prune/normalise.h"

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_score_in_layer(const void *a, const void *b)
{
    const struct pb_candidate *x = a, *y = b;
    if (x->masked != y->masked)
        return x->masked ? -1 : 1;
    const int scores = compare(x->score, y->score), raws = compare(x->raw, y->raw);
    if (scores)
        return scores;
    return raws ? raws : (x->channel > y->channel) - (x->channel < y->channel);
}

static int by_key(const void *a, const void *b)
{
    const struct pb_candidate *x = a, *y = b;
    if (x->masked != y->masked)
        return x->masked ? -1 : 1;
    const int keys = compare(x->key, y->key);
    if (keys)
        return keys;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static const char *layer_name(const struct pb_network *network, const struct pb_channel_groups *groups, uint32_t group)
{
    return network->graph->nodes[groups->groups[group].producers[0]].name;
}

static enum pb_status rank_layer(const struct pb_network *network, const struct pb_channel_groups *groups,
                                 const struct pb_scores *scores, const struct pb_ranking *ranking, uint32_t group,
                                 struct pb_candidate *layer, struct pb_error *error)
{
    const uint32_t channels = groups->groups[group].channels;
    const uint32_t original = network->original_widths[group];
    double *normalised = pb_calloc(channels, sizeof(*normalised));
    if (!normalised)
        return pb_fail_memory(error, channels * sizeof(*normalised));
    const enum pb_status status = pb_normalise_scores(ranking->normalise, layer_name(network, groups, group),
                                                      scores->values[group], channels, normalised, error);
    for (uint32_t c = 0; c < channels && status == PB_OK; c++)
        layer[c] = (struct pb_candidate){.score = normalised[c],
                                         .raw = scores->values[group][c],
                                         .group = group,
                                         .channel = c,
                                         .masked = ranking->masked && !ranking->masked->keep[group][c]};
    pb_free(normalised);
    if (status != PB_OK)
        return status;
    qsort(layer, channels, sizeof(*layer), by_score_in_layer);
    for (uint32_t k = 0; k < channels; k++) {
        layer[k].rank = k;
        layer[k].key = ranking->scope == PB_SCOPE_GLOBAL ? layer[k].score
                                                         : (double)(original - channels + k + 1) / (double)original;
    }
    return PB_OK;
}

static enum pb_status check_scores(const struct pb_network *network, const struct pb_channel_groups *groups,
                                   const struct pb_scores *scores, struct pb_error *error)
{
    if (scores->group_count != groups->count || network->group_count != groups->count)
        return pb_fail(error, PB_ERROR_RUN, "there are scores for %u layers, but the network has %u",
                       scores->group_count, groups->count);
    for (uint32_t g = 0; g < groups->count; g++) {
        if (scores->channels[g] != groups->groups[g].channels)
            return pb_fail(error, PB_ERROR_RUN, "layer '%s' has %u channels, but %u scores",
                           layer_name(network, groups, g), groups->groups[g].channels, scores->channels[g]);
        for (uint32_t c = 0; c < scores->channels[g]; c++)
            if (!isfinite(scores->values[g][c]))
                return pb_fail(error, PB_ERROR_RUN, "layer '%s', channel %u: the score %g is not finite",
                               layer_name(network, groups, g), c, scores->values[g][c]);
    }
    return PB_OK;
}

enum pb_status pb_removal_order_create(const struct pb_network *network, const struct pb_channel_groups *groups,
                                       const struct pb_scores *scores, const struct pb_ranking *ranking,
                                       struct pb_removal_order *order, struct pb_error *error)
{
    struct pb_removal_order created = {.group_count = groups->count};
    enum pb_status status = check_scores(network, groups, scores, error);
    if (status != PB_OK)
        return status;
    for (uint32_t g = 0; g < groups->count; g++)
        created.count += groups->groups[g].channels;
    created.candidates = pb_calloc(created.count, sizeof(*created.candidates));
    created.layers = pb_calloc(groups->count, sizeof(struct pb_candidate *));
    if (!created.candidates || !created.layers) {
        status = pb_fail_memory(error, created.count * sizeof(*created.candidates));
        goto cleanup;
    }
    uint32_t next = 0;
    for (uint32_t g = 0; g < groups->count && status == PB_OK; g++) {
        const uint32_t channels = groups->groups[g].channels;
        created.layers[g] = pb_calloc(channels, sizeof(**created.layers));
        if (!created.layers[g]) {
            status = pb_fail_memory(error, channels * sizeof(**created.layers));
            goto cleanup;
        }
        status = rank_layer(network, groups, scores, ranking, g, created.layers[g], error);
        memcpy(created.candidates + next, created.layers[g], channels * sizeof(*created.candidates));
        next += channels;
    }
    if (next)
        qsort(created.candidates, next, sizeof(*created.candidates), by_key);
cleanup:
    if (status == PB_OK)
        *order = created;
    else
        pb_removal_order_free(&created);
    return status;
}

void pb_removal_order_free(struct pb_removal_order *order)
{
    for (uint32_t g = 0; order->layers && g < order->group_count; g++)
        pb_free(order->layers[g]);
    pb_free(order->layers);
    pb_free(order->candidates);
    *order = (struct pb_removal_order){0};
}
