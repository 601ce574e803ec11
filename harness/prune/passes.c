/* Passes over the calibration batches. */
#include "prune/passes.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* An engine for batches of this size; the last batch of a split may be shorter than the others. */
static enum pb_status prepare_engine(struct pb_criterion_run *run, uint32_t batch)
{
    if (run->engine && run->engine_batch == batch)
        return PB_OK;
    pb_engine_free(&run->engine);
    const struct pb_engine_options options = {
        .batch = batch,
        .mode = PB_ENGINE_CALIBRATE,
        .seed = run->calibration->seed,
        .separate_norms = (run->data & (PB_DATA_NORMALISED | PB_DATA_NORMALISED_GRADIENTS)) != 0};
    const enum pb_status status =
        pb_engine_create(run->calibration->device, run->point, &options, &run->engine, run->error);
    if (status == PB_OK)
        run->engine_batch = batch;
    return status;
}

enum pb_status pb_pass(struct pb_criterion_run *run, pb_pass_step *step, void *context)
{
    struct pb_batches *batches = run->calibration->batches;
    const uint32_t available = pb_batches_per_epoch(batches), most = run->calibration->batch_count;
    struct pb_calibration_batch batch = {.count = most < available ? most : available};
    if (!batch.count)
        return pb_fail(run->error, PB_ERROR_INPUT,
                       "criterion '%s': the training split is too small for one calibration batch", run->name);
    enum pb_status status = pb_batches_start(batches, 0, run->error);
    for (; batch.index < batch.count && status == PB_OK; batch.index++) {
        status = pb_batches_next(batches, &batch.examples, run->error);
        if (status == PB_OK && !batch.examples.count)
            status = pb_fail(run->error, PB_ERROR_RUN, "the calibration batches ended after %u of %u", batch.index,
                             batch.count);
        if (status == PB_OK)
            status = prepare_engine(run, batch.examples.count);
        const double began = pb_criterion_clock(run);
        if (status == PB_OK)
            status = step(run, &batch, context);
        if (pb_criterion_times(run) && (batch.index || batch.count == 1))
            pb_criterion_times(run)->passes += pb_criterion_clock(run) - began;
    }
    return status;
}

enum pb_status pb_pass_move(struct pb_criterion_run *run, const struct pb_network *point)
{
    run->point = point;
    return run->engine ? pb_engine_load(run->engine, point, run->error) : PB_OK;
}

static size_t logit_count(const struct pb_criterion_run *run, const struct pb_calibration_batch *batch)
{
    return (size_t)batch->examples.count * run->network->graph->classes;
}

/* Of what the network computes of a batch. */
static enum pb_status fail_overflow(struct pb_criterion_run *run, const struct pb_calibration_batch *batch)
{
    char where[96];
    const struct pb_batch *examples = &batch->examples;
    const enum pb_status status =
        pb_engine_trace_nonfinite(run->engine, examples->images, examples->count, false, where, run->error);
    return status
               ? status
               : pb_fail(run->error, PB_ERROR_RUN,
                         "criterion '%s': the output for calibration batch %u is not finite; the first value that is "
                         "not is in %s; the network has diverged, so train it with a lower learning rate",
                         run->name, batch->index, where[0] ? where : "the loss");
}

/* Forward; the logits are in run->logits, open. */
static enum pb_status compute_logits(struct pb_criterion_run *run, const struct pb_calibration_batch *batch,
                                     float **logits)
{
    const size_t count = logit_count(run, batch);
    *logits = pb_guarded_open(&run->logits, "logits", count, sizeof **logits);
    if (!*logits)
        return pb_fail_memory(run->error, count * sizeof **logits);
    enum pb_status status =
        pb_engine_forward(run->engine, batch->examples.images, batch->examples.count, *logits, run->error);
    for (size_t i = 0; i < count && status == PB_OK; i++)
        if (!isfinite((*logits)[i]))
            status = fail_overflow(run, batch);
    return status;
}

