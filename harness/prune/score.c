/* The scores of a network's channels: each layer's, those of coupled layers combined. */
#include <math.h>

#include "base/memory.h"
#include "prune/criterion_run.h"
#include "prune/observe.h"

/* How many filters make one channel of a group. */
static uint32_t filters_of(const struct pb_channel_groups *groups, const struct pb_channel_group *group)
{
    uint32_t filters = 0;
    for (uint32_t p = 0; p < group->producer_count; p++)
        filters += pb_node_repeats(groups, group->producers[p]);
    return filters;
}

/* Adds a layer's filters to what its group's channels have; first: it is the first of the group's layers. */
static void couple(enum pb_coupling coupling, const double *values, bool first, uint32_t filters, uint32_t channels,
                   uint32_t repeats, double *combined)
{
    for (uint32_t k = 0; k < channels * repeats; k++) {
        double *channel = &combined[k % channels];
        if (coupling == PB_COUPLE_MAX)
            *channel = first && k < channels ? values[k] : fmax(*channel, values[k]);
        else
            *channel += coupling == PB_COUPLE_MEAN ? values[k] / filters : values[k];
    }
}

static enum pb_status score_layers(struct pb_criterion_run *run, enum pb_coupling coupling, struct pb_scores *scores)
{
    for (uint32_t i = 0; i < run->layers.count; i++) {
        const struct pb_prunable_layer *layer = &run->layers.layers[i];
        const struct pb_channel_group *group = &run->groups->groups[layer->group];
        const enum pb_status status = pb_criterion_score(run, i);
        if (status != PB_OK)
            return status;
        const double *values = (const double *)(const void *)run->shown.scores.start;
        couple(coupling, values, layer->node == group->producers[0], filters_of(run->groups, group), group->channels,
               pb_node_repeats(run->groups, layer->node), scores->values[layer->group]);
    }
    return PB_OK;
}

static enum pb_status create_scores(const struct pb_channel_groups *groups, struct pb_scores *scores,
                                    struct pb_error *error)
{
    scores->values = pb_calloc(groups->count, sizeof(*scores->values));
    scores->channels = pb_calloc(groups->count, sizeof(*scores->channels));
    if (groups->count && (!scores->values || !scores->channels))
        return pb_fail_memory(error, groups->count * sizeof(*scores->values));
    scores->group_count = groups->count;
    for (uint32_t g = 0; g < groups->count; g++) {
        scores->channels[g] = groups->groups[g].channels;
        scores->values[g] = pb_calloc(scores->channels[g], sizeof(**scores->values));
        if (!scores->values[g])
            return pb_fail_memory(error, scores->channels[g] * sizeof(**scores->values));
    }
    return PB_OK;
}

void pb_scores_free(struct pb_scores *scores)
{
    for (uint32_t g = 0; scores->values && g < scores->group_count; g++)
        pb_free(scores->values[g]);
    pb_free(scores->values);
    pb_free(scores->channels);
    *scores = (struct pb_scores){0};
}

enum pb_status pb_score_network(const struct pb_loaded *criterion, const struct pb_options *options,
                                const struct pb_network *network, const struct pb_channel_groups *groups,
                                enum pb_coupling coupling, const struct pb_calibration *calibration,
                                struct pb_scores *scores, struct pb_error *error)
{
    struct pb_scores created = {0};
    struct pb_criterion_run run;
    enum pb_status status = create_scores(groups, &created, error);
    if (status == PB_OK &&
        !criterion->plugin->criterion->select) { /* which chooses when channels go, and scores none */
        status = pb_criterion_open(&run, criterion, options, network, groups, calibration, error);
        if (status == PB_OK)
            status = pb_criterion_observe(&run);
        if (status == PB_OK)
            status = score_layers(&run, coupling, &created);
        status = pb_criterion_close(&run, status);
    }
    if (status == PB_OK)
        *scores = created;
    else
        pb_scores_free(&created);
    return status;
}
