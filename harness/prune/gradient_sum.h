/* Gradients of all parameters, summed over batches in double precision. */
#ifndef PB_PRUNE_GRADIENT_SUM_H
#define PB_PRUNE_GRADIENT_SUM_H

#include "engine/engine.h"

struct pb_gradient_sum {
    const struct pb_graph *graph;
    double *sum; /* of the examples' gradients, at the parameters' offsets */
    float *gradient; /* of one parameter */
};
/* Free it also after a failure. */
PB_MUST_CHECK enum pb_status pb_gradient_sum_open(struct pb_gradient_sum *sum, const struct pb_graph *graph,
                                                  struct pb_error *error);
/* Adds factor times the gradients that the engine has computed. */
PB_MUST_CHECK enum pb_status pb_gradient_sum_add(struct pb_gradient_sum *sum, struct pb_engine *engine, double factor,
                                                 struct pb_error *error);
/* values: graph->value_count floats. */
void pb_gradient_sum_divide(const struct pb_gradient_sum *sum, double divisor, float *values);
void pb_gradient_sum_free(struct pb_gradient_sum *sum);

#endif
