/* Gradient descent over the calibration batches. */
#include "prune/descent.h"

#include <math.h>

#include "base/memory.h"
#include "prune/passes.h"

static enum pb_status ask_rate(struct pb_descent *descent, struct pb_criterion_run *run)
{
    pb_place_enter(run->host.name, "descent");
    descent->rate = run->criterion->descent(run->self);
    const enum pb_status status = pb_criterion_leave(run, PB_OK);
    if (status != PB_OK || (descent->rate > 0 && isfinite(descent->rate)))
        return status;
    return pb_fail(run->error, PB_ERROR_RUN, "criterion '%s' descends at a rate of %g; it must be finite and above 0",
                   run->name, descent->rate);
}

enum pb_status pb_descent_open(struct pb_descent *descent, struct pb_criterion_run *run)
{
    const struct pb_graph *graph = run->network->graph;
    size_t largest = 0;
    for (uint32_t p = 0; p < graph->parameter_count; p++)
        largest = graph->parameters[p].count > largest ? graph->parameters[p].count : largest;
    descent->gradient = pb_calloc(largest, sizeof *descent->gradient);
    if (!descent->gradient)
        return pb_fail_memory(run->error, largest * sizeof *descent->gradient);
    enum pb_status status = ask_rate(descent, run);
    if (status == PB_OK)
        status = pb_network_copy(run->network, &descent->point, run->error);
    return status == PB_OK ? pb_pass_move(run, descent->point) : status;
}

static enum pb_status move_parameter(struct pb_descent *descent, struct pb_criterion_run *run, uint32_t batch,
                                     uint32_t index)
{
    const struct pb_parameter *parameter = &run->network->graph->parameters[index];
    float *values = descent->point->values + parameter->offset;
    const enum pb_status status = pb_engine_gradient(run->engine, index, descent->gradient, run->error);
    for (size_t i = 0; i < parameter->count && status == PB_OK; i++) {
        if (!isfinite(descent->gradient[i]))
            return pb_fail(run->error, PB_ERROR_RUN,
                           "criterion '%s' descends at a rate of %g: behind calibration batch %u the gradient of value "
                           "%zu of '%s' is %g; choose a lower rate, and train a network that has diverged with a lower "
                           "learning rate",
                           run->name, descent->rate, batch, i, parameter->name, (double)descent->gradient[i]);
        values[i] = (float)((double)values[i] - descent->rate * (double)descent->gradient[i]);
    }
    return status;
}

enum pb_status pb_descent_step(struct pb_descent *descent, struct pb_criterion_run *run, uint32_t batch)
{
    const struct pb_graph *graph = run->network->graph;
    enum pb_status status = PB_OK;
    for (uint32_t p = 0; p < graph->parameter_count && status == PB_OK; p++)
        if (graph->parameters[p].trainable)
            status = move_parameter(descent, run, batch, p);
    if (status != PB_OK)
        return status;
    pb_network_apply_masks(descent->point);
    return pb_pass_move(run, descent->point);
}

void pb_descent_close(struct pb_descent *descent, struct pb_criterion_run *run)
{
    run->point = run->network;
    pb_network_free(&descent->point);
    pb_free(descent->gradient);
    *descent = (struct pb_descent){0};
}
