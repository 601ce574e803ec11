/* What the parts of the blis backend share: the instance, matrix products, and the operators of each file. */
#ifndef BLIS_INSTANCE_H
#define BLIS_INSTANCE_H

#include <prunebench/backend.h>

#include "kernel_set.h"

enum algorithm { ALGORITHM_AUTO, ALGORITHM_GEMM, ALGORITHM_DIRECT, ALGORITHM_WINOGRAD, ALGORITHM_PRODUCTS };

/* One instance: what create made of the options. */
struct blis {
    const struct pb_host *host;
    int threads;
    enum kernel_set kernels; /* resolved: never KERNELS_AUTO */
    enum algorithm algorithm;
    const struct vector_kernels *vector; /* our own code for this kernel set */
    char description[64];
    float *scratch; /* for operators that are given no workspace; grows */
    size_t scratch_floats;
};

/* Starts BLIS on a kernel set; a process can start it on one set only. */
enum pb_status blis_library_start(const struct pb_host *host, enum kernel_set kernels, char *version,
                                  size_t version_size);

/* Element (i, j) is at data[i·row + j·column]. */
struct matrix {
    const float *data;
    size_t row, column;
};

/*
 * c ← a·b + beta·c, with c m×n and its rows contiguous; beta = 0 overwrites. On the calling thread alone: threads share
 * out products, so that no sum depends on them, and none waits for another in BLIS's spinning barriers. The small-matrix
 * path is off: it orders sums by the shape of the part.
 */
void blis_product(size_t m, size_t n, size_t k, struct matrix a, struct matrix b, float beta, float *c, size_t c_row);

/* Floats that a product of these sizes makes BLIS pack, on one thread. */
size_t blis_product_packing(size_t m, size_t n, size_t k);

/* The instance's scratch, at least floats long; contents undefined. */
enum pb_status blis_scratch(struct blis *self, size_t floats, float **scratch);

/* blis_convolution.c */
enum pb_status blis_conv_plan_create(void *self, const struct pb_conv_shape *shape, struct pb_conv_plan **plan);
void blis_conv_plan_destroy(void *self, struct pb_conv_plan *plan);
size_t blis_conv_workspace(void *self, const struct pb_conv_plan *plan);
const char *blis_conv_algorithm(void *self, const struct pb_conv_plan *plan);
enum pb_status blis_conv_forward(void *self, const struct pb_conv_arguments *args);
size_t blis_conv_filter_floats(void *self, const struct pb_conv_plan *plan);
enum pb_status blis_conv_filter_transform(void *self, const struct pb_conv_arguments *args);
enum pb_status blis_conv_backward_data(void *self, const struct pb_conv_arguments *args);
enum pb_status blis_conv_backward_weights(void *self, const struct pb_conv_arguments *args);

/* blis_memory.c */
void blis_operator_memory(void *self, const struct pb_operator *asked, struct pb_operator_memory *memory);

size_t blis_linear_scratch(const struct blis *self, uint32_t batch, size_t in, size_t out, bool training);
size_t blis_linear_packing(const struct blis *self, uint32_t batch, size_t in, size_t out);
size_t blis_bilinear_scratch(struct blis *self, uint32_t batch, size_t positions, uint32_t channels, bool training);
size_t blis_bilinear_packing(struct blis *self, uint32_t batch, size_t positions, uint32_t channels, bool training);

/* pool.c */
/* 2×2 windows side by side, none of them over the edge. */
bool pool_is_two_by_two(const struct pb_pool_shape *shape);
enum pb_status blis_max_pool_forward(void *self, const struct pb_pool_arguments *args);
enum pb_status blis_max_pool_backward(void *self, const struct pb_pool_arguments *args);

/* blis_linear.c */
enum pb_status blis_linear_forward(void *self, const struct pb_linear_arguments *args);
enum pb_status blis_linear_backward_data(void *self, const struct pb_linear_arguments *args);
enum pb_status blis_linear_backward_weights(void *self, const struct pb_linear_arguments *args);

/* blis_matrix.c */
size_t blis_matrix_packing(const struct blis *self, size_t side);
enum pb_status blis_matrix_product(void *self, const struct pb_matrix_arguments *args);

/* blis_bilinear.c */
enum pb_status blis_bilinear_forward(void *self, const struct pb_bilinear_arguments *args);
enum pb_status blis_bilinear_backward(void *self, const struct pb_bilinear_arguments *args);

#endif
