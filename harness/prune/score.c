/* Scoring a network with one criterion: calibration, views, coupling. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/memory.h"
#include "base/place_text.h"
#include "prune/prune.h"
#include "prune/shown.h"

#define NEEDS_CALIBRATION (PB_NEEDS_GRADIENTS | PB_NEEDS_ACTIVATIONS | PB_NEEDS_ACTIVATION_GRADIENTS)
#define KNOWN_NEEDS (NEEDS_CALIBRATION | PB_NEEDS_WEIGHTS | PB_NEEDS_BATCH_NORM | PB_USES_BATCH_NORM)

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
    struct pb_shown shown;
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

/* Writes beside the scores that did not reach another page. */
static enum pb_status check_beside(const struct pb_guarded *scores, struct pb_error *error)
{
    char text[400];
    size_t distance = 0;
    struct pb_fault fault = {.access = PB_ACCESS_WRITE, .overstep = pb_guarded_check(scores, &distance)};
    if (fault.overstep == PB_OVERSTEP_NONE)
        return PB_OK;
    fault.distance = distance;
    fault.bytes = scores->bytes;
    snprintf(fault.array, sizeof(fault.array), "%s", scores->name);
    pb_place_overstep(pb_place, &fault, text, sizeof(text));
    return pb_fail(error, PB_ERROR_RUN, "%s; a layer has as many scores as channels", text);
}

/* Calls observe or, with scores, score. */
static enum pb_status call_hook(struct scoring *scoring, const struct pb_layer_view *view, double *scores)
{
    const struct pb_criterion *criterion = scoring->criterion;
    const struct pb_layer_view *shown = NULL;
    size_t hint_size;
    enum pb_status status = pb_shown_protect(&scoring->shown, view, &shown, scoring->error);
    if (status != PB_OK)
        return status;
    pb_place_enter_layer(scoring->host.name, scores ? "score" : "observe", view->name, view->batch_index,
                         view->batch_count);
    char *hint = pb_place_hint(&hint_size);
    pb_shown_hint(view, criterion->needs, !scores, hint, hint_size);
    status = scores ? criterion->score(scoring->self, shown, scores) : criterion->observe(scoring->self, shown);
    status = pb_host_result(&scoring->host, status, scoring->error);
    if (status == PB_OK && scores)
        status = check_beside(&scoring->shown.scores, scoring->error);
    pb_place_leave();
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
        view.batch = batch->count;
        view.batch_index = index;
        view.batch_count = count;
        status = pb_shown_observe(&scoring->shown, scoring->engine, scoring->network, &scoring->layers.layers[i],
                                  scoring->criterion->needs, &view, scoring->error);
        if (status == PB_OK)
            status = call_hook(scoring, &view, NULL);
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

/* The scores are then in scoring->shown.scores, until the next layer; one that the plugin did not write is NaN, too. */
static enum pb_status score_layer(struct scoring *scoring, uint32_t index)
{
    const struct pb_layer_view view =
        pb_layer_view_of(scoring->network, &scoring->layers, index, scoring->criterion->needs);
    double *scores = pb_guarded_open(&scoring->shown.scores, "scores", view.channels, sizeof(*scores));
    if (!scores)
        return pb_fail_memory(scoring->error, view.channels * sizeof(*scores));
    for (uint32_t c = 0; c < view.channels; c++)
        scores[c] = NAN;
    const enum pb_status status = call_hook(scoring, &view, scores);
    if (status != PB_OK)
        return status;
    for (uint32_t c = 0; c < view.channels; c++)
        if (!isfinite(scores[c]))
            return pb_fail(scoring->error, PB_ERROR_RUN,
                           "criterion '%s' gave layer '%s', channel %u, the score %g; scores must be finite",
                           scoring->name, view.name, c, scores[c]);
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
        const enum pb_status status = score_layer(scoring, i);
        if (status != PB_OK)
            return status;
        const double *values = (const double *)(const void *)scoring->shown.scores.start;
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

static enum pb_status create_criterion(struct scoring *scoring, const struct pb_options *options)
{
    const void *given = NULL;
    enum pb_status status = pb_host_give_options(&scoring->host, options, &given, scoring->error);
    if (status != PB_OK)
        return status;
    pb_place_enter(scoring->host.name, "create");
    status = pb_host_result(&scoring->host, scoring->criterion->create(&scoring->host.table, given, &scoring->self),
                            scoring->error);
    pb_place_leave();
    return status;
}

/* Not of a criterion that has damaged memory: the allocator might stumble over it. status: of what came before. */
static enum pb_status destroy_criterion(struct scoring *scoring, enum pb_status status)
{
    if (!scoring->criterion->destroy || !scoring->self || scoring->host.damaged)
        return status;
    struct pb_error late = {0};
    pb_place_enter(scoring->host.name, "destroy");
    scoring->criterion->destroy(scoring->self);
    const enum pb_status destroyed = pb_host_result(&scoring->host, PB_OK, &late);
    pb_place_leave();
    if (status == PB_OK && destroyed != PB_OK)
        *scoring->error = late;
    return status == PB_OK ? destroyed : status;
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
    if (calibration)
        pb_draw_name(calibration->draw, scoring.host.draw);
    enum pb_status status = pb_prunable_layers_find(network, groups, &scoring.layers, error);
    if (status == PB_OK)
        status = create_scores(groups, &created, error);
    if (status != PB_OK)
        goto cleanup;
    status = create_criterion(&scoring, options);
    if (status != PB_OK)
        goto cleanup;
    status = destroy_criterion(&scoring, run(&scoring, coupling, &created));
cleanup:
    pb_engine_free(&scoring.engine);
    pb_shown_free(&scoring.shown);
    pb_host_close(&scoring.host);
    pb_prunable_layers_free(&scoring.layers);
    if (status == PB_OK)
        *scores = created;
    else
        pb_scores_free(&created);
    return status;
}
