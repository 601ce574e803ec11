/* Criteria of activations on values that a test writes by hand, through the loaded plugin's own hooks. */
#ifndef PB_TEST_HAND_ACTIVATIONS_H
#define PB_TEST_HAND_ACTIVATIONS_H

#include "support/built_criterion.h"

/* Shown as the batches of one layer, 'conv'. */
struct hand_layer {
    uint32_t channels, height, width; /* of the activations */
    uint32_t batch_count;
    struct {
        uint32_t images;
        const float *activation; /* N×H×W×K */
    } batches[4];
    uint32_t threads; /* 0: one */
};

/* options: as in built_score. scores: one for each channel. status: of observe. */
enum pb_status hand_score(const char *criterion, const char *options, const struct hand_layer *layer, double *scores,
                          struct pb_error *error);
/* The same; a failure fails the test. */
void hand_score_well(const char *criterion, const char *options, const struct hand_layer *layer, double *scores);

#endif
