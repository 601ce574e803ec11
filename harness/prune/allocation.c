/* Allocations: how much each layer keeps, before scores choose within it. */
#include "prune/allocation.h"

#include <inttypes.h>
#include <math.h>

const char *const pb_allocation_names[] = {"scope", "uniform", "uniform-plus", "erk", NULL};

/* The network's first convolution; PB_NO_NODE where it has none. */
static uint32_t first_convolution(const struct pb_graph *graph)
{
    for (uint32_t n = 0; n < graph->node_count; n++)
        if (graph->nodes[n].op == PB_OP_CONV2D)
            return n;
    return PB_NO_NODE;
}

/* A floor of 1 is not a wish but what is always so: an allocation that leaves a layer nothing is an error. */
static void set_bounds(uint32_t floor, struct pb_allotment *layer, uint64_t least, uint64_t most)
{
    if (floor > 1 && least < floor)
        least = floor;
    layer->most = most;
    layer->least = least < most ? least : most;
}

/* Dimensions of a layer's weights in the unpruned network, added up and multiplied. */
struct extent {
    double sum, product;
};

/* Channels of a node's output in the unpruned network. */
static double original_channels(const struct pb_network *network, const struct pb_channel_groups *groups, uint32_t node)
{
    const struct pb_node_channels *channels = &groups->nodes[node];
    double all = 0;
    for (uint32_t s = 0; s < channels->count; s++) {
        const struct pb_channel_segment *segment = &channels->segments[s];
        const uint32_t group = segment->group;
        all += group == PB_NO_GROUP
                   ? segment->channels
                   : (double)segment->channels / groups->groups[group].channels * network->original_widths[group];
    }
    return channels->pairs == PB_PAIRS_NONE ? all : channels->pairs == PB_PAIRS_ALL ? all * all : all * (all + 1) / 2;
}

static struct extent extent_of(const struct pb_network *network, const struct pb_channel_groups *groups, uint32_t group,
                               uint32_t producer)
{
    const struct pb_node *node = &network->graph->nodes[producer];
    const struct pb_parameter *weights = &network->graph->parameters[node->parameters[PB_ROLE_WEIGHT]];
    const uint32_t input = node->inputs[0];
    const double outputs = network->original_widths[group] * (double)pb_node_repeats(groups, producer);
    struct extent extent = {.sum = outputs, .product = outputs};
    for (uint32_t d = 1; d < weights->rank; d++) {
        double size = (double)weights->dims[d];
        if (d == weights->rank - 1 &&
            !node->attributes.conv.depthwise) /* a linear layer reads every channel at each place */
            size *= original_channels(network, groups, input) / network->graph->nodes[input].shape.channels;
        extent.sum += size;
        extent.product *= size;
    }
    return extent;
}

/*
 * Erdős–Rényi kernels (Mocanu et al. 2018; Evci et al. 2020): a layer's density is in proportion to the sum of its weights' dimensions
 * divided by their product. That of coupled layers is of their sums.
 */
static double erk_density(const struct pb_network *network, const struct pb_channel_groups *groups, uint32_t group)
{
    struct extent all = {0};
    for (uint32_t p = 0; p < groups->groups[group].producer_count; p++) {
        const struct extent one = extent_of(network, groups, group, groups->groups[group].producers[p]);
        all.sum += one.sum;
        all.product += one.product;
    }
    return all.sum / all.product;
}

void pb_allotments_of_groups(const struct pb_ranking *ranking, const struct pb_network *network,
                             const struct pb_channel_groups *groups, struct pb_allotment *layers)
{
    const uint32_t first = first_convolution(network->graph);
    const uint32_t dense = ranking->allocation == PB_ALLOCATION_UNIFORM_PLUS && first != PB_NO_NODE
                               ? pb_node_group(groups, first)
                               : PB_NO_GROUP;
    for (uint32_t g = 0; g < groups->count; g++) {
        const uint32_t channels = groups->groups[g].channels, repeats = groups->groups[g].repeats;
        layers[g] = (struct pb_allotment){
            .layer = network->graph->nodes[groups->groups[g].producers[0]].name,
            .share = network->original_widths[g],
        };
        if (ranking->allocation == PB_ALLOCATION_ERK)
            layers[g].share *= erk_density(network, groups, g);
        set_bounds((ranking->floor + repeats - 1) / repeats, &layers[g], g == dense ? channels : 0, channels);
    }
}

