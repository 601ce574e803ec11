/* A small network with a few real batches to calibrate criteria on, and its loss in double precision. */
#ifndef PB_TEST_CALIBRATION_H
#define PB_TEST_CALIBRATION_H

#include "prune/prune.h"
#include "support/backends.h"
#include "support/scene.h"

enum { CALIBRATION_IMAGES = 5, CALIBRATION_BATCH = 2, CALIBRATION_CLASSES = 3, CALIBRATION_FLOATS = 16 * 16 * 3 };

struct calibrated {
    struct scene scene;
    struct pb_cache *cache;
    struct backend backend;
    struct pb_network *network;
    struct pb_channel_groups groups;
    struct pb_calibration calibration; /* three batches: 2, 2 and 1 images */
    float images[CALIBRATION_IMAGES][CALIBRATION_FLOATS]; /* in the order of the batches */
    uint32_t labels[CALIBRATION_IMAGES];
};
/* 16×16×3 → conv1 (4), bn1, relu1, max-pool → conv2 (5), bn2, relu2 → gap → fc. folder: the test's own. */
void calibrated_open(struct calibrated *calibrated, const char *folder);
/* With more images than calibrate it; those behind the first batch_count batches are left. */
void calibrated_open_with(struct calibrated *calibrated, const char *folder, uint32_t images, uint32_t batch_count);
/* With the images that scene.fake is filled with. */
void calibrated_open_filled(struct calibrated *calibrated, const char *folder, uint32_t batch_count);
void calibrated_close(struct calibrated *calibrated);

/* Another network of 16×16×3 images and CALIBRATION_CLASSES, which is taken over. */
void calibrated_use(struct calibrated *calibrated, struct pb_network *network);

/* All in double precision, without the engine: a function of the logits, its mean over images first … first + count − 1, and that
 * mean's derivative by one value of a parameter, by central differences. */
typedef double calibrated_function(const double *logits, uint32_t label);
calibrated_function calibrated_cross_entropy;
double calibrated_mean(const struct calibrated *calibrated, uint32_t first, uint32_t count, calibrated_function *f);
double calibrated_mean_slope(const struct calibrated *calibrated, uint32_t first, uint32_t count,
                             calibrated_function *f, const char *node, enum pb_role role, size_t value);
/* Of the mean cross-entropy of batch number index. */
double calibrated_slope(const struct calibrated *calibrated, uint32_t index, const char *node, enum pb_role role,
                        size_t value);

#endif
