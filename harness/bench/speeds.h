/* How fast this machine trains a cell's network: measured, briefly, once per backend and network, or kept from before. */
#ifndef PB_BENCH_SPEEDS_H
#define PB_BENCH_SPEEDS_H

#include "base/load.h"
#include "planning/cell_plan.h"

struct pb_speed {
    char *key; /* backend and network */
    const char *backend; /* "blis 0.9.0 skx", the opened backend's */
    double macs_per_second; /* of training steps */
    char measured[32]; /* when an earlier call measured it; "" by this one */
    char disturbed[PB_LOAD_REASON]; /* what else the machine did meanwhile; "" */
};
struct pb_speeds {
    struct pb_speed *list;
    uint32_t count;
};

#define PB_NO_SPEED UINT32_MAX

/* The speed for cells like config (so many classes): *index into the list. The first call for their backend and network
 * takes it from the speed cache or measures it, and then keeps it there unless the machine was busy. */
PB_MUST_CHECK enum pb_status pb_speed_of(struct pb_speeds *speeds, struct pb_opened *opened,
                                         const struct pb_cell_config *config, uint32_t classes, uint32_t *index,
                                         struct pb_error *error);
void pb_speeds_free(struct pb_speeds *speeds);

#endif
