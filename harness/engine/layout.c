/* Lays out an engine's arrays: which nodes are computed together or in place, what lives how long. */
#include "engine/engine_internal.h"

#include <string.h>

#include "base/memory.h"

/* A plan being made. After a failure `status` stays set and additions do nothing. */
struct planner {
    const struct pb_graph *graph;
    const struct pb_engine_options *options;
    const struct pb_device *device;
    struct pb_plan *plan;
    uint32_t *consumers; /* per node: how many inputs it feeds */
    bool *needs_gradient; /* per node: a trainable parameter stands at or before it */
    uint32_t storage_capacity;
    enum pb_status status;
    struct pb_error *error;
};

static bool keeps_all(const struct planner *planner)
{
    return planner->options->mode == PB_ENGINE_CALIBRATE;
}

static bool learns(const struct planner *planner)
{
    return planner->options->mode != PB_ENGINE_INFER;
}

static uint32_t loss_time(const struct planner *planner)
{
    return planner->graph->node_count;
}

static uint32_t backward_time(const struct planner *planner, uint32_t node)
{
    return 2 * planner->graph->node_count - node;
}

static void use(struct planner *planner, uint32_t storage, uint32_t time)
{
    if (planner->status || storage == PB_NO_STORAGE)
        return;
    struct pb_storage *used = &planner->plan->storages[storage];
    used->first = time < used->first ? time : used->first;
    used->last = time > used->last ? time : used->last;
}

static uint32_t add_storage(struct planner *planner, size_t floats, uint32_t time)
{
    struct pb_plan *plan = planner->plan;
    if (planner->status)
        return PB_NO_STORAGE;
    if (plan->storage_count == planner->storage_capacity) {
        const uint32_t capacity = planner->storage_capacity * 2 + 32;
        struct pb_storage *storages = pb_realloc(plan->storages, planner->storage_capacity, capacity, sizeof *storages);
        if (!storages) {
            planner->status = pb_fail_memory(planner->error, capacity * sizeof *storages);
            return PB_NO_STORAGE;
        }
        plan->storages = storages;
        planner->storage_capacity = capacity;
    }
    const uint32_t all = backward_time(planner, 0);
    plan->storages[plan->storage_count] = (struct pb_storage){
        .floats = floats, .first = keeps_all(planner) ? 0 : time, .last = keeps_all(planner) ? all : time};
    return plan->storage_count++;
}

/* Values of one node's output for the whole batch. */
static size_t output_floats(struct planner *planner, uint32_t node)
{
    size_t floats = 0;
    if (!pb_multiply(pb_shape_count(planner->graph->nodes[node].shape), planner->options->batch, &floats) &&
        !planner->status)
        planner->status =
            pb_fail(planner->error, PB_ERROR_INPUT, "node '%s': a batch of %u is larger than memory has addresses",
                    planner->graph->nodes[node].name, planner->options->batch);
    return floats;
}

static void find_consumers_and_gradients(struct planner *planner)
{
    const struct pb_graph *graph = planner->graph;
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            planner->consumers[graph->nodes[i].inputs[slot]]++;
    for (uint32_t p = 0; p < graph->parameter_count; p++)
        if (graph->parameters[p].trainable)
            planner->needs_gradient[graph->parameters[p].node] = learns(planner);
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            planner->needs_gradient[i] |= planner->needs_gradient[graph->nodes[i].inputs[slot]];
}

/* The head begins at bilinear pooling or, without it, at the first linear layer. */
static void find_parts(struct planner *planner)
{
    const struct pb_graph *graph = planner->graph;
    struct pb_plan *plan = planner->plan;
    plan->head = graph->node_count;
    plan->last_trunk_norm = PB_NO_PARAMETER;
    for (uint32_t i = graph->node_count; i-- > 0;)
        if (graph->nodes[i].op == PB_OP_BILINEAR_POOL || graph->nodes[i].op == PB_OP_LINEAR)
            plan->head = i;
    for (uint32_t i = 0; i < plan->head; i++)
        if (graph->nodes[i].op == PB_OP_BATCH_NORM)
            plan->last_trunk_norm = i;
}

