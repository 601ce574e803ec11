/* A few steps of a small network on noise: whether a backend repeats itself, bit for bit. */
#ifndef TESTS_SUPPORT_TRAINING_H
#define TESTS_SUPPORT_TRAINING_H

#include "engine/device.h"

/* FNV-1a of the parameters, running statistics and velocities after some steps of a vgg11-bcnn with odd widths, and of
 * the logits of an evaluation. Fails the test on an error or a value that is not finite. */
uint64_t training_digest(struct pb_device *device);

/* An engine that infers computes what one that trains does; after other parameters were loaded, it computes what a new one does;
 * both bit for bit; and no pass of either allocates. */
void training_inference(struct pb_device *device);

#endif
