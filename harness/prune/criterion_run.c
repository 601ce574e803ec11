/* One life of a criterion. */
#include "prune/criterion_run.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/place_text.h"

#define FROM_BACKWARD (PB_DATA_GRADIENTS | PB_DATA_ACTIVATION_GRADIENTS)
#define FROM_BATCHES (FROM_BACKWARD | PB_DATA_ACTIVATIONS | PB_DATA_CONVOLVED | PB_DATA_LABELS)
#define KNOWN_DATA (FROM_BATCHES | PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_CONSUMERS)

bool pb_criterion_observes(const struct pb_criterion *criterion)
{
    return ((criterion->needs | criterion->uses) & FROM_BATCHES) != 0;
}

static enum pb_status check_needs(const struct pb_criterion_run *run)
{
    const uint32_t needs = run->criterion->needs;
    if (run->data & ~(uint32_t)KNOWN_DATA)
        return pb_fail(run->error, PB_ERROR_UNSUPPORTED,
                       "criterion '%s' asks for something that this host does not offer", run->name);
    if ((run->data & FROM_BATCHES) && (!run->calibration || !run->calibration->device || !run->calibration->batches ||
                                       !run->calibration->batch_count))
        return pb_fail(run->error, PB_ERROR_INPUT,
                       "criterion '%s' looks at batches, so it needs at least one calibration batch", run->name);
    if (!(needs & PB_DATA_NORM))
        return PB_OK;
    for (uint32_t i = 0; i < run->layers.count; i++)
        if (run->layers.layers[i].norm == UINT32_MAX)
            return pb_fail(
                run->error, PB_ERROR_INPUT,
                "criterion '%s' looks at batch norms, but layer '%s' has none; choose another criterion or a "
                "model with batch norm",
                run->name, pb_layer_name(run->network, &run->layers.layers[i]));
    return PB_OK;
}

