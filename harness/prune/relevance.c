/* Layer-wise relevance, from the last node back to the first. */
#include "prune/relevance.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"
#include "prune/relevance_operators.h"

static const double tolerance = 1e-4; /* of the relevance in front of a node, without signs */

struct pb_relevance {
    struct pb_relevance_source source;
    uint32_t batch; /* images of the current one */
    double *start; /* N: that of the last node */
    uint32_t first; /* the first node whose relevance is kept: those before it have none */
    float **live; /* per node: N×H×W×C while it is being computed, else NULL */
    /* From one batch to the next of its size: fresh memory costs more than what is computed in it. */
    uint32_t allocated; /* images that the following have room for */
    float **kept; /* per node: that of a layer's activation, which live of other nodes may be, too; else NULL */
    float *values[PB_INPUTS_MAX]; /* of any node's inputs */
    float *room; /* for any node */
};

static uint32_t count_readers(const struct pb_graph *graph, uint32_t node)
{
    uint32_t readers = 0;
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            readers += graph->nodes[i].inputs[slot] == node;
    return readers;
}

/* The batch norm that is folded into a node. */
static uint32_t norm_of(const struct pb_graph *graph, uint32_t node)
{
    for (uint32_t i = node + 1; i < graph->node_count; i++)
        if (graph->nodes[i].op == PB_OP_BATCH_NORM && graph->nodes[i].inputs[0] == node)
            return i;
    return PB_NO_NODE;
}

enum pb_status pb_relevance_check(const struct pb_graph *graph, struct pb_error *error)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (pb_relevance_operator(graph->nodes[i].op)->unknown)
            return pb_fail(
                error, PB_ERROR_UNSUPPORTED,
                "node '%s' (%s): there is no rule by which relevance passes this operator; choose a criterion "
                "that does not ask for relevance",
                graph->nodes[i].name, pb_op_name(graph->nodes[i].op));
        if (graph->nodes[i].op != PB_OP_BATCH_NORM)
            continue;
        const struct pb_node *before = &graph->nodes[graph->nodes[i].inputs[0]];
        const bool folds = before->op == PB_OP_CONV2D || before->op == PB_OP_LINEAR;
        if (!folds || count_readers(graph, graph->nodes[i].inputs[0]) != 1)
            return pb_fail(error, PB_ERROR_UNSUPPORTED,
                           "norm '%s' %s '%s', so it cannot be folded into a layer, as relevance requires; choose a "
                           "criterion that does not ask for relevance",
                           graph->nodes[i].name,
                           folds ? "is not all that reads"
                                 : "does not directly follow a "
                                   "convolution or linear layer, but",
                           before->name);
    }
    return PB_OK;
}

static enum pb_status check_rule(const struct pb_relevance_rule *rule, struct pb_error *error)
{
    if (rule->kind > PB_RELEVANCE_EPSILON)
        return pb_fail(error, PB_ERROR_INPUT, "the rule %u for relevance is unknown", rule->kind);
    if (rule->kind == PB_RELEVANCE_EPSILON && !(rule->epsilon > 0 && isfinite(rule->epsilon)))
        return pb_fail(error, PB_ERROR_INPUT, "the rule for relevance has an epsilon of %g; it must be above 0",
                       rule->epsilon);
    return PB_OK;
}

enum pb_status pb_relevance_create(const struct pb_relevance_source *source, struct pb_relevance **relevance,
                                   struct pb_error *error)
{
    const uint32_t nodes = source->network->graph->node_count, layers = source->layers->count;
    const enum pb_status status = check_rule(&source->rule, error);
    if (status != PB_OK)
        return status;
    struct pb_relevance *created = pb_calloc(1, sizeof *created);
    if (!created)
        return pb_fail_memory(error, sizeof *created);
    created->source = *source;
    created->first = nodes;
    for (uint32_t l = 0; l < layers; l++)
        if (source->layers->layers[l].activation < created->first)
            created->first = source->layers->layers[l].activation;
    created->live = pb_calloc(nodes, sizeof *created->live);
    created->kept = pb_calloc(nodes, sizeof *created->kept);
    if (created->live && created->kept) {
        *relevance = created;
        return PB_OK;
    }
    pb_relevance_free(&created);
    return pb_fail_memory(error, nodes * sizeof *created->live);
}

