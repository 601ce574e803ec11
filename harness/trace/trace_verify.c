/* Trains as a trace did, and says how far off every group of values is. */
#include "trace/trace_verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define FLOOR 1e-3

const char *pb_trace_group_name(enum pb_trace_group group)
{
    static const char *const names[PB_TRACE_GROUP_COUNT] = {
        [PB_TRACE_LOGITS] = "logits",
        [PB_TRACE_LOSSES] = "losses",
        [PB_TRACE_GRADIENTS] = "gradients",
        [PB_TRACE_STATES] = "states",
        [PB_TRACE_STATISTICS] = "running statistics",
        [PB_TRACE_EVALUATION] = "evaluation logits",
    };
    return (unsigned)group < PB_TRACE_GROUP_COUNT ? names[group] : "unknown";
}

/* Gradients are sums whose terms cancel, and have all layers' rounding in them. */
double pb_trace_tolerance(enum pb_trace_group group)
{
    static const double tolerances[PB_TRACE_GROUP_COUNT] = {
        [PB_TRACE_LOGITS] = 1e-5, [PB_TRACE_LOSSES] = 5e-7,     [PB_TRACE_GRADIENTS] = 2e-4,
        [PB_TRACE_STATES] = 2e-5, [PB_TRACE_STATISTICS] = 1e-5, [PB_TRACE_EVALUATION] = 3e-6,
    };
    return (unsigned)group < PB_TRACE_GROUP_COUNT ? tolerances[group] : 0;
}

struct verification {
    const struct pb_trace *trace;
    struct pb_engine *engine;
    struct pb_network *state; /* as the engine has it */
    float *gradient; /* at the graph's offsets */
    float *logits;
    size_t logit_count;
    struct pb_trace_report *report;
};

/* Values that were computed, and their tensor in the trace. */
struct pairing {
    enum pb_trace_group group;
    char name[80];
    const float *values;
    uint32_t rank;
    size_t dims[4], count;
};

static double root_mean_square(const double *values, size_t count)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += values[i] * values[i];
    return count ? sqrt(squares / (double)count) : 0;
}

/* An element against itself, or against its tensor's root mean square or the floor where those are larger. */
static void note(struct pb_trace_deviation *noted, const struct pairing *pairing, const double *expected, double floor)
{
    const double least = fmax(root_mean_square(expected, pairing->count), floor);
    double worst = 0;
    for (size_t i = 0; i < pairing->count; i++) {
        const double off = fabs((double)pairing->values[i] - expected[i]);
        const double share = off == 0 ? 0 : off / fmax(fabs(expected[i]), least);
        if (!(share <= worst))
            worst = isnan(share) ? INFINITY : share;
    }
    if (!noted->tensors || worst > noted->worst) {
        noted->worst = worst;
        snprintf(noted->tensor, sizeof noted->tensor, "%.63s", pairing->name);
    }
    noted->tensors++;
}

static enum pb_status compare(struct verification *run, const struct pairing *pairing, double floor,
                              struct pb_error *error)
{
    double *expected = NULL;
    const enum pb_status status =
        pb_trace_values(&run->trace->source, pairing->name, pairing->rank, pairing->dims, &expected, error);
    if (status)
        return status;
    note(&run->report->groups[pairing->group], pairing, expected, floor);
    pb_free(expected);
    return PB_OK;
}

static struct pairing pair_parameter(const struct verification *run, uint32_t p, const char *prefix,
                                     const float *values)
{
    const struct pb_graph *graph = run->trace->network->graph;
    const struct pb_parameter *parameter = &graph->parameters[p];
    struct pairing pairing = {.group = parameter->trainable ? PB_TRACE_STATES : PB_TRACE_STATISTICS,
                              .values = values + parameter->offset,
                              .rank = parameter->rank,
                              .count = parameter->count};
    char name[64];
    pb_trace_parameter_name(graph, parameter, name);
    snprintf(pairing.name, sizeof pairing.name, "%.14s.%s", prefix, name);
    memcpy(pairing.dims, parameter->dims, sizeof pairing.dims);
    return pairing;
}

/* All parameters, or all that have a gradient, against "prefix.*"; the floor comes from the whole group. */
static enum pb_status compare_parameters(struct verification *run, const char *prefix, bool gradients,
                                         struct pb_error *error)
{
    const struct pb_graph *graph = run->trace->network->graph;
    double floor = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t p = 0; p < graph->parameter_count; p++) {
            if (gradients && !graph->parameters[p].trainable)
                continue;
            struct pairing pairing = pair_parameter(run, p, prefix, gradients ? run->gradient : run->state->values);
            double *expected = NULL;
            const enum pb_status status =
                pb_trace_values(&run->trace->source, pairing.name, pairing.rank, pairing.dims, &expected, error);
            if (status)
                return status;
            pairing.group = gradients ? PB_TRACE_GRADIENTS : pairing.group;
            if (pass == 0)
                floor = fmax(floor, FLOOR * root_mean_square(expected, pairing.count));
            else
                note(&run->report->groups[pairing.group], &pairing, expected, floor);
            pb_free(expected);
        }
    return PB_OK;
}

