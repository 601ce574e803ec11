/* Gradients of all parameters, summed over batches. */
#include "prune/gradient_sum.h"

#include "base/memory.h"

enum pb_status pb_gradient_sum_open(struct pb_gradient_sum *sum, const struct pb_graph *graph, struct pb_error *error)
{
    size_t largest = 0;
    for (uint32_t p = 0; p < graph->parameter_count; p++)
        largest = graph->parameters[p].count > largest ? graph->parameters[p].count : largest;
    *sum = (struct pb_gradient_sum){.graph = graph,
                                    .sum = pb_calloc(graph->value_count, sizeof *sum->sum),
                                    .gradient = pb_calloc(largest, sizeof *sum->gradient)};
    return sum->sum && sum->gradient ? PB_OK : pb_fail_memory(error, graph->value_count * sizeof *sum->sum);
}

enum pb_status pb_gradient_sum_add(struct pb_gradient_sum *sum, struct pb_engine *engine, double factor,
                                   struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t p = 0; p < sum->graph->parameter_count && status == PB_OK; p++) {
        const struct pb_parameter *parameter = &sum->graph->parameters[p];
        if (!parameter->trainable)
            continue;
        status = pb_engine_gradient(engine, p, sum->gradient, error);
        for (size_t i = 0; i < parameter->count && status == PB_OK; i++)
            sum->sum[parameter->offset + i] += factor * (double)sum->gradient[i];
    }
    return status;
}

void pb_gradient_sum_divide(const struct pb_gradient_sum *sum, double divisor, float *values)
{
    for (size_t i = 0; i < sum->graph->value_count; i++)
        values[i] = (float)(sum->sum[i] / divisor);
}

void pb_gradient_sum_free(struct pb_gradient_sum *sum)
{
    pb_free(sum->sum);
    pb_free(sum->gradient);
    *sum = (struct pb_gradient_sum){0};
}
