/* Every operator of a device against double-precision loops: one suite for all backends. */
#ifndef TESTS_SUPPORT_OPERATORS_H
#define TESTS_SUPPORT_OPERATORS_H

#include "engine/device.h"

/*
 * Runs every operator on random and awkward shapes (odd channels, batch 1, 1×1 images, stride, dilation, groups,
 * padding) and fails the test where an output is off by more than tolerance·(its largest value), where anything was
 * written around an output or into an input, where an output was not overwritten, or where NaNs do not come out where
 * they must. Gives a digest of every output bit, for comparing runs and thread counts.
 */
uint64_t operator_suite(struct pb_device *device, double tolerance);

/* A device over a table of operators without a plugin file behind it. Fails the test when it cannot be opened. */
struct pb_device *operator_device(const struct pb_backend *table, const char *name, uint32_t threads);
void operator_device_close(struct pb_device **device);

/* The portable operators alone, as the reference backend has them. Close with operator_device_close. */
struct pb_device *portable_device(uint32_t threads);

#endif
