/* Removes what processes that died left below OUT. */
#ifndef PB_COORDINATOR_SWEEP_H
#define PB_COORDINATOR_SWEEP_H

#include "base/error.h"

/*
 * Temporary files and folders whose owner is gone, parts of a decoded cache that nobody builds, and the last epoch of trainings
 * whose stage is complete. What a living process or another host owns stays. The lock of OUT is held.
 */
PB_MUST_CHECK enum pb_status pb_sweep(const char *out, struct pb_error *error);

#endif
