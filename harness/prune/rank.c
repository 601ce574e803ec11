/* Choosing what stays: how far down the order of removal to go, with the floor, rounding and the target's measure. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/build.h"
#include "graph/cost.h"
#include "prune/allocation.h"
#include "prune/permute.h"
#include "prune/prune.h"
#include "prune/removal.h"
#include "prune/threshold.h"

/* One ranking at work. A choice is a number of channels per layer: the lowest asked[g] of layer g are to go. */
struct rank {
    const struct pb_network *network;
    const struct pb_channel_groups *groups;
    const struct pb_ranking *ranking;
    struct pb_target target;
    const struct pb_original *original;
    struct pb_removal_order order;
    uint32_t *asked; /* per group, before the floor and rounding */
    uint32_t *kept; /* per group, after them */
    struct pb_error *error;
};

static uint32_t width(const struct rank *rank, uint32_t group)
{
    return rank->groups->groups[group].channels;
}

/* Channels that go with one of the group. */
static uint32_t repeats(const struct rank *rank, uint32_t group)
{
    return rank->groups->groups[group].repeats;
}

static uint32_t floor_of(const struct rank *rank, uint32_t group)
{
    const uint32_t asked = rank->ranking->floor ? rank->ranking->floor : 1;
    const uint32_t least = (asked - 1) / repeats(rank, group) + 1;
    return least < width(rank, group) ? least : width(rank, group);
}

/* What a layer keeps is a multiple of this, so that with its repetitions it is one of round_to. */
static uint32_t multiple_of(const struct rank *rank, uint32_t group)
{
    uint64_t multiple = 1;
    while (rank->ranking->round_to && multiple * repeats(rank, group) % rank->ranking->round_to)
        multiple++;
    return (uint32_t)multiple;
}

/* What layer g keeps when the lowest asked are to go. */
static uint32_t kept_of(const struct rank *rank, uint32_t group, uint32_t asked)
{
    const uint32_t channels = width(rank, group), least = floor_of(rank, group);
    const uint32_t multiple = multiple_of(rank, group);
    const uint32_t left = channels - asked > least ? channels - asked : least;
    const uint64_t rounded = ((uint64_t)left + multiple - 1) / multiple * multiple;
    return rounded < channels ? (uint32_t)rounded : channels;
}

static void settle(struct rank *rank)
{
    for (uint32_t g = 0; g < rank->groups->count; g++)
        rank->kept[g] = kept_of(rank, g, rank->asked[g]);
}

static void ask_prefix(struct rank *rank, uint32_t length)
{
    memset(rank->asked, 0, rank->groups->count * sizeof(*rank->asked));
    for (uint32_t i = 0; i < length; i++)
        rank->asked[rank->order.candidates[i].group]++;
    settle(rank);
}

static uint64_t original_measure(const struct rank *rank)
{
    switch ((enum pb_measure)rank->target.measure) {
    case PB_MEASURE_PARAMETERS:
        return rank->original->params;
    case PB_MEASURE_MACS:
        return rank->original->macs;
    default:
        return rank->original->channels;
    }
}

/* Of the network that the current choice would leave. */
static enum pb_status measure(const struct rank *rank, uint64_t *value)
{
    if (rank->target.measure != PB_MEASURE_PARAMETERS && rank->target.measure != PB_MEASURE_MACS) {
        *value = 0;
        for (uint32_t g = 0; g < rank->groups->count; g++)
            *value += (uint64_t)rank->kept[g] * repeats(rank, g);
        return PB_OK;
    }
    struct pb_graph *shrunk = NULL;
    const enum pb_status status = pb_graph_shrink(rank->network->graph, rank->groups, rank->kept, &shrunk, rank->error);
    if (status != PB_OK)
        return status;
    const struct pb_cost cost = pb_graph_cost(shrunk);
    *value = rank->target.measure == PB_MEASURE_PARAMETERS ? cost.params : cost.macs;
    pb_graph_free(&shrunk);
    return PB_OK;
}

/* What the target leaves of the unpruned network. */
static uint64_t allowed(const struct rank *rank)
{
    const uint64_t original = original_measure(rank);
    const double removed = (double)original * rank->target.amount;
    if (rank->target.measure == PB_MEASURE_CHANNELS)
        return original - (uint64_t)round(removed);
    /* The tolerance forgives the rounding of original·amount, not a whole parameter. */
    return (uint64_t)floor(((double)original - removed) * (1 + 0x1p-50));
}

/* The shortest prefix of the order that meets the target, or all of it where the floor forbids to meet it. */
static enum pb_status search(struct rank *rank, uint32_t *length)
{
    const uint64_t limit = allowed(rank);
    uint32_t low = 0, high = rank->order.count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        uint64_t value;
        ask_prefix(rank, middle);
        const enum pb_status status = measure(rank, &value);
        if (status != PB_OK)
            return status;
        if (value <= limit)
            high = middle;
        else
            low = middle + 1;
    }
    *length = low;
    return PB_OK;
}