static void fuse(struct planner *planner)
{
    const struct pb_graph *graph = planner->graph;
    struct pb_node_plan *nodes = planner->plan->nodes;
    for (uint32_t i = 1; i < graph->node_count; i++) {
        const uint32_t input = graph->nodes[i].inputs[0];
        if (graph->nodes[i].op == PB_OP_BATCH_NORM && graph->nodes[input].op == PB_OP_CONV2D &&
            planner->consumers[input] == 1 && !keeps_all(planner)) {
            nodes[input].norm = i;
            nodes[i].with_convolution = true;
        }
        if (graph->nodes[i].op == PB_OP_RELU && graph->nodes[input].op == PB_OP_BATCH_NORM &&
            planner->consumers[input] == 1) {
            nodes[input].with_relu = true;
            nodes[i].skipped = true;
        }
    }
}

/* Maximum pooling behind a convolution, its batch norm and ReLU, where the device does it all at once. */
static void fuse_pools(struct planner *planner)
{
    const struct pb_graph *graph = planner->graph;
    const struct pb_backend *ops = &planner->device->ops;
    struct pb_node_plan *nodes = planner->plan->nodes;
    if (keeps_all(planner) || !ops->norm_pools || !ops->conv_norm_forward || !ops->conv_norm_evaluate)
        return;
    for (uint32_t i = 1; i < graph->node_count; i++) {
        const uint32_t relu = graph->nodes[i].inputs[0];
        if (graph->nodes[i].op != PB_OP_MAX_POOL || !nodes[relu].skipped || planner->consumers[relu] != 1)
            continue;
        const uint32_t norm = graph->nodes[relu].inputs[0];
        const struct pb_pool_shape shape = pb_pool_shape_of(graph, i, planner->options->batch);
        if (!nodes[norm].with_convolution || !ops->norm_pools(pb_device_self(planner->device, norm_pools), &shape))
            continue;
        nodes[norm].pool = i;
        nodes[i].skipped = true;
    }
}

static bool reads_input_again(enum pb_op op)
{
    switch (op) {
    case PB_OP_CONV2D:
    case PB_OP_BATCH_NORM:
    case PB_OP_MAX_POOL:
    case PB_OP_BILINEAR_POOL:
    case PB_OP_SIGNED_SQRT:
    case PB_OP_LINEAR:
        return true;
    default:
        return false;
    }
}

/* Whether a node's backward pass reads its own output. */
static bool reads_output_again(const struct planner *planner, uint32_t node)
{
    const enum pb_op op = planner->graph->nodes[node].op;
    return planner->needs_gradient[node] &&
           (op == PB_OP_MAX_POOL || op == PB_OP_RELU || op == PB_OP_L2_NORM || planner->plan->nodes[node].with_relu);
}

/*
 * Whether a node may overwrite an input: nobody else reads it, and neither backward pass wants it. Dropout behind ReLU
 * may, for ReLU looks at signs only, and where dropout puts a zero, no gradient arrives either.
 */
static bool may_overwrite(const struct planner *planner, uint32_t node, uint32_t input)
{
    const enum pb_op op = planner->graph->nodes[node].op;
    const bool able =
        op == PB_OP_RELU || op == PB_OP_ADD || op == PB_OP_DROPOUT || (op == PB_OP_BATCH_NORM && !learns(planner));
    if (!able || keeps_all(planner) || planner->consumers[input] != 1)
        return false;
    if (op == PB_OP_DROPOUT && planner->graph->nodes[input].op == PB_OP_RELU)
        return true;
    return !reads_output_again(planner, input);
}

static void plan_value(struct planner *planner, uint32_t node)
{
    const struct pb_node *described = &planner->graph->nodes[node];
    struct pb_node_plan *nodes = planner->plan->nodes, *planned = &nodes[node];
    if (planned->pool != PB_NO_PARAMETER)
        return; /* only the pooled values are put out */
    if (planned->skipped && described->op == PB_OP_RELU) {
        planned->value = nodes[described->inputs[0]].value;
        return;
    }
    for (uint32_t slot = 0; slot < described->input_count && !planned->in_place; slot++)
        if (may_overwrite(planner, node, described->inputs[slot])) {
            planned->value = nodes[described->inputs[slot]].value;
            planned->in_place = true;
        }
    if (!planned->in_place)
        planned->value = add_storage(planner, output_floats(planner, node), node);
}

