/* Targets by threshold: the scores alone say how many channels go. */
#include "prune/threshold.h"

#include <inttypes.h>

enum { GAP_MOST = 10 }; /* bins between 0 and a gap */

/* One target at work. */
struct thresholds {
    const struct pb_removal_order *order;
    const struct pb_network *network;
    const struct pb_channel_groups *groups;
    struct pb_target target;
    struct pb_error *error;
};

bool pb_is_threshold(uint32_t measure)
{
    return measure == PB_MEASURE_THRESHOLD || measure == PB_MEASURE_GAP;
}

static const char *layer_of(const struct thresholds *thresholds, uint32_t group)
{
    return thresholds->network->graph->nodes[thresholds->groups->groups[group].producers[0]].name;
}

static uint32_t channels_of(const struct thresholds *thresholds, uint32_t group)
{
    return thresholds->groups->groups[group].channels;
}

static uint32_t count_below(const struct thresholds *thresholds, uint32_t group, double limit)
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < channels_of(thresholds, group); k++) {
        const struct pb_candidate *channel = &thresholds->order->layers[group][k];
        count += channel->masked || channel->score < limit;
    }
    return count;
}

/* Of the groups from first to last: the valley of their histogram. */
static enum pb_status find_gap(const struct thresholds *thresholds, uint32_t first, uint32_t last, double *limit)
{
    const double width = thresholds->target.amount;
    uint32_t bins[GAP_MOST + 2] = {0};
    for (uint32_t g = first; g <= last; g++)
        for (uint32_t k = 0; k < channels_of(thresholds, g); k++) {
            const struct pb_candidate *channel = &thresholds->order->layers[g][k];
            if (channel->score < 0)
                return pb_fail(thresholds->error, PB_ERROR_RUN,
                               "layer '%s', channel %" PRIu32 ": the score %g is negative, and the histogram of "
                               "measure=\"gap\" begins at 0; choose another criterion or another measure",
                               layer_of(thresholds, g), channel->channel, channel->score);
            for (uint32_t bin = 0; bin < GAP_MOST + 2; bin++)
                bins[bin] += channel->score >= bin * width && channel->score < (bin + 1) * width;
        }
    for (uint32_t bin = 1; bin <= GAP_MOST; bin++)
        if (bins[bin] <= bins[bin - 1] && bins[bin] <= bins[bin + 1]) {
            *limit = bin * width;
            return PB_OK;
        }
    return pb_fail(
        thresholds->error, PB_ERROR_RUN,
        "the scores of %s%s%s have no gap: of their histogram's bins, %g wide, none of the first %d has fewer "
        "channels than its neighbours; train with a penalty that separates scores, or set another width",
        first == last ? "layer '" : "all layers", first == last ? layer_of(thresholds, first) : "",
        first == last ? "'" : "", width, GAP_MOST);
}

static enum pb_status fail_above(const struct thresholds *thresholds, double limit)
{
    const struct pb_candidate *lowest = &thresholds->order->layers[0][0];
    for (uint32_t g = 0; g < thresholds->groups->count; g++)
        for (uint32_t k = 0; k < channels_of(thresholds, g); k++)
            if (thresholds->order->layers[g][k].score < lowest->score)
                lowest = &thresholds->order->layers[g][k];
    return pb_fail(thresholds->error, PB_ERROR_RUN,
                   "no channel has a score below the threshold %g%s: the lowest is %g (layer '%s', channel %" PRIu32
                   "); raise it, or train with a penalty that makes scores small",
                   limit, thresholds->target.measure == PB_MEASURE_GAP ? ", where the gap is" : "", lowest->score,
                   layer_of(thresholds, lowest->group), lowest->channel);
}

enum pb_status pb_threshold_counts(const struct pb_removal_order *order, const struct pb_network *network,
                                   const struct pb_channel_groups *groups, const struct pb_ranking *ranking,
                                   struct pb_target target, uint32_t *counts, struct pb_error *error)
{
    const struct thresholds thresholds = {order, network, groups, target, error};
    const bool per_layer = ranking->scope == PB_SCOPE_LAYER;
    double limit = target.amount;
    uint32_t all = 0;
    for (uint32_t g = 0; g < groups->count; g++) {
        enum pb_status status = PB_OK;
        if (target.measure == PB_MEASURE_GAP && (g == 0 || per_layer))
            status = find_gap(&thresholds, g, per_layer ? g : groups->count - 1, &limit);
        if (status != PB_OK)
            return status;
        counts[g] = count_below(&thresholds, g, limit);
        all += counts[g];
    }
    return all ? PB_OK : fail_above(&thresholds, limit);
}
