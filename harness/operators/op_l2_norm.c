/* Division of every image's values by their Euclidean norm. */
#include "engine/engine_operator.h"
#include "operators/op_eps.h"

static enum pb_status check(const struct pb_graph *graph, uint32_t i, struct pb_error *error)
{
    const struct pb_node *node = &graph->nodes[i];
    if (node->attributes.eps > 1e-12)
        return pb_fail(error, PB_ERROR_UNSUPPORTED, "node '%s': norms are clamped to 1e-12, not to %g", node->name,
                       node->attributes.eps);
    return PB_OK;
}

static struct pb_l2_norm_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    return (struct pb_l2_norm_arguments){.size = sizeof(struct pb_l2_norm_arguments),
                                         .rows = engine->options.batch,
                                         .columns = pb_shape_count(node->shape),
                                         .x = pb_value_view(engine, node->inputs[0]),
                                         .y = pb_value_view(engine, i),
                                         .norms = pb_storage_view(engine, engine->layout.nodes[i].saved[0]),
                                         .dy = pb_gradient_view(engine, i)};
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_l2_norm_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(l2_norm_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_l2_norm_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(l2_norm_backward, &arguments);
}

/* The norms. */
static void saved(const struct pb_graph *graph, uint32_t i, const struct pb_engine_options *options,
                  struct pb_saved *saved)
{
    (void)graph, (void)i;
    saved->floats[0] = options->batch;
}

const struct pb_graph_operator pb_op_l2_norm = {
    .slot = "l2_norm_forward",
    .inputs = 1,
    .attributes = pb_eps_attributes,
    .infer = pb_eps_infer,
    .describe = pb_eps_describe,
    .channels = PB_CHANNELS_IDENTITY,
    .keeps_symmetry = true,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .check = check,
            .forward = forward,
            .backward = backward,
            .reads_output = true,
            .saved = saved,
        },
};
