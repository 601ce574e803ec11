/* Lays out an engine's arrays: which nodes are computed together or in place, what lives how long. */
#include "engine/engine_operator.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"

/* A layout being made. After a failure `status` stays set and additions do nothing. */
struct draft {
    const struct pb_graph *graph;
    const struct pb_engine_options *options;
    const struct pb_device *device;
    struct pb_layout *layout;
    uint32_t *consumers; /* per node: how many inputs it feeds */
    bool *needs_gradient; /* per node: a trainable parameter is at or before it */
    uint32_t storage_capacity;
    enum pb_status status;
    struct pb_error *error;
};

static bool keeps_all(const struct draft *draft)
{
    return draft->options->mode == PB_ENGINE_CALIBRATE;
}

static bool learns(const struct draft *draft)
{
    return draft->options->mode != PB_ENGINE_INFER;
}

static uint32_t loss_time(const struct draft *draft)
{
    return draft->graph->node_count;
}

static uint32_t backward_time(const struct draft *draft, uint32_t node)
{
    return 2 * draft->graph->node_count - node;
}

static void use(struct draft *draft, uint32_t storage, uint32_t time)
{
    if (draft->status || storage == PB_NO_STORAGE)
        return;
    struct pb_storage *used = &draft->layout->storages[storage];
    used->first = time < used->first ? time : used->first;
    used->last = time > used->last ? time : used->last;
}

static uint32_t add_storage(struct draft *draft, size_t floats, uint32_t time)
{
    struct pb_layout *layout = draft->layout;
    if (draft->status)
        return PB_NO_STORAGE;
    if (layout->storage_count == draft->storage_capacity) {
        const uint32_t capacity = draft->storage_capacity * 2 + 32;
        struct pb_storage *storages = pb_realloc(layout->storages, draft->storage_capacity, capacity, sizeof *storages);
        if (!storages) {
            draft->status = pb_fail_memory(draft->error, capacity * sizeof *storages);
            return PB_NO_STORAGE;
        }
        layout->storages = storages;
        draft->storage_capacity = capacity;
    }
    const uint32_t all = backward_time(draft, 0);
    layout->storages[layout->storage_count] = (struct pb_storage){
        .floats = floats, .first = keeps_all(draft) ? 0 : time, .last = keeps_all(draft) ? all : time};
    return layout->storage_count++;
}

/* Values of one node's output for the whole batch. */
static size_t output_floats(struct draft *draft, uint32_t node)
{
    size_t floats = 0;
    if (!pb_multiply(pb_shape_count(draft->graph->nodes[node].shape), draft->options->batch, &floats) && !draft->status)
        draft->status =
            pb_fail(draft->error, PB_ERROR_INPUT, "node '%s': a batch of %u is larger than memory has addresses",
                    draft->graph->nodes[node].name, draft->options->batch);
    return floats;
}

static void find_consumers_and_gradients(struct draft *draft)
{
    const struct pb_graph *graph = draft->graph;
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            draft->consumers[graph->nodes[i].inputs[slot]]++;
    for (uint32_t p = 0; p < graph->parameter_count; p++)
        if (graph->parameters[p].trainable)
            draft->needs_gradient[graph->parameters[p].node] = learns(draft);
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            draft->needs_gradient[i] |= draft->needs_gradient[graph->nodes[i].inputs[slot]];
}

/* Whether a batch norm computes this activation behind it. */
static bool joins_norm(const struct draft *draft, enum pb_op activation)
{
    if (draft->options->separate_norms)
        return false;
    return activation == PB_OP_RELU || (activation == PB_OP_RELU6 && draft->device->norms_clamp);
}

/* Whether an addition computes this activation behind it. One of a value to itself has a single gradient to write. */
static bool joins_addition(const struct draft *draft, enum pb_op activation, const struct pb_node *addition)
{
    return activation == PB_OP_RELU && !keeps_all(draft) && draft->device->ops.add_relu_forward.call &&
           addition->inputs[0] != addition->inputs[1];
}

