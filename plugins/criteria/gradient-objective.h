/* The loss as an objective of a criterion's own. */
#ifndef PB_CRITERIA_GRADIENT_OBJECTIVE_H
#define PB_CRITERIA_GRADIENT_OBJECTIVE_H

#include <math.h>

#include <prunebench/criterion.h>

/*
 * ∂f/∂logits of example n into its row of derivative (N×classes), f being the cross-entropy of softmax(logits/temperature) and the
 * label, times factor.
 */
static inline enum pb_status gradient_of_cross_entropy(const struct pb_host *host, const struct pb_logits_view *batch,
                                                       uint32_t n, double temperature, double factor, float *derivative)
{
    const float *logits = batch->logits + (size_t)n * batch->classes;
    float *row = derivative + (size_t)n * batch->classes;
    const uint32_t label = batch->labels[n];
    double highest = -INFINITY, sum = 0;
    if (label >= batch->classes)
        return host->fail(host, PB_ERROR_INPUT,
                          "label %u of example %u of batch %u is not below the model's %u classes", label, n,
                          batch->batch_index, batch->classes);
    for (uint32_t k = 0; k < batch->classes; k++)
        highest = fmax(highest, (double)logits[k]);
    for (uint32_t k = 0; k < batch->classes; k++)
        sum += exp(((double)logits[k] - highest) / temperature);
    for (uint32_t k = 0; k < batch->classes; k++) {
        const double probability = exp(((double)logits[k] - highest) / temperature) / sum;
        row[k] = (float)(factor * (probability - (k == label)) / temperature);
    }
    return PB_OK;
}

#endif
