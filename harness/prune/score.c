/* Scoring a network with one criterion: calibration, views, coupling. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "prune/layers.h"
#include "prune/prune.h"

#define NEEDS_CALIBRATION (PB_NEEDS_GRADIENTS | PB_NEEDS_ACTIVATIONS | PB_NEEDS_ACTIVATION_GRADIENTS)
#define KNOWN_NEEDS (NEEDS_CALIBRATION | PB_NEEDS_WEIGHTS | PB_NEEDS_BATCH_NORM)

/* One scoring. */
struct scoring {
    struct pb_host_services host;
    const struct pb_criterion *criterion;
    const char *name;
    void *self;
    const struct pb_network *network;
    const struct pb_channel_groups *groups;
    const struct pb_calibration *calibration;
    struct pb_prunable_layers layers;
    struct pb_engine *engine;
    uint32_t engine_batch;
    struct pb_error *error;
};

static enum pb_status check_needs(const struct scoring *scoring)
{
    const uint32_t needs = scoring->criterion->needs;
    if (needs & ~(uint32_t)KNOWN_NEEDS)
        return pb_fail(scoring->error, PB_ERROR_UNSUPPORTED,
                       "criterion '%s' needs something that this host does not offer", scoring->name);
    if ((needs & NEEDS_CALIBRATION) && (!scoring->calibration || !scoring->calibration->device ||
                                        !scoring->calibration->batches || !scoring->calibration->batch_count))
        return pb_fail(scoring->error, PB_ERROR_INPUT,
                       "criterion '%s' looks at gradients or activations, so it needs at least one calibration batch",
                       scoring->name);
    if (!(needs & PB_NEEDS_BATCH_NORM))
        return PB_OK;
    for (uint32_t i = 0; i < scoring->layers.count; i++)
        if (scoring->layers.layers[i].norm == UINT32_MAX)
            return pb_fail(
                scoring->error, PB_ERROR_INPUT,
                "criterion '%s' looks at batch norms, but layer '%s' has none; choose another criterion or a "
                "model with batch norm",
                scoring->name, pb_layer_name(scoring->network, &scoring->layers.layers[i]));
    return PB_OK;
}

/* An engine for batches of this size; the last batch of a split may be shorter than the others. */
static enum pb_status prepare_engine(struct scoring *scoring, uint32_t batch)
{
    if (scoring->engine && scoring->engine_batch == batch)
        return PB_OK;
    pb_engine_free(&scoring->engine);
    const struct pb_engine_options options = {
        .batch = batch, .mode = PB_ENGINE_CALIBRATE, .seed = scoring->calibration->seed};
    const enum pb_status status =
        pb_engine_create(scoring->calibration->device, scoring->network, &options, &scoring->engine, scoring->error);
    if (status == PB_OK)
        scoring->engine_batch = batch;
    return status;
}

static enum pb_status observe_batch(struct scoring *scoring, const struct pb_batch *batch, uint32_t index,
                                    uint32_t count)
{
    double loss;
    enum pb_status status = prepare_engine(scoring, batch->count);
    if (status == PB_OK)
        status = pb_engine_backward(scoring->engine, batch->images, batch->labels, &loss, NULL, scoring->error);
    for (uint32_t i = 0; i < scoring->layers.count && status == PB_OK; i++) {
        struct pb_layer_view view = pb_layer_view_of(scoring->network, &scoring->layers, i, scoring->criterion->needs);
        struct pb_layer_buffers buffers = {0};
        view.batch = batch->count;
        view.batch_index = index;
        view.batch_count = count;
        status = pb_layer_observe(scoring->engine, scoring->network, &scoring->layers.layers[i],
                                  scoring->criterion->needs, &buffers, &view, scoring->error);
        if (status == PB_OK)
            status = pb_host_result(&scoring->host, scoring->criterion->observe(scoring->self, &view), scoring->error);
        pb_layer_buffers_free(&buffers);
    }
    return status;
}

