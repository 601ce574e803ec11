/* Lays out an engine's arrays: which nodes are computed together or in place, what lives how long. */
#include "engine/run_table.h"

#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"

/* A plan being made. After a failure `status` stays set and additions do nothing. */
struct planner {
    const struct pb_graph *graph;
    const struct pb_engine_options *options;
    const struct pb_device *device;
    struct pb_plan *plan;
    uint32_t *consumers; /* per node: how many inputs it feeds */
    bool *needs_gradient; /* per node: a trainable parameter is at or before it */
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
            planner->consumers[input] == 1 && !planner->options->separate_norms) {
            nodes[input].with_relu = true;
            nodes[i].skipped = true;
        }
    }
}

/* Maximum pooling behind a convolution, its batch norm and ReLU, where the device does it all at once. */
static void fuse_pools(struct planner *planner)
{
    const struct pb_graph *graph = planner->graph;
    const struct pb_device_operators *ops = &planner->device->ops;
    struct pb_node_plan *nodes = planner->plan->nodes;
    if (keeps_all(planner) || !ops->norm_pools.call || !ops->conv_norm_forward.call || !ops->conv_norm_evaluate.call)
        return;
    for (uint32_t i = 1; i < graph->node_count; i++) {
        const uint32_t relu = graph->nodes[i].inputs[0];
        if (graph->nodes[i].op != PB_OP_MAX_POOL || !nodes[relu].skipped || planner->consumers[relu] != 1)
            continue;
        const uint32_t norm = graph->nodes[relu].inputs[0];
        const struct pb_pool_shape shape = pb_pool_shape_of(graph, i, planner->options->batch);
        if (!nodes[norm].with_convolution || !PB_CALL(planner->device, norm_pools, &shape))
            continue;
        nodes[norm].pool = i;
        nodes[i].skipped = true;
    }
}

static const struct pb_engine_operator *operator_of(const struct planner *planner, uint32_t node)
{
    return pb_engine_operator(planner->graph->nodes[node].op);
}

/* Whether a node's backward pass reads its own output. */
static bool reads_output_again(const struct planner *planner, uint32_t node)
{
    return planner->needs_gradient[node] &&
           (operator_of(planner, node)->reads_output || planner->plan->nodes[node].with_relu);
}

/*
 * Whether a node may overwrite an input: nobody else reads it, and neither backward pass needs it. One that keeps signs
 * (dropout) may, where the input's backward pass looks at signs only (ReLU).
 */
static bool may_overwrite(const struct planner *planner, uint32_t node, uint32_t input)
{
    const struct pb_engine_operator *row = operator_of(planner, node);
    const bool able =
        row->in_place == PB_IN_PLACE_ALWAYS || (row->in_place == PB_IN_PLACE_INFERRING && !learns(planner));
    if (!able || keeps_all(planner) || planner->consumers[input] != 1)
        return false;
    if (row->keeps_sign && operator_of(planner, input)->reads_sign)
        return true;
    return !reads_output_again(planner, input);
}

static void plan_value(struct planner *planner, uint32_t node)
{
    const struct pb_node *described = &planner->graph->nodes[node];
    struct pb_node_plan *nodes = planner->plan->nodes, *planned = &nodes[node];
    if (planned->pool != PB_NO_PARAMETER)
        return; /* only the pooled values are stored */
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
    const struct pb_engine_operator *row = operator_of(planner, node);
    struct pb_node_plan *planned = &planner->plan->nodes[node];
    struct pb_saved saved = {0};
    if (row->saved_unless_in_place && planned->in_place && planner->options->mode != PB_ENGINE_TRAIN)
        return;
    if (row->saved)
        row->saved(planner->graph, node, planner->options, &saved);
    for (int k = 0; k < 2; k++)
        if (saved.floats[k])
            planned->saved[k] = add_storage(planner, saved.floats[k], node);
    if (saved.staging > planner->plan->staging_floats)
        planner->plan->staging_floats = saved.staging;
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
    if (keeps_all(planner) ||
        planner->plan->nodes[index].pool != PB_NO_PARAMETER) /* its own gradient is the pooled one */
        return false;
    const bool twice = node->input_count > 1 && node->inputs[0] == node->inputs[1];
    return operator_of(planner, index)->gradient_in_place && slot == 0 && !twice;
}

/* Room for an input's gradient beside the one that others have written, or for one that nobody needs. */
static void plan_scratch(struct planner *planner, uint32_t node, uint32_t input)
{
    struct pb_node_plan *planned = &planner->plan->nodes[node];
    const size_t floats = output_floats(planner, input);
    if (planned->scratch == PB_NO_STORAGE)
        planned->scratch = add_storage(planner, floats, backward_time(planner, node));
    else if (floats > planner->plan->storages[planned->scratch].floats)
        planner->plan->storages[planned->scratch].floats = floats;
}

/*
 * Where a node's backward pass puts an input's gradient. The first one to get there writes, the others add. Batch norm
 * computes one whether it is needed or not: then over its own, where that need not be kept.
 */
static void plan_input_gradient(struct planner *planner, uint32_t node, uint32_t slot)
{
    const struct pb_node *described = &planner->graph->nodes[node];
    const uint32_t input = described->inputs[slot], time = backward_time(planner, node);
    const struct pb_engine_operator *row = operator_of(planner, node);
    struct pb_node_plan *planned = &planner->plan->nodes[node], *source = &planner->plan->nodes[input];
    if (!planner->needs_gradient[input]) {
        if (row->always_backward && keeps_all(planner))
            plan_scratch(planner, node, input);
        return;
    }
    planned->first[slot] = source->gradient == PB_NO_STORAGE;
    if (planned->first[slot])
        source->gradient = planned->skipped || gradient_in_place(planner, node, slot)
                               ? planned->gradient
                               : add_storage(planner, output_floats(planner, input), time);
    else if (!row->adds_gradient)
        plan_scratch(planner, node, input);
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
            if (operator_of(planner, i)->reads_input)
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
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_engine_operator *row = pb_engine_operator(graph->nodes[i].op);
        const enum pb_status status = row->check ? row->check(graph, i, error) : PB_OK;
        if (status)
            return status;
    }
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