static void fuse(struct draft *draft)
{
    const struct pb_graph *graph = draft->graph;
    struct pb_node_layout *nodes = draft->layout->nodes;
    for (uint32_t i = 1; i < graph->node_count; i++) {
        const uint32_t input = graph->nodes[i].inputs[0];
        const enum pb_op op = graph->nodes[i].op;
        if (op == PB_OP_BATCH_NORM && graph->nodes[input].op == PB_OP_CONV2D && draft->consumers[input] == 1 &&
            !keeps_all(draft)) {
            nodes[input].norm = i;
            nodes[i].with_convolution = true;
        }
        if (draft->consumers[input] != 1)
            continue;
        if ((graph->nodes[input].op == PB_OP_BATCH_NORM && joins_norm(draft, op)) ||
            (graph->nodes[input].op == PB_OP_ADD && joins_addition(draft, op, &graph->nodes[input]))) {
            nodes[input].with_relu = true;
            nodes[input].ceiling = op == PB_OP_RELU6 ? 6 : INFINITY;
            nodes[i].skipped = true;
        }
    }
}

/* Maximum pooling behind a convolution, its batch norm and ReLU, where the device does it all at once. */
static void fuse_pools(struct draft *draft)
{
    const struct pb_graph *graph = draft->graph;
    const struct pb_device_operators *ops = &draft->device->ops;
    struct pb_node_layout *nodes = draft->layout->nodes;
    if (keeps_all(draft) || !ops->norm_pools.call || !ops->conv_norm_forward.call || !ops->conv_norm_evaluate.call)
        return;
    for (uint32_t i = 1; i < graph->node_count; i++) {
        const uint32_t relu = graph->nodes[i].inputs[0];
        if (graph->nodes[i].op != PB_OP_MAX_POOL || graph->nodes[relu].op != PB_OP_RELU || !nodes[relu].skipped ||
            draft->consumers[relu] != 1)
            continue;
        const uint32_t norm = graph->nodes[relu].inputs[0];
        const struct pb_pool_shape shape = pb_pool_shape_of(graph, i, draft->options->batch);
        if (!nodes[norm].with_convolution || !PB_CALL(draft->device, norm_pools, &shape))
            continue;
        nodes[norm].pool = i;
        nodes[i].skipped = true;
    }
}

/* Average pooling over all positions behind a product, where the device does both at once. */
static void fuse_products(struct draft *draft)
{
    const struct pb_graph *graph = draft->graph;
    struct pb_node_layout *nodes = draft->layout->nodes;
    if (keeps_all(draft) || !draft->device->ops.product_pool_forward.call)
        return;
    for (uint32_t i = 1; i < graph->node_count; i++) {
        const struct pb_node *pool = &graph->nodes[i], *product = &graph->nodes[pool->inputs[0]];
        const uint32_t *kernel = pool->attributes.pool.kernel, *pad = pool->attributes.pool.pad;
        if (pool->op != PB_OP_AVG_POOL || product->op != PB_OP_MULTIPLY || draft->consumers[pool->inputs[0]] != 1 ||
            kernel[0] != product->shape.height || kernel[1] != product->shape.width || pad[0] || pad[1])
            continue;
        nodes[pool->inputs[0]].pool = i;
        nodes[pool->inputs[0]].adds_gradient = true;
        nodes[i].skipped = true;
    }
}

static const struct pb_engine_operator *operator_of(const struct draft *draft, uint32_t node)
{
    return pb_engine_operator(draft->graph->nodes[node].op);
}

/* Whether a node's backward pass reads its own output. */
static bool reads_output_again(const struct draft *draft, uint32_t node)
{
    return draft->needs_gradient[node] &&
           (operator_of(draft, node)->reads_output || draft->layout->nodes[node].with_relu);
}

/*
 * Whether a node may overwrite an input: nobody else reads it, and neither backward pass needs it. One that keeps signs
 * (dropout) may, where the input's backward pass looks at signs only (ReLU).
 */
static bool may_overwrite(const struct draft *draft, uint32_t node, uint32_t input)
{
    const struct pb_engine_operator *row = operator_of(draft, node);
    const bool able = row->in_place == PB_IN_PLACE_ALWAYS || (row->in_place == PB_IN_PLACE_INFERRING && !learns(draft));
    if (!able || keeps_all(draft) || draft->consumers[input] != 1)
        return false;
    if (row->keeps_sign && operator_of(draft, input)->reads_sign)
        return true;
    return !reads_output_again(draft, input);
}

static void place_value(struct draft *draft, uint32_t node)
{
    const struct pb_node *described = &draft->graph->nodes[node];
    struct pb_node_layout *nodes = draft->layout->nodes, *layout = &nodes[node];
    if (layout->pool != PB_NO_PARAMETER)
        return; /* only the pooled values are stored */
    if (layout->skipped && described->op != PB_OP_MAX_POOL && described->op != PB_OP_AVG_POOL) {
        layout->value = nodes[described->inputs[0]].value;
        return;
    }
    for (uint32_t slot = 0; slot < described->input_count && !layout->in_place; slot++)
        if (may_overwrite(draft, node, described->inputs[slot])) {
            layout->value = nodes[described->inputs[slot]].value;
            layout->in_place = true;
        }
    if (!layout->in_place)
        layout->value = add_storage(draft, output_floats(draft, node), node);
}

