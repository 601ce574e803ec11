/* What a criterion is shown of one layer. */
#include "prune/shown.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "prune/finite.h"

enum count_rule { FILTERS, CHANNELS, ACTIVATIONS, CONVOLVED, GATES, EXAMPLES };

/* The view's arrays: where their pointers are, what brings them, and how large they are. In the order of PB_SHOWN_ARRAYS. */
static const struct shown_array {
    const char *name;
    size_t offset;
    uint32_t need;
    enum count_rule count;
    size_t size; /* of an element */
} arrays[PB_SHOWN_ARRAYS] = {
#define ARRAY(member, need_, count_)                                                                                   \
    {                                                                                                                  \
        .name = #member, .offset = offsetof(struct pb_layer_view, member), .need = need_, .count = count_,             \
        .size = sizeof *((struct pb_layer_view *)NULL)->member                                                         \
    }
    ARRAY(weight, PB_DATA_WEIGHTS, FILTERS),
    ARRAY(bias, PB_DATA_WEIGHTS, CHANNELS),
    ARRAY(gamma, PB_DATA_NORM, CHANNELS),
    ARRAY(beta, PB_DATA_NORM, CHANNELS),
    ARRAY(running_mean, PB_DATA_NORM, CHANNELS),
    ARRAY(running_var, PB_DATA_NORM, CHANNELS),
    ARRAY(weight_grad, PB_DATA_GRADIENTS, FILTERS),
    ARRAY(bias_grad, PB_DATA_GRADIENTS, CHANNELS),
    ARRAY(gamma_grad, PB_DATA_GRADIENTS, CHANNELS),
    ARRAY(beta_grad, PB_DATA_GRADIENTS, CHANNELS),
    ARRAY(activation, PB_DATA_ACTIVATIONS, ACTIVATIONS),
    ARRAY(activation_grad, PB_DATA_ACTIVATION_GRADIENTS, ACTIVATIONS),
    ARRAY(convolved, PB_DATA_CONVOLVED, CONVOLVED),
    ARRAY(convolved_grad, PB_DATA_CONVOLVED_GRADIENTS, CONVOLVED),
    ARRAY(normalised, PB_DATA_NORMALISED, CONVOLVED),
    ARRAY(normalised_grad, PB_DATA_NORMALISED_GRADIENTS, CONVOLVED),
    ARRAY(gate_grad, PB_DATA_GATE_GRADIENTS, GATES),
    ARRAY(labels, PB_DATA_LABELS, EXAMPLES),
    ARRAY(relevance, PB_DATA_RELEVANCE, ACTIVATIONS),
    ARRAY(weight_flow, PB_DATA_SYNAPTIC_FLOW, FILTERS),
#undef ARRAY
};
/* The first of the parameters' gradients, and of the pairs of a node's output and its gradient. */
enum { FIRST_GRADIENT = 6, FIRST_VALUE = 10, GATE = 16 };

static const void *get(const struct pb_layer_view *view, size_t array)
{
    const void *pointer;
    memcpy(&pointer, (const char *)view + arrays[array].offset, sizeof pointer);
    return pointer;
}

static void set(struct pb_layer_view *view, size_t array, const void *pointer)
{
    memcpy((char *)view + arrays[array].offset, &pointer, sizeof pointer);
}

static bool count_of(const struct pb_layer_view *view, size_t array, size_t *count)
{
    const size_t channels = view->channels;
    switch (arrays[array].count) {
    case FILTERS:
        *count = channels * view->kernel_height * view->kernel_width * view->input_channels;
        return true;
    case ACTIVATIONS:
        return pb_multiply(channels * view->activation_height * view->activation_width, view->batch, count);
    case CONVOLVED:
        return pb_multiply(channels * view->output_height * view->output_width, view->batch, count);
    case GATES:
        return pb_multiply(channels, view->batch, count);
    case EXAMPLES:
        *count = view->batch;
        return true;
    case CHANNELS:
        break;
    }
    *count = channels;
    return true;
}

void pb_shown_free(struct pb_shown *shown)
{
    for (size_t i = 0; i < PB_SHOWN_ARRAYS; i++)
        pb_guarded_free(&shown->arrays[i]);
    pb_guarded_free(&shown->view);
    pb_guarded_free(&shown->name);
    pb_guarded_free(&shown->scores);
}

/* Room for what the engine will write, and where the view shows it. */
static enum pb_status open_array(struct pb_shown *shown, size_t array, struct pb_layer_view *view, float **room,
                                 struct pb_error *error)
{
    size_t count;
    if (!count_of(view, array, &count))
        return pb_fail_memory(error, SIZE_MAX);
    *room = pb_guarded_show(&shown->arrays[array], arrays[array].name, count, sizeof(float));
    set(view, array, *room ? shown->arrays[array].start : NULL);
    return *room ? PB_OK : pb_fail_memory(error, count * sizeof(float));
}