/* An engine for batches of this size; the last batch of a split may be shorter than the others. */
static enum pb_status prepare_engine(struct pb_criterion_run *run, uint32_t batch)
{
    if (run->engine && run->engine_batch == batch)
        return PB_OK;
    pb_engine_free(&run->engine);
    const struct pb_engine_options options = {
        .batch = batch, .mode = PB_ENGINE_CALIBRATE, .seed = run->calibration->seed};
    const enum pb_status status =
        pb_engine_create(run->calibration->device, run->network, &options, &run->engine, run->error);
    if (status == PB_OK)
        run->engine_batch = batch;
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
static enum pb_status call_hook(struct pb_criterion_run *run, const struct pb_layer_view *view, double *scores)
{
    const struct pb_criterion *criterion = run->criterion;
    const struct pb_layer_view *shown = NULL;
    size_t hint_size;
    enum pb_status status = pb_shown_protect(&run->shown, view, &shown, run->error);
    if (status != PB_OK)
        return status;
    pb_place_enter_layer(run->host.name, scores ? "score" : "observe", view->name, view->batch_index,
                         view->batch_count);
    char *hint = pb_place_hint(&hint_size);
    pb_shown_hint(view, run->data, !scores, hint, hint_size);
    status = scores ? criterion->score(run->self, shown, scores) : criterion->observe(run->self, shown);
    status = pb_host_result(&run->host, status, run->error);
    if (status == PB_OK && scores)
        status = check_beside(&run->shown.scores, run->error);
    pb_place_leave();
    return status;
}

/* No backward pass that nobody asked for. */
static enum pb_status run_batch(struct pb_criterion_run *run, const struct pb_batch *batch)
{
    if (run->data & FROM_BACKWARD) {
        double loss;
        return pb_engine_backward(run->engine, batch->images, batch->labels, &loss, NULL, run->error);
    }
    float *logits = pb_calloc((size_t)batch->count * run->network->graph->classes, sizeof *logits);
    if (!logits)
        return pb_fail_memory(run->error, (size_t)batch->count * run->network->graph->classes * sizeof *logits);
    const enum pb_status status = pb_engine_forward(run->engine, batch->images, batch->count, logits, run->error);
    pb_free(logits);
    return status;
}

static struct pb_layer_view layer_view(const struct pb_criterion_run *run, uint32_t index)
{
    struct pb_layer_view view = pb_layer_view_of(run->network, &run->layers, index, run->data);
    view.network = pb_network_view_of(run->copies);
    return view;
}

static enum pb_status observe_batch(struct pb_criterion_run *run, const struct pb_batch *batch, uint32_t index,
                                    uint32_t count)
{
    enum pb_status status = prepare_engine(run, batch->count);
    if (status == PB_OK)
        status = run_batch(run, batch);
    for (uint32_t i = 0; i < run->layers.count && status == PB_OK; i++) {
        struct pb_layer_view view = layer_view(run, i);
        view.batch = batch->count;
        view.batch_index = index;
        view.batch_count = count;
        view.labels = run->data & PB_DATA_LABELS ? batch->labels : NULL;
        status = pb_shown_observe(&run->shown, run->engine, run->network, &run->layers.layers[i], run->data, &view,
                                  run->error);
        if (status == PB_OK)
            status = call_hook(run, &view, NULL);
    }
    return status;
}

static enum pb_status calibrate(struct pb_criterion_run *run)
{
    struct pb_batches *batches = run->calibration->batches;
    const uint32_t available = pb_batches_per_epoch(batches), wanted = run->calibration->batch_count;
    const uint32_t count = wanted < available ? wanted : available;
    if (!count)
        return pb_fail(run->error, PB_ERROR_INPUT,
                       "criterion '%s': the training split is too small for one calibration batch", run->name);
    enum pb_status status = pb_batches_start(batches, 0, run->error);
    for (uint32_t i = 0; i < count && status == PB_OK; i++) {
        struct pb_batch batch;
        status = pb_batches_next(batches, &batch, run->error);
        if (status == PB_OK && !batch.count)
            status = pb_fail(run->error, PB_ERROR_RUN, "the calibration batches ended after %u of %u", i, count);
        if (status == PB_OK)
            status = observe_batch(run, &batch, i, count);
    }
    return status;
}

/* A score that the plugin did not write is NaN, too. */
enum pb_status pb_criterion_score(struct pb_criterion_run *run, uint32_t index)
{
    const struct pb_layer_view view = layer_view(run, index);
    double *scores = pb_guarded_open(&run->shown.scores, "scores", view.channels, sizeof(*scores));
    if (!scores)
        return pb_fail_memory(run->error, view.channels * sizeof(*scores));
    for (uint32_t c = 0; c < view.channels; c++)
        scores[c] = NAN;
    const enum pb_status status = call_hook(run, &view, scores);
    if (status != PB_OK)
        return status;
    for (uint32_t c = 0; c < view.channels; c++)
        if (!isfinite(scores[c]))
            return pb_fail(run->error, PB_ERROR_RUN,
                           "criterion '%s' gave layer '%s', channel %u, the score %g; scores must be finite", run->name,
                           view.name, c, scores[c]);
    return PB_OK;
}

static enum pb_status create_criterion(struct pb_criterion_run *run, const struct pb_options *options)
{
    const void *given = NULL;
    enum pb_status status = pb_host_give_options(&run->host, options, &given, run->error);
    if (status != PB_OK)
        return status;
    pb_place_enter(run->host.name, "create");
    status = pb_host_result(&run->host, run->criterion->create(&run->host.table, given, &run->self), run->error);
    pb_place_leave();
    return status;
}

/* Not of a criterion that has damaged memory: the allocator might stumble over it. status: of what came before. */
static enum pb_status destroy_criterion(struct pb_criterion_run *run, enum pb_status status)
{
    if (!run->criterion->destroy || !run->self || run->host.damaged)
        return status;
    struct pb_error late = {0};
    pb_place_enter(run->host.name, "destroy");
    run->criterion->destroy(run->self);
    const enum pb_status destroyed = pb_host_result(&run->host, PB_OK, &late);
    pb_place_leave();
    if (status == PB_OK && destroyed != PB_OK)
        *run->error = late;
    return status == PB_OK ? destroyed : status;
}

static enum pb_status prepare(struct pb_criterion_run *run)
{
    if (!run->criterion->prepare)
        return PB_OK;
    pb_place_enter(run->host.name, "prepare");
    const enum pb_status status =
        pb_host_result(&run->host, run->criterion->prepare(run->self, pb_network_view_of(run->copies)), run->error);
    pb_place_leave();
    return status;
}

enum pb_status pb_criterion_open(struct pb_criterion_run *run, const struct pb_loaded *loaded,
                                 const struct pb_options *options, const struct pb_network *network,
                                 const struct pb_channel_groups *groups, const struct pb_calibration *calibration,
                                 struct pb_error *error)
{
    char label[96];
    *run = (struct pb_criterion_run){.criterion = loaded->plugin->criterion,
                                     .name = loaded->plugin->name,
                                     .network = network,
                                     .groups = groups,
                                     .calibration = calibration,
                                     .error = error};
    run->data = run->criterion->needs | run->criterion->uses;
    snprintf(label, sizeof(label), "criterion '%s'", run->name);
    pb_host_init(&run->host, label, calibration ? calibration->seed : 0, calibration ? calibration->threads : 1);
    if (calibration)
        pb_draw_name(calibration->draw, run->host.draw);
    enum pb_status status = pb_prunable_layers_find(network, groups, &run->layers, error);
    if (status == PB_OK)
        status = check_needs(run);
    run->source = (struct pb_network_source){
        .host = &run->host, .network = network, .groups = groups, .layers = &run->layers, .data = run->data};
    if (status == PB_OK)
        status = pb_network_show(&run->source, &run->copies, error);
    if (status == PB_OK)
        status = create_criterion(run, options);
    if (status == PB_OK)
        status = prepare(run);
    return status;
}

enum pb_status pb_criterion_observe(struct pb_criterion_run *run)
{
    return pb_criterion_observes(run->criterion) ? calibrate(run) : PB_OK;
}

enum pb_status pb_criterion_close(struct pb_criterion_run *run, enum pb_status status)
{
    const enum pb_status closed = destroy_criterion(run, status);
    pb_engine_free(&run->engine);
    pb_shown_free(&run->shown);
    pb_network_copies_free(&run->copies);
    pb_host_close(&run->host);
    pb_prunable_layers_free(&run->layers);
    return closed;
}
