/* What the bits of enum pb_criterion_data ask of the host. */
#ifndef PB_PLUGIN_CRITERION_DATA_H
#define PB_PLUGIN_CRITERION_DATA_H

#include <prunebench/criterion.h>

enum {
    /* of a network with a norm in every layer */
    PB_DATA_OF_NORMS = PB_DATA_NORM | PB_DATA_NORMALISED | PB_DATA_NORMALISED_GRADIENTS,
    /* shown to observe; the second requires a backward pass */
    PB_DATA_OBSERVED_FORWARD = PB_DATA_ACTIVATIONS | PB_DATA_CONVOLVED | PB_DATA_NORMALISED | PB_DATA_LABELS |
                               PB_DATA_CONSUMER_ROWS | PB_DATA_RELEVANCE,
    PB_DATA_OBSERVED_BACKWARD = PB_DATA_GRADIENTS | PB_DATA_ACTIVATION_GRADIENTS | PB_DATA_CONVOLVED_GRADIENTS |
                                PB_DATA_NORMALISED_GRADIENTS | PB_DATA_GATE_GRADIENTS | PB_DATA_CONSUMER_GRADIENTS,
    PB_DATA_OBSERVED = PB_DATA_OBSERVED_FORWARD | PB_DATA_OBSERVED_BACKWARD,
    /* computed over all batches */
    PB_DATA_ACCUMULATED = PB_DATA_MEAN_GRADIENTS | PB_DATA_HESSIAN_PRODUCTS,
    PB_DATA_FROM_BATCHES = PB_DATA_OBSERVED | PB_DATA_ACCUMULATED,
    PB_DATA_KNOWN = PB_DATA_FROM_BATCHES | PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_CONSUMERS | PB_DATA_SYNAPTIC_FLOW,
};

/* What it needs and uses, or-ed. */
static inline uint32_t pb_criterion_asks(const struct pb_criterion *criterion)
{
    return criterion->needs | criterion->uses;
}

/* Whether it looks at calibration batches. */
static inline bool pb_criterion_reads_batches(const struct pb_criterion *criterion)
{
    return (pb_criterion_asks(criterion) & PB_DATA_FROM_BATCHES) != 0;
}

/* Whether the first pass over the batches is a backward one; further passes are those of Hessian products. */
static inline bool pb_criterion_differentiates(const struct pb_criterion *criterion)
{
    const uint32_t data = pb_criterion_asks(criterion);
    return (data & (PB_DATA_OBSERVED_BACKWARD | PB_DATA_MEAN_GRADIENTS)) != 0 ||
           ((data & PB_DATA_HESSIAN_PRODUCTS) != 0 && criterion->direction == NULL);
}

#endif
