/* How much of a network a penalty has made exactly zero. */
#ifndef PB_TRAINING_ZERO_UNITS_H
#define PB_TRAINING_ZERO_UNITS_H

#include "graph/network.h"

/* Units of convolutions (prunebench/penalty.h) of whose weights none is other than 0. */
struct pb_zero_units {
    uint64_t filters, input_channels, shapes;
};

struct pb_zero_units pb_zero_units_of(const struct pb_network *network);

#endif
