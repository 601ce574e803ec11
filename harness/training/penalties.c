/* Penalties at work: which parameters each term has, and the coefficients that plugins give them. */
#include "training/penalties.h"

#include <math.h>

#include "base/memory.h"
#include "base/place_text.h"
#include "prune/network_shown.h"
#include "training/penalty_instances.h"

/* One parameter of one term. */
struct entry {
    struct pb_penalty_instance *instance;
    uint32_t term; /* as the plugin counts */
    uint32_t period;
    uint32_t index, count; /* among those of its term */
    struct pb_penalty_layout layout;
    size_t first; /* strength */
};

struct pb_penalty_set {
    const struct pb_train_job *job;
    const struct pb_graph *graph;
    struct pb_penalty_instances instances;
    struct pb_penalised *list;
    struct entry *entries;
    uint32_t count, terms;
    float *strengths;
    size_t strength_count;
    struct pb_channel_groups groups;
    struct pb_prunable_layers layers;
    struct pb_guarded view, values, coefficients;
};

static bool has_unit(const struct pb_graph *graph, uint32_t parameter, enum pb_penalty_unit unit,
                     struct pb_penalty_layout *layout)
{
    return graph->parameters[parameter].trainable && pb_penalty_layout(graph, parameter, unit, layout);
}

static enum pb_status add_term(struct pb_penalty_set *set, struct pb_penalty_instance *instance, uint32_t index,
                               const struct pb_penalty_term *term, struct pb_error *error)
{
    struct pb_penalty_layout layout;
    uint32_t count = 0, added = 0;
    for (uint32_t p = 0; p < set->graph->parameter_count; p++)
        count += has_unit(set->graph, p, term->unit, &layout);
    if (!count)
        return pb_fail(error, PB_ERROR_INPUT,
                       "%s penalises the scales of batch norms, but the network has no batch norm; leave it out for "
                       "this model with <override model=\"…\"><penalty label=\"…\" lambda=\"0\"/></override>",
                       instance->name);
    struct pb_penalised *list = pb_realloc(set->list, set->count, (size_t)set->count + count, sizeof *list);
    set->list = list ? list : set->list;
    struct entry *entries = pb_realloc(set->entries, set->count, (size_t)set->count + count, sizeof *entries);
    set->entries = entries ? entries : set->entries;
    if (!list || !entries)
        return pb_fail_memory(error, ((size_t)set->count + count) * sizeof *entries);
    for (uint32_t p = 0; p < set->graph->parameter_count; p++) {
        if (!has_unit(set->graph, p, term->unit, &layout))
            continue;
        list[set->count] = (struct pb_penalised){
            .parameter = p, .unit = term->unit, .rule = term->rule, .limit = term->parameter, .term = set->terms};
        entries[set->count++] = (struct entry){.instance = instance,
                                               .term = index,
                                               .period = term->period,
                                               .index = added++,
                                               .count = count,
                                               .layout = layout,
                                               .first = set->strength_count};
        set->strength_count += layout.units;
    }
    set->terms++;
    return PB_OK;
}

static enum pb_status check_term(const struct pb_penalty_instance *instance, uint32_t index,
                                 const struct pb_penalty_term *term, struct pb_error *error)
{
    const bool limited = term->rule == PB_RULE_POLARIZATION || term->rule == PB_RULE_INTERVAL;
    if (term->size < offsetof(struct pb_penalty_term, period) + sizeof term->period)
        return pb_fail(error, PB_ERROR_RUN, "%s: its term %u states a size of %zu bytes; ABI %d.%d has %zu",
                       instance->name, index, term->size, PB_ABI_MAJOR, PB_ABI_MINOR, sizeof *term);
    if (term->unit > PB_UNIT_WEIGHTS || term->rule > PB_RULE_INTERVAL)
        return pb_fail(error, PB_ERROR_RUN, "%s: its term %u has unit %u and rule %u, which this host does not know",
                       instance->name, index, term->unit, term->rule);
    if (limited && !(term->parameter > 0 && isfinite(term->parameter)))
        return pb_fail(error, PB_ERROR_RUN, "%s: its term %u has the parameter %g; its rule needs one above 0",
                       instance->name, index, term->parameter);
    return PB_OK;
}

