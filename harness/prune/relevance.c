/* Layer-wise relevance, from the last node back to the first. */
#include "prune/relevance.h"

#include <math.h>

#include "base/memory.h"
#include "graph/op_table.h"
#include "prune/relevance_operators.h"

static const double tolerance = 1e-4; /* of the relevance that a network's outputs have */

struct pb_relevance {
    struct pb_relevance_source source;
    uint32_t batch; /* images of the current one */
    double *start; /* N: that of the last node */
    double **live; /* per node: N×H×W×C while it is being computed, else NULL */
    float **kept; /* per layer: that of its activation */
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
    created->live = pb_calloc(nodes, sizeof *created->live);
    created->kept = pb_calloc(layers, sizeof *created->kept);
    if (created->live && created->kept) {
        *relevance = created;
        return PB_OK;
    }
    pb_relevance_free(&created);
    return pb_fail_memory(error, nodes * sizeof *created->live);
}

static void free_live(struct pb_relevance *relevance)
{
    for (uint32_t i = 0; relevance->live && i < relevance->source.network->graph->node_count; i++) {
        pb_free(relevance->live[i]);
        relevance->live[i] = NULL;
    }
}

static void free_kept(struct pb_relevance *relevance)
{
    for (uint32_t i = 0; relevance->kept && i < relevance->source.layers->count; i++) {
        pb_free(relevance->kept[i]);
        relevance->kept[i] = NULL;
    }
}

void pb_relevance_free(struct pb_relevance **relevance)
{
    struct pb_relevance *closed = *relevance;
    if (!closed)
        return;
    free_live(closed);
    free_kept(closed);
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

static enum pb_status open_node(struct pb_relevance *relevance, uint32_t node, struct pb_error *error)
{
    if (relevance->live[node])
        return PB_OK;
    return allocate(relevance, pb_shape_count(node_at(relevance, node)->shape), sizeof(double), &relevance->live[node],
                    error);
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
    enum pb_status status = allocate(relevance, 1, sizeof(double), &relevance->start, error);
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
        relevance->live[last][n * classes + label] = relevance->start[n];
    }
    pb_free(logits);
    return status;
}

