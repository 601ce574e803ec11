/* Removes what processes that died left below OUT. */
#ifndef PB_COORDINATOR_SWEEP_H
#define PB_COORDINATOR_SWEEP_H

#include "base/error.h"

/*
 * Temporary files and folders whose owner is gone, parts of a decoded cache that nobody builds, and the last epoch of trainings
 * whose stage is complete. What a living process owns stays. What a process of another host owns goes where no cell of the run is claimed and
 * it has not changed for three times as long as a lease takes to expire, by the file system's clock: then nobody there works on the run. The lock of OUT
 * is held.
 */
PB_MUST_CHECK enum pb_status pb_sweep(const char *out, struct pb_error *error);

#endif