static enum pb_status calibrate(struct scoring *scoring)
{
    struct pb_batches *batches = scoring->calibration->batches;
    const uint32_t available = pb_batches_per_epoch(batches), wanted = scoring->calibration->batch_count;
    const uint32_t count = wanted < available ? wanted : available;
    if (!count)
        return pb_fail(scoring->error, PB_ERROR_INPUT,
                       "criterion '%s': the training split is too small for one calibration batch", scoring->name);
    enum pb_status status = pb_batches_start(batches, 0, scoring->error);
    for (uint32_t i = 0; i < count && status == PB_OK; i++) {
        struct pb_batch batch;
        status = pb_batches_next(batches, &batch, scoring->error);
        if (status == PB_OK && !batch.count)
            status = pb_fail(scoring->error, PB_ERROR_RUN, "the calibration batches ended after %u of %u", i, count);
        if (status == PB_OK)
            status = observe_batch(scoring, &batch, i, count);
    }
    return status;
}

/* Writes values[0 … channels − 1]; a score that the plugin did not write is NaN, too. */
static enum pb_status score_layer(struct scoring *scoring, uint32_t index, double *values)
{
    const struct pb_layer_view view =
        pb_layer_view_of(scoring->network, &scoring->layers, index, scoring->criterion->needs);
    for (uint32_t c = 0; c < view.channels; c++)
        values[c] = NAN;
    const enum pb_status status =
        pb_host_result(&scoring->host, scoring->criterion->score(scoring->self, &view, values), scoring->error);
    if (status != PB_OK)
        return status;
    for (uint32_t c = 0; c < view.channels; c++)
        if (!isfinite(values[c]))
            return pb_fail(scoring->error, PB_ERROR_RUN,
                           "criterion '%s' gave layer '%s', channel %u, the score %g; scores must be finite",
                           scoring->name, view.name, c, values[c]);
    return PB_OK;
}

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

static enum pb_status score_layers(struct scoring *scoring, enum pb_coupling coupling, struct pb_scores *scores)
{
    for (uint32_t i = 0; i < scoring->layers.count; i++) {
        const struct pb_prunable_layer *layer = &scoring->layers.layers[i];
        const struct pb_channel_group *group = &scoring->groups->groups[layer->group];
        double *values = pb_calloc(group->channels, sizeof(*values));
        if (!values)
            return pb_fail_memory(scoring->error, group->channels * sizeof(*values));
        const enum pb_status status = score_layer(scoring, i, values);
        if (status == PB_OK)
            couple(coupling, values, layer->node == group->producers[0], group->producer_count, group->channels,
                   scores->values[layer->group]);
        pb_free(values);
        if (status != PB_OK)
            return status;
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

static enum pb_status run(struct scoring *scoring, enum pb_coupling coupling, struct pb_scores *scores)
{
    enum pb_status status = check_needs(scoring);
    if (status == PB_OK && (scoring->criterion->needs & NEEDS_CALIBRATION))
        status = calibrate(scoring);
    if (status == PB_OK)
        status = score_layers(scoring, coupling, scores);
    return status;
}

enum pb_status pb_score_network(const struct pb_loaded *criterion, const struct pb_options *options,
                                const struct pb_network *network, const struct pb_channel_groups *groups,
                                enum pb_coupling coupling, const struct pb_calibration *calibration,
                                struct pb_scores *scores, struct pb_error *error)
{
    struct scoring scoring = {.criterion = criterion->plugin->criterion,
                              .name = criterion->plugin->name,
                              .network = network,
                              .groups = groups,
                              .calibration = calibration,
                              .error = error};
    struct pb_scores created = {0};
    char label[96];
    snprintf(label, sizeof(label), "criterion '%s'", scoring.name);
    pb_host_init(&scoring.host, label, calibration ? calibration->seed : 0, calibration ? calibration->threads : 1);
    enum pb_status status = pb_prunable_layers_find(network, groups, &scoring.layers, error);
    if (status == PB_OK)
        status = create_scores(groups, &created, error);
    if (status != PB_OK)
        goto cleanup;
    status = pb_host_result(
        &scoring.host, scoring.criterion->create(&scoring.host.table, options ? options->values : NULL, &scoring.self),
        error);
    if (status != PB_OK)
        goto cleanup;
    status = run(&scoring, coupling, &created);
    if (scoring.criterion->destroy && scoring.self)
        scoring.criterion->destroy(scoring.self);
cleanup:
    pb_engine_free(&scoring.engine);
    pb_prunable_layers_free(&scoring.layers);
    if (status == PB_OK)
        *scores = created;
    else
        pb_scores_free(&created);
    return status;
}