/* threshold = sorted[int(N·p)], strictly greater stay: int(N·p) + 1 of the original N channels are gone, ties too. */
static uint32_t threshold_count(uint64_t original, uint32_t now, double amount)
{
    const uint64_t gone = original - now, asked = (uint64_t)((double)original * amount) + 1;
    if (asked <= gone)
        return 0;
    return asked - gone < now ? (uint32_t)(asked - gone) : now;
}

static uint32_t exact_count(uint64_t original, uint32_t now, double amount)
{
    const uint64_t gone = original - now, asked = (uint64_t)round((double)original * amount);
    if (asked <= gone)
        return 0;
    return asked - gone < now ? (uint32_t)(asked - gone) : now;
}

static bool by_threshold(const struct rank *rank)
{
    return rank->ranking->count == PB_COUNT_THRESHOLD;
}

/* How much of the order threshold_count's channels are. */
static uint32_t threshold_length(const struct rank *rank)
{
    uint32_t left = threshold_count(rank->original->channels, rank->groups->total, rank->target.amount), length = 0;
    for (; left > 0; length++) {
        const uint32_t channels = repeats(rank, rank->order.candidates[length].group);
        left -= channels < left ? channels : left;
    }
    return length;
}

/* One threshold for all layers. */
static enum pb_status choose_globally(struct rank *rank, uint32_t *length)
{
    const struct pb_candidate *order = rank->order.candidates;
    enum pb_status status = PB_OK;
    if (by_threshold(rank) && rank->target.measure == PB_MEASURE_CHANNELS)
        *length = threshold_length(rank);
    else
        status = search(rank, length);
    while (status == PB_OK && by_threshold(rank) && *length && *length < rank->order.count &&
           order[*length].score == order[*length - 1].score)
        ++*length;
    if (status == PB_OK)
        ask_prefix(rank, *length);
    return status;
}

/* A threshold per layer: the same share of every layer goes. */
static enum pb_status choose_per_layer(struct rank *rank)
{
    if (rank->target.measure != PB_MEASURE_CHANNELS) {
        uint32_t length;
        const enum pb_status status = search(rank, &length);
        if (status != PB_OK)
            return status;
        ask_prefix(rank, length);
    }
    for (uint32_t g = 0; g < rank->groups->count; g++) {
        const struct pb_candidate *layer = rank->order.layers[g];
        const uint32_t original = rank->network->original_widths[g], now = width(rank, g);
        if (rank->target.measure == PB_MEASURE_CHANNELS)
            rank->asked[g] = by_threshold(rank) ? threshold_count(original, now, rank->target.amount)
                                                : exact_count(original, now, rank->target.amount);
        while (by_threshold(rank) && rank->asked[g] && rank->asked[g] < now &&
               layer[rank->asked[g]].score == layer[rank->asked[g] - 1].score)
            rank->asked[g]++;
    }
    settle(rank);
    return PB_OK;
}

static enum pb_status fill_keep(const struct rank *rank, struct pb_keep *keep)
{
    if (rank->ranking->permute)
        return pb_permute_keep(rank->network, rank->groups, rank->ranking, rank->kept, keep, rank->error);
    for (uint32_t g = 0; g < rank->groups->count; g++)
        for (uint32_t k = 0; k < width(rank, g); k++)
            keep->keep[g][rank->order.layers[g][k].channel] = k >= width(rank, g) - rank->kept[g];
    return PB_OK;
}

/* Whatever scores below the target's threshold. */
static enum pb_status choose_below(struct rank *rank, uint32_t *length)
{
    const enum pb_status status = pb_threshold_counts(&rank->order, rank->network, rank->groups, rank->ranking,
                                                      rank->target, rank->asked, rank->error);
    for (uint32_t g = 0; g < rank->groups->count; g++)
        *length += rank->asked[g];
    settle(rank);
    return status;
}

/* What the layers keep of total, before the floor and rounding. */
static void ask_allotted(struct rank *rank, struct pb_allotment *layers, uint64_t total)
{
    pb_allot(layers, rank->groups->count, total);
    for (uint32_t g = 0; g < rank->groups->count; g++)
        rank->asked[g] = width(rank, g) - (uint32_t)layers[g].kept;
    settle(rank);
}

