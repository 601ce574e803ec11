/* Synaptic flow through a network: values from an input of ones, and from the outputs back what passes each weight. */
#include "prune/flow.h"

#include <math.h>

#include "base/memory.h"
#include "prune/flow_operators.h"

/* Arrays of one image by node; a node that passes what it gets has those of its input. */
struct flow {
    const struct pb_network *network;
    const struct pb_host *host;
    double **values, **slopes; /* slopes: NULL before anything is added, and after they were passed on */
    double *flow; /* at the parameters' offsets */
};

/* The node whose arrays a node has. */
static uint32_t source_of(const struct pb_graph *graph, uint32_t node)
{
    while (pb_flow_operator(graph->nodes[node].op)->passes)
        node = graph->nodes[node].inputs[0];
    return node;
}

static size_t count_of(const struct flow *flow, uint32_t node)
{
    return pb_shape_count(flow->network->graph->nodes[node].shape);
}

static enum pb_status open_array(const struct flow *flow, uint32_t node, double **array, struct pb_error *error)
{
    if (!*array)
        *array = pb_calloc(count_of(flow, node), sizeof **array);
    return *array ? PB_OK : pb_fail_memory(error, count_of(flow, node) * sizeof **array);
}

static enum pb_status open_room(const struct flow *flow, uint32_t node, double **room, struct pb_error *error)
{
    const struct pb_graph *graph = flow->network->graph;
    const struct pb_flow_operator *row = pb_flow_operator(graph->nodes[node].op);
    const size_t count = row->room ? row->room(graph, node) : 0;
    *room = count ? pb_calloc(count, sizeof **room) : NULL;
    return count && !*room ? pb_fail_memory(error, count * sizeof **room) : PB_OK;
}

/* Inputs and output of a node. */
static struct pb_flow_step step_of(const struct flow *flow, uint32_t node)
{
    const struct pb_graph *graph = flow->network->graph;
    const struct pb_node *described = &graph->nodes[node];
    struct pb_flow_step step = {
        .network = flow->network, .node = node, .host = flow->host, .y = flow->values[node], .out = flow->slopes[node]};
    for (uint32_t slot = 0; slot < described->input_count; slot++)
        step.x[slot] = flow->values[source_of(graph, described->inputs[slot])];
    const uint32_t weight = described->parameters[PB_ROLE_WEIGHT];
    if (weight != PB_NO_PARAMETER)
        step.weights = flow->flow + graph->parameters[weight].offset;
    return step;
}

static enum pb_status check_weights(const struct flow *flow, uint32_t node, struct pb_error *error)
{
    const struct pb_graph *graph = flow->network->graph;
    const uint32_t weight = graph->nodes[node].parameters[PB_ROLE_WEIGHT];
    if (weight == PB_NO_PARAMETER)
        return PB_OK;
    const struct pb_parameter *parameter = &graph->parameters[weight];
    for (size_t i = 0; i < parameter->count; i++) {
        const double value = (double)flow->network->values[parameter->offset + i];
        if (!isfinite(value))
            return pb_fail(error, PB_ERROR_RUN,
                           "layer '%s': weight %zu is %g, so no flow can be computed; a network that has diverged must "
                           "be trained with a lower learning rate",
                           graph->nodes[node].name, i, value);
    }
    return PB_OK;
}

static enum pb_status check_values(const struct flow *flow, uint32_t node, struct pb_error *error)
{
    for (size_t i = 0; i < count_of(flow, node); i++)
        if (!isfinite(flow->values[node][i]))
            return pb_fail(error, PB_ERROR_RUN,
                           "node '%s': the flow of magnitudes is larger than double precision can hold; the weights "
                           "up to it are too large, or too many layers are in front of it",
                           flow->network->graph->nodes[node].name);
    return PB_OK;
}

static enum pb_status forward(struct flow *flow, uint32_t node, struct pb_error *error)
{
    const struct pb_flow_operator *row = pb_flow_operator(flow->network->graph->nodes[node].op);
    double *room = NULL;
    if (row->passes)
        return PB_OK;
    enum pb_status status = check_weights(flow, node, error);
    if (status == PB_OK)
        status = open_array(flow, node, &flow->values[node], error);
    if (status == PB_OK)
        status = open_room(flow, node, &room, error);
    if (status != PB_OK)
        return status;
    struct pb_flow_step step = step_of(flow, node);
    step.room = room;
    if (row->forward)
        row->forward(&step);
    else
        for (size_t i = 0; i < count_of(flow, node); i++)
            flow->values[node][i] = 1;
    pb_free(room);
    return check_values(flow, node, error);
}

