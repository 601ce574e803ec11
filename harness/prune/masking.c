/* The choice of the single weights that are masked. */
#include "prune/masking.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "prune/allocation.h"
#include "prune/lowest.h"
#include "prune/normalise.h"

/* One masking at work. */
struct masker {
    struct pb_network *network;
    const struct pb_weight_scores *scores;
    const struct pb_ranking *ranking;
    double share;
    size_t *taken; /* per layer: how many of its unmasked weights are to be masked */
    struct pb_error *error;
};

static const struct pb_parameter *parameter_of(const struct masker *masker, uint32_t layer)
{
    return &masker->network->graph->parameters[masker->scores->layers[layer].parameter];
}

static const char *name_of(const struct masker *masker, uint32_t layer)
{
    return masker->network->graph->nodes[parameter_of(masker, layer)->node].name;
}

/* How many unmasked weights the floor lets go. */
static size_t most_of(const struct masker *masker, uint32_t layer)
{
    const size_t floor = masker->ranking->floor ? masker->ranking->floor : 1;
    const size_t count = masker->scores->layers[layer].count;
    return count > floor ? count - floor : 0;
}

/* round(share × weights), without those that are masked already. */
static size_t still_to_mask(double share, uint64_t weights, uint64_t unmasked)
{
    const uint64_t masked = weights - unmasked, asked = (uint64_t)round(share * (double)weights);
    return asked > masked ? (size_t)(asked - masked) : 0;
}

static enum pb_status normalise(const struct masker *masker)
{
    enum pb_status status = PB_OK;
    for (uint32_t l = 0; l < masker->scores->count && status == PB_OK; l++) {
        const struct pb_weight_layer *layer = &masker->scores->layers[l];
        if (layer->count > UINT32_MAX)
            return pb_fail(masker->error, PB_ERROR_UNSUPPORTED, "layer '%s' has more weights than can be ranked",
                           name_of(masker, l));
        status = pb_normalise_scores(masker->ranking->normalise, name_of(masker, l), layer->scores,
                                     (uint32_t)layer->count, layer->scores, masker->error);
    }
    return status;
}

/* Of each layer the same share. */
static void choose_per_layer(struct masker *masker)
{
    for (uint32_t l = 0; l < masker->scores->count; l++) {
        const size_t asked =
            still_to_mask(masker->share, parameter_of(masker, l)->count, masker->scores->layers[l].count);
        masker->taken[l] = asked < most_of(masker, l) ? asked : most_of(masker, l);
    }
}

/* How many of a layer's scores are among the lowest; takes its ties out of theirs. */
static size_t count_lowest(const struct pb_weight_layer *layer, struct pb_lowest *lowest)
{
    size_t count = 0;
    for (size_t i = 0; i < layer->count; i++) {
        const bool tie = layer->scores[i] == lowest->limit && lowest->ties > 0;
        lowest->ties -= tie;
        count += tie || layer->scores[i] < lowest->limit;
    }
    return count;
}

/* The lowest of the layers that are still open. One that would lose more than its floor allows is closed, and gives that much. */
static enum pb_status choose_once(struct masker *masker, uint64_t asked, bool *open, bool *closed)
{
    const uint32_t layers = masker->scores->count;
    struct pb_number_list *lists = pb_calloc(layers, sizeof *lists);
    struct pb_lowest lowest = {0};
    uint64_t available = 0;
    *closed = false;
    if (!lists)
        return pb_fail_memory(masker->error, layers * sizeof *lists);
    for (uint32_t l = 0; l < layers; l++) {
        if (open[l])
            lists[l] = (struct pb_number_list){masker->scores->layers[l].scores, masker->scores->layers[l].count};
        available += lists[l].count;
    }
    asked = asked < available ? asked : available;
    enum pb_status status = PB_OK;
    if (asked)
        status = pb_lowest_find(lists, layers, asked, &lowest, masker->error);
    for (uint32_t l = 0; l < layers && status == PB_OK; l++) {
        if (!open[l])
            continue;
        masker->taken[l] = asked ? count_lowest(&masker->scores->layers[l], &lowest) : 0;
        if (masker->taken[l] > most_of(masker, l)) {
            masker->taken[l] = most_of(masker, l);
            open[l] = false;
            *closed = true;
        }
    }
    pb_free(lists);
    return status;
}

