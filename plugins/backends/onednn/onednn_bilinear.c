/* Bilinear pooling by oneDNN's batched matrix products: B = XᵀX/n, dX = XG/n + XGᵀ/n. */
#include "onednn_instance.h"

/* One batched product of m×k by k×n, each operand plain or read transposed. */
struct product {
    dnnl_dim_t batch, m, n, k;
    bool left_transposed, right_transposed;
    float scale;
    bool add; /* to what the result holds */
};

static dnnl_status_t matrix(dnnl_memory_desc_t *shape, dnnl_dim_t batch, dnnl_dim_t rows, dnnl_dim_t columns,
                            bool transposed)
{
    const dnnl_dims_t dims = {batch, rows, columns};
    const dnnl_dims_t plain = {rows * columns, columns, 1}, turned = {rows * columns, 1, rows};
    return dnnl_memory_desc_init_by_strides(shape, 3, dims, dnnl_f32, transposed ? turned : plain);
}

static enum pb_status attributes_of(const struct onednn *self, const struct product *product,
                                    dnnl_primitive_attr_t *attributes)
{
    dnnl_post_ops_t after = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attributes);
    status = status ? status : dnnl_primitive_attr_set_output_scales(*attributes, 1, 0, &product->scale);
    if (!status && product->add) {
        status = dnnl_post_ops_create(&after);
        status = status ? status : dnnl_post_ops_append_sum(after, 1);
        status = status ? status : dnnl_primitive_attr_set_post_ops(*attributes, after);
        dnnl_post_ops_destroy(after);
    }
    return onednn_check(self, status, "scale a matrix product");
}

static enum pb_status make(const struct onednn *self, const struct product *p, struct primitive *primitive)
{
    static const int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, 0};
    dnnl_memory_desc_t left, right, result;
    dnnl_matmul_desc_t operation;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t described = matrix(&left, p->batch, p->m, p->k, p->left_transposed);
    described = described ? described : matrix(&right, p->batch, p->k, p->n, p->right_transposed);
    described = described ? described : matrix(&result, p->batch, p->m, p->n, false);
    described = described ? described : dnnl_matmul_desc_init(&operation, &left, &right, NULL, &result);
    enum pb_status status = onednn_check(self, described, "describe a matrix product");
    if (!status)
        status = attributes_of(self, p, &attributes);
    if (!status)
        status = onednn_describe(self, &operation, attributes, NULL, "plan a matrix product", &descriptor);
    if (!status)
        status = primitive_create(self, descriptor, arguments, primitive);
    dnnl_primitive_desc_destroy(descriptor);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

static enum pb_status run(struct onednn *self, enum operator_kind kind, const struct product *product,
                          float *const *memory)
{
    const size_t shape[4] = {(size_t)product->batch, (size_t)product->m, (size_t)product->n, (size_t)product->k};
    struct primitive *primitive = onednn_cached(self, kind, shape), made;
    if (!primitive) {
        const struct openmp_settings before = onednn_enter(self);
        enum pb_status status = make(self, product, &made);
        onednn_leave(before);
        if (!status)
            status = onednn_keep(self, kind, shape, &made, &primitive);
        if (status)
            return status;
    }
    return primitive_run(self, primitive, memory);
}

enum pb_status onednn_bilinear_forward(void *self, const struct pb_bilinear_arguments *args)
{
    const struct product product = {.batch = args->batch,
                                    .m = args->channels,
                                    .n = args->channels,
                                    .k = (dnnl_dim_t)args->positions,
                                    .left_transposed = true,
                                    .scale = 1 / (float)args->positions};
    return run(self, BILINEAR_FORWARD, &product,
               (float *[]){pb_host_pointer(args->x), pb_host_pointer(args->x), pb_host_pointer(args->y)});
}

enum pb_status onednn_bilinear_backward(void *self, const struct pb_bilinear_arguments *args)
{
    struct product product = {.batch = args->batch,
                              .m = (dnnl_dim_t)args->positions,
                              .n = args->channels,
                              .k = args->channels,
                              .scale = 1 / (float)args->positions};
    float *const memory[] = {pb_host_pointer(args->x), pb_host_pointer(args->dy), pb_host_pointer(args->dx)};
    const enum pb_status status = run(self, BILINEAR_BACKWARD, &product, memory);
    if (status)
        return status;
    product.right_transposed = true;
    product.add = true;
    return run(self, BILINEAR_BACKWARD_ADD, &product, memory);
}
