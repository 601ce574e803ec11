/* The seeded, stratified split of the official training images into training and validation. */
#ifndef PB_DATA_SPLIT_H
#define PB_DATA_SPLIT_H

#include "data/data.h"

/* Fills data->train and data->validation (from pb_calloc, in the order of the samples) from the first
 * training_count samples of data->contents. */
PB_MUST_CHECK enum pb_status pb_split_training(struct pb_data *data, uint32_t training_count,
                                               const struct pb_split_spec *spec, struct pb_error *error);

#endif
