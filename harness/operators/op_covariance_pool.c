/* Covariance pooling (P. Li 2017): the mean over all positions of the products of all pairs of channels less their means. */
#include "operators/channel_pairs.h"

/* One position is its own mean: the covariance would be zero, and every image would get the same scores. */
static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (addition->in[0].height * addition->in[0].width == 1)
        return pb_refuse(addition, "the covariance over one position is zero; use larger images, or another head");
    return pb_infer_pairs(addition, asked);
}

/* Bilinear pooling of the centred values, which are saved. */
static struct pb_bilinear_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    return pb_pairs_arguments(engine, i, pb_storage_view(engine, engine->layout.nodes[i].saved[0]));
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_bilinear_arguments pooling = arguments_of(engine, i);
    struct pb_bilinear_arguments centring = pooling;
    centring.x = pb_value_view(engine, engine->graph->nodes[i].inputs[0]);
    centring.y = pooling.x;
    const enum pb_status status = PB_OPERATE(centre_positions, &centring);
    return status ? status : PB_OPERATE(bilinear_forward, &pooling);
}

/* With X the centred values and J = I − 11ᵀ/n, dx = J·X(dy + dyᵀ)/n, and J·X = X. */
static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_bilinear_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(bilinear_backward, &arguments);
}

/* The centred values. */
static void saved(const struct pb_graph *graph, uint32_t i, const struct pb_engine_options *options,
                  struct pb_saved *saved)
{
    saved->floats[0] = pb_shape_count(graph->nodes[graph->nodes[i].inputs[0]].shape) * options->batch;
}

const struct pb_graph_operator pb_op_covariance_pool = {
    .slot = "centre_positions",
    .inputs = 1,
    .infer = infer,
    .channels = PB_CHANNELS_PAIRS,
    .cost = pb_cost_pairs,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .ask = pb_ask_pairs,
            .forward = forward,
            .backward = backward,
            .saved = saved,
        },
};