static double sum_of_dimensions(const struct pb_parameter *weights)
{
    double sum = 0;
    for (uint32_t d = 0; d < weights->rank; d++)
        sum += (double)weights->dims[d];
    return sum;
}

/* Uniform+ keeps the first convolution whole, and at least a fifth of the classifier (Gale et al. 2019). */
static uint64_t least_of(const struct pb_ranking *ranking, const struct pb_graph *graph,
                         const struct pb_parameter *weights)
{
    if (ranking->allocation != PB_ALLOCATION_UNIFORM_PLUS)
        return 0;
    if (weights->node == first_convolution(graph))
        return weights->count;
    return weights->node == graph->parts.classifier ? (weights->count + 4) / 5 : 0;
}

struct pb_allotment pb_allotment_of_weights(const struct pb_ranking *ranking, const struct pb_graph *graph,
                                            const struct pb_parameter *weights, uint64_t unmasked)
{
    struct pb_allotment layer = {
        .layer = graph->nodes[weights->node].name,
        .share = ranking->allocation == PB_ALLOCATION_ERK ? sum_of_dimensions(weights) : (double)weights->count,
    };
    set_bounds(ranking->floor, &layer, least_of(ranking, graph, weights), unmasked);
    return layer;
}

static uint64_t between(double requested, const struct pb_allotment *layer)
{
    if (requested <= (double)layer->least)
        return layer->least;
    return requested < (double)layer->most ? (uint64_t)requested : layer->most;
}

/* What all layers keep at ε, each rounded. */
static uint64_t kept_at(const struct pb_allotment *layers, uint32_t count, double epsilon)
{
    uint64_t kept = 0;
    for (uint32_t l = 0; l < count; l++)
        kept += between(floor(epsilon * layers[l].share + 0.5), &layers[l]);
    return kept;
}

/* The ε at which the layer's next one is rounded up to. */
static double next_at(const struct pb_allotment *layer)
{
    return ((double)layer->kept + 0.5) / layer->share;
}

/* The layer with the strongest claim to one more; the last of equals. count where all are full. */
static uint32_t next_of(const struct pb_allotment *layers, uint32_t count)
{
    uint32_t next = count;
    for (uint32_t l = 0; l < count; l++)
        if (layers[l].kept < layers[l].most && (next == count || next_at(&layers[l]) <= next_at(&layers[next])))
            next = l;
    return next;
}

void pb_allot(struct pb_allotment *layers, uint32_t count, uint64_t total)
{
    double low = 0, high = 0;
    for (uint32_t l = 0; l < count; l++)
        high = fmax(high, ((double)layers[l].most + 1) / layers[l].share);
    for (int i = 0; i < 100; i++) {
        const double middle = low + (high - low) / 2;
        if (kept_at(layers, count, middle) <= total)
            low = middle;
        else
            high = middle;
    }
    /* From one less of each on, by comparisons alone, so that rounding of ε decides nothing. */
    uint64_t kept = 0;
    for (uint32_t l = 0; l < count; l++) {
        layers[l].kept = between(floor(low * layers[l].share + 0.5) - 1, &layers[l]);
        kept += layers[l].kept;
    }
    for (uint32_t next; kept < total && (next = next_of(layers, count)) < count; kept++)
        layers[next].kept++;
}

enum pb_status pb_allotments_check(const struct pb_ranking *ranking, const struct pb_allotment *layers, uint32_t count,
                                   bool met, const char *what, struct pb_error *error)
{
    const char *rule = pb_allocation_names[ranking->allocation];
    uint64_t kept = 0;
    uint32_t largest = 0;
    for (uint32_t l = 0; l < count; l++) {
        if (!layers[l].kept)
            return pb_fail(error, PB_ERROR_INPUT,
                           "allocation=\"%s\" leaves layer '%s' none of its %" PRIu64 " %s at this target; lower the "
                           "target, set floor to what every layer keeps (above 1), or choose another allocation",
                           rule, layers[l].layer, layers[l].most, what);
        kept += layers[l].kept;
        if (layers[l].least > layers[largest].least)
            largest = l;
    }
    if (met)
        return PB_OK;
    return pb_fail(error, PB_ERROR_INPUT,
                   "allocation=\"%s\" keeps at least %" PRIu64 " %s (%" PRIu64 " of layer '%s'), more than the "
                   "target allows; lower the target, floor or round-to, or choose another allocation",
                   rule, kept, what, layers[largest].least, layers[largest].layer);
}
