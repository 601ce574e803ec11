/* Weights that a cell starts from: a file, or a trunk that the run trains first on another data set. */
#ifndef PB_EXPERIMENT_PRETRAINED_START_H
#define PB_EXPERIMENT_PRETRAINED_START_H

#include "experiment/session.h"

/* Opens the pretraining's data set and cache, which are part of its key. Nothing to do where the cell has none. */
PB_MUST_CHECK enum pb_status pb_pretraining_open(struct pb_session *session, const char *cache_folder,
                                                 struct pb_error *error);

/*
 * Fills the trunk of session->initial: from the file that the cell names, or from the pretraining's stage, which is trained
 * where it is not stored yet, exported under torchvision's names to OUT/pretrained/<label>-<key>.safetensors, and read back.
 * Says in session->weights what was taken from where. The chain must have been started.
 */
PB_MUST_CHECK enum pb_status pb_pretraining_apply(struct pb_session *session, struct pb_error *error);

#endif
