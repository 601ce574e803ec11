/*
 * The square root of a symmetric, positive semidefinite matrix by Newton–Schulz iterations on the matrix divided by its trace (P. Li 2018,
 * iSQRT-COV). With A = X/t, Y_0 = A and Z_0 = I:
 *     W = Z·Y, Y ← (3·Y − Y·W)/2, Z ← (3·Z − W·Z)/2
 * Y tends to √A and Z to its inverse; the output is √t·Y. Where the trace is 0, it is 0, and so is the gradient.
 */
#include "graph/cost.h"
#include "operators/symmetric.h"

enum { MOST_ITERATIONS = 20, ALIGNED_FLOATS = 16 };

static const struct pb_attribute attributes[] = {PB_ATTRIBUTE(COUNT, "iterations", iterations), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    uint32_t side;
    if (asked->iterations < 1 || asked->iterations > MOST_ITERATIONS)
        return pb_refuse(addition, "needs 1 to 20 iterations");
    const enum pb_status status = pb_infer_symmetric(addition, &side);
    if (status)
        return status;
    addition->node.shape = addition->in[0];
    addition->node.attributes.iterations = asked->iterations;
    return PB_OK;
}

static void describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->iterations = node->attributes.iterations;
}

/* A product in the first iteration, where Z is I; three in each of the others, but for the last Z, which nobody reads. */
static void cost(const struct pb_graph *graph, const struct pb_node *node, struct pb_cost *cost)
{
    (void)graph;
    const uint64_t side = pb_matrix_side(node->shape), iterations = node->attributes.iterations;
    cost->macs = side * side * side * (iterations == 1 ? 1 : 3 * (iterations - 1));
}

/*
 * Places. Saved: the traces, A, and Y_k, Z_k for k from 1 on: all of them where a backward pass reads them, else two of each in turn.
 * The last Y is the output. In the workspace: what one pass needs.
 */
static size_t aligned(size_t floats)
{
    return (floats + ALIGNED_FLOATS - 1) / ALIGNED_FLOATS * ALIGNED_FLOATS;
}

static size_t matrix_floats(const struct pb_graph *graph, uint32_t i, uint32_t batch)
{
    return aligned(pb_shape_count(graph->nodes[i].shape) * batch);
}

static uint32_t kept_iterates(uint32_t iterations, enum pb_engine_mode mode)
{
    return mode == PB_ENGINE_INFER && iterations > 3 ? 2 : iterations - 1;
}

static void saved(const struct pb_graph *graph, uint32_t i, const struct pb_engine_options *options,
                  struct pb_saved *saved)
{
    const uint32_t iterates = kept_iterates(graph->nodes[i].attributes.iterations, options->mode);
    saved->floats[0] = aligned(options->batch) + (1 + 2 * iterates) * matrix_floats(graph, i, options->batch);
}

/* Matrices in the workspace. */
enum place { PLACE_W, FORWARD_PLACES, PLACE_Q = FORWARD_PLACES, PLACE_GRADIENTS, ALL_PLACES = PLACE_GRADIENTS + 4 };

static enum pb_status prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error)
{
    const size_t places = engine->options.mode == PB_ENGINE_INFER ? FORWARD_PLACES : ALL_PLACES;
    pb_need_workspace(engine, places * matrix_floats(engine->graph, i, engine->options.batch));
    (void)error;
    return PB_OK;
}

static void ask(const struct pb_engine *engine, uint32_t i, struct pb_operator *asked)
{
    asked->kind = PB_OPERATOR_MATRIX_PRODUCT;
    asked->outputs = pb_input_side(engine, i);
}

static struct pb_view traces(const struct pb_engine *engine, uint32_t i)
{
    return pb_storage_view(engine, engine->layout.nodes[i].saved[0]);
}

static struct pb_view saved_matrix(const struct pb_engine *engine, uint32_t i, uint32_t index)
{
    struct pb_view view = traces(engine, i);
    const uint32_t batch = engine->options.batch;
    view.offset += aligned(batch) + index * matrix_floats(engine->graph, i, batch);
    return view;
}