/* As many channels of each layer as the allocation gives it of the largest total that meets the target. */
static enum pb_status choose_by_allocation(struct rank *rank)
{
    const uint32_t count = rank->groups->count;
    const uint64_t limit = allowed(rank);
    uint64_t low = 0, high = rank->order.count, value = 0;
    struct pb_allotment *layers = pb_calloc(count, sizeof *layers);
    if (!layers)
        return pb_fail_memory(rank->error, count * sizeof *layers);
    pb_allotments_of_groups(rank->ranking, rank->network, rank->groups, layers);
    enum pb_status status = PB_OK;
    while (status == PB_OK && low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        ask_allotted(rank, layers, middle);
        status = measure(rank, &value);
        if (value <= limit)
            low = middle;
        else
            high = middle - 1;
    }
    ask_allotted(rank, layers, low);
    if (status == PB_OK)
        status = measure(rank, &value);
    if (status == PB_OK)
        status = pb_allotments_check(rank->ranking, layers, count, value <= limit, "channels", rank->error);
    pb_free(layers);
    return status;
}

/* The score that the choice was cut at: of all layers, or of layer g alone. NaN where nothing was to go. */
static double threshold_of(const struct rank *rank, uint32_t length, uint32_t group)
{
    if (rank->ranking->scope == PB_SCOPE_GLOBAL)
        return length ? rank->order.candidates[length - 1].score : NAN;
    return rank->asked[group] ? rank->order.layers[group][rank->asked[group] - 1].score : NAN;
}

static void fill_layers(const struct rank *rank, uint32_t length, struct pb_pruning *pruning)
{
    bool cut = false;
    for (uint32_t g = 0; g < rank->groups->count; g++) {
        struct pb_layer_pruning *layer = &pruning->layers[g];
        const double threshold = threshold_of(rank, length, g);
        const uint32_t most = width(rank, g) - floor_of(rank, g);
        layer->threshold = threshold;
        layer->before = width(rank, g);
        layer->after = rank->kept[g];
        layer->floored = rank->asked[g] > most ? rank->asked[g] - most : 0;
        for (uint32_t k = 0; k < layer->before; k++)
            layer->ties += rank->order.layers[g][k].score == threshold;
        pruning->floored += layer->floored * repeats(rank, g);
        if (!isnan(threshold) && (!cut || threshold > pruning->threshold))
            pruning->threshold = threshold;
        cut = cut || !isnan(threshold);
    }
}

static enum pb_status fill_pruning(const struct rank *rank, uint32_t length, struct pb_pruning *pruning)
{
    uint64_t now;
    enum pb_status status = measure(rank, &now);
    if (status != PB_OK)
        return status;
    pruning->layers = pb_calloc(rank->groups->count, sizeof(*pruning->layers));
    if (rank->groups->count && !pruning->layers)
        return pb_fail_memory(rank->error, rank->groups->count * sizeof(*pruning->layers));
    pruning->group_count = rank->groups->count;
    status = pb_keep_create(rank->groups, &pruning->keep, rank->error);
    if (status != PB_OK)
        return status;
    fill_layers(rank, length, pruning);
    pruning->requested = pb_is_threshold(rank->target.measure) ? (double)NAN : rank->target.amount;
    pruning->achieved = 1 - (double)now / (double)original_measure(rank);
    return fill_keep(rank, &pruning->keep);
}

static enum pb_status check_request(const struct rank *rank)
{
    const bool threshold = pb_is_threshold(rank->target.measure);
    if (threshold && !(rank->target.amount > 0 && isfinite(rank->target.amount)))
        return pb_fail(rank->error, PB_ERROR_INPUT, "a threshold of %g was asked for; it must be above 0",
                       rank->target.amount);
    if (!threshold && !(rank->target.amount >= 0 && rank->target.amount < 1))
        return pb_fail(rank->error, PB_ERROR_INPUT,
                       "a target of %g removes more than there is; it must be from 0 to "
                       "below 1",
                       rank->target.amount);
    if (!threshold && rank->target.measure > PB_MEASURE_MACS)
        return pb_fail(rank->error, PB_ERROR_INPUT, "target measure %u is not known", rank->target.measure);
    if (!rank->groups->count)
        return pb_fail(rank->error, PB_ERROR_INPUT, "model '%s' has no channels that can be removed",
                       rank->network->graph->model);
    const struct pb_cost cost = pb_graph_cost(rank->network->graph);
    if (rank->original->channels < rank->groups->total || rank->original->params < cost.params ||
        rank->original->macs < cost.macs)
        return pb_fail(rank->error, PB_ERROR_RUN, "the network is larger than the one it was pruned from");
    return PB_OK;
}

/* How the counts of a ranking are found. */
typedef enum pb_status (*choose_function)(struct rank *rank, const uint32_t *channels, uint32_t *length);

