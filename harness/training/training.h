/* One training: epochs of SGD with a policy, sparsity, soft masks; stopped anywhere, it resumes at its last epoch. */
#ifndef PB_TRAINING_TRAINING_H
#define PB_TRAINING_TRAINING_H

#include <jansson.h>

#include "training/calibrate.h"
#include "training/lr.h"

/*
 * Trains *network in place (it may be replaced). lr: in, where the optimiser resumes from (or freshly started); out,
 * where it ended. rows: a JSON array that gets one object per epoch. A process that was asked to end (base/stop.h) leaves it with
 * PB_ERROR_STOPPED once the running epoch is stored.
 */
PB_MUST_CHECK enum pb_status pb_train(const struct pb_train_job *job, struct pb_network **network, struct pb_lr *lr,
                                      json_t *rows, struct pb_error *error);

json_t *pb_lr_to_json(const struct pb_lr *lr);
PB_MUST_CHECK enum pb_status pb_lr_from_json(const json_t *json, struct pb_lr *lr, struct pb_error *error);

#endif