static enum pb_status observe_gradients(struct pb_shown *shown, struct pb_engine *engine, const struct pb_graph *graph,
                                        const struct pb_prunable_layer *layer, struct pb_layer_view *view,
                                        struct pb_error *error)
{
    static const enum pb_role roles[] = {PB_ROLE_WEIGHT, PB_ROLE_BIAS, PB_ROLE_GAMMA, PB_ROLE_BETA};
    for (size_t i = 0; i < 4; i++) {
        const uint32_t node = i < 2 ? layer->node : layer->norm;
        float *gradient = NULL;
        if (node == UINT32_MAX || graph->nodes[node].parameters[roles[i]] == PB_NO_PARAMETER)
            continue;
        enum pb_status status = open_array(shown, FIRST_GRADIENT + i, view, &gradient, error);
        if (status == PB_OK)
            status = pb_engine_gradient(engine, graph->nodes[node].parameters[roles[i]], gradient, error);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

/* A node's output and its gradient, as far as they are asked for: arrays number `first` and the next. */
static enum pb_status observe_node(struct pb_shown *shown, struct pb_engine *engine, uint32_t node, size_t first,
                                   uint32_t data, struct pb_layer_view *view, struct pb_error *error)
{
    float *rooms[2] = {NULL, NULL};
    if (node == UINT32_MAX)
        return PB_OK;
    for (size_t i = 0; i < 2; i++) {
        if (!(data & arrays[first + i].need))
            continue;
        const enum pb_status status = open_array(shown, first + i, view, &rooms[i], error);
        if (status != PB_OK)
            return status;
    }
    return rooms[0] || rooms[1] ? pb_engine_activation(engine, node, rooms[0], rooms[1], error) : PB_OK;
}

static enum pb_status observe_values(struct pb_shown *shown, struct pb_engine *engine,
                                     const struct pb_prunable_layer *layer, uint32_t data, struct pb_layer_view *view,
                                     struct pb_error *error)
{
    const uint32_t nodes[] = {layer->activation, layer->node, layer->norm};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes && status == PB_OK; i++)
        status = observe_node(shown, engine, nodes[i], FIRST_VALUE + 2 * i, data, view, error);
    return status;
}

/* N · Σ_hw activation · activation_grad, some channels at a time; the gradient is that of a mean over N examples. */
static void sum_gates(const struct pb_layer_view *view, const float *activation, const float *gradient, float *gate)
{
    enum { BLOCK = 64 };
    const size_t places = (size_t)view->activation_height * view->activation_width, channels = view->channels;
    for (size_t n = 0; n < view->batch; n++)
        for (size_t first = 0; first < channels; first += BLOCK) {
            const size_t count = channels - first < BLOCK ? channels - first : BLOCK;
            double sums[BLOCK] = {0};
            for (size_t i = 0; i < places; i++) {
                const size_t place = (n * places + i) * channels + first;
                for (size_t k = 0; k < count; k++)
                    sums[k] += (double)activation[place + k] * (double)gradient[place + k];
            }
            for (size_t k = 0; k < count; k++)
                gate[n * channels + first + k] = (float)(view->batch * sums[k]);
        }
}

static enum pb_status observe_gates(struct pb_shown *shown, struct pb_engine *engine,
                                    const struct pb_prunable_layer *layer, struct pb_layer_view *view,
                                    struct pb_error *error)
{
    const uint32_t both = PB_DATA_ACTIVATIONS | PB_DATA_ACTIVATION_GRADIENTS;
    struct pb_layer_view factors = *view; /* which the criterion need not have asked for */
    float *gate = NULL;
    enum pb_status status = observe_node(shown, engine, layer->activation, FIRST_VALUE, both, &factors, error);
    if (status == PB_OK)
        status = open_array(shown, GATE, view, &gate, error);
    if (status != PB_OK)
        return status;
    sum_gates(view, factors.activation, factors.activation_grad, gate);
    return PB_OK;
}

/* Of a batch; the parameters have been checked once for all, and so has the flow, which is in double precision. */
static enum pb_status check_observed(const struct pb_layer_view *view, uint32_t threads, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (size_t i = FIRST_GRADIENT; i < PB_SHOWN_ARRAYS && status == PB_OK; i++) {
        struct pb_shown_values values = {
            .values = get(view, i), .run = 1, .channels = view->channels, .threads = threads};
        char what[64];
        if (!values.values || arrays[i].count == EXAMPLES || arrays[i].need == PB_DATA_SYNAPTIC_FLOW)
            continue;
        if (!count_of(view, i, &values.count))
            return pb_fail_memory(error, SIZE_MAX);
        if (arrays[i].count == FILTERS)
            values.run = values.count / view->channels;
        snprintf(what, sizeof what, "%s of calibration batch %u", arrays[i].name, view->batch_index);
        status = pb_check_finite(view->name, what, values, error);
    }
    return status;
}

enum pb_status pb_shown_observe(struct pb_shown *shown, struct pb_engine *engine, const struct pb_network *network,
                                const struct pb_prunable_layer *layer, uint32_t data, struct pb_layer_view *view,
                                struct pb_error *error)
{
    enum pb_status status = PB_OK;
    if (data & PB_DATA_GATE_GRADIENTS) /* first: it uses the room of the activations */
        status = observe_gates(shown, engine, layer, view, error);
    if (status == PB_OK && (data & PB_DATA_GRADIENTS))
        status = observe_gradients(shown, engine, network->graph, layer, view, error);
    if (status == PB_OK)
        status = observe_values(shown, engine, layer, data, view, error);
    return status == PB_OK ? check_observed(view, shown->threads, error) : status;
}

enum pb_status pb_shown_protect(struct pb_shown *shown, const struct pb_layer_view *view,
                                const struct pb_layer_view **protected_view, struct pb_error *error)
{
    struct pb_layer_view copy = *view;
    for (size_t i = 0; i < PB_SHOWN_ARRAYS; i++) {
        const void *values = get(view, i);
        size_t count = 0;
        if (values && !count_of(view, i, &count))
            return pb_fail_memory(error, SIZE_MAX);
        if (values && values != shown->arrays[i].start) /* else it was downloaded there */
            values = pb_guarded_copy(&shown->arrays[i], arrays[i].name, values, count, arrays[i].size);
        if (get(view, i) && !values)
            return pb_fail_memory(error, count * arrays[i].size);
        set(&copy, i, values);
    }
    copy.name = pb_guarded_copy(&shown->name, "name", view->name, strlen(view->name) + 1, 1);
    *protected_view = pb_guarded_copy(&shown->view, "the view", &copy, 1, sizeof copy);
    return copy.name && *protected_view ? PB_OK : pb_fail_memory(error, sizeof copy);
}

/* Names of the view's arrays that a need brings and that are NULL: "gamma, beta"; false when there are none. */
static bool list_missing(const struct pb_layer_view *view, uint32_t need, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < PB_SHOWN_ARRAYS; i++)
        if (arrays[i].need == need && !get(view, i) && length < size)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "", arrays[i].name);
    return length > 0;
}

