/* The gradient of a convolution's bias, summed in double. */
#ifndef ONEDNN_BIAS_SUMS_H
#define ONEDNN_BIAS_SUMS_H

#include "onednn_instance.h"

struct bias_sums {
    size_t rows, filters, chunks;
    double *partials; /* chunks × filters */
};

/* partials is the host's memory; a plan that does not train gets none. */
enum pb_status bias_sums_create(const struct onednn *self, const struct pb_conv_shape *shape, struct bias_sums *sums);
/* dbias = Σ over rows of dy: rows × filters */
void bias_sums_run(const struct onednn *self, const struct bias_sums *sums, const float *dy, float *dbias);

#endif
