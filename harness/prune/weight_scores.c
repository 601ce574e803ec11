/* Scores of single weights, and the masking by them. */
#include "base/memory.h"
#include "prune/criterion_run.h"
#include "prune/observe.h"
#include "prune/masking.h"
#include "prune/weight_repair.h"

void pb_weight_scores_free(struct pb_weight_scores *scores)
{
    for (uint32_t l = 0; scores->layers && l < scores->count; l++)
        pb_free(scores->layers[l].scores);
    pb_free(scores->layers);
    *scores = (struct pb_weight_scores){0};
}

/* Takes the scores of the unmasked weights. */
static enum pb_status keep_scores(const struct pb_criterion_run *run, uint32_t parameter, struct pb_weight_layer *layer)
{
    const struct pb_network *network = run->network;
    const size_t weights = network->graph->parameters[parameter].count;
    const unsigned char *mask = pb_weight_mask(network, parameter);
    const double *given = (const double *)(const void *)run->shown.scores.start;
    layer->parameter = parameter;
    layer->scores = pb_calloc(weights, sizeof *layer->scores);
    if (!layer->scores)
        return pb_fail_memory(run->error, weights * sizeof *layer->scores);
    for (size_t i = 0; i < weights; i++)
        if (!pb_mask_has(mask, i))
            layer->scores[layer->count++] = given[i];
    return PB_OK;
}

static enum pb_status score_layers(struct pb_criterion_run *run, struct pb_weight_scores *scores)
{
    enum pb_status status = PB_OK;
    scores->layers = pb_calloc(run->layers.count, sizeof *scores->layers);
    if (!scores->layers)
        return pb_fail_memory(run->error, run->layers.count * sizeof *scores->layers);
    scores->count = run->layers.count;
    for (uint32_t l = 0; l < run->layers.count && status == PB_OK; l++) {
        const struct pb_node *node = &run->network->graph->nodes[run->layers.layers[l].node];
        status = pb_criterion_score(run, l);
        if (status == PB_OK)
            status = keep_scores(run, node->parameters[PB_ROLE_WEIGHT], &scores->layers[l]);
    }
    return status;
}

enum pb_status pb_score_weights(const struct pb_loaded *criterion, const struct pb_options *options,
                                const struct pb_network *network, const struct pb_channel_groups *groups,
                                const struct pb_calibration *calibration, struct pb_weight_scores *scores,
                                struct pb_error *error)
{
    struct pb_weight_scores created = {0};
    struct pb_criterion_run run;
    enum pb_status status = pb_criterion_open_weights(&run, criterion, options, network, groups, calibration, error);
    if (status == PB_OK)
        status = pb_criterion_observe(&run);
    if (status == PB_OK)
        status = score_layers(&run, &created);
    status = pb_criterion_close(&run, status);
    if (status == PB_OK)
        *scores = created;
    else
        pb_weight_scores_free(&created);
    return status;
}

/* With the criterion that gave the scores. */
static enum pb_status mask_and_repair(struct pb_criterion_run *run, const struct pb_mask_task *task,
                                      struct pb_network *network, struct pb_masking *masking)
{
    struct pb_weight_scores scores = {0};
    struct pb_masking made = {0};
    enum pb_status status = score_layers(run, &scores);
    if (status == PB_OK)
        status = pb_mask_weights(network, &scores, task->ranking, task->share, &made, run->error);
    if (status == PB_OK && run->criterion->repair_weights)
        status = pb_repair_weights(run, network, &made);
    if (status == PB_OK)
        *masking = made;
    else
        pb_masking_free(&made);
    pb_weight_scores_free(&scores);
    return status;
}

enum pb_status pb_mask_network(const struct pb_mask_task *task, const struct pb_network *before,
                               struct pb_network *network, struct pb_masking *masking, struct pb_error *error)
{
    struct pb_masking made = {0};
    struct pb_criterion_run run;
    enum pb_status status =
        pb_criterion_open_weights(&run, task->criterion, task->options, before, task->groups, task->calibration, error);
    if (status == PB_OK)
        status = pb_criterion_observe(&run);
    if (status == PB_OK)
        status = mask_and_repair(&run, task, network, &made);
    status = pb_criterion_close(&run, status);
    if (status == PB_OK)
        *masking = made;
    else
        pb_masking_free(&made);
    return status;
}