static void close_live(struct pb_relevance *relevance, uint32_t node)
{
    bool stays = false;
    for (uint32_t i = 0; i < relevance->source.network->graph->node_count; i++)
        stays = stays || relevance->live[node] == relevance->kept[i];
    if (!stays)
        pb_free(relevance->live[node]);
    relevance->live[node] = NULL;
}

static void free_arrays(struct pb_relevance *relevance)
{
    const uint32_t nodes = relevance->live && relevance->kept ? relevance->source.network->graph->node_count : 0;
    for (uint32_t i = 0; i < nodes; i++)
        close_live(relevance, i);
    for (uint32_t i = 0; i < nodes; i++) {
        pb_free(relevance->kept[i]);
        relevance->kept[i] = NULL;
    }
    for (size_t slot = 0; slot < PB_INPUTS_MAX; slot++) {
        pb_free(relevance->values[slot]);
        relevance->values[slot] = NULL;
    }
    pb_free(relevance->room);
    relevance->room = NULL;
    relevance->allocated = 0;
}

void pb_relevance_free(struct pb_relevance **relevance)
{
    struct pb_relevance *closed = *relevance;
    if (!closed)
        return;
    free_arrays(closed);
    pb_free(closed->start);
    pb_free(closed->live);
    pb_free(closed->kept);
    pb_free(closed);
    *relevance = NULL;
}

static const struct pb_node *node_at(const struct pb_relevance *relevance, uint32_t node)
{
    return &relevance->source.network->graph->nodes[node];
}

static enum pb_status allocate(const struct pb_relevance *relevance, size_t per_image, size_t size, void *memory,
                               struct pb_error *error)
{
    void **room = memory;
    size_t count;
    if (!pb_multiply(per_image, relevance->batch, &count) || !(*room = pb_calloc(count, size)))
        return pb_fail_memory(error, per_image * size);
    return PB_OK;
}

static bool is_kept(const struct pb_relevance *relevance, uint32_t node)
{
    const struct pb_prunable_layers *layers = relevance->source.layers;
    for (uint32_t l = 0; l < layers->count; l++)
        if (layers->layers[l].activation == node)
            return true;
    return false;
}

static enum pb_status open_node(struct pb_relevance *relevance, uint32_t node, struct pb_error *error)
{
    const size_t count = pb_shape_count(node_at(relevance, node)->shape);
    if (relevance->live[node])
        return PB_OK;
    if (!relevance->kept[node])
        return allocate(relevance, count, sizeof(float), &relevance->live[node], error);
    memset(relevance->kept[node], 0, relevance->batch * count * sizeof(float));
    relevance->live[node] = relevance->kept[node];
    return PB_OK;
}

/* Floats for each image that any node requires: of its room, and of its inputs' values. */
static size_t most_room(const struct pb_graph *graph)
{
    size_t most = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_relevance_operator *row = pb_relevance_operator(graph->nodes[i].op);
        const size_t room = row->room ? row->room(graph, i) : 0;
        most = room > most ? room : most;
    }
    return most;
}

static size_t most_values(const struct pb_graph *graph, uint32_t slot)
{
    size_t most = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_node *node = &graph->nodes[i];
        if (slot >= node->input_count || !pb_relevance_operator(node->op)->reads_inputs)
            continue;
        const size_t count = pb_shape_count(graph->nodes[node->inputs[slot]].shape);
        most = count > most ? count : most;
    }
    return most;
}

/* What stays from one batch to the next. */
static enum pb_status open_arrays(struct pb_relevance *relevance, struct pb_error *error)
{
    const struct pb_graph *graph = relevance->source.network->graph;
    if (relevance->allocated == relevance->batch)
        return PB_OK;
    free_arrays(relevance);
    const size_t room = most_room(graph);
    enum pb_status status = room ? allocate(relevance, room, sizeof(float), &relevance->room, error) : PB_OK;
    for (uint32_t slot = 0; slot < PB_INPUTS_MAX && status == PB_OK; slot++) {
        const size_t values = most_values(graph, slot);
        if (values)
            status = allocate(relevance, values, sizeof(float), &relevance->values[slot], error);
    }
    for (uint32_t i = 0; i < graph->node_count && status == PB_OK; i++)
        if (is_kept(relevance, i))
            status =
                allocate(relevance, pb_shape_count(graph->nodes[i].shape), sizeof(float), &relevance->kept[i], error);
    relevance->allocated = status == PB_OK ? relevance->batch : 0;
    return status;
}

