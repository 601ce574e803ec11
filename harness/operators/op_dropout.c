/* Dropout: a mask of 0 and 1/(1 − p) while training. */
#include <stdio.h>

#include "base/rng.h"
#include "engine/engine_operator.h"
#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(REAL, "share", dropout), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (!(asked->dropout >= 0 && asked->dropout < 1))
        return pb_refuse(addition, "the share of dropped values must be at least 0 and below 1");
    addition->node.shape = addition->in[0];
    addition->node.attributes.dropout = asked->dropout;
    return PB_OK;
}

static void describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->dropout = node->attributes.dropout;
}

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

const struct pb_graph_operator pb_op_dropout = {
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .describe = describe,
    .channels = PB_CHANNELS_IDENTITY,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .forward = forward,
            .backward = backward,
            .keeps_sign = true,
            .in_place = PB_IN_PLACE_ALWAYS,
            .gradient_in_place = true,
            .saved = saved,
            .saved_unless_in_place = true,
        },
};
