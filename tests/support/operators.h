/* Devices over tables of operators, and the operator suite as a test. */
#ifndef TESTS_SUPPORT_OPERATORS_H
#define TESTS_SUPPORT_OPERATORS_H

#include "engine/device.h"

/*
 * Runs the operator suite and fails the test where an operator does not pass, or where a convolution (a sum) is off by more than
 * `convolutions` (`sums`). Gives a digest of every output bit, for comparing runs and thread counts.
 */
uint64_t operators_pass(struct pb_device *device, double convolutions, double sums);

/* A device over a table of operators without a plugin file behind it. Fails the test when it cannot be opened. */
struct pb_device *operator_device(const struct pb_backend *table, const char *name, uint32_t threads);
void operator_device_close(struct pb_device **device);

/* The portable operators alone, as the reference backend has them. Close with operator_device_close. */
struct pb_device *portable_device(uint32_t threads);

#endif
