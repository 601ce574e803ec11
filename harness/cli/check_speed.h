/* How fast this machine trains a cell's network: measured, briefly, once per backend and network. */
#ifndef PB_CLI_CHECK_SPEED_H
#define PB_CLI_CHECK_SPEED_H

#include "experiment/cell.h"

struct pb_speed {
    char *key; /* backend and network */
    const char *backend; /* "blis 0.9.0 skx", the planner's */
    double macs_per_second; /* of training steps */
};
struct pb_speeds {
    struct pb_speed *list;
    uint32_t count;
};

/* The speed for cells like config (so many classes), measured at the first call for their backend and network. */
PB_MUST_CHECK enum pb_status pb_speed_of(struct pb_speeds *speeds, struct pb_planner *planner,
                                         const struct pb_cell_config *config, uint32_t classes, double *macs_per_second,
                                         struct pb_error *error);
void pb_speeds_free(struct pb_speeds *speeds);

#endif
