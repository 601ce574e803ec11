/* Dropout: a mask of 0 and 1/(1 − p) while training. */
#include "engine/run_table.h"

#include <stdio.h>

#include "base/rng.h"

/* A mask of this step: seed, step and node decide it, so that a stopped training resumes with the same ones. */
static enum pb_status draw_mask(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    const size_t count = pb_output_count(engine, i);
    const double drop = node->attributes.dropout;
    const float kept = (float)(1 / (1 - drop));
    char name[96];
    struct pb_rng rng;
    snprintf(name, sizeof name, "dropout/%s/%llu", node->name, (unsigned long long)engine->step);
    pb_rng_init(&rng, engine->options.seed, name);
    for (size_t k = 0; k < count; k++)
        engine->staging[k] = pb_rng_uniform(&rng) < drop ? 0 : kept;
    return PB_OPERATE(upload, pb_storage_view(engine, engine->layout.nodes[i].saved[0]), engine->staging, count);
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    struct pb_elementwise_arguments arguments = pb_elementwise_arguments(engine, i);
    arguments.other = pb_storage_view(engine, engine->layout.nodes[i].saved[0]);
    enum pb_status status;
    if (pb_uses_batch_statistics(engine, i, training))
        status = draw_mask(engine, i, error);
    else if (engine->layout.nodes[i].in_place)
        return PB_OK;
    else
        status = PB_OPERATE(fill, arguments.other, 1, arguments.count);
    return status ? status : PB_OPERATE(multiply, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    const struct pb_elementwise_arguments arguments = {
        .size = sizeof arguments,
        .count = pb_output_count(engine, i),
        .x = pb_gradient_view(engine, i),
        .other = pb_storage_view(engine, engine->layout.nodes[i].saved[0]),
        .y = dx,
    };
    return PB_OPERATE(multiply, &arguments);
}

/* The mask. */
static void saved(const struct pb_graph *graph, uint32_t i, const struct pb_engine_options *options,
                  struct pb_saved *saved)
{
    saved->floats[0] = pb_shape_count(graph->nodes[i].shape) * options->batch;
    saved->staging = options->mode == PB_ENGINE_TRAIN ? saved->floats[0] : 0;
}

const struct pb_engine_operator pb_run_dropout = {
    .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
    .forward = forward,
    .backward = backward,
    .keeps_sign = true,
    .in_place = PB_IN_PLACE_ALWAYS,
    .gradient_in_place = true,
    .saved = saved,
    .saved_unless_in_place = true,
};