/* The last node's relevance: each image's true logit. */
static enum pb_status begin(struct pb_relevance *relevance, struct pb_engine *engine, const struct pb_batch *batch,
                            struct pb_error *error)
{
    const uint32_t last = relevance->source.network->graph->node_count - 1;
    const size_t classes = pb_shape_count(node_at(relevance, last)->shape);
    float *logits = NULL;
    pb_free(relevance->start);
    relevance->start = NULL;
    relevance->batch = batch->count;
    enum pb_status status = open_arrays(relevance, error);
    if (status == PB_OK)
        status = allocate(relevance, 1, sizeof(double), &relevance->start, error);
    if (status == PB_OK)
        status = open_node(relevance, last, error);
    if (status == PB_OK)
        status = allocate(relevance, classes, sizeof(float), &logits, error);
    if (status == PB_OK)
        status = pb_engine_activation(engine, last, logits, NULL, error);
    for (uint32_t n = 0; n < batch->count && status == PB_OK; n++) {
        const uint32_t label = batch->labels[n];
        if (label >= classes) {
            status = pb_fail(error, PB_ERROR_INPUT, "label %u of image %u is not below the model's %zu classes", label,
                             n, classes);
            break;
        }
        relevance->start[n] = (double)logits[n * classes + label];
        relevance->live[last][n * classes + label] = logits[n * classes + label];
    }
    pb_free(logits);
    return status;
}

struct passing {
    const struct pb_relevance_operator *row;
    struct pb_relevance_step step;
};

static void pass_images(void *context, size_t begin_image, size_t end_image)
{
    const struct passing *passing = context;
    for (size_t image = begin_image; image < end_image; image++)
        passing->row->pass(&passing->step, (uint32_t)image);
}

static enum pb_status pass_node(struct pb_relevance *relevance, struct pb_engine *engine, uint32_t node,
                                struct pb_error *error)
{
    const struct pb_network *network = relevance->source.network;
    const struct pb_node *described = node_at(relevance, node);
    struct passing passing = {.row = pb_relevance_operator(described->op),
                              .step = {.host = relevance->source.host,
                                       .network = network,
                                       .node = node,
                                       .norm = norm_of(network->graph, node),
                                       .batch = relevance->batch,
                                       .sharing = {.positive = relevance->source.rule.kind == PB_RELEVANCE_ZPLUS,
                                                   .epsilon = relevance->source.rule.epsilon},
                                       .out = relevance->live[node],
                                       .room = relevance->room}};
    enum pb_status status = PB_OK;
    for (uint32_t slot = 0; slot < described->input_count && status == PB_OK; slot++) {
        const uint32_t input = described->inputs[slot];
        status = open_node(relevance, input, error);
        passing.step.in[slot] = relevance->live[input];
        if (status == PB_OK && passing.row->reads_inputs)
            status = pb_engine_activation(engine, input, relevance->values[slot], NULL, error);
        passing.step.x[slot] = relevance->values[slot];
    }
    if (status == PB_OK && passing.row->pass_batch)
        return passing.row->pass_batch(&passing.step, engine, error);
    if (status == PB_OK)
        passing.step.host->parallel_for(passing.step.host, relevance->batch, 1, pass_images, &passing);
    return status;
}

/* The input's relevance is the node's: a view of the same array where nothing else will be added to it. */
static enum pb_status pass_whole(struct pb_relevance *relevance, uint32_t node, struct pb_error *error)
{
    const struct pb_graph *graph = relevance->source.network->graph;
    const uint32_t input = graph->nodes[node].inputs[0];
    const size_t count = relevance->batch * pb_shape_count(graph->nodes[node].shape);
    if (count_readers(graph, input) == 1 && !relevance->kept[input]) {
        relevance->live[input] = relevance->live[node];
        relevance->live[node] = NULL;
        return PB_OK;
    }
    const enum pb_status status = open_node(relevance, input, error);
    for (size_t i = 0; i < count && status == PB_OK; i++)
        relevance->live[input][i] += relevance->live[node][i];
    return status;
}

struct cut {
    double sum, size; /* of relevance, and without signs */
};