static enum pb_status keep_layers(struct pb_relevance *relevance, uint32_t node, struct pb_error *error)
{
    const struct pb_prunable_layers *layers = relevance->source.layers;
    const size_t values = pb_shape_count(node_at(relevance, node)->shape);
    for (uint32_t l = 0; l < layers->count; l++) {
        if (layers->layers[l].activation != node)
            continue;
        const enum pb_status status = allocate(relevance, values, sizeof(float), &relevance->kept[l], error);
        if (status != PB_OK)
            return status;
        for (size_t i = 0; relevance->live[node] && i < relevance->batch * values; i++)
            relevance->kept[l][i] = (float)relevance->live[node][i];
    }
    return PB_OK;
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

/* From a node to its inputs. values: room for those of each input. */
static enum pb_status pass_node(struct pb_relevance *relevance, struct pb_engine *engine, uint32_t node,
                                float *values[PB_INPUTS_MAX], struct pb_error *error)
{
    const struct pb_network *network = relevance->source.network;
    const struct pb_node *described = node_at(relevance, node);
    const struct pb_host *host = relevance->source.host;
    struct passing passing = {.row = pb_relevance_operator(described->op),
                              .step = {.network = network,
                                       .node = node,
                                       .norm = norm_of(network->graph, node),
                                       .sharing = {.positive = relevance->source.rule.kind == PB_RELEVANCE_ZPLUS,
                                                   .epsilon = relevance->source.rule.epsilon},
                                       .out = relevance->live[node]}};
    enum pb_status status = PB_OK;
    for (uint32_t slot = 0; slot < described->input_count && status == PB_OK; slot++) {
        const uint32_t input = described->inputs[slot];
        const size_t count = pb_shape_count(node_at(relevance, input)->shape);
        status = open_node(relevance, input, error);
        passing.step.in[slot] = relevance->live[input];
        if (status == PB_OK && passing.row->reads_inputs)
            status = allocate(relevance, count, sizeof(float), &values[slot], error);
        if (status == PB_OK && passing.row->reads_inputs)
            status = pb_engine_activation(engine, input, values[slot], NULL, error);
        passing.step.x[slot] = values[slot];
    }
    if (status == PB_OK && passing.row->room)
        status =
            allocate(relevance, passing.row->room(network->graph, node), sizeof(double), &passing.step.room, error);
    if (status == PB_OK)
        host->parallel_for(host, relevance->batch, 1, pass_images, &passing);
    pb_free(passing.step.room);
    return status;
}

/* Over everything that the node's successors and others have passed on, and that has not been passed on further. */
static double sum_cut(const struct pb_relevance *relevance, uint32_t image)
{
    double sum = 0;
    for (uint32_t i = 0; i < relevance->source.network->graph->node_count; i++) {
        const size_t count = pb_shape_count(node_at(relevance, i)->shape);
        for (size_t v = 0; relevance->live[i] && v < count; v++)
            sum += relevance->live[i][image * count + v];
    }
    return sum;
}

static enum pb_status check_cut(const struct pb_relevance *relevance, uint32_t node, struct pb_error *error)
{
    for (uint32_t n = 0; n < relevance->batch; n++) {
        const double start = relevance->start[n], sum = sum_cut(relevance, n);
        if (!(fabs(sum - start) <= tolerance * fabs(start)))
            return pb_fail(error, PB_ERROR_RUN,
                           "node '%s' does not conserve relevance: image %u of the batch has %.9g in front of it, and "
                           "%.9g at the network's output; a larger epsilon, or the rule z+, computes with smaller "
                           "numbers, and a network that has diverged must be trained with a lower learning rate",
                           node_at(relevance, node)->name, n, sum, start);
    }
    return PB_OK;
}

static enum pb_status visit(struct pb_relevance *relevance, struct pb_engine *engine, uint32_t node,
                            struct pb_error *error)
{
    float *values[PB_INPUTS_MAX] = {NULL};
    enum pb_status status = keep_layers(relevance, node, error);
    if (status != PB_OK || !relevance->live[node] || !node_at(relevance, node)->input_count)
        return status;
    status = pass_node(relevance, engine, node, values, error);
    for (uint32_t slot = 0; slot < PB_INPUTS_MAX; slot++)
        pb_free(values[slot]);
    pb_free(relevance->live[node]);
    relevance->live[node] = NULL;
    return status == PB_OK ? check_cut(relevance, node, error) : status;
}

enum pb_status pb_relevance_compute(struct pb_relevance *relevance, struct pb_engine *engine,
                                    const struct pb_batch *batch, struct pb_error *error)
{
    free_kept(relevance);
    enum pb_status status = begin(relevance, engine, batch, error);
    for (uint32_t i = relevance->source.network->graph->node_count; i-- > 0 && status == PB_OK;)
        status = visit(relevance, engine, i, error);
    free_live(relevance);
    return status;
}

const float *pb_relevance_of_layer(const struct pb_relevance *relevance, uint32_t layer)
{
    return relevance->kept[layer];
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

uint64_t pb_relevance_bytes(const struct pb_graph *graph, uint32_t batch)
{
    uint64_t kept = 0, most = 0;
    for (uint32_t now = 0; now < graph->node_count; now++) {
        const struct pb_relevance_operator *row = pb_relevance_operator(graph->nodes[now].op);
        uint64_t bytes = row->room ? row->room(graph, now) * sizeof(double) : 0;
        for (uint32_t i = 0; i <= now; i++)
            bytes += is_live(graph, i, now) ? pb_shape_count(graph->nodes[i].shape) * sizeof(double) : 0;
        for (uint32_t slot = 0; row->reads_inputs && slot < graph->nodes[now].input_count; slot++)
            bytes += pb_shape_count(graph->nodes[graph->nodes[now].inputs[slot]].shape) * sizeof(float);
        most = bytes > most ? bytes : most;
        kept += pb_makes_channels(graph, now) ? pb_shape_count(graph->nodes[now].shape) * sizeof(float) : 0;
    }
    return (most + kept) * batch;
}