static void plan_saved(struct planner *planner, uint32_t node)
{
    const struct pb_node *described = &planner->graph->nodes[node];
    struct pb_node_plan *planned = &planner->plan->nodes[node];
    const bool trains = planner->options->mode == PB_ENGINE_TRAIN;
    if (described->op == PB_OP_BATCH_NORM && trains) {
        planned->saved[0] = add_storage(planner, described->shape.channels, node);
        planned->saved[1] = add_storage(planner, described->shape.channels, node);
    } else if (described->op == PB_OP_L2_NORM) {
        planned->saved[0] = add_storage(planner, planner->options->batch, node);
    } else if (described->op == PB_OP_DROPOUT && (trains || !planned->in_place)) {
        const size_t floats = output_floats(planner, node);
        planned->saved[0] = add_storage(planner, floats, node);
        if (trains && floats > planner->plan->staging_floats)
            planner->plan->staging_floats = floats;
    }
}

/* The node whose forward pass computes this one's values, too. */
static uint32_t computed_at(const struct planner *planner, uint32_t node)
{
    const struct pb_node *described = &planner->graph->nodes[node];
    const struct pb_node_plan *planned = &planner->plan->nodes[node];
    const bool elsewhere = planned->with_convolution || planned->skipped;
    return elsewhere ? computed_at(planner, described->inputs[0]) : node;
}

static void plan_forward(struct planner *planner)
{
    const struct pb_graph *graph = planner->graph;
    struct pb_node_plan *nodes = planner->plan->nodes;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        plan_value(planner, i);
        plan_saved(planner, i);
        const uint32_t computed = computed_at(planner, i);
        use(planner, nodes[i].value, computed);
        use(planner, nodes[i].saved[0], computed);
        use(planner, nodes[i].saved[1], computed);
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            use(planner, nodes[graph->nodes[i].inputs[slot]].value, i);
    }
    use(planner, nodes[graph->node_count - 1].value, loss_time(planner));
}

static bool gradient_in_place(const struct planner *planner, uint32_t index, uint32_t slot)
{
    const struct pb_node *node = &planner->graph->nodes[index];
    if (keeps_all(planner))
        return false;
    switch (node->op) {
    case PB_OP_BATCH_NORM:
        return planner->plan->nodes[index].pool == PB_NO_PARAMETER; /* else its own gradient is the pooled one */
    case PB_OP_RELU:
    case PB_OP_SIGNED_SQRT:
    case PB_OP_DROPOUT:
        return true;
    case PB_OP_ADD:
        return slot == 0 && node->inputs[0] != node->inputs[1];
    default:
        return false;
    }
}

/*
 * Where a node's backward pass puts an input's gradient. The first one to get there writes, the others add. Batch norm
 * puts one out whether it is wanted or not: then over its own, where that need not be kept.
 */
static void plan_input_gradient(struct planner *planner, uint32_t node, uint32_t slot)
{
    const struct pb_node *described = &planner->graph->nodes[node];
    const uint32_t input = described->inputs[slot], time = backward_time(planner, node);
    struct pb_node_plan *planned = &planner->plan->nodes[node], *source = &planner->plan->nodes[input];
    if (!planner->needs_gradient[input]) {
        if (described->op == PB_OP_BATCH_NORM && keeps_all(planner))
            planned->scratch = add_storage(planner, output_floats(planner, input), time);
        return;
    }
    planned->first[slot] = source->gradient == PB_NO_STORAGE;
    if (planned->first[slot])
        source->gradient = planned->skipped || gradient_in_place(planner, node, slot)
                               ? planned->gradient
                               : add_storage(planner, output_floats(planner, input), time);
    else if (described->op != PB_OP_ADD)
        planned->scratch = add_storage(planner, output_floats(planner, input), time);
    use(planner, source->gradient, time);
}

