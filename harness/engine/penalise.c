/* Penalties of a training: which values of a parameter make a unit, and what a step does to them. */
#include "engine/engine_internal.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"

bool pb_penalty_layout(const struct pb_graph *graph, uint32_t index, enum pb_penalty_unit unit,
                       struct pb_penalty_layout *layout)
{
    const struct pb_parameter *parameter = &graph->parameters[index];
    if (parameter->role == PB_ROLE_GAMMA && unit == PB_UNIT_NORM_SCALES) {
        *layout = (struct pb_penalty_layout){1, parameter->count, 1};
        return true;
    }
    if (parameter->role != PB_ROLE_WEIGHT || unit == PB_UNIT_NORM_SCALES)
        return false;
    const struct pb_weight_axes axes = pb_weight_axes_of(graph, parameter);
    const size_t filters = parameter->dims[0], positions = (size_t)axes.height * axes.width;
    switch (unit) {
    case PB_UNIT_FILTERS:
        *layout = (struct pb_penalty_layout){1, filters, positions * axes.channels};
        break;
    case PB_UNIT_INPUT_CHANNELS:
        *layout = (struct pb_penalty_layout){filters * positions, axes.channels, 1};
        break;
    case PB_UNIT_SHAPES:
        *layout = (struct pb_penalty_layout){filters, positions * axes.channels, 1};
        break;
    default:
        *layout = (struct pb_penalty_layout){1, parameter->count, 1};
        break;
    }
    return true;
}

bool pb_engine_is_last_norm(const struct pb_engine *engine, uint32_t node)
{
    return node == engine->graph->parts.last_norm;
}

void pb_penalties_free(struct pb_engine *engine)
{
    struct pb_penalties *penalties = &engine->penalties;
    if (penalties->strengths)
        PB_CALL(engine->device, buffer_destroy, penalties->strengths);
    pb_free(penalties->list);
    pb_free(penalties->idle);
    pb_free(penalties->values);
    *penalties = (struct pb_penalties){0};
}

static bool changes_values(const struct pb_penalised *entry)
{
    return entry->rule == PB_RULE_GROUP_LASSO || entry->rule == PB_RULE_INTERVAL;
}

/* Entries whose strengths are all zero do nothing, step after step. */
static void find_idle(struct pb_engine *engine, const float *strengths)
{
    struct pb_penalties *penalties = &engine->penalties;
    for (uint32_t i = 0; i < penalties->count; i++) {
        struct pb_penalty_layout layout = {0};
        pb_penalty_layout(engine->graph, penalties->list[i].parameter, penalties->list[i].unit, &layout);
        penalties->idle[i] = penalties->list[i].rule != PB_RULE_INTERVAL;
        for (size_t u = 0; u < layout.units && penalties->idle[i]; u++)
            penalties->idle[i] = strengths[u] == 0;
        strengths += layout.units;
    }
}

enum pb_status pb_engine_penalise(struct pb_engine *engine, const struct pb_penalised *list, uint32_t count,
                                  const float *strengths, struct pb_error *error)
{
    struct pb_penalties *penalties = &engine->penalties;
    size_t all = 0, largest = 0;
    if (engine->options.mode != PB_ENGINE_TRAIN)
        return pb_fail(error, PB_ERROR_RUN, "only an engine that trains has penalties");
    for (uint32_t i = 0; i < count; i++) {
        struct pb_penalty_layout layout;
        if (!pb_penalty_layout(engine->graph, list[i].parameter, list[i].unit, &layout))
            return pb_fail(error, PB_ERROR_RUN, "parameter '%s' has not the units of a penalty",
                           engine->graph->parameters[list[i].parameter].name);
        all += layout.units;
        if (list[i].rule == PB_RULE_POLARIZATION && engine->graph->parameters[list[i].parameter].count > largest)
            largest = engine->graph->parameters[list[i].parameter].count;
    }
    if (all != penalties->strength_count || count != penalties->count || largest > penalties->value_count) {
        pb_penalties_free(engine);
        if (!count)
            return PB_OK;
        penalties->list = pb_calloc(count, sizeof *list);
        penalties->idle = pb_calloc(count, sizeof *penalties->idle);
        penalties->values = largest ? pb_calloc(largest, sizeof(float)) : NULL;
        if (!penalties->list || !penalties->idle || (largest && !penalties->values))
            return pb_fail_memory(error, count * sizeof *list + largest * sizeof(float));
        penalties->count = count;
        pb_place_node(engine->device->host.name, "penalties", pb_clock());
        const enum pb_status status = PB_OPERATE(buffer_create, all, &penalties->strengths);
        if (status)
            return status;
        penalties->strength_count = all;
        penalties->value_count = largest;
    }
    if (!count)
        return PB_OK;
    memcpy(penalties->list, list, count * sizeof *list);
    find_idle(engine, strengths);
    pb_place_node(engine->device->host.name, "penalties", pb_clock());
    const enum pb_status status = PB_OPERATE(upload, (struct pb_view){.buffer = penalties->strengths}, strengths, all);
    return status ? status : pb_engine_wait(engine, error);
}