/* One limit for all layers; what a floor keeps of one, the others give. */
static enum pb_status choose_globally(struct masker *masker)
{
    const uint32_t layers = masker->scores->count;
    bool *open = pb_calloc(layers, sizeof *open), closed = true;
    uint64_t weights = 0, unmasked = 0;
    enum pb_status status = open ? PB_OK : pb_fail_memory(masker->error, layers * sizeof *open);
    for (uint32_t l = 0; l < layers && status == PB_OK; l++) {
        open[l] = true;
        weights += parameter_of(masker, l)->count;
        unmasked += masker->scores->layers[l].count;
    }
    const uint64_t asked = still_to_mask(masker->share, weights, unmasked);
    while (status == PB_OK && closed) {
        uint64_t given = 0;
        for (uint32_t l = 0; l < layers; l++)
            given += open[l] ? 0 : masker->taken[l];
        status = choose_once(masker, asked - given, open, &closed);
    }
    pb_free(open);
    return status;
}

/* Of each layer what its allocation leaves. */
static enum pb_status choose_by_allocation(struct masker *masker)
{
    const uint32_t count = masker->scores->count;
    uint64_t weights = 0, unmasked = 0;
    struct pb_allotment *layers = pb_calloc(count, sizeof *layers);
    if (!layers)
        return pb_fail_memory(masker->error, count * sizeof *layers);
    for (uint32_t l = 0; l < count; l++) {
        weights += parameter_of(masker, l)->count;
        unmasked += masker->scores->layers[l].count;
        layers[l] = pb_allotment_of_weights(masker->ranking, masker->network->graph, parameter_of(masker, l),
                                            masker->scores->layers[l].count);
    }
    const uint64_t total = unmasked - still_to_mask(masker->share, weights, unmasked);
    pb_allot(layers, count, total);
    uint64_t kept = 0;
    for (uint32_t l = 0; l < count; l++) {
        masker->taken[l] = (size_t)(layers[l].most - layers[l].kept);
        kept += layers[l].kept;
    }
    const enum pb_status status =
        pb_allotments_check(masker->ranking, layers, count, kept <= total, "unmasked weights", masker->error);
    pb_free(layers);
    return status;
}

/* The lowest of the layer, as many as were taken: marked in gone, per unmasked weight. */
static enum pb_status pick_lowest(const struct masker *masker, uint32_t index, bool *gone)
{
    const struct pb_weight_layer *layer = &masker->scores->layers[index];
    const struct pb_number_list list = {layer->scores, layer->count};
    struct pb_lowest lowest;
    const enum pb_status status = pb_lowest_find(&list, 1, masker->taken[index], &lowest, masker->error);
    for (size_t i = 0; i < layer->count && status == PB_OK; i++) {
        const bool tie = layer->scores[i] == lowest.limit && lowest.ties > 0;
        lowest.ties -= tie;
        gone[i] = tie || layer->scores[i] < lowest.limit;
    }
    return status;
}

/* The control: as many of the layer, but which ones is drawn. */
static enum pb_status pick_any(const struct masker *masker, uint32_t index, bool *gone)
{
    const uint32_t count = (uint32_t)masker->scores->layers[index].count;
    struct pb_rng rng;
    char stream[96];
    uint32_t *places = pb_calloc(count, sizeof *places);
    if (!places)
        return pb_fail_memory(masker->error, count * sizeof *places);
    for (uint32_t i = 0; i < count; i++)
        places[i] = i;
    snprintf(stream, sizeof stream, "permute-weights/%s/%" PRIu32, name_of(masker, index), count);
    pb_rng_init(&rng, masker->ranking->seed, stream);
    pb_rng_shuffle(&rng, places, count);
    for (size_t i = 0; i < masker->taken[index]; i++)
        gone[places[i]] = true;
    pb_free(places);
    return PB_OK;
}

