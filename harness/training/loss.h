/* The loss of one step, and its way back through the network: the labels' cross entropy, and what a teacher adds to it. */
#ifndef PB_TRAINING_LOSS_H
#define PB_TRAINING_LOSS_H

#include <prunebench/schedule.h>

#include "data/data.h"
#include "engine/engine.h"

/* A trained network that a training learns from. */
struct pb_teacher {
    const struct pb_network *network;
    const char *name; /* of its stage */
};

struct pb_training_loss;

/* spec, device and teacher must outlive it; a teacher is required exactly where spec distils. */
PB_MUST_CHECK enum pb_status pb_training_loss_open(const struct pb_train_spec *spec, struct pb_device *device,
                                                   const struct pb_teacher *teacher, uint32_t batch,
                                                   struct pb_training_loss **terms, struct pb_error *error);
void pb_training_loss_free(struct pb_training_loss **terms);
/* Forward and backward of a full batch through engine, which trains. loss: mean over the batch, of everything that it is made of;
 * logits: batch×classes. Gradients stay in the engine. */
PB_MUST_CHECK enum pb_status pb_training_loss_backward(struct pb_training_loss *terms, struct pb_engine *engine,
                                                       const struct pb_batch *batch, double *loss, float *logits,
                                                       struct pb_error *error);

/* One image's loss for spec (enum pb_distillation has the formulas), and its derivative by the logits; classes values each. */
double pb_distilled_loss(const struct pb_train_spec *spec, const float *logits, const float *teacher, uint32_t label,
                         uint32_t classes, double *derivative);

#endif
