/* The portable operators' table, and the memory of backends that are plain memory. */
#include <string.h>

#include "portable/portable.h"

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    memcpy(self, &host, sizeof *self); /* the operators only read it; the table's self is not const */
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static const char *describe(void *self)
{
    (void)self;
#ifdef PB_KERNEL_SETS
    if (__builtin_cpu_supports("x86-64-v4"))
        return "portable operators x86-64-v4";
    if (__builtin_cpu_supports("x86-64-v3"))
        return "portable operators x86-64-v3";
#endif
    return "portable operators";
}

static bool thread_dependent(void *self)
{
    (void)self;
    return false;
}

static enum pb_status buffer_create(void *self, size_t floats, struct pb_buffer **buffer)
{
    const struct pb_host *host = self;
    if (floats > SIZE_MAX / sizeof(float))
        return host->fail(host, PB_ERROR_MEMORY, "a buffer of %zu floats cannot be addressed", floats);
    void *memory = host->alloc(host, (floats ? floats : 1) * sizeof(float));
    if (!memory)
        return PB_ERROR_MEMORY;
    *buffer = memory;
    return PB_OK;
}

static void buffer_destroy(void *self, struct pb_buffer *buffer)
{
    const struct pb_host *host = self;
    host->free(host, buffer);
}

/* One thread does not reach the memory's bandwidth. */
static enum pb_status copy(void *self, float *destination, const float *source, size_t floats)
{
    const size_t chunks = pb_divide_up(floats, PB_CHUNK);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (chunks > 1)
    for (size_t i = 0; i < chunks; i++) {
        const size_t begin = i * PB_CHUNK;
        memcpy(destination + begin, source + begin, pb_smaller(floats - begin, PB_CHUNK) * sizeof(float));
    }
    return PB_OK;
}

static enum pb_status upload(void *self, struct pb_view destination, const float *source, size_t floats)
{
    return copy(self, pb_floats(destination), source, floats);
}

static enum pb_status download(void *self, float *destination, struct pb_view source, size_t floats)
{
    return copy(self, destination, pb_floats(source), floats);
}

static enum pb_status fill(void *self, struct pb_view destination, float value, size_t floats)
{
    (void)self;
    float *values = pb_floats(destination);
    for (size_t i = 0; i < floats; i++)
        values[i] = value;
    return PB_OK;
}

static enum pb_status synchronise(void *self)
{
    (void)self;
    return PB_OK;
}

const struct pb_backend pb_portable_backend = {
    .size = sizeof(struct pb_backend),
    .on_host = true,
    .create = create,
    .destroy = destroy,
    .describe = describe,
    .thread_dependent = thread_dependent,
    .buffer_create = buffer_create,
    .buffer_destroy = buffer_destroy,
    .upload = upload,
    .download = download,
    .fill = fill,
    .synchronise = synchronise,
    .conv_plan_create = pb_portable_conv_plan_create,
    .conv_plan_destroy = pb_portable_conv_plan_destroy,
    .conv_workspace = pb_portable_conv_workspace,
    .conv_algorithm = pb_portable_conv_algorithm,
    .conv_forward = pb_portable_conv_forward,
    .conv_backward_data = pb_portable_conv_backward_data,
    .conv_backward_weights = pb_portable_conv_backward_weights,
    .bn_forward = pb_portable_bn_forward,
    .bn_evaluate = pb_portable_bn_evaluate,
    .bn_backward = pb_portable_bn_backward,
    .bn_evaluate_backward = pb_portable_bn_evaluate_backward,
    .relu_forward = pb_portable_relu_forward,
    .relu_backward = pb_portable_relu_backward,
    .relu6_forward = pb_portable_relu6_forward,
    .relu6_backward = pb_portable_relu6_backward,
    .add_forward = pb_portable_add_forward,
    .accumulate = pb_portable_accumulate,
    .multiply = pb_portable_multiply,
    .copy_columns = pb_portable_copy_columns,
    .max_pool_forward = pb_portable_max_pool_forward,
    .max_pool_backward = pb_portable_max_pool_backward,
    .avg_pool_forward = pb_portable_avg_pool_forward,
    .avg_pool_backward = pb_portable_avg_pool_backward,
    .linear_forward = pb_portable_linear_forward,
    .linear_backward_data = pb_portable_linear_backward_data,
    .linear_backward_weights = pb_portable_linear_backward_weights,
    .bilinear_forward = pb_portable_bilinear_forward,
    .bilinear_backward = pb_portable_bilinear_backward,
    .signed_sqrt_forward = pb_portable_signed_sqrt_forward,
    .signed_sqrt_backward = pb_portable_signed_sqrt_backward,
    .l2_norm_forward = pb_portable_l2_norm_forward,
    .l2_norm_backward = pb_portable_l2_norm_backward,
    .softmax_cross_entropy = pb_portable_softmax_cross_entropy,
    .sgd_step = pb_portable_sgd_step,
    .penalise = pb_portable_penalise,
    .centre_positions = pb_portable_centre_positions,
    .matrix_product = pb_portable_matrix_product,
    .matrix_root_begin = pb_portable_matrix_root_begin,
    .matrix_root_end = pb_portable_matrix_root_end,
    .matrix_root_backward = pb_portable_matrix_root_backward,
    .grassmann_forward = pb_portable_grassmann_forward,
    .grassmann_backward = pb_portable_grassmann_backward,
    .tensor_sketch_forward = pb_portable_tensor_sketch_forward,
    .tensor_sketch_backward = pb_portable_tensor_sketch_backward,
    .signed_sum_forward = pb_portable_signed_sum_forward,
    .signed_sum_backward_data = pb_portable_signed_sum_backward_data,
    .signed_sum_backward_bias = pb_portable_signed_sum_backward_bias,
    .add_relu_forward = pb_portable_add_relu_forward,
    .add_relu_backward = pb_portable_add_relu_backward,
    .norms_clamp = true,
    .product_pool_forward = pb_portable_product_pool_forward,
    .product_pool_backward = pb_portable_product_pool_backward,
};