/* Over everything that the node's successors and others have passed on, and that has not been passed on further. */
static struct cut sum_cut(const struct pb_relevance *relevance, uint32_t image)
{
    struct cut cut = {0};
    for (uint32_t i = 0; i < relevance->source.network->graph->node_count; i++) {
        const size_t count = pb_shape_count(node_at(relevance, i)->shape);
        if (!relevance->live[i])
            continue;
        cut.sum += pb_relevance_total(relevance->live[i] + image * count, count);
        cut.size += pb_relevance_size(relevance->live[i] + image * count, count);
    }
    return cut;
}

static enum pb_status check_cut(const struct pb_relevance *relevance, uint32_t node, struct pb_error *error)
{
    for (uint32_t n = 0; n < relevance->batch; n++) {
        const double start = relevance->start[n];
        const struct cut cut = sum_cut(relevance, n);
        if (!(fabs(cut.sum - start) <= tolerance * fmax(fabs(start), cut.size)))
            return pb_fail(error, PB_ERROR_RUN,
                           "node '%s' does not conserve relevance: image %u of the batch has %.9g in front of it, and "
                           "%.9g at the network's output; a larger epsilon, or the rule z+, computes with smaller "
                           "numbers, and a network that has diverged must be trained with a lower learning rate",
                           node_at(relevance, node)->name, n, cut.sum, start);
    }
    return PB_OK;
}

static enum pb_status visit(struct pb_relevance *relevance, struct pb_engine *engine, uint32_t node,
                            struct pb_error *error)
{
    enum pb_status status = relevance->kept[node] ? open_node(relevance, node, error) : PB_OK; /* 0 without readers */
    if (status != PB_OK || !relevance->live[node] || node == relevance->first)
        return status;
    status = pb_relevance_operator(node_at(relevance, node)->op)->whole ? pass_whole(relevance, node, error)
                                                                        : pass_node(relevance, engine, node, error);
    close_live(relevance, node);
    return status == PB_OK ? check_cut(relevance, node, error) : status;
}

enum pb_status pb_relevance_compute(struct pb_relevance *relevance, struct pb_engine *engine,
                                    const struct pb_batch *batch, struct pb_error *error)
{
    enum pb_status status = begin(relevance, engine, batch, error);
    for (uint32_t i = relevance->source.network->graph->node_count; i-- > relevance->first && status == PB_OK;)
        status = visit(relevance, engine, i, error);
    for (uint32_t i = 0; i < relevance->source.network->graph->node_count; i++)
        close_live(relevance, i);
    return status;
}

const float *pb_relevance_of_layer(const struct pb_relevance *relevance, uint32_t layer)
{
    return relevance->kept[relevance->source.layers->layers[layer].activation];
}

/* Whether a node's relevance is in memory while node `now` passes its own on. */
static bool is_live(const struct pb_graph *graph, uint32_t node, uint32_t now)
{
    for (uint32_t i = now; i < graph->node_count && node <= now; i++)
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            if (graph->nodes[i].inputs[slot] == node)
                return true;
    return node == now;
}

/* Arrays of a pass from a node to its inputs that are not kept from one batch to the next. */
static uint64_t pass_bytes(const struct pb_graph *graph, uint32_t now, uint32_t batch)
{
    const struct pb_relevance_operator *row = pb_relevance_operator(graph->nodes[now].op);
    uint64_t floats = 0;
    for (uint32_t i = 0; i <= now; i++)
        floats += is_live(graph, i, now) ? pb_shape_count(graph->nodes[i].shape) : 0;
    return floats * sizeof(float) * batch + (row->bytes ? row->bytes(graph, now) : 0);
}

uint64_t pb_relevance_bytes(const struct pb_graph *graph, uint32_t batch)
{
    uint64_t most = 0, floats = most_room(graph);
    bool convolves = false;
    for (uint32_t slot = 0; slot < PB_INPUTS_MAX; slot++)
        floats += most_values(graph, slot);
    for (uint32_t now = 0, layers = 0; now < graph->node_count; now++) {
        const uint64_t bytes = layers ? pass_bytes(graph, now, batch) : 0; /* none before the first layer */
        most = bytes > most ? bytes : most;
        convolves = convolves || (layers && pb_relevance_operator(graph->nodes[now].op)->pass_batch);
        layers += pb_makes_channels(graph, now);
        floats += pb_makes_channels(graph, now) ? pb_shape_count(graph->nodes[now].shape) : 0;
    }
    return most + floats * sizeof(float) * batch + (convolves ? pb_engine_convolve_bytes(graph, batch) : 0);
}
