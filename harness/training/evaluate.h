/* Accuracy of a network over batches. */
#ifndef PB_TRAINING_EVALUATE_H
#define PB_TRAINING_EVALUATE_H

#include <jansson.h>

#include "data/data.h"
#include "engine/engine.h"

struct pb_accuracy {
    double top1, top5, loss; /* shares 0 … 1; mean cross-entropy */
    uint64_t images;
    double *class_top1; /* per class; classes without images have 0 */
    uint32_t class_count;
    /* Which images are right, in the data set's order: image i is bit i % 8 of byte i / 8. NULL where it was not kept. */
    uint8_t *right;
};

/* Runs every batch once in evaluation mode. An output that is not finite is PB_ERROR_RUN naming the layer it comes from.
 * accuracy's arrays are from pb_calloc; free with pb_accuracy_free. */
PB_MUST_CHECK enum pb_status pb_evaluate(struct pb_engine *engine, struct pb_batches *batches, uint32_t classes,
                                         struct pb_accuracy *accuracy, struct pb_error *error);
void pb_accuracy_free(struct pb_accuracy *accuracy);

/* How many of count rows of logits have their label's logit first. */
uint32_t pb_count_correct(const float *logits, const uint32_t *labels, uint32_t count, uint32_t classes);

/* As kept beside a stage. */
json_t *pb_accuracy_to_json(const struct pb_accuracy *accuracy); /* NULL when memory is out */
PB_MUST_CHECK enum pb_status pb_accuracy_from_json(const json_t *json, struct pb_accuracy *accuracy,
                                                   struct pb_error *error);

#endif