static void place_saved(struct draft *draft, uint32_t node)
{
    const struct pb_engine_operator *row = operator_of(draft, node);
    struct pb_node_layout *layout = &draft->layout->nodes[node];
    struct pb_saved saved = {0};
    if (row->saved_unless_in_place && layout->in_place && draft->options->mode != PB_ENGINE_TRAIN)
        return;
    if (row->saved)
        row->saved(draft->graph, node, draft->options, &saved);
    for (int k = 0; k < 2; k++)
        if (saved.floats[k])
            layout->saved[k] = add_storage(draft, saved.floats[k], node);
    if (saved.staging > draft->layout->staging_floats)
        draft->layout->staging_floats = saved.staging;
}

/* The node whose forward pass computes this one's values, too. */
static uint32_t computed_at(const struct draft *draft, uint32_t node)
{
    const struct pb_node *described = &draft->graph->nodes[node];
    const struct pb_node_layout *layout = &draft->layout->nodes[node];
    const bool elsewhere = layout->with_convolution || layout->skipped;
    return elsewhere ? computed_at(draft, described->inputs[0]) : node;
}

static void place_forward(struct draft *draft)
{
    const struct pb_graph *graph = draft->graph;
    struct pb_node_layout *nodes = draft->layout->nodes;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        place_value(draft, i);
        place_saved(draft, i);
        const uint32_t computed = computed_at(draft, i);
        use(draft, nodes[i].value, computed);
        use(draft, nodes[i].saved[0], computed);
        use(draft, nodes[i].saved[1], computed);
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            use(draft, nodes[graph->nodes[i].inputs[slot]].value, i);
    }
    use(draft, nodes[graph->node_count - 1].value, loss_time(draft));
}

static bool gradient_in_place(const struct draft *draft, uint32_t index, uint32_t slot)
{
    const struct pb_node *node = &draft->graph->nodes[index];
    if (keeps_all(draft) ||
        draft->layout->nodes[index].pool != PB_NO_PARAMETER) /* its own gradient is the pooled one */
        return false;
    const bool twice = node->input_count > 1 && node->inputs[0] == node->inputs[1];
    return operator_of(draft, index)->gradient_in_place && slot == 0 && !twice;
}

/* Room for an input's gradient beside the one that others have written, or for one that nobody needs. */
static void place_scratch(struct draft *draft, uint32_t node, uint32_t input)
{
    struct pb_node_layout *layout = &draft->layout->nodes[node];
    const size_t floats = output_floats(draft, input);
    if (layout->scratch == PB_NO_STORAGE)
        layout->scratch = add_storage(draft, floats, backward_time(draft, node));
    else if (floats > draft->layout->storages[layout->scratch].floats)
        draft->layout->storages[layout->scratch].floats = floats;
}

/*
 * Where a node's backward pass puts an input's gradient. The first one to get there writes, the others add. Batch norm
 * computes one whether it is needed or not: then over its own, where that need not be kept.
 */
static void place_input_gradient(struct draft *draft, uint32_t node, uint32_t slot)
{
    const struct pb_node *described = &draft->graph->nodes[node];
    const uint32_t input = described->inputs[slot], time = backward_time(draft, node);
    const struct pb_engine_operator *row = operator_of(draft, node);
    struct pb_node_layout *layout = &draft->layout->nodes[node], *source = &draft->layout->nodes[input];
    if (!draft->needs_gradient[input]) {
        if (row->always_backward && keeps_all(draft))
            place_scratch(draft, node, input);
        return;
    }
    layout->first[slot] = source->gradient == PB_NO_STORAGE;
    if (layout->first[slot])
        source->gradient = layout->skipped || gradient_in_place(draft, node, slot)
                               ? layout->gradient
                               : add_storage(draft, output_floats(draft, input), time);
    else if (!layout->adds_gradient)
        place_scratch(draft, node, input);
    use(draft, source->gradient, time);
}

