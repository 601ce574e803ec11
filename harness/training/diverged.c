/* What a training that diverged is reported as: when, at which rate, in which layer. */
#include "training/diverged.h"

#include <inttypes.h>
#include <math.h>

enum pb_status pb_fail_diverged(struct pb_engine *engine, const struct pb_batch *batch, double loss,
                                const struct pb_moment *moment, struct pb_error *error)
{
    char where[96];
    const enum pb_status status = pb_engine_trace_nonfinite(engine, batch->images, batch->count, true, where, error);
    if (status != PB_OK)
        return status;
    return pb_fail(error, PB_ERROR_RUN,
                   "the training diverged at step %" PRIu32 " of epoch %" PRIu32
                   ", at a learning rate of %g: the loss is %s; the first value that is not finite is in %s; try a "
                   "smaller learning rate",
                   moment->step, moment->epoch, moment->lr, isnan(loss) ? "not a number" : "infinite",
                   where[0] ? where : "the loss itself");
}

/* NULL when all of them are finite. */
static const struct pb_parameter *first_nonfinite(const struct pb_graph *graph, const float *values)
{
    for (uint32_t p = 0; values && p < graph->parameter_count; p++)
        for (size_t i = 0; i < graph->parameters[p].count; i++)
            if (!isfinite(values[graph->parameters[p].offset + i]))
                return &graph->parameters[p];
    return NULL;
}

enum pb_status pb_check_parameters(const struct pb_network *network, const struct pb_moment *moment,
                                   struct pb_error *error)
{
    const struct pb_parameter *values = first_nonfinite(network->graph, network->values);
    const struct pb_parameter *found = values ? values : first_nonfinite(network->graph, network->velocity);
    if (!found)
        return PB_OK;
    return pb_fail(error, PB_ERROR_RUN,
                   "the training diverged at step %" PRIu32 " of epoch %" PRIu32
                   ", at a learning rate of %g: the first value that is not finite after it is in %s'%s'; try a "
                   "smaller learning rate",
                   moment->step, moment->epoch, moment->lr, values ? "" : "the momentum of ", found->name);
}

enum pb_status pb_fail_behind(const struct pb_moment *moment, struct pb_error *error)
{
    return pb_fail_context(error, "after step %" PRIu32 " of epoch %" PRIu32 ", at a learning rate of %g", moment->step,
                           moment->epoch, moment->lr);
}
