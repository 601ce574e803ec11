/* Criteria of consumers on rows that a test writes by hand, through the loaded plugin's own hooks. */
#ifndef PB_TEST_HAND_CONSUMERS_H
#define PB_TEST_HAND_CONSUMERS_H

#include "support/built_criterion.h"

/* One layer, 'conv', and what reads it: at most two consumers. */
struct consumed {
    struct fed fed; /* first: a view's context is either */
    struct pb_layer_view layer;
    struct pb_consumer_view consumers[2];
    struct pb_rows_view rows[2];
};

/* options: as in built_score. The test then fills in consumers and rows; sizes, names and kernels that it leaves at 0 are filled in. */
void consumed_open(struct consumed *consumed, const char *criterion, const char *options, uint32_t channels,
                   uint32_t consumers);
void consumed_close(struct consumed *consumed);

/* Consumer number index as one without a kernel that reads all channels. weight: outputs × channels; inputs: rows × channels. given: rows ×
 * outputs; NULL: what the weights make of the inputs. */
void consumed_read(struct consumed *consumed, uint32_t index, uint32_t outputs, const float *weight, uint32_t rows,
                   const float *inputs, const float *given);

/* One batch, then select. */
enum pb_status consumed_select(struct consumed *consumed, uint32_t remove, uint32_t *removed, struct pb_error *error);

/* The hook repair alone, of a layer of channels inputs without a kernel. outputs_before: rows × outputs. */
enum pb_status hand_repair(const char *criterion, const char *options, const struct pb_repair_view *layer,
                           float *weight, float *bias, struct pb_error *error);

#endif
