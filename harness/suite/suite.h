/* Every operator of a device against its definition in double precision: one suite for all backends. */
#ifndef PB_SUITE_SUITE_H
#define PB_SUITE_SUITE_H

#include "engine/device.h"
#include "suite/suite_report.h"

/* It was checked, nothing is wrong with it, and it is within its tolerance. */
bool pb_suite_passed(const struct pb_suite_result *result);

bool pb_suite_knows(const char *name);
/* A report with a row for every operator that the suite knows, before anything was found. */
void pb_suite_list(struct pb_suite_report *report);

/*
 * Runs every operator on random and awkward shapes (odd channels, batch 1, 1×1 images, stride, dilation, groups, padding).
 * Besides the deviations, it finds what was written around an output or into an input, outputs that were not overwritten,
 * and NaNs that do not come out where they must. PB_OK whatever is found. skipped: names of operators that are not called (a case
 * that needs one ends there), NULL-terminated; or NULL. The operator that was called last and its case are in pb_place, with
 * operation_entered 0 once it has returned.
 */
PB_MUST_CHECK enum pb_status pb_suite_run(struct pb_device *device, const char *const *skipped,
                                          struct pb_suite_report *report, struct pb_error *error);

#endif