static struct pb_view place(const struct pb_engine *engine, uint32_t i, uint32_t index)
{
    return (struct pb_view){.buffer = engine->workspace,
                            .offset = index * matrix_floats(engine->graph, i, engine->options.batch)};
}

/* Y_k and Z_k. */
struct iterate {
    struct pb_view y, z;
};

static struct iterate iterate(const struct pb_engine *engine, uint32_t i, uint32_t k)
{
    const uint32_t iterations = engine->graph->nodes[i].attributes.iterations;
    if (k == iterations)
        return (struct iterate){.y = pb_value_view(engine, i)};
    if (k == 0)
        return (struct iterate){.y = saved_matrix(engine, i, 0)};
    const uint32_t index = (k - 1) % kept_iterates(iterations, engine->options.mode);
    return (struct iterate){saved_matrix(engine, i, 1 + 2 * index), saved_matrix(engine, i, 2 + 2 * index)};
}

static struct pb_matrix_root_arguments root_arguments(const struct pb_engine *engine, uint32_t i)
{
    return (struct pb_matrix_root_arguments){.size = sizeof(struct pb_matrix_root_arguments),
                                             .batch = engine->options.batch,
                                             .side = pb_input_side(engine, i),
                                             .traces = traces(engine, i)};
}

/* y = alpha·a·b + beta·z; z absent: nothing is added. */
struct product {
    double alpha, beta;
    struct pb_view a, b, z, y;
};

static enum pb_status multiply(struct pb_engine *engine, uint32_t i, struct product product, struct pb_error *error)
{
    const struct pb_matrix_arguments arguments = {.size = sizeof arguments,
                                                  .batch = engine->options.batch,
                                                  .side = pb_input_side(engine, i),
                                                  .alpha = product.alpha,
                                                  .beta = product.beta,
                                                  .a = product.a,
                                                  .b = product.b,
                                                  .z = product.z,
                                                  .y = product.y};
    return PB_OPERATE(matrix_product, &arguments);
}

/* From Y and Z to the next ones. */
static enum pb_status step(struct pb_engine *engine, uint32_t i, struct iterate from, struct iterate to,
                           struct pb_error *error)
{
    const struct pb_view w = place(engine, i, PLACE_W);
    enum pb_status status = multiply(engine, i, (struct product){.alpha = 1, .a = from.z, .b = from.y, .y = w}, error);
    if (!status)
        status = multiply(engine, i, (struct product){-0.5, 1.5, from.y, w, from.y, to.y}, error);
    if (!status && to.z.buffer)
        status = multiply(engine, i, (struct product){-0.5, 1.5, w, from.z, from.z, to.z}, error);
    return status;
}

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)training;
    const uint32_t iterations = engine->graph->nodes[i].attributes.iterations;
    const struct iterate start = iterate(engine, i, 0), first = iterate(engine, i, 1);
    struct pb_matrix_root_arguments arguments = root_arguments(engine, i);
    arguments.x = pb_value_view(engine, engine->graph->nodes[i].inputs[0]);
    arguments.y = start.y;
    arguments.z = first.z;
    enum pb_status status = PB_OPERATE(matrix_root_begin, &arguments);
    if (!status)
        status = multiply(engine, i, (struct product){-0.5, 1.5, start.y, start.y, start.y, first.y}, error);
    for (uint32_t k = 1; k < iterations && !status; k++)
        status = step(engine, i, iterate(engine, i, k), iterate(engine, i, k + 1), error);
    arguments.x = arguments.y = pb_value_view(engine, i);
    return status ? status : PB_OPERATE(matrix_root_end, &arguments);
}