static enum pb_status compare_logits(struct verification *run, enum pb_trace_group group, const char *format,
                                     uint32_t step, struct pb_error *error)
{
    struct pairing pairing = {.group = group,
                              .values = run->logits,
                              .rank = 2,
                              .dims = {run->trace->batch, run->trace->network->graph->classes},
                              .count = run->logit_count};
    snprintf(pairing.name, sizeof pairing.name, "%s%" PRIu32 ".logits", format, step);
    return compare(run, &pairing, 0, error);
}

/* After `step` steps: evaluation, where the trace has one. */
static enum pb_status evaluate(struct verification *run, uint32_t step, struct pb_error *error)
{
    char name[64];
    snprintf(name, sizeof name, "eval%" PRIu32 ".logits", step);
    if (!pb_safetensors_find(&run->trace->source.tensors, name))
        return PB_OK;
    const enum pb_status status =
        pb_engine_forward(run->engine, run->trace->images, run->trace->batch, run->logits, error);
    return status ? status : compare_logits(run, PB_TRACE_EVALUATION, "eval", step, error);
}

static enum pb_status compare_gradients(struct verification *run, uint32_t step, struct pb_error *error)
{
    const struct pb_graph *graph = run->trace->network->graph;
    char prefix[24], name[64];
    snprintf(prefix, sizeof prefix, "grad%" PRIu32, step);
    snprintf(name, sizeof name, "%s.fc.weight", prefix);
    if (step > 0 && !pb_safetensors_find(&run->trace->source.tensors, name))
        return PB_OK;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        const enum pb_status status =
            parameter->trainable ? pb_engine_gradient(run->engine, p, run->gradient + parameter->offset, error) : PB_OK;
        if (status)
            return status;
    }
    return compare_parameters(run, prefix, true, error);
}

static enum pb_status train_step(struct verification *run, uint32_t step, struct pb_error *error)
{
    const struct pb_trace *trace = run->trace;
    double loss = 0;
    enum pb_status status = pb_engine_backward(run->engine, trace->images, trace->labels, &loss, run->logits, error);
    if (!status)
        status = compare_logits(run, PB_TRACE_LOGITS, "step", step, error);
    if (status)
        return status;
    const float rounded = (float)loss;
    struct pairing pairing = {.group = PB_TRACE_LOSSES, .values = &rounded, .rank = 1, .dims = {1}, .count = 1};
    snprintf(pairing.name, sizeof pairing.name, "step%" PRIu32 ".loss", step);
    status = compare(run, &pairing, 0, error);
    if (!status)
        status = compare_gradients(run, step, error);
    if (!status)
        status = pb_engine_step(run->engine, &trace->step, error);
    if (!status)
        status = pb_engine_store(run->engine, run->state, error);
    char prefix[24];
    snprintf(prefix, sizeof prefix, "step%" PRIu32, step + 1);
    return status ? status : compare_parameters(run, prefix, false, error);
}

enum pb_status pb_trace_verify(const struct pb_trace *trace, struct pb_device *device, struct pb_trace_report *report,
                               struct pb_error *error)
{
    const struct pb_graph *graph = trace->network->graph;
    struct pb_trace_report made = {.steps = trace->steps};
    struct verification run = {.trace = trace, .logit_count = (size_t)trace->batch * graph->classes, .report = &made};
    const struct pb_engine_options options = {.batch = trace->batch, .mode = PB_ENGINE_TRAIN};
    enum pb_status status = pb_engine_create(device, trace->network, &options, &run.engine, error);
    if (!status)
        status = pb_engine_penalise_norms(run.engine, trace->lambda, trace->lambda_last, error);
    if (!status)
        status = pb_network_copy(trace->network, &run.state, error);
    if (status)
        goto cleanup;
    run.gradient = pb_calloc(graph->value_count, sizeof *run.gradient);
    run.logits = pb_calloc(run.logit_count, sizeof *run.logits);
    if (!run.gradient || !run.logits) {
        status = pb_fail_memory(error, graph->value_count * sizeof *run.gradient);
        goto cleanup;
    }
    status = evaluate(&run, 0, error);
    for (uint32_t step = 0; step < trace->steps && !status; step++) {
        status = train_step(&run, step, error);
        if (!status)
            status = evaluate(&run, step + 1, error);
    }
    if (!status)
        *report = made;

cleanup:
    pb_engine_free(&run.engine);
    pb_network_free(&run.state);
    pb_free(run.gradient);
    pb_free(run.logits);
    return status;
}
