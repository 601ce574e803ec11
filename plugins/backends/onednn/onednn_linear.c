/* The linear layer by oneDNN's inner product, on our plain layouts: reordering C²·K weights each step costs more. */
#include "onednn_instance.h"

struct problem {
    dnnl_memory_desc_t x, w, bias, y;
};

static enum pb_status problem_of(const struct onednn *self, const size_t *shape, struct problem *p)
{
    const dnnl_dim_t batch = (dnnl_dim_t)shape[0], in = (dnnl_dim_t)shape[1], out = (dnnl_dim_t)shape[2];
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&p->x, 2, (dnnl_dims_t){batch, in}, dnnl_f32, dnnl_nc);
    status = status ? status : dnnl_memory_desc_init_by_tag(&p->w, 2, (dnnl_dims_t){out, in}, dnnl_f32, dnnl_oi);
    status = status ? status : dnnl_memory_desc_init_by_tag(&p->bias, 1, (dnnl_dims_t){out}, dnnl_f32, dnnl_a);
    status = status ? status : dnnl_memory_desc_init_by_tag(&p->y, 2, (dnnl_dims_t){batch, out}, dnnl_f32, dnnl_nc);
    return onednn_check(self, status, "take a linear layer's shape");
}

static enum pb_status describe(const struct onednn *self, enum operator_kind kind, const struct problem *p, bool biased,
                               dnnl_primitive_desc_t *descriptor)
{
    const dnnl_memory_desc_t *bias = biased ? &p->bias : NULL;
    dnnl_inner_product_desc_t forward, operation;
    dnnl_primitive_desc_t hint = NULL;
    enum pb_status status = onednn_check(
        self, dnnl_inner_product_forward_desc_init(&forward, dnnl_forward_training, &p->x, &p->w, bias, &p->y),
        "describe a linear layer");
    if (!status)
        status = onednn_describe(self, &forward, NULL, NULL, "plan a linear layer", &hint);
    if (status || kind == LINEAR_FORWARD) {
        *descriptor = hint;
        return status;
    }
    const dnnl_status_t described =
        kind == LINEAR_BACKWARD_DATA
            ? dnnl_inner_product_backward_data_desc_init(&operation, &p->x, &p->w, &p->y)
            : dnnl_inner_product_backward_weights_desc_init(&operation, &p->x, &p->w, bias, &p->y);
    status = onednn_check(self, described, "describe a linear layer's gradient");
    if (!status)
        status = onednn_describe(self, &operation, NULL, hint, "plan a linear layer's gradient", descriptor);
    dnnl_primitive_desc_destroy(hint);
    return status;
}

/* The primitive of one pass. shape: batch, in, out, whether there is a bias. arguments: see primitive_create. */
static enum pb_status find(struct onednn *self, enum operator_kind kind, const size_t *shape, const int *arguments,
                           struct primitive **found)
{
    *found = onednn_cached(self, kind, shape);
    if (*found)
        return PB_OK;
    struct problem problem;
    dnnl_primitive_desc_t descriptor = NULL;
    struct primitive made;
    const struct openmp_settings before = onednn_enter(self);
    enum pb_status status = problem_of(self, shape, &problem);
    if (!status)
        status = describe(self, kind, &problem, shape[3] != 0, &descriptor);
    if (!status)
        status = primitive_create(self, descriptor, arguments, &made);
    dnnl_primitive_desc_destroy(descriptor);
    onednn_leave(before);
    return status ? status : onednn_keep(self, kind, shape, &made, found);
}

enum pb_status onednn_linear_forward(void *self, const struct pb_linear_arguments *args)
{
    static const int with_bias[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS, 0};
    static const int without[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, 0};
    const size_t shape[4] = {args->batch, args->in, args->out, args->bias.buffer != NULL};
    struct primitive *primitive;
    const enum pb_status status =
        find(self, LINEAR_FORWARD, shape, args->bias.buffer ? with_bias : without, &primitive);
    if (status)
        return status;
    return primitive_run(self, primitive,
                         (float *[]){pb_host_pointer(args->x), pb_host_pointer(args->w), pb_host_pointer(args->y),
                                     pb_host_pointer(args->bias)});
}

enum pb_status onednn_linear_backward_data(void *self, const struct pb_linear_arguments *args)
{
    static const int arguments[] = {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC, 0};
    const size_t shape[4] = {args->batch, args->in, args->out, 0};
    struct primitive *primitive;
    const enum pb_status status = find(self, LINEAR_BACKWARD_DATA, shape, arguments, &primitive);
    if (status)
        return status;
    return primitive_run(self, primitive,
                         (float *[]){pb_host_pointer(args->dy), pb_host_pointer(args->w), pb_host_pointer(args->dx)});
}

enum pb_status onednn_linear_backward_weights(void *self, const struct pb_linear_arguments *args)
{
    static const int with_bias[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS, 0};
    static const int without[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS, 0};
    const size_t shape[4] = {args->batch, args->in, args->out, args->dbias.buffer != NULL};
    struct primitive *primitive;
    const enum pb_status status =
        find(self, LINEAR_BACKWARD_WEIGHTS, shape, args->dbias.buffer ? with_bias : without, &primitive);
    if (status)
        return status;
    return primitive_run(self, primitive,
                         (float *[]){pb_host_pointer(args->x), pb_host_pointer(args->dy), pb_host_pointer(args->dw),
                                     pb_host_pointer(args->dbias)});
}
