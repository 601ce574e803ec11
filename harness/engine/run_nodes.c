/* Whole passes: images in, logits out, loss and gradients, the optimiser's step. */
#include "engine/engine_operator.h"

void pb_engine_set_step(struct pb_engine *engine, uint64_t step)
{
    engine->step = step;
}

void pb_engine_freeze_trunk(struct pb_engine *engine, bool frozen)
{
    engine->trunk_frozen = frozen;
}

enum pb_status pb_upload_images(struct pb_engine *engine, const float *images, uint32_t count, struct pb_error *error)
{
    const double start = pb_clock();
    pb_place_node(engine->device->host.name, engine->graph->nodes[0].name, start);
    const size_t floats = pb_shape_count(engine->graph->nodes[0].shape);
    const struct pb_view input = pb_value_view(engine, 0);
    enum pb_status status = PB_OK;
    if (count < engine->options.batch)
        status = PB_OPERATE(fill, input, 0, floats * engine->options.batch);
    if (!status)
        status = PB_OPERATE(upload, input, images, floats * count);
    if (!status)
        status = pb_engine_wait(engine, error);
    pb_engine_clock(engine, start, PB_PHASE_TRANSFER, UINT32_MAX, PB_PASS_FORWARD);
    return status;
}

static enum pb_status download_logits(struct pb_engine *engine, uint32_t count, float *logits, struct pb_error *error)
{
    const double start = pb_clock();
    const uint32_t last = engine->graph->node_count - 1;
    enum pb_status status = PB_OPERATE(download, logits, pb_value_view(engine, last),
                                       pb_shape_count(engine->graph->nodes[last].shape) * count);
    if (!status)
        status = pb_engine_wait(engine, error);
    pb_engine_clock(engine, start, PB_PHASE_TRANSFER, UINT32_MAX, PB_PASS_FORWARD);
    return status;
}

enum pb_status pb_engine_forward(struct pb_engine *engine, const float *images, uint32_t count, float *logits,
                                 struct pb_error *error)
{
    if (!count || count > engine->options.batch)
        return pb_fail(error, PB_ERROR_RUN, "%u images do not fit an engine for batches of %u", count,
                       engine->options.batch);
    engine->awaits_backward = false;
    enum pb_status status = pb_upload_images(engine, images, count, error);
    if (!status)
        status = pb_run_forward(engine, false, error);
    engine->has_values = engine->has_values || status == PB_OK;
    return status ? status : download_logits(engine, count, logits, error);
}

/* Losses and their gradient; *loss is the mean over the batch. */
static enum pb_status run_loss(struct pb_engine *engine, const uint32_t *labels, double *loss, struct pb_error *error)
{
    const double start = pb_clock();
    const uint32_t last = engine->graph->node_count - 1, batch = engine->options.batch;
    pb_place_node(engine->device->host.name, "loss", start);
    const struct pb_view losses = pb_storage_view(engine, engine->layout.losses);
    const struct pb_loss_arguments arguments = {.size = sizeof arguments,
                                                .batch = batch,
                                                .classes = engine->graph->classes,
                                                .labels = labels,
                                                .logits = pb_value_view(engine, last),
                                                .losses = losses,
                                                .dlogits = pb_gradient_view(engine, last)};
    enum pb_status status = PB_OPERATE(softmax_cross_entropy, &arguments);
    if (!status)
        status = PB_OPERATE(download, engine->staging, losses, batch);
    if (!status)
        status = pb_engine_wait(engine, error);
    if (status)
        return pb_fail_context(error, "loss");
    double sum = 0;
    for (uint32_t n = 0; n < batch; n++)
        sum += (double)engine->staging[n];
    *loss = sum / batch;
    pb_engine_clock(engine, start, PB_PHASE_HEAD, UINT32_MAX, PB_PASS_FORWARD);
    return PB_OK;
}

static enum pb_status check_labels(const struct pb_engine *engine, const uint32_t *labels, struct pb_error *error)
{
    for (uint32_t n = 0; n < engine->options.batch; n++)
        if (labels[n] >= engine->graph->classes)
            return pb_fail(error, PB_ERROR_INPUT, "label %u of image %u is not below the model's %u classes", labels[n],
                           n, engine->graph->classes);
    return PB_OK;
}

