/* The seeded, stratified split of the official training images into training and validation. */
#ifndef PB_DATA_SPLIT_H
#define PB_DATA_SPLIT_H

#include <prunebench/dataset.h>

#include "base/error.h"

struct pb_split_spec {
    /* Share of the official training split, stratified by class; 0: none. At least one image of every class stays on either
     * side. */
    double validation;
    uint64_t seed;
};

/* Indices of samples, in their order; both from pb_calloc. */
struct pb_training_split {
    uint32_t *train, *validation;
    uint32_t train_count, validation_count;
};

/* Splits the first training_count samples of contents. */
PB_MUST_CHECK enum pb_status pb_split_training(const struct pb_dataset_contents *contents, uint32_t training_count,
                                               const struct pb_split_spec *spec, struct pb_training_split *split,
                                               struct pb_error *error);

#endif