static void place_backward(struct draft *draft)
{
    const struct pb_graph *graph = draft->graph;
    struct pb_node_layout *nodes = draft->layout->nodes;
    const uint32_t last = graph->node_count - 1;
    draft->layout->losses = add_storage(draft, draft->options->batch, loss_time(draft));
    nodes[last].gradient = add_storage(draft, output_floats(draft, last), loss_time(draft));
    for (uint32_t i = last; i > 0; i--) {
        const uint32_t time = backward_time(draft, i);
        if (!draft->needs_gradient[i] || nodes[i].gradient == PB_NO_STORAGE)
            continue;
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++) {
            place_input_gradient(draft, i, slot);
            if (operator_of(draft, i)->reads_input)
                use(draft, nodes[graph->nodes[i].inputs[slot]].value, time);
        }
        use(draft, nodes[i].gradient, time);
        use(draft, nodes[i].saved[0], time);
        use(draft, nodes[i].saved[1], time);
        if (reads_output_again(draft, i))
            use(draft, nodes[i].value, time);
    }
}

/* A backend on a device may lack what was added to the table after its ABI. */
static enum pb_status check_slot(const struct pb_graph *graph, uint32_t node, const struct pb_device *device,
                                 struct pb_error *error)
{
    const char *slot = pb_graph_operator(graph->nodes[node].op)->slot;
    bool portable;
    if (!slot || pb_device_find(device, slot, &portable))
        return PB_OK;
    return pb_fail(error, PB_ERROR_UNSUPPORTED,
                   "node '%s' (%s): backend '%s' has no %s, and the host's cannot replace it because the backend keeps "
                   "its buffers on a device; choose another backend or another head",
                   graph->nodes[node].name, pb_op_name(graph->nodes[node].op), device->loaded->plugin->name, slot);
}

static enum pb_status check_graph(const struct pb_graph *graph, const struct pb_engine_options *options,
                                  const struct pb_device *device, struct pb_error *error)
{
    if (graph->node_count < 2)
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': a graph without layers cannot be run", graph->model);
    if (graph->node_count > UINT32_MAX / 2)
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': has too many nodes", graph->model);
    if (!options->batch)
        return pb_fail(error, PB_ERROR_INPUT, "a batch must hold at least one image");
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_engine_operator *row = pb_engine_operator(graph->nodes[i].op);
        enum pb_status status = row->check ? row->check(graph, i, error) : PB_OK;
        if (!status)
            status = check_slot(graph, i, device, error);
        if (status)
            return status;
    }
    return PB_OK;
}

enum pb_status pb_layout_create(const struct pb_graph *graph, const struct pb_engine_options *options,
                                const struct pb_device *device, struct pb_layout *layout, struct pb_error *error)
{
    const uint32_t count = graph->node_count;
    struct pb_layout made = {.node_count = count, .losses = PB_NO_STORAGE};
    struct draft draft = {.graph = graph, .options = options, .device = device, .layout = &made, .error = error};
    draft.status = check_graph(graph, options, device, error);
    if (draft.status)
        return draft.status;
    made.nodes = pb_calloc(count, sizeof *made.nodes);
    draft.consumers = pb_calloc(count, sizeof *draft.consumers);
    draft.needs_gradient = pb_calloc(count, sizeof *draft.needs_gradient);
    if (!made.nodes || !draft.consumers || !draft.needs_gradient) {
        draft.status = pb_fail_memory(error, count * sizeof *made.nodes);
        goto cleanup;
    }
    for (uint32_t i = 0; i < count; i++)
        made.nodes[i] = (struct pb_node_layout){.ceiling = INFINITY,
                                                .norm = PB_NO_PARAMETER,
                                                .pool = PB_NO_PARAMETER,
                                                .value = PB_NO_STORAGE,
                                                .gradient = PB_NO_STORAGE,
                                                .saved = {PB_NO_STORAGE, PB_NO_STORAGE},
                                                .scratch = PB_NO_STORAGE,
                                                .adds_gradient = pb_engine_operator(graph->nodes[i].op)->adds_gradient};
    made.staging_floats = learns(&draft) ? options->batch : 0;
    find_consumers_and_gradients(&draft);
    fuse(&draft);
    fuse_pools(&draft);
    fuse_products(&draft);
    place_forward(&draft);
    if (learns(&draft))
        place_backward(&draft);
    if (!draft.status)
        draft.status = pb_arena_place(made.storages, made.storage_count, &made.arena_floats, error);

cleanup:
    pb_free(draft.consumers);
    pb_free(draft.needs_gradient);
    if (draft.status)
        pb_layout_free(&made);
    else
        *layout = made;
    return draft.status;
}

void pb_layout_free(struct pb_layout *layout)
{
    pb_free(layout->nodes);
    pb_free(layout->storages);
    memset(layout, 0, sizeof *layout);
}