enum pb_status pb_pass_forward(struct pb_criterion_run *run, const struct pb_calibration_batch *batch)
{
    float *logits;
    return compute_logits(run, batch, &logits);
}

static enum pb_status select_true_logits(struct pb_criterion_run *run, const struct pb_calibration_batch *batch,
                                         float *derivative)
{
    const uint32_t classes = run->network->graph->classes;
    for (uint32_t n = 0; n < batch->examples.count; n++) {
        const uint32_t label = batch->examples.labels[n];
        if (label >= classes)
            return pb_fail(run->error, PB_ERROR_INPUT, "label %u of image %u is not below the model's %u classes",
                           label, n, classes);
        derivative[(size_t)n * classes + label] = 1;
    }
    return PB_OK;
}

/* The criterion writes the derivative of its objective. */
static enum pb_status call_objective(struct pb_criterion_run *run, const struct pb_calibration_batch *batch,
                                     float *derivative)
{
    const struct pb_batch *examples = &batch->examples;
    struct pb_logits_view view = {.size = sizeof view,
                                  .batch = examples->count,
                                  .batch_index = batch->index,
                                  .batch_count = batch->count,
                                  .classes = run->network->graph->classes,
                                  .logits = (const float *)(const void *)run->logits.start};
    pb_guarded_close(&run->logits);
    view.labels = pb_guarded_copy(&run->labels, "labels", examples->labels, examples->count, sizeof *view.labels);
    const struct pb_logits_view *shown = pb_guarded_copy(&run->logits_view, "the logits' view", &view, 1, sizeof view);
    if (!view.labels || !shown)
        return pb_fail_memory(run->error, examples->count * sizeof *view.labels);
    pb_place_enter_layer(run->host.name, "objective_grad", "", batch->index, batch->count);
    const enum pb_status status = pb_criterion_leave(run, run->criterion->objective_grad(run->self, shown, derivative));
    return status ? status : pb_criterion_check_beside(run, &run->derivative, "a batch in objective_grad");
}

/* ∂/∂logits of the mean over the batch. */
static enum pb_status scale_objective(struct pb_criterion_run *run, const struct pb_calibration_batch *batch,
                                      float *derivative)
{
    const size_t count = logit_count(run, batch), classes = run->network->graph->classes;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(derivative[i]))
            return pb_fail(
                run->error, PB_ERROR_RUN,
                "criterion '%s' gave the objective of batch %u, example %zu, a derivative of %g by the logit "
                "of class %zu; derivatives must be finite",
                run->name, batch->index, i / classes, (double)derivative[i], i % classes);
        derivative[i] /= (float)batch->examples.count;
    }
    return PB_OK;
}

enum pb_status pb_pass_backward(struct pb_criterion_run *run, const struct pb_calibration_batch *batch)
{
    const size_t count = logit_count(run, batch);
    float *logits;
    double loss;
    if (run->criterion->objective == PB_OBJECTIVE_LOSS) {
        const enum pb_status status =
            pb_engine_backward(run->engine, batch->examples.images, batch->examples.labels, &loss, NULL, run->error);
        return status == PB_OK && !isfinite(loss) ? fail_overflow(run, batch) : status;
    }
    float *derivative = pb_guarded_open(&run->derivative, "derivative", count, sizeof *derivative);
    if (!derivative)
        return pb_fail_memory(run->error, count * sizeof *derivative);
    memset(derivative, 0, count * sizeof *derivative);
    enum pb_status status = compute_logits(run, batch, &logits);
    if (status == PB_OK)
        status = run->criterion->objective == PB_OBJECTIVE_GIVEN ? call_objective(run, batch, derivative)
                                                                 : select_true_logits(run, batch, derivative);
    if (status == PB_OK)
        status = scale_objective(run, batch, derivative);
    return status == PB_OK ? pb_engine_backward_from(run->engine, derivative, run->error) : status;
}