enum pb_status pb_engine_penalise_norms(struct pb_engine *engine, double lambda, double lambda_last,
                                        struct pb_error *error)
{
    const struct pb_graph *graph = engine->graph;
    struct pb_penalty_layout layout;
    uint32_t count = 0;
    size_t units = 0, filled = 0;
    for (uint32_t p = 0; p < graph->parameter_count; p++)
        units += pb_penalty_layout(graph, p, PB_UNIT_NORM_SCALES, &layout) ? layout.units : 0;
    struct pb_penalised *list = pb_calloc(graph->parameter_count + 1, sizeof *list);
    float *strengths = pb_calloc(units + 1, sizeof *strengths);
    for (uint32_t p = 0; list && strengths && p < graph->parameter_count; p++) {
        if (!pb_penalty_layout(graph, p, PB_UNIT_NORM_SCALES, &layout))
            continue;
        const bool last = pb_engine_is_last_norm(engine, graph->parameters[p].node);
        list[count++] = (struct pb_penalised){.parameter = p, .unit = PB_UNIT_NORM_SCALES, .rule = PB_RULE_L1};
        for (size_t u = 0; u < layout.units; u++)
            strengths[filled++] = (float)(last ? lambda_last : lambda);
    }
    const enum pb_status status = list && strengths ? pb_engine_penalise(engine, list, count, strengths, error)
                                                    : pb_fail_memory(error, units * sizeof(float));
    pb_free(list);
    pb_free(strengths);
    return status;
}

/* m and the mean of sign(w − m) over all values of a term. */
struct polarity {
    double mean, pull;
};

static enum pb_status download(struct pb_engine *engine, const struct pb_parameter *parameter, struct pb_error *error)
{
    const struct pb_view view = {.buffer = engine->values, .offset = parameter->offset};
    const enum pb_status status = PB_OPERATE(download, engine->penalties.values, view, parameter->count);
    return status ? status : pb_engine_wait(engine, error);
}

/* Sums over the term of entry `of`: of values, or (signs) of sign(w − mean). */
static enum pb_status sum_term(struct pb_engine *engine, const struct pb_penalised *of, bool signs, double mean,
                               double *average, struct pb_error *error)
{
    const struct pb_penalties *penalties = &engine->penalties;
    double sum = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < penalties->count; i++) {
        const struct pb_penalised *entry = &penalties->list[i];
        if (entry->rule != PB_RULE_POLARIZATION || entry->term != of->term)
            continue;
        const struct pb_parameter *parameter = &engine->graph->parameters[entry->parameter];
        const enum pb_status status = download(engine, parameter, error);
        if (status)
            return status;
        for (size_t v = 0; v < parameter->count; v++) {
            const double value = (double)penalties->values[v];
            sum += signs ? (value > mean) - (value < mean) : value;
        }
        count += parameter->count;
    }
    *average = count ? sum / (double)count : 0;
    return PB_OK;
}

static enum pb_status polarity(struct pb_engine *engine, const struct pb_penalised *entry, struct polarity *found,
                               struct pb_error *error)
{
    const enum pb_status status = sum_term(engine, entry, false, 0, &found->mean, error);
    found->mean = (double)(float)found->mean; /* as the operator compares with it */
    return status ? status : sum_term(engine, entry, true, found->mean, &found->pull, error);
}

static enum pb_status penalise(struct pb_engine *engine, const struct pb_step *step, bool values,
                               struct pb_error *error)
{
    const struct pb_penalties *penalties = &engine->penalties;
    struct polarity poles = {0};
    uint32_t term = UINT32_MAX;
    size_t first = 0;
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < penalties->count && !status; i++) {
        const struct pb_penalised *entry = &penalties->list[i];
        const struct pb_parameter *parameter = &engine->graph->parameters[entry->parameter];
        struct pb_penalty_layout layout = {0};
        pb_penalty_layout(engine->graph, entry->parameter, entry->unit, &layout);
        const struct pb_view strengths = {.buffer = penalties->strengths, .offset = first};
        first += layout.units;
        if (penalties->idle[i] || changes_values(entry) != values || pb_is_frozen(engine, step, parameter))
            continue;
        pb_place_node(engine->device->host.name, engine->graph->nodes[parameter->node].name, pb_clock());
        if (entry->rule == PB_RULE_POLARIZATION && entry->term != term) {
            status = polarity(engine, entry, &poles, error);
            term = entry->term;
        }
        const struct pb_penalty_arguments arguments = {
            .size = sizeof arguments,
            .rule = entry->rule,
            .outer = layout.outer,
            .units = layout.units,
            .inner = layout.inner,
            .parameter = entry->limit,
            .mean = poles.mean,
            .pull = poles.pull,
            .lr = step->lr,
            .strengths = strengths,
            .gradient = {.buffer = values ? NULL : engine->gradients, .offset = parameter->offset},
            .weight = {.buffer = engine->values, .offset = parameter->offset},
        };
        if (!status)
            status = PB_OPERATE(penalise, &arguments);
    }
    return status;
}

enum pb_status pb_penalise_gradients(struct pb_engine *engine, const struct pb_step *step, struct pb_error *error)
{
    return penalise(engine, step, false, error);
}

enum pb_status pb_penalise_values(struct pb_engine *engine, const struct pb_step *step, struct pb_error *error)
{
    return penalise(engine, step, true, error);
}
