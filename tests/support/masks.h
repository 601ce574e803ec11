/* Masks on single weights, drawn for tests. */
#ifndef TESTS_SUPPORT_MASKS_H
#define TESTS_SUPPORT_MASKS_H

#include "graph/network.h"

/* Masks about this share of every weight that can be masked. */
void mask_some(struct pb_network *network, double share, uint64_t seed);

/* Of weights that can be masked, exactly the masked ones are 0, and so is their momentum. No other weight of the network may be 0. */
void assert_masked_are_zero(const struct pb_network *network);

#endif
