/* Pieces of trainings: where they begin and end. */
#ifndef PB_TRAINING_PIECE_H
#define PB_TRAINING_PIECE_H

#include <jansson.h>

#include "training/calibrate.h"

/* In steps from the training's beginning. */
struct pb_piece {
    uint64_t first, last; /* the piece is the steps first … last − 1 */
    uint64_t all; /* of the whole training */
};
/* PB_ERROR_INPUT for a piece that ends behind the training, or before it has begun. */
PB_MUST_CHECK enum pb_status pb_piece_find(const struct pb_train_spec *spec, uint32_t steps_per_epoch,
                                           struct pb_piece *piece, struct pb_error *error);
bool pb_piece_is_first(
    const struct pb_train_spec *spec); /* begins at the training's beginning; so does a whole training */
bool pb_piece_is_last(const struct pb_train_spec *spec); /* ends at its end; likewise */

json_t *pb_reached_to_json(const struct pb_reached *reached); /* NULL when memory is out */
PB_MUST_CHECK enum pb_status pb_reached_from_json(const json_t *json, struct pb_reached *reached,
                                                  struct pb_error *error);

#endif