/* Gradients of Y_k and Z_k; of the last Z there is none. */
static struct iterate gradients(const struct pb_engine *engine, uint32_t i, uint32_t k)
{
    const uint32_t first = PLACE_GRADIENTS + k % 2 * 2;
    const bool last = k == engine->graph->nodes[i].attributes.iterations;
    struct iterate pulled = {.y = place(engine, i, first)};
    if (!last)
        pulled.z = place(engine, i, first + 1);
    return pulled;
}

/* to = (3·G − G·W − W·G)/2 */
static enum pb_status pull(struct pb_engine *engine, uint32_t i, struct pb_view g, struct pb_view w, struct pb_view to,
                           struct pb_error *error)
{
    const enum pb_status status = multiply(engine, i, (struct product){-0.5, 1.5, g, w, g, to}, error);
    return status ? status : multiply(engine, i, (struct product){-0.5, 1, w, g, to, to}, error);
}

/* to = beta·to − other·H·other/2 */
static enum pb_status cross(struct pb_engine *engine, uint32_t i, struct pb_view h, struct pb_view other, double beta,
                            struct pb_view to, struct pb_error *error)
{
    const struct pb_view q = place(engine, i, PLACE_Q), none = {0};
    const enum pb_status status = multiply(engine, i, (struct product){.alpha = 1, .a = h, .b = other, .y = q}, error);
    return status ? status
                  : multiply(engine, i, (struct product){-0.5, beta, other, q, beta == 0 ? none : to, to}, error);
}

/*
 * From the gradients G of Y_{k+1} and H of Z_{k+1} to those of Y_k and Z_k, with W = Y·Z = Z·Y:
 *     (3·G − G·W − W·G − Z·H·Z)/2 and (3·H − H·W − W·H − Y·G·Y)/2
 */
static enum pb_status step_back(struct pb_engine *engine, uint32_t i, uint32_t k, struct pb_error *error)
{
    const struct iterate at = iterate(engine, i, k), from = gradients(engine, i, k + 1), to = gradients(engine, i, k);
    const struct pb_view w = place(engine, i, PLACE_W);
    const bool both = from.z.buffer != NULL;
    enum pb_status status = multiply(engine, i, (struct product){.alpha = 1, .a = at.y, .b = at.z, .y = w}, error);
    if (!status)
        status = pull(engine, i, from.y, w, to.y, error);
    if (!status && both)
        status = cross(engine, i, from.z, at.z, 1, to.y, error);
    if (!status && both)
        status = pull(engine, i, from.z, w, to.z, error);
    return status ? status : cross(engine, i, from.y, at.y, both ? 1 : 0, to.z, error);
}

/* The output is √t·Y, Y_1 = (3·A − A·A)/2, and Z_1 = (3·I − A)/2 is matrix_root_begin's. */
static enum pb_status backward(struct pb_engine *engine, uint32_t i, uint32_t slot, struct pb_view dx,
                               struct pb_error *error)
{
    (void)slot;
    const uint32_t iterations = engine->graph->nodes[i].attributes.iterations;
    const struct iterate first = gradients(engine, i, 1);
    struct pb_matrix_root_arguments end = root_arguments(engine, i), begin = end;
    end.x = pb_gradient_view(engine, i);
    end.y = gradients(engine, i, iterations).y;
    enum pb_status status = PB_OPERATE(matrix_root_end, &end);
    for (uint32_t k = iterations - 1; k > 0 && !status; k--)
        status = step_back(engine, i, k, error);
    begin.y = iterate(engine, i, 0).y;
    begin.root = pb_value_view(engine, i);
    begin.droot = pb_gradient_view(engine, i);
    begin.dy = begin.dx = dx;
    begin.dz = first.z;
    if (!status)
        status = pull(engine, i, first.y, begin.y, dx, error);
    return status ? status : PB_OPERATE(matrix_root_backward, &begin);
}

const struct pb_graph_operator pb_op_matrix_sqrt = {
    .slot = "matrix_product",
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
            .ask = ask,
            .forward = forward,
            .backward = backward,
            .reads_output = true,
            .saved = saved,
        },
};
