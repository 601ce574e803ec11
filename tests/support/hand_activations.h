/* Criteria of activations on values that a test writes by hand, through the loaded plugin's own hooks. */
#ifndef PB_TEST_HAND_ACTIVATIONS_H
#define PB_TEST_HAND_ACTIVATIONS_H

#include "plugin/object.h"
#include "plugin/registry.h"

/* Shown as the batches of one layer. */
struct hand_layer {
    uint32_t channels, height, width; /* of the activations */
    uint32_t batch_count;
    struct {
        uint32_t images;
        const float *activation; /* N×H×W×K */
    } batches[4];
    uint32_t threads; /* 0: one */
};

/* option: "name=value", or NULL for the defaults. scores: one for each channel. */
enum pb_status hand_score(const char *criterion, const char *option, const struct hand_layer *layer, double *scores,
                          struct pb_error *error);
/* The same; a failure fails the test. */
void hand_score_well(const char *criterion, const char *option, const struct hand_layer *layer, double *scores);
/* Fails the test where a score differs by more than 1e-6 of the expected one, or at all from 0. */
void hand_expect(const double *scores, const double *expected, uint32_t channels);

struct pb_loaded hand_load(const char *criterion);

#endif