static enum pb_status add_terms(struct pb_penalty_set *set, struct pb_penalty_instance *instance,
                                struct pb_error *error)
{
    enum { TERMS_MAX = 64 };
    for (uint32_t index = 0; index < TERMS_MAX; index++) {
        pb_place_enter(instance->host.name, "term");
        const struct pb_penalty_term *term = instance->table->term(instance->self, index);
        enum pb_status status = pb_host_result(&instance->host, PB_OK, error);
        pb_place_leave();
        if (status == PB_OK && !term && index == 0 && !instance->table->outputs)
            status = pb_fail(error, PB_ERROR_RUN, "%s has no term and no hook outputs; it needs one of them",
                             instance->name);
        if (status != PB_OK || !term)
            return status;
        status = check_term(instance, index, term, error);
        if (status == PB_OK)
            status = add_term(set, instance, index, term, error);
        if (status != PB_OK)
            return status;
    }
    return pb_fail(error, PB_ERROR_RUN, "%s has more than %d terms", instance->name, TERMS_MAX);
}

/* Every penalty with its terms. On failure, too, *set is to be closed. */
static enum pb_status open_terms(const struct pb_train_job *job, const struct pb_graph *graph,
                                 struct pb_penalty_set **set, struct pb_error *error)
{
    struct pb_penalty_set *made = pb_calloc(1, sizeof *made);
    if (!made)
        return pb_fail_memory(error, sizeof *made);
    *set = made;
    made->job = job;
    made->graph = graph;
    enum pb_status status = pb_penalty_instances_create(job, &made->instances, error);
    for (uint32_t i = 0; i < made->instances.count && status == PB_OK; i++)
        status = add_terms(made, &made->instances.list[i], error);
    return status;
}

enum pb_status pb_penalty_set_open(const struct pb_train_job *job, const struct pb_network *network,
                                   struct pb_penalty_set **set, struct pb_error *error)
{
    struct pb_penalty_set *made = NULL;
    enum pb_status status = open_terms(job, network->graph, &made, error);
    if (status == PB_OK && made->instances.count)
        status = pb_channel_groups_find(network->graph, &made->groups, error);
    if (status == PB_OK && made->instances.count)
        status = pb_prunable_layers_find(network, &made->groups, &made->layers, error);
    if (status == PB_OK && made->strength_count) {
        made->strengths = pb_calloc(made->strength_count, sizeof *made->strengths);
        status = made->strengths ? PB_OK : pb_fail_memory(error, made->strength_count * sizeof *made->strengths);
    }
    if (status == PB_OK)
        *set = made;
    else
        status = pb_penalty_set_close(&made, status, error);
    return status;
}

static uint64_t bytes_of(const struct pb_penalty_set *set)
{
    uint64_t values = 0, units = 0, polarized = 0, shown = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const uint64_t count = set->graph->parameters[set->list[i].parameter].count;
        if (set->entries[i].instance->table->coefficients) {
            values = count > values ? count : values;
            units = set->entries[i].layout.units > units ? set->entries[i].layout.units : units;
        }
        if (set->list[i].rule == PB_RULE_POLARIZATION && count > polarized)
            polarized = count;
    }
    for (uint32_t i = 0; i < set->instances.count; i++) { /* copies of the layers, and of what reads them */
        const uint32_t data = set->instances.list[i].table->data;
        const uint64_t copies = (data ? 1u : 0u) + (data & PB_DATA_CONSUMERS ? 1u : 0u);
        shown = copies > shown ? copies : shown;
    }
    return 2 * set->strength_count * sizeof(float) +
           set->count * (2 * sizeof *set->list + sizeof(bool) + sizeof *set->entries) + values * sizeof(float) +
           units * sizeof(double) + polarized * sizeof(float) + shown * set->graph->value_count * sizeof(float);
}

