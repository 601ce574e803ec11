/* The scores of a network's channels: each layer's, those of coupled layers combined. */
#include <math.h>

#include "base/memory.h"
#include "prune/criterion_run.h"
#include "prune/observe.h"

static void couple(enum pb_coupling coupling, const double *values, bool first, uint32_t producers, uint32_t channels,
                   double *combined)
{
    for (uint32_t c = 0; c < channels; c++) {
        if (coupling == PB_COUPLE_MAX)
            combined[c] = first ? values[c] : fmax(combined[c], values[c]);
        else
            combined[c] += coupling == PB_COUPLE_MEAN ? values[c] / producers : values[c];
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
        couple(coupling, values, layer->node == group->producers[0], group->producer_count, group->channels,
               scores->values[layer->group]);
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
