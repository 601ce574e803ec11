/* Covariance pooling (P. Li 2017): the mean over all positions of the products of all pairs of channels less their means. */
#include "engine/engine_operator.h"
#include "graph/cost.h"
#include "graph/op_table.h"

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    (void)asked;
    const uint64_t pairs = (uint64_t)addition->in[0].channels * addition->in[0].channels;
    if (pairs > UINT32_MAX)
        return pb_refuse(addition, "has more channel pairs than can be counted");
    addition->node.shape = (struct pb_shape){1, 1, (uint32_t)pairs};
    return PB_OK;
}

static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    const struct pb_shape in = graph->nodes[node->inputs[0]].shape;
    cost->macs = (uint64_t)pb_shape_count(node->shape) * in.height * in.width;
}

static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    (void)engine, (void)i;
    asked->kind = PB_OPERATOR_BILINEAR_POOL;
}

/* Bilinear pooling of the centred values, which are saved. */
static struct pb_bilinear_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const struct pb_shape in = engine->graph->nodes[engine->graph->nodes[i].inputs[0]].shape;
    return (struct pb_bilinear_arguments){.size = sizeof(struct pb_bilinear_arguments),
                                          .batch = engine->options.batch,
                                          .channels = in.channels,
                                          .positions = (size_t)in.height * in.width,
                                          .x = pb_storage_view(engine, engine->layout.nodes[i].saved[0]),
                                          .y = pb_value_view(engine, i),
                                          .dy = pb_gradient_view(engine, i)};
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
    .cost = cost,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .ask = ask,
            .forward = forward,
            .backward = backward,
            .saved = saved,
        },
};