enum pb_status pb_engine_backward(struct pb_engine *engine, const float *images, const uint32_t *labels, double *loss,
                                  float *logits, struct pb_error *error)
{
    double mean = 0;
    if (engine->options.mode == PB_ENGINE_INFER)
        return pb_fail(error, PB_ERROR_RUN, "an engine made to infer has no backward pass");
    enum pb_status status = check_labels(engine, labels, error);
    if (!status)
        status = pb_upload_images(engine, images, engine->options.batch, error);
    if (!status)
        status = pb_run_forward(engine, engine->options.mode == PB_ENGINE_TRAIN, error);
    if (!status)
        status = run_loss(engine, labels, &mean, error);
    if (!status && logits)
        status = download_logits(engine, engine->options.batch, logits, error);
    if (!status)
        status = pb_run_backward(engine, error);
    if (status)
        return status;
    engine->step++;
    engine->has_values = engine->has_gradients = true;
    engine->awaits_backward = false;
    *loss = mean;
    return PB_OK;
}

enum pb_status pb_engine_forward_training(struct pb_engine *engine, const float *images, float *logits,
                                          struct pb_error *error)
{
    if (engine->options.mode != PB_ENGINE_TRAIN)
        return pb_fail(error, PB_ERROR_RUN, "only an engine that trains runs forward as in training");
    enum pb_status status = pb_upload_images(engine, images, engine->options.batch, error);
    if (!status)
        status = pb_run_forward(engine, true, error);
    if (!status)
        status = download_logits(engine, engine->options.batch, logits, error);
    engine->awaits_backward = status == PB_OK;
    return status;
}

enum pb_status pb_engine_backward_from(struct pb_engine *engine, const float *derivative, struct pb_error *error)
{
    const uint32_t last = engine->graph->node_count - 1;
    const bool trains = engine->options.mode == PB_ENGINE_TRAIN;
    if (trains ? !engine->awaits_backward : engine->options.mode == PB_ENGINE_INFER || !engine->has_values)
        return pb_fail(
            error, PB_ERROR_RUN,
            "only an engine that has just run forward, training or calibrating, can run backward from a given "
            "derivative");
    engine->awaits_backward = false;
    pb_place_node(engine->device->host.name, "loss", pb_clock());
    enum pb_status status =
        PB_OPERATE(upload, pb_gradient_view(engine, last), derivative, pb_output_count(engine, last));
    if (!status)
        status = pb_engine_wait(engine, error);
    if (!status)
        status = pb_run_backward(engine, error);
    engine->has_gradients = engine->has_gradients || status == PB_OK;
    engine->step += trains && status == PB_OK;
    return status;
}

enum pb_status pb_engine_step(struct pb_engine *engine, const struct pb_step *step, struct pb_error *error)
{
    const double start = pb_clock();
    const struct pb_graph *graph = engine->graph;
    if (engine->options.mode != PB_ENGINE_TRAIN || !engine->has_gradients)
        return pb_fail(error, PB_ERROR_RUN, "only an engine that trains can step, and only after a backward pass");
    enum pb_status status = pb_penalise_gradients(engine, step, error);
    for (uint32_t p = 0; p < graph->parameter_count && !status; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        if (pb_is_frozen(engine, step, parameter))
            continue;
        const struct pb_sgd_arguments arguments = {
            .size = sizeof arguments,
            .count = parameter->count,
            .lr = step->lr,
            .momentum = step->momentum,
            .weight_decay = step->weight_decay,
            .nesterov = step->nesterov,
            .gradient = {.buffer = engine->gradients, .offset = parameter->offset},
            .velocity = {.buffer = engine->velocity, .offset = parameter->offset},
            .weight = {.buffer = engine->values, .offset = parameter->offset},
        };
        pb_place_node(engine->device->host.name, graph->nodes[parameter->node].name, start);
        status = PB_OPERATE(sgd_step, &arguments);
    }
    if (!status)
        status = pb_penalise_values(engine, step, error);
    if (!status)
        status = pb_masks_apply(engine, error);
    if (!status)
        status = pb_engine_wait(engine, error);
    pb_engine_clock(engine, start, PB_PHASE_OPTIMISER, UINT32_MAX, PB_PASS_FORWARD);
    return status;
}
