/* A small network with a few real batches to calibrate criteria on, and its loss in double precision. */
#ifndef PB_TEST_CALIBRATION_H
#define PB_TEST_CALIBRATION_H

#include "prune/prune.h"
#include "support/backends.h"
#include "support/scene.h"

enum { CALIBRATION_IMAGES = 5, CALIBRATION_BATCH = 2, CALIBRATION_CLASSES = 3 };

struct calibrated {
    struct scene scene;
    struct pb_cache *cache;
    struct backend backend;
    struct pb_network *network;
    struct pb_channel_groups groups;
    struct pb_calibration calibration; /* three batches: 2, 2 and 1 images */
};
/* 16×16×3 → conv1 (4), bn1, relu1, max-pool → conv2 (5), bn2, relu2 → gap → fc. folder: the test's own. */
void calibrated_open(struct calibrated *calibrated, const char *folder);
void calibrated_close(struct calibrated *calibrated);

/* Mean cross-entropy of batch number index, worked out without the engine. */
double calibrated_loss(const struct calibrated *calibrated, uint32_t index);
/* Its derivative by one value of a parameter, by central differences. */
double calibrated_slope(const struct calibrated *calibrated, uint32_t index, const char *node, enum pb_role role,
                        size_t value);

#endif
