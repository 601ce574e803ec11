/* Rows of a layer: its inputs and outputs at places that are drawn. */
#ifndef PB_PRUNE_LAYER_ROWS_H
#define PB_PRUNE_LAYER_ROWS_H

#include <prunebench/rng.h>

#include "engine/engine.h"
#include "prune/consumers.h"

/* Of one layer of one network. */
struct pb_layer_rows {
    const struct pb_network *network;
    uint32_t node, input;
    uint32_t part; /* of a grouped convolution, which is as many layers as it has groups; 0 of others */
    uint32_t channels; /* C, that the layer reads */
    size_t width; /* values that one output is computed from: R·S·C */
    size_t outputs; /* M */
    uint32_t count; /* rows */
    float *inputs; /* count × width; NULL: not asked for */
    float *given; /* count × outputs: the layer's own; NULL: not asked for */
    float *gradients; /* count × outputs: of the loss by them; NULL: not asked for */
    double *sums; /* H×W×channels of the input: over all images; NULL: not asked for */
    uint32_t images; /* that sums is over */
    uint32_t per_image; /* rows of each image */
    struct pb_rng rng; /* that the places are drawn from */
};

struct pb_rows_spec {
    uint32_t per_image; /* of a convolution; a linear layer has one row of each image */
    size_t images; /* that there is room for */
    bool inputs, given, gradients, sums; /* what is asked for */
    uint64_t seed;
    const char *stream; /* "repair": the places are drawn from the stream "repair/" with the node's name */
    const char *draw; /* that is added to it; "" for none */
};
/* Room for rows, of which there are none yet. Free rows also after a failure. */
PB_MUST_CHECK enum pb_status pb_layer_rows_open(struct pb_layer_rows *rows, const struct pb_network *network,
                                                const struct pb_consumer *consumer, const struct pb_rows_spec *spec,
                                                struct pb_error *error);
void pb_layer_rows_free(struct pb_layer_rows *rows);

/* Inputs, outputs and their gradients of a whole batch, of one layer after the other; {0} is empty. */
struct pb_batch_values {
    float *inputs, *outputs, *gradients; /* gradients: NULL where no layer is asked for them */
};
PB_MUST_CHECK enum pb_status pb_batch_values_open(struct pb_batch_values *values, const struct pb_layer_rows *rows,
                                                  uint32_t count, uint32_t batch, struct pb_error *error);
void pb_batch_values_free(struct pb_batch_values *values);

/* Adds rows of the batch that a calibrating engine has run on; values must have room for it. */
PB_MUST_CHECK enum pb_status pb_layer_rows_add(struct pb_layer_rows *rows, struct pb_engine *engine, uint32_t images,
                                               const struct pb_batch_values *values, struct pb_error *error);

#endif