static enum pb_status backward(struct flow *flow, uint32_t node, struct pb_error *error)
{
    const struct pb_graph *graph = flow->network->graph;
    const struct pb_node *described = &graph->nodes[node];
    struct pb_flow_step step = step_of(flow, node);
    enum pb_status status = PB_OK;
    if (!flow->slopes[node]) /* it passes what it gets, or nothing reads it */
        return PB_OK;
    for (uint32_t slot = 0; slot < described->input_count && status == PB_OK; slot++) {
        const uint32_t input = source_of(graph, described->inputs[slot]);
        if (graph->nodes[input].op == PB_OP_INPUT)
            continue;
        status = open_array(flow, input, &flow->slopes[input], error);
        step.in[slot] = flow->slopes[input];
    }
    if (status == PB_OK)
        status = open_room(flow, node, &step.room, error);
    if (status == PB_OK && described->input_count)
        pb_flow_operator(described->op)->backward(&step);
    pb_free(step.room);
    pb_free(flow->slopes[node]);
    flow->slopes[node] = NULL;
    return status;
}

/* Slopes of 1 at the outputs. Where they are all 0, nothing flows: the first node without a value other than 0 is named. */
static enum pb_status begin_backward(struct flow *flow, struct pb_error *error)
{
    const struct pb_graph *graph = flow->network->graph;
    const uint32_t last = source_of(graph, graph->node_count - 1);
    double sum = 0;
    for (size_t i = 0; i < count_of(flow, last); i++)
        sum += flow->values[last][i];
    if (!isfinite(sum))
        return pb_fail(error, PB_ERROR_RUN, "the flow of magnitudes adds up to %g behind node '%s'", sum,
                       graph->nodes[last].name);
    for (uint32_t node = 0; node < graph->node_count && sum == 0; node++) {
        double most = 0;
        for (size_t i = 0; flow->values[node] && i < count_of(flow, node); i++)
            most = fmax(most, flow->values[node][i]);
        if (flow->values[node] && most == 0)
            return pb_fail(error, PB_ERROR_RUN,
                           "layer '%s' lets no flow through, so all scores would be 0: its weights are 0 wherever "
                           "something reaches it; remove less, or let each layer keep a floor",
                           graph->nodes[node].name);
    }
    const enum pb_status status = open_array(flow, last, &flow->slopes[last], error);
    for (size_t i = 0; status == PB_OK && i < count_of(flow, last); i++)
        flow->slopes[last][i] = 1;
    return status;
}

static enum pb_status check_graph(const struct pb_graph *graph, struct pb_error *error)
{
    for (uint32_t node = 0; node < graph->node_count; node++)
        if (pb_flow_operator(graph->nodes[node].op)->unknown)
            return pb_fail(error, PB_ERROR_UNSUPPORTED,
                           "node '%s' (%s): there is no rule by which synaptic flow passes this operator; choose a "
                           "criterion that does not ask for flow",
                           graph->nodes[node].name, pb_op_name(graph->nodes[node].op));
    return PB_OK;
}

static enum pb_status run(struct flow *flow, struct pb_error *error)
{
    const uint32_t nodes = flow->network->graph->node_count;
    enum pb_status status = check_graph(flow->network->graph, error);
    for (uint32_t node = 0; node < nodes && status == PB_OK; node++)
        status = forward(flow, node, error);
    if (status == PB_OK)
        status = begin_backward(flow, error);
    for (uint32_t node = nodes; node-- > 0 && status == PB_OK;)
        status = backward(flow, node, error);
    return status;
}

enum pb_status pb_synaptic_flow(const struct pb_network *network, const struct pb_host *host, double *flow,
                                struct pb_error *error)
{
    const uint32_t nodes = network->graph->node_count;
    struct flow made = {.network = network,
                        .host = host,
                        .values = pb_calloc(nodes, sizeof *made.values),
                        .slopes = pb_calloc(nodes, sizeof *made.slopes),
                        .flow = flow};
    const enum pb_status status =
        made.values && made.slopes ? run(&made, error) : pb_fail_memory(error, nodes * sizeof *made.values);
    for (uint32_t i = 0; i < nodes; i++) {
        pb_free(made.values ? made.values[i] : NULL);
        pb_free(made.slopes ? made.slopes[i] : NULL);
    }
    pb_free(made.values);
    pb_free(made.slopes);
    return status;
}

/* Whether a node's slopes are in memory while node `now` passes its own on. */
static bool is_live(const struct pb_graph *graph, uint32_t node, uint32_t now)
{
    if (graph->nodes[node].op == PB_OP_INPUT || source_of(graph, node) != node)
        return false;
    for (uint32_t i = now; i < graph->node_count && node <= now; i++)
        for (uint32_t slot = 0; slot < graph->nodes[i].input_count; slot++)
            if (source_of(graph, graph->nodes[i].inputs[slot]) == node)
                return true;
    return node == now;
}

uint64_t pb_synaptic_flow_bytes(const struct pb_graph *graph)
{
    uint64_t kept = graph->value_count, most = 0;
    for (uint32_t now = 0; now < graph->node_count; now++) {
        const struct pb_flow_operator *row = pb_flow_operator(graph->nodes[now].op);
        uint64_t doubles = row->room ? row->room(graph, now) : 0;
        for (uint32_t i = 0; i <= now; i++)
            doubles += is_live(graph, i, now) ? pb_shape_count(graph->nodes[i].shape) : 0;
        most = doubles > most ? doubles : most;
        kept += row->passes ? 0 : pb_shape_count(graph->nodes[now].shape);
    }
    return (kept + most) * sizeof(double);
}
