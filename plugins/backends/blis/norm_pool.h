/* Batch norm, ReLU and 2×2 maximum pooling in one. */
#ifndef BLIS_NORM_POOL_H
#define BLIS_NORM_POOL_H

#include "rows.h"
#include "vector.h"

/* Chunks that the sums over a pooling's input are cut into. */
size_t norm_pool_parts(const struct pb_pool_shape *shape);
/* y: N×P×Q×C. all: x at the first image, the channels' constants. */
void norm_pool_forward(const struct blis *self, const struct pb_pool_shape *shape, const struct norm_pool_rows *all,
                       float *y);

bool blis_norm_pools(void *self, const struct pb_pool_shape *shape);
enum pb_status blis_bn_relu_pool_backward(void *self, const struct pb_norm_pool_arguments *args);

#endif
