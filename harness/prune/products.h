/* Hessian times direction, by central differences of gradients. */
#ifndef PB_PRUNE_PRODUCTS_H
#define PB_PRUNE_PRODUCTS_H

#include "prune/criterion_run.h"

/* Every product: its direction, two passes over the batches beside the network's values, and its result shown layer by layer. */
PB_MUST_CHECK enum pb_status pb_criterion_products(struct pb_criterion_run *run);
/* How many a criterion of these options will ask for in a network of this structure. weights: to score single weights. */
PB_MUST_CHECK enum pb_status pb_criterion_count_products(const struct pb_loaded *loaded,
                                                         const struct pb_options *options,
                                                         const struct pb_network *network, bool weights,
                                                         uint32_t *count, struct pb_error *error);

#endif
