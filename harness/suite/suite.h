/* Every operator of a device against its definition in double precision: one suite for all backends. */
#ifndef PB_SUITE_SUITE_H
#define PB_SUITE_SUITE_H

#include "engine/device.h"
#include "suite/suite_report.h"

/* Nothing is wrong with it, and it is within its tolerance. */
bool pb_suite_passed(const struct pb_suite_result *result);

/*
 * Runs every operator on random and awkward shapes (odd channels, batch 1, 1×1 images, stride, dilation, groups, padding).
 * Besides the deviations, it finds what was written around an output or into an input, outputs that were not overwritten,
 * and NaNs that do not come out where they must. PB_OK whatever is found.
 */
PB_MUST_CHECK enum pb_status pb_suite_run(struct pb_device *device, struct pb_suite_report *report,
                                          struct pb_error *error);

#endif
