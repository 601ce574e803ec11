/* Finds the first value of a pass that is not finite. Only run once something has gone wrong: it downloads every array. */
#include "engine/engine_internal.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"

/* first: where the first such value is; count when all are finite. */
static enum pb_status download_first(struct pb_engine *engine, struct pb_view view, size_t count, size_t *first,
                                     struct pb_error *error)
{
    float *values = pb_calloc(count, sizeof *values);
    if (!values)
        return pb_fail_memory(error, count * sizeof *values);
    enum pb_status status = PB_OPERATE(download, values, view, count);
    if (!status)
        status = pb_engine_wait(engine, error);
    *first = 0;
    while (*first < count && !status && isfinite(values[*first]))
        ++*first;
    pb_free(values);
    return status;
}

/* Of the parameters that the pass reads: with batch statistics, no running ones. */
static enum pb_status check_parameters(struct pb_engine *engine, uint32_t node, bool training, char where[96],
                                       struct pb_error *error)
{
    const struct pb_graph *graph = engine->graph;
    const bool statistics = pb_uses_batch_statistics(engine, node, training);
    enum pb_status status = PB_OK;
    for (uint32_t role = 0; role < PB_ROLE_COUNT && !status && !where[0]; role++) {
        const uint32_t number = graph->nodes[node].parameters[role];
        if (number == PB_NO_PARAMETER || (statistics && !graph->parameters[number].trainable))
            continue;
        const struct pb_parameter *parameter = &graph->parameters[number];
        size_t first;
        status = download_first(engine, pb_parameter_view(engine, engine->values, node, (enum pb_role)role),
                                parameter->count, &first, error);
        if (!status && first < parameter->count)
            snprintf(where, 96, "the %s of '%s', channel %zu", pb_role_words((enum pb_role)role),
                     graph->nodes[node].name, first / (parameter->count / parameter->dims[0]));
    }
    return status;
}

/* Whether the node's own output is stored: not where a batch norm or a pooling is computed with it at once. */
static bool has_output(const struct pb_engine *engine, uint32_t node, bool training)
{
    const struct pb_node_layout *layout = &engine->layout.nodes[node];
    const bool evaluated = layout->norm != PB_NO_PARAMETER && !pb_uses_batch_statistics(engine, layout->norm, training);
    return layout->value != PB_NO_STORAGE && !evaluated;
}

enum pb_status pb_engine_trace_nonfinite(struct pb_engine *engine, const float *images, uint32_t count, bool training,
                                         char where[96], struct pb_error *error)
{
    const uint64_t step = engine->step;
    where[0] = '\0';
    if (training && step)
        engine->step--; /* the masks of the pass that has been */
    enum pb_status status = pb_upload_images(engine, images, count, error);
    if (!status)
        status = pb_engine_refresh(engine, error);
    for (uint32_t i = 0; i < engine->graph->node_count && !status && !where[0]; i++) {
        const size_t outputs = pb_output_count(engine, i);
        size_t first = outputs;
        status = check_parameters(engine, i, training, where, error);
        if (status || where[0])
            break;
        status = pb_run_forward_node(engine, i, training, error);
        if (!status && has_output(engine, i, training))
            status = download_first(engine, pb_value_view(engine, i), outputs, &first, error);
        if (!status && first < outputs)
            snprintf(where, 96, "the output of '%s', channel %zu", engine->graph->nodes[i].name,
                     first % engine->graph->nodes[i].shape.channels);
    }
    engine->step = step;
    return status;
}
