/* The cell's criterion at work on its calibration batches. */
#include "training/calibrate.h"

#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "plugin/criterion_data.h"

/* Batches for a criterion that looks at some: a seeded choice of training images, not augmented. */
static enum pb_status open_calibration(const struct pb_train_job *job, struct pb_batches **batches,
                                       struct pb_error *error)
{
    const struct pb_cell_config *config = job->config;
    struct pb_rng rng;
    uint32_t *samples = pb_calloc(job->data->train_count, sizeof *samples);
    if (!samples)
        return pb_fail_memory(error, job->data->train_count * sizeof *samples);
    memcpy(samples, job->data->train, job->data->train_count * sizeof *samples);
    pb_rng_init(&rng, config->seed, "calibration");
    pb_rng_shuffle(&rng, samples, job->data->train_count);
    const struct pb_batches_spec spec = {.samples = samples,
                                         .sample_count = job->data->train_count,
                                         .batch = config->calibration_batch,
                                         .seed = config->seed,
                                         .threads = 1};
    const enum pb_status status = pb_batches_create(job->cache, &config->preprocess, &spec, batches, error);
    pb_free(samples);
    return status;
}

/* What the cell's criterion looks at; free its batches. */
static enum pb_status start_calibration(const struct pb_train_job *job, struct pb_draw draw,
                                        struct pb_calibration *calibration, struct pb_error *error)
{
    const struct pb_cell_config *config = job->config;
    *calibration = (struct pb_calibration){.device = job->device,
                                           .batch = config->calibration_batch,
                                           .batch_count = config->calibration_batches,
                                           .seed = config->seed,
                                           .threads = config->threads,
                                           .draw = draw};
    return pb_criterion_reads_batches(config->criterion.loaded->plugin->criterion)
               ? open_calibration(job, &calibration->batches, error)
               : PB_OK;
}

enum pb_status pb_score_for(const struct pb_train_job *job, const struct pb_network *network,
                            const struct pb_channel_groups *groups, struct pb_draw draw, struct pb_scores *scores,
                            struct pb_error *error)
{
    const struct pb_cell_config *config = job->config;
    struct pb_calibration calibration;
    enum pb_status status = start_calibration(job, draw, &calibration, error);
    if (status == PB_OK)
        status = pb_score_network(config->criterion.loaded, &config->criterion.options, network, groups,
                                  config->coupling, &calibration, scores, error);
    pb_batches_free(&calibration.batches);
    return status;
}

enum pb_status pb_score_weights_for(const struct pb_train_job *job, const struct pb_network *network,
                                    const struct pb_channel_groups *groups, struct pb_weight_scores *scores,
                                    struct pb_error *error)
{
    const struct pb_cell_config *config = job->config;
    struct pb_calibration calibration;
    enum pb_status status = start_calibration(job, (struct pb_draw){0}, &calibration, error);
    if (status == PB_OK)
        status = pb_score_weights(config->criterion.loaded, &config->criterion.options, network, groups, &calibration,
                                  scores, error);
    pb_batches_free(&calibration.batches);
    return status;
}

enum pb_status pb_mask_for(const struct pb_train_job *job, double share, const struct pb_network *before,
                           struct pb_network *network, struct pb_masking *masking, struct pb_error *error)
{
    const struct pb_cell_config *config = job->config;
    struct pb_channel_groups groups = {0};
    struct pb_calibration calibration = {0};
    enum pb_status status = pb_channel_groups_find(before->graph, &groups, error);
    if (status == PB_OK)
        status = start_calibration(job, (struct pb_draw){0}, &calibration, error);
    const struct pb_mask_task task = {.criterion = config->criterion.loaded,
                                      .options = &config->criterion.options,
                                      .groups = &groups,
                                      .calibration = &calibration,
                                      .ranking = &config->ranking,
                                      .share = share};
    if (status == PB_OK)
        status = pb_mask_network(&task, before, network, masking, error);
    pb_batches_free(&calibration.batches);
    pb_channel_groups_free(&groups);
    return status;
}

enum pb_status pb_select_for(const struct pb_train_job *job, const struct pb_network *network,
                             const struct pb_channel_groups *groups, const struct pb_ranking *ranking,
                             struct pb_pruning *pruning, struct pb_error *error)
{
    const struct pb_cell_config *config = job->config;
    struct pb_calibration calibration;
    if (!config->criterion.loaded->plugin->criterion->select || ranking->permute)
        return PB_OK; /* the scores have chosen; and a control's masks are drawn */
    enum pb_status status = start_calibration(job, ranking->draw, &calibration, error);
    if (status == PB_OK)
        status = pb_select_channels(config->criterion.loaded, &config->criterion.options, network, groups, &calibration,
                                    ranking->masked, pruning, error);
    pb_batches_free(&calibration.batches);
    return status;
}

enum pb_status pb_repair_for(const struct pb_train_job *job, enum pb_repair_rule rule, const struct pb_network *before,
                             struct pb_network *network, struct pb_repaired **repaired, uint32_t *count,
                             struct pb_error *error)
{
    const struct pb_cell_config *config = job->config;
    struct pb_calibration calibration = {.device = job->device,
                                         .batch = config->calibration_batch,
                                         .batch_count = config->calibration_batches,
                                         .seed = config->seed,
                                         .threads = config->threads};
    enum pb_status status = open_calibration(job, &calibration.batches, error);
    if (status == PB_OK && rule == PB_REPAIR_MEAN)
        status = pb_repair_by_means(before, network, &calibration, repaired, count, error);
    else if (status == PB_OK)
        status = pb_repair_network(config->criterion.loaded, &config->criterion.options, before, network, &calibration,
                                   repaired, count, error);
    pb_batches_free(&calibration.batches);
    return status;
}