static enum pb_status mask_layer(const struct masker *masker, uint32_t index)
{
    const struct pb_weight_layer *layer = &masker->scores->layers[index];
    unsigned char *mask = NULL;
    if (!masker->taken[index])
        return PB_OK;
    bool *gone = pb_calloc(layer->count, sizeof *gone);
    enum pb_status status = gone ? PB_OK : pb_fail_memory(masker->error, layer->count * sizeof *gone);
    if (status == PB_OK)
        status = (masker->ranking->permute ? pick_any : pick_lowest)(masker, index, gone);
    if (status == PB_OK)
        status = pb_network_need_mask(masker->network, layer->parameter, &mask, masker->error);
    size_t next = 0; /* among the unmasked */
    for (size_t i = 0; status == PB_OK && i < parameter_of(masker, index)->count; i++)
        if (!pb_mask_has(mask, i) && gone[next++])
            pb_mask_add(mask, i);
    pb_free(gone);
    return status;
}

static enum pb_status check_scores(const struct masker *masker)
{
    if (!(masker->share > 0 && masker->share < 1))
        return pb_fail(masker->error, PB_ERROR_INPUT,
                       "a share of %g of the weights was to be masked; it must be above 0 "
                       "and below 1",
                       masker->share);
    for (uint32_t l = 0; l < masker->scores->count; l++) {
        const struct pb_weight_layer *layer = &masker->scores->layers[l];
        const uint64_t masked = pb_masked_weights(masker->network, layer->parameter);
        if (layer->count + masked != parameter_of(masker, l)->count)
            return pb_fail(masker->error, PB_ERROR_RUN, "layer '%s' has other scores than weights", name_of(masker, l));
    }
    return PB_OK;
}

static enum pb_status report(const struct masker *masker, struct pb_masking *masking)
{
    const uint32_t layers = masker->scores->count;
    struct pb_masking made = {
        .layers = pb_calloc(layers, sizeof *made.layers), .count = layers, .requested = masker->share};
    if (!made.layers)
        return pb_fail_memory(masker->error, layers * sizeof *made.layers);
    for (uint32_t l = 0; l < layers; l++) {
        made.layers[l] = (struct pb_masked_layer){
            .parameter = masker->scores->layers[l].parameter,
            .weights = parameter_of(masker, l)->count,
            .masked = pb_masked_weights(masker->network, masker->scores->layers[l].parameter),
            .change = NAN,
        };
        made.weights += made.layers[l].weights;
        made.masked += made.layers[l].masked;
    }
    made.achieved = made.weights ? (double)made.masked / (double)made.weights : 0;
    *masking = made;
    return PB_OK;
}

enum pb_status pb_mask_weights(struct pb_network *network, const struct pb_weight_scores *scores,
                               const struct pb_ranking *ranking, double share, struct pb_masking *masking,
                               struct pb_error *error)
{
    struct masker masker = {.network = network, .scores = scores, .ranking = ranking, .share = share, .error = error};
    enum pb_status status = check_scores(&masker);
    if (status == PB_OK)
        status = normalise(&masker);
    masker.taken = pb_calloc(scores->count, sizeof *masker.taken);
    if (status == PB_OK && !masker.taken)
        status = pb_fail_memory(error, scores->count * sizeof *masker.taken);
    if (status == PB_OK && ranking->allocation != PB_ALLOCATION_SCOPE)
        status = choose_by_allocation(&masker);
    else if (status == PB_OK && ranking->scope == PB_SCOPE_GLOBAL)
        status = choose_globally(&masker);
    else if (status == PB_OK)
        choose_per_layer(&masker);
    for (uint32_t l = 0; l < scores->count && status == PB_OK; l++)
        status = mask_layer(&masker, l);
    if (status == PB_OK)
        pb_network_apply_masks(network);
    if (status == PB_OK)
        status = report(&masker, masking);
    pb_free(masker.taken);
    return status;
}

void pb_masking_free(struct pb_masking *masking)
{
    pb_free(masking->layers);
    *masking = (struct pb_masking){0};
}