void pb_shown_hint(const struct pb_layer_view *view, uint32_t data, bool observes, char *text, size_t size)
{
    static const struct {
        uint32_t need;
        const char *flag, *subject; /* no subject: of a batch */
    } rows[] = {
#define ROW(need, subject) {need, #need, subject}
        ROW(PB_DATA_NORM, "batch norm"),
        ROW(PB_DATA_WEIGHTS, "weights"),
        ROW(PB_DATA_GRADIENTS, NULL),
        ROW(PB_DATA_ACTIVATIONS, NULL),
        ROW(PB_DATA_ACTIVATION_GRADIENTS, NULL),
        ROW(PB_DATA_CONVOLVED, NULL),
        ROW(PB_DATA_CONVOLVED_GRADIENTS, NULL),
        ROW(PB_DATA_NORMALISED, NULL),
        ROW(PB_DATA_NORMALISED_GRADIENTS, NULL),
        ROW(PB_DATA_GATE_GRADIENTS, NULL),
        ROW(PB_DATA_LABELS, NULL),
        ROW(PB_DATA_RELEVANCE, NULL),
        ROW(PB_DATA_SYNAPTIC_FLOW, "synaptic flow"),
#undef ROW
    };
    char names[128];
    size_t length = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && length < size; i++) {
        if (!list_missing(view, rows[i].need, names, sizeof names) || (!rows[i].subject && !observes))
            continue;
        const char *separator = length ? "; " : "", *verb = strchr(names, ',') ? "are" : "is";
        if (data & rows[i].need)
            length += (size_t)snprintf(text + length, size - length, "%s%s %s NULL because this layer has none",
                                       separator, names, verb);
        else if (rows[i].subject)
            length += (size_t)snprintf(text + length, size - length,
                                       "%s%s %s NULL because the criterion does not ask for %s (%s)", separator, names,
                                       verb, rows[i].subject, rows[i].flag);
        else
            length += (size_t)snprintf(text + length, size - length, "%s%s %s NULL without %s", separator, names, verb,
                                       rows[i].flag);
    }
    if (!observes && length < size)
        snprintf(text + length, size - length,
                 "%svalues and gradients of a batch are shown to observe, mean gradients with PB_DATA_MEAN_GRADIENTS",
                 length ? "; " : "");
}
