/* The loss of one step, and its way back through the network: the labels' cross entropy, what a teacher adds to it, and penalties on the
 * outputs. */
#ifndef PB_TRAINING_LOSS_H
#define PB_TRAINING_LOSS_H

#include "training/calibrate.h"

struct pb_training_loss;

struct pb_penalty_instances;

/* spec, device, teacher and penalties must outlive it; a teacher is required exactly where spec distils. */
PB_MUST_CHECK enum pb_status pb_training_loss_open(const struct pb_train_spec *spec, struct pb_device *device,
                                                   const struct pb_teacher *teacher,
                                                   struct pb_penalty_instances *penalties, uint32_t batch,
                                                   uint32_t classes, struct pb_training_loss **terms,
                                                   struct pb_error *error);
void pb_training_loss_free(struct pb_training_loss **terms);
/* Forward and backward of a full batch through engine, which trains, at a step of an epoch (both of this training, from 0). loss: mean over the batch, of everything that it is made of;
 * logits: batch×classes. Gradients stay in the engine. */
PB_MUST_CHECK enum pb_status pb_training_loss_backward(struct pb_training_loss *terms, struct pb_engine *engine,
                                                       const struct pb_batch *batch, uint32_t epoch, uint64_t step,
                                                       double *loss, float *logits, struct pb_error *error);

/* One image's loss for spec (enum pb_distillation has the formulas), and its derivative by the logits; classes values each. teacher:
 * its logits; NULL where spec distils nothing. */
double pb_image_loss(const struct pb_train_spec *spec, const float *logits, const float *teacher, uint32_t label,
                     uint32_t classes, double *derivative);

#endif