static enum pb_status choose_by_target(struct rank *rank, const uint32_t *channels, uint32_t *length)
{
    (void)channels;
    settle(rank);
    if (rank->target.amount == 0)
        return PB_OK;
    if (pb_is_threshold(rank->target.measure))
        return choose_below(rank, length);
    if (rank->ranking->allocation != PB_ALLOCATION_SCOPE)
        return choose_by_allocation(rank);
    return rank->ranking->scope == PB_SCOPE_GLOBAL ? choose_globally(rank, length) : choose_per_layer(rank);
}

static enum pb_status choose_given(struct rank *rank, const uint32_t *channels, uint32_t *length)
{
    (void)length;
    for (uint32_t g = 0; g < rank->groups->count; g++) {
        rank->asked[g] = width(rank, g) - channels[g];
        rank->kept[g] = channels[g];
    }
    return PB_OK;
}

static enum pb_status rank_with(struct rank *rank, const struct pb_scores *scores, choose_function choose,
                                const uint32_t *channels, struct pb_pruning *pruning)
{
    const uint32_t groups = rank->groups->count;
    struct pb_pruning created = {0};
    uint32_t length = 0;
    enum pb_status status =
        pb_removal_order_create(rank->network, rank->groups, scores, rank->ranking, &rank->order, rank->error);
    if (status != PB_OK)
        return status;
    rank->asked = pb_calloc(groups, sizeof(*rank->asked));
    rank->kept = pb_calloc(groups, sizeof(*rank->kept));
    if (!rank->asked || !rank->kept)
        status = pb_fail_memory(rank->error, groups * sizeof(*rank->kept));
    if (status == PB_OK)
        status = choose(rank, channels, &length);
    if (status == PB_OK)
        status = fill_pruning(rank, length, &created);
    pb_removal_order_free(&rank->order);
    pb_free(rank->asked);
    pb_free(rank->kept);
    if (status == PB_OK)
        *pruning = created;
    else
        pb_pruning_free(&created);
    return status;
}

enum pb_status pb_rank(const struct pb_network *network, const struct pb_channel_groups *groups,
                       const struct pb_scores *scores, const struct pb_ranking *ranking, struct pb_target target,
                       const struct pb_original *original, struct pb_pruning *pruning, struct pb_error *error)
{
    struct rank rank = {.network = network,
                        .groups = groups,
                        .ranking = ranking,
                        .target = target,
                        .original = original,
                        .error = error};
    const enum pb_status status = check_request(&rank);
    return status == PB_OK ? rank_with(&rank, scores, choose_by_target, NULL, pruning) : status;
}

static enum pb_status check_channels(const struct rank *rank, const uint32_t *channels, uint32_t count, uint32_t *total)
{
    *total = 0;
    if (count != rank->groups->count)
        return pb_fail(rank->error, PB_ERROR_RUN,
                       "the schedule gave channels for %" PRIu32 " groups; the network has %" PRIu32, count,
                       rank->groups->count);
    for (uint32_t g = 0; g < count; g++) {
        if (channels[g] == 0 || channels[g] > width(rank, g))
            return pb_fail(
                rank->error, PB_ERROR_RUN,
                "the schedule asked for %" PRIu32 " channels in group %" PRIu32 " ('%s'), which has %" PRIu32,
                channels[g], g, rank->network->graph->nodes[rank->groups->groups[g].producers[0]].name, width(rank, g));
        *total += channels[g] * repeats(rank, g);
    }
    if (*total == rank->groups->total)
        return pb_fail(rank->error, PB_ERROR_RUN, "the schedule asked for the channels that every group has already");
    return PB_OK;
}

enum pb_status pb_rank_to(const struct pb_network *network, const struct pb_channel_groups *groups,
                          const struct pb_scores *scores, const struct pb_ranking *ranking, const uint32_t *channels,
                          uint32_t count, const struct pb_original *original, struct pb_pruning *pruning,
                          struct pb_error *error)
{
    /* Scores are compared within a group alone, and what is asked for is neither raised to a floor nor rounded. */
    struct pb_ranking own = *ranking;
    own.scope = PB_SCOPE_LAYER;
    own.floor = own.round_to = 1;
    struct rank rank = {.network = network, .groups = groups, .ranking = &own, .original = original, .error = error};
    uint32_t total;
    enum pb_status status = check_channels(&rank, channels, count, &total);
    if (status != PB_OK)
        return status;
    rank.target = (struct pb_target){.size = sizeof rank.target,
                                     .measure = PB_MEASURE_CHANNELS,
                                     .amount = 1 - (double)total / (double)original->channels};
    status = check_request(&rank);
    return status == PB_OK ? rank_with(&rank, scores, choose_given, channels, pruning) : status;
}

void pb_pruning_free(struct pb_pruning *pruning)
{
    pb_keep_free(&pruning->keep);
    pb_free(pruning->layers);
    *pruning = (struct pb_pruning){0};
}