enum pb_status pb_penalty_set_predict(const struct pb_train_job *job, const struct pb_graph *graph, uint64_t *bytes,
                                      struct pb_error *error)
{
    struct pb_penalty_set *set = NULL;
    enum pb_status status = open_terms(job, graph, &set, error);
    const uint64_t found = status == PB_OK ? bytes_of(set) : 0;
    status = pb_penalty_set_close(&set, status, error);
    if (status == PB_OK)
        *bytes = found;
    return status;
}

enum pb_status pb_penalty_set_close(struct pb_penalty_set **set, enum pb_status status, struct pb_error *error)
{
    struct pb_penalty_set *closed = *set;
    if (!closed)
        return status;
    status = pb_penalty_instances_destroy(&closed->instances, status, error);
    pb_guarded_free(&closed->view);
    pb_guarded_free(&closed->values);
    pb_guarded_free(&closed->coefficients);
    pb_prunable_layers_free(&closed->layers);
    pb_channel_groups_free(&closed->groups);
    pb_free(closed->list);
    pb_free(closed->entries);
    pb_free(closed->strengths);
    pb_free(closed);
    *set = NULL;
    return status;
}

struct pb_penalty_instances *pb_penalty_set_instances(struct pb_penalty_set *set)
{
    return &set->instances;
}

/* The prunable layer that a node is or belongs to. */
static uint32_t layer_of(const struct pb_penalty_set *set, uint32_t node)
{
    for (uint32_t i = 0; i < set->layers.count; i++)
        if (set->layers.layers[i].node == node || set->layers.layers[i].norm == node)
            return i;
    return UINT32_MAX;
}

static struct pb_penalty_view view_of(const struct pb_penalty_set *set, uint32_t index, const struct pb_engine *engine,
                                      struct pb_penalty_moment moment)
{
    const struct entry *entry = &set->entries[index];
    const struct pb_parameter *parameter = &set->graph->parameters[set->list[index].parameter];
    struct pb_penalty_view view = {
        .size = sizeof view,
        .name = set->graph->nodes[parameter->node].name,
        .index = entry->index,
        .count = entry->count,
        .layer = layer_of(set, parameter->node),
        .units = (uint32_t)entry->layout.units,
        .unit_values = (uint32_t)(entry->layout.outer * entry->layout.inner),
        .filters = (uint32_t)parameter->dims[0],
        .kernel_height = 1,
        .kernel_width = 1,
        .input_channels = 1,
        .linear = parameter->role == PB_ROLE_WEIGHT && parameter->rank == 2,
        .last_norm = parameter->role == PB_ROLE_GAMMA && pb_engine_is_last_norm(engine, parameter->node),
        .epoch = moment.epoch,
        .step = moment.step,
        .lambda = entry->instance->lambda,
    };
    if (parameter->rank == 4) {
        view.kernel_height = (uint32_t)parameter->dims[1];
        view.kernel_width = (uint32_t)parameter->dims[2];
        view.input_channels = (uint32_t)parameter->dims[3];
    } else if (view.linear) {
        const struct pb_shape in = set->graph->nodes[set->graph->nodes[parameter->node].inputs[0]].shape;
        view.kernel_height = in.height;
        view.kernel_width = in.width;
        view.input_channels = in.channels;
    }
    return view;
}

static enum pb_status ask(struct pb_penalty_set *set, const struct entry *entry, struct pb_penalty_view *view,
                          const float *values, size_t count, double *coefficients, struct pb_error *error)
{
    struct pb_penalty_instance *instance = entry->instance;
    view->values = pb_guarded_copy(&set->values, "values", values, count, sizeof *values);
    const struct pb_penalty_view *shown = pb_guarded_copy(&set->view, "layer", view, 1, sizeof *view);
    if (!view->values || !shown)
        return pb_fail_memory(error, count * sizeof *values);
    pb_place_enter_layer(instance->host.name, "coefficients", view->name, 0, 0);
    enum pb_status status = pb_host_result(
        &instance->host, instance->table->coefficients(instance->self, entry->term, shown, coefficients), error);
    if (status == PB_OK)
        status = pb_place_check_beside(&set->coefficients, "a layer has as many coefficients as units", error);
    pb_place_leave();
    return status;
}