static void plan_backward(struct planner *planner)
{
    const struct pb_graph *graph = planner->graph;
    struct pb_node_plan *nodes = planner->plan->nodes;
    const uint32_t last = graph->node_count - 1;
    planner->plan->losses = add_storage(planner, planner->options->batch, loss_time(planner));
    nodes[last].gradient = add_storage(planner, output_floats(planner, last), loss_time(planner));
    for (uint32_t i = last; i > 0; i--) {
        const uint32_t time = backward_time(planner, i);
        if (!planner->needs_gradient[i] || nodes[i].gradient == PB_NO_STORAGE)
            continue;
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++) {
            plan_input_gradient(planner, i, slot);
            if (reads_input_again(graph->nodes[i].op))
                use(planner, nodes[graph->nodes[i].inputs[slot]].value, time);
        }
        use(planner, nodes[i].gradient, time);
        use(planner, nodes[i].saved[0], time);
        use(planner, nodes[i].saved[1], time);
        if (reads_output_again(planner, i))
            use(planner, nodes[i].value, time);
    }
}

static enum pb_status check_graph(const struct pb_graph *graph, const struct pb_engine_options *options,
                                  struct pb_error *error)
{
    if (graph->node_count < 2)
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': a graph without layers cannot be run", graph->model);
    if (graph->node_count > UINT32_MAX / 2)
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': has too many nodes", graph->model);
    if (!options->batch)
        return pb_fail(error, PB_ERROR_INPUT, "a batch must hold at least one image");
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == PB_OP_L2_NORM && graph->nodes[i].attributes.eps > 1e-12)
            return pb_fail(error, PB_ERROR_UNSUPPORTED, "node '%s': norms are clamped to 1e-12, not to %g",
                           graph->nodes[i].name, graph->nodes[i].attributes.eps);
    return PB_OK;
}

enum pb_status pb_plan_create(const struct pb_graph *graph, const struct pb_engine_options *options,
                              const struct pb_device *device, struct pb_plan *plan, struct pb_error *error)
{
    const uint32_t count = graph->node_count;
    struct pb_plan made = {.node_count = count, .losses = PB_NO_STORAGE};
    struct planner planner = {.graph = graph, .options = options, .device = device, .plan = &made, .error = error};
    planner.status = check_graph(graph, options, error);
    if (planner.status)
        return planner.status;
    made.nodes = pb_calloc(count, sizeof *made.nodes);
    planner.consumers = pb_calloc(count, sizeof *planner.consumers);
    planner.needs_gradient = pb_calloc(count, sizeof *planner.needs_gradient);
    if (!made.nodes || !planner.consumers || !planner.needs_gradient) {
        planner.status = pb_fail_memory(error, count * sizeof *made.nodes);
        goto cleanup;
    }
    for (uint32_t i = 0; i < count; i++)
        made.nodes[i] = (struct pb_node_plan){.norm = PB_NO_PARAMETER,
                                              .pool = PB_NO_PARAMETER,
                                              .value = PB_NO_STORAGE,
                                              .gradient = PB_NO_STORAGE,
                                              .saved = {PB_NO_STORAGE, PB_NO_STORAGE},
                                              .scratch = PB_NO_STORAGE};
    made.staging_floats = learns(&planner) ? options->batch : 0;
    find_consumers_and_gradients(&planner);
    find_parts(&planner);
    fuse(&planner);
    fuse_pools(&planner);
    plan_forward(&planner);
    if (learns(&planner))
        plan_backward(&planner);
    if (!planner.status)
        planner.status = pb_arena_place(made.storages, made.storage_count, &made.arena_floats, error);

cleanup:
    pb_free(planner.consumers);
    pb_free(planner.needs_gradient);
    if (planner.status)
        pb_plan_free(&made);
    else
        *plan = made;
    return planner.status;
}

void pb_plan_free(struct pb_plan *plan)
{
    pb_free(plan->nodes);
    pb_free(plan->storages);
    memset(plan, 0, sizeof *plan);
}
