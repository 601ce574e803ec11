/*
 * Grassmann pooling (X. Wei 2018): of a symmetric matrix the projector U·Uᵀ on its `rank` leading eigenvectors. Of bilinear pooling these
 * are the left singular vectors of the features. Where fewer eigenvalues are not 0, so many vectors are taken: the eigenvectors of 0 are
 * any, and a channel that is masked would be among them.
 */
#include "graph/cost.h"
#include "operators/symmetric.h"

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "rank", rank), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    uint32_t side;
    if (!asked->rank)
        return pb_refuse(addition, "needs a rank of at least 1");
    const enum pb_status status = pb_infer_symmetric(addition, &side);
    if (status)
        return status;
    addition->node.shape = addition->in[0];
    addition->node.attributes.rank = asked->rank;
    return PB_OK;
}

static void describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->rank = node->attributes.rank;
}

/*
 * 9·C³ operations for eigenvalues and eigenvectors by the symmetric QR algorithm (G. H. Golub, C. F. Van Loan, Matrix Computations, 8.3),
 * two of which are a multiply-accumulate; then U·Uᵀ.
 */
static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    (void)graph;
    const uint64_t side = pb_matrix_side(node->shape), rank = node->attributes.rank;
    cost->macs = 9 * side * side * side / 2 + side * side * (rank < side ? rank : side);
}

static size_t values_of(const struct pb_engine *engine, uint32_t i)
{
    return (size_t)engine->options.batch * pb_input_side(engine, i);
}

static enum pb_status prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    pb_need_workspace(engine, 4 * pb_output_count(engine, i) + 10 * values_of(engine, i));
    (void)error;
    return PB_OK;
}

static struct pb_grassmann_arguments arguments_of(const struct pb_engine *engine, uint32_t i)
{
    const struct pb_node *node = &engine->graph->nodes[i];
    return (struct pb_grassmann_arguments){.size = sizeof(struct pb_grassmann_arguments),
                                           .batch = engine->options.batch,
                                           .channels = pb_input_side(engine, i),
                                           .rank = node->attributes.rank,
                                           .x = pb_value_view(engine, node->inputs[0]),
                                           .y = pb_value_view(engine, i),
                                           .vectors = pb_storage_view(engine, engine->layout.nodes[i].saved[0]),
                                           .values = pb_storage_view(engine, engine->layout.nodes[i].saved[1]),
                                           .dy = pb_gradient_view(engine, i),
                                           .workspace = {.buffer = engine->workspace}};
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const struct pb_grassmann_arguments arguments = arguments_of(engine, i);
    return PB_OPERATE(grassmann_forward, &arguments);
}

static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    struct pb_grassmann_arguments arguments = arguments_of(engine, i);
    arguments.dx = dx;
    return PB_OPERATE(grassmann_backward, &arguments);
}

/* Eigenvectors and eigenvalues. */
static void saved(const struct pb_graph *graph, uint32_t i, const struct pb_engine_options *options,
                  struct pb_saved *saved)
{
    const struct pb_shape shape = graph->nodes[i].shape;
    saved->floats[0] = pb_shape_count(shape) * options->batch;
    saved->floats[1] = (size_t)pb_matrix_side(shape) * options->batch;
}

const struct pb_graph_operator pb_op_grassmann_pool = {
    .slot = "grassmann_forward",
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .describe = describe,
    .channels = PB_CHANNELS_IDENTITY,
    .keeps_symmetry = true,
    .cost = cost,
    .engine =
        &(const struct pb_engine_operator){
            .phases = {PB_PHASE_HEAD, PB_PHASE_HEAD, PB_PHASE_HEAD},
            .prepare = prepare,
            .forward = forward,
            .backward = backward,
            .saved = saved,
        },
};