static enum pb_status refresh_entry(struct pb_penalty_set *set, uint32_t index, const struct pb_engine *engine,
                                    const struct pb_network *network, const struct pb_network_view *shown,
                                    struct pb_penalty_moment moment, struct pb_error *error)
{
    const struct entry *entry = &set->entries[index];
    const struct pb_parameter *parameter = &set->graph->parameters[set->list[index].parameter];
    const struct pb_penalty_instance *instance = entry->instance;
    const size_t units = entry->layout.units;
    float *strengths = set->strengths + entry->first;
    if (!instance->table->coefficients) {
        for (size_t u = 0; u < units; u++)
            strengths[u] = (float)instance->lambda;
        return PB_OK;
    }
    struct pb_penalty_view view = view_of(set, index, engine, moment);
    double *coefficients = pb_guarded_open(&set->coefficients, "coefficients", units, sizeof *coefficients);
    if (!coefficients)
        return pb_fail_memory(error, units * sizeof *coefficients);
    for (size_t u = 0; u < units; u++)
        coefficients[u] = NAN;
    view.network = shown;
    const enum pb_status status =
        ask(set, entry, &view, network->values + parameter->offset, parameter->count, coefficients, error);
    for (size_t u = 0; u < units && status == PB_OK; u++) {
        if (!(coefficients[u] >= 0 && isfinite(coefficients[u])))
            return pb_fail(error, PB_ERROR_RUN,
                           "%s gave layer '%s', unit %zu, the coefficient %g; coefficients must be finite and not "
                           "negative",
                           instance->name, view.name, u, coefficients[u]);
        strengths[u] = (float)(instance->lambda * coefficients[u]);
    }
    return status;
}

static bool is_due(const struct entry *entry, struct pb_penalty_moment moment)
{
    return moment.epoch_begins || (entry->period && moment.step % entry->period == 0);
}

/* All due entries of one penalty. */
static enum pb_status refresh_instance(struct pb_penalty_set *set, struct pb_penalty_instance *instance,
                                       const struct pb_engine *engine, const struct pb_network *network,
                                       struct pb_penalty_moment moment, struct pb_error *error)
{
    struct pb_network_copies *copies = NULL;
    const struct pb_network_source source = {.host = &instance->host,
                                             .network = network,
                                             .groups = &set->groups,
                                             .layers = &set->layers,
                                             .data = instance->table->data};
    enum pb_status status = instance->table->data ? pb_network_show(&source, &copies, error) : PB_OK;
    const struct pb_network_view *shown = copies ? pb_network_view_of(copies) : NULL;
    for (uint32_t i = 0; i < set->count && status == PB_OK; i++)
        if (set->entries[i].instance == instance && is_due(&set->entries[i], moment))
            status = refresh_entry(set, i, engine, network, shown, moment, error);
    pb_network_copies_free(&copies);
    return status;
}

enum pb_status pb_penalty_set_refresh(struct pb_penalty_set *set, struct pb_engine *engine, struct pb_network *network,
                                      struct pb_penalty_moment moment, struct pb_error *error)
{
    bool due = false;
    for (uint32_t i = 0; i < set->count; i++)
        due = due || is_due(&set->entries[i], moment);
    if (!due)
        return PB_OK;
    enum pb_status status = moment.epoch_begins ? PB_OK : pb_engine_store(engine, network, error);
    for (uint32_t i = 0; i < set->instances.count && status == PB_OK; i++)
        status = refresh_instance(set, &set->instances.list[i], engine, network, moment, error);
    return status == PB_OK ? pb_engine_penalise(engine, set->list, set->count, set->strengths, error) : status;
}
