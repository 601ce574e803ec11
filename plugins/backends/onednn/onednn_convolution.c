/* Convolution plans: activations stay NHWC, oneDNN chooses the filters' layout and gets them reordered. */
#include "bias_sums.h"

#include <string.h>

enum { ALIGNMENT = 16 }; /* floats: 64 bytes */

/* One of the three passes: the primitive, and the reorder between our filters and its own where they differ. */
struct pass {
    struct primitive compute, reorder;
    bool reordered;
    size_t filter_floats, scratch_floats; /* of workspace */
    char implementation[48];
};

struct pb_conv_plan {
    struct pass forward, data, weights;
    float *zeros; /* a bias for calls without one */
    struct bias_sums bias;
};

/* The convolution in oneDNN's terms. */
struct problem {
    dnnl_memory_desc_t x, y, bias, filters, any_filters;
    dnnl_dims_t strides, dilations, padding;
};

static dnnl_status_t problem_of(const struct pb_conv_shape *s, struct problem *p)
{
    const bool grouped = s->groups > 1;
    const dnnl_dims_t x = {s->batch, s->channels, s->height, s->width};
    const dnnl_dims_t y = {s->batch, s->filters, s->output_height, s->output_width};
    const dnnl_dims_t plain = {s->filters, s->channels, s->kernel_height, s->kernel_width};
    const dnnl_dims_t parted = {s->groups, s->filters / s->groups, s->channels / s->groups, s->kernel_height,
                                s->kernel_width};
    const dnnl_dims_t bias = {s->filters};
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&p->x, 4, x, dnnl_f32, dnnl_nhwc);
    status = status ? status : dnnl_memory_desc_init_by_tag(&p->y, 4, y, dnnl_f32, dnnl_nhwc);
    status = status ? status : dnnl_memory_desc_init_by_tag(&p->bias, 1, bias, dnnl_f32, dnnl_a);
    status = status ? status
                    : dnnl_memory_desc_init_by_tag(&p->filters, grouped ? 5 : 4, grouped ? parted : plain, dnnl_f32,
                                                   grouped ? dnnl_gohwi : dnnl_ohwi);
    status = status ? status
                    : dnnl_memory_desc_init_by_tag(&p->any_filters, grouped ? 5 : 4, grouped ? parted : plain, dnnl_f32,
                                                   dnnl_format_tag_any);
    p->strides[0] = s->stride_height;
    p->strides[1] = s->stride_width;
    p->dilations[0] = s->dilation_height - 1;
    p->dilations[1] = s->dilation_width - 1;
    p->padding[0] = s->pad_height;
    p->padding[1] = s->pad_width;
    return status;
}

static size_t floats_of(const dnnl_memory_desc_t *shape)
{
    const size_t floats = (dnnl_memory_desc_get_size(shape) + sizeof(float) - 1) / sizeof(float);
    return (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* The pass of a descriptor. filters_argument: DNNL_ARG_WEIGHTS, which is reordered before the primitive runs, or
 * DNNL_ARG_DIFF_WEIGHTS, which is reordered behind it. */
static enum pb_status make_pass(const struct onednn *self, const struct problem *problem,
                                const_dnnl_primitive_desc_t descriptor, const int *arguments, int filters_argument,
                                struct pass *pass)
{
    const dnnl_memory_desc_t *own = dnnl_primitive_desc_query_md(descriptor, dnnl_query_exec_arg_md, filters_argument);
    const dnnl_memory_desc_t *scratch = dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md, 0);
    const char *implementation = "";
    if (dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &implementation) == dnnl_success)
        strncpy(pass->implementation, implementation, sizeof pass->implementation - 1);
    pass->scratch_floats = floats_of(scratch);
    pass->reordered = !dnnl_memory_desc_equal(own, &problem->filters);
    enum pb_status status = primitive_create(self, descriptor, arguments, &pass->compute);
    if (status || !pass->reordered)
        return status;
    static const int from_to[] = {DNNL_ARG_FROM, DNNL_ARG_TO, 0};
    const bool before = filters_argument == DNNL_ARG_WEIGHTS;
    dnnl_primitive_desc_t reorder = NULL;
    pass->filter_floats = floats_of(own);
    status = onednn_check(self,
                          dnnl_reorder_primitive_desc_create(&reorder, before ? &problem->filters : own, self->engine,
                                                             before ? own : &problem->filters, self->engine, NULL),
                          "reorder filters");
    if (!status)
        status = primitive_create(self, reorder, from_to, &pass->reorder);
    dnnl_primitive_desc_destroy(reorder);
    return status;
}

static enum pb_status make_forward(const struct onednn *self, const struct problem *p, bool training,
                                   const_dnnl_primitive_attr_t attributes, struct pass *pass,
                                   dnnl_primitive_desc_t *descriptor)
{
    static const int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS,    DNNL_ARG_BIAS,
                                    DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD, 0};
    dnnl_convolution_desc_t operation;
    enum pb_status status =
        onednn_check(self,
                     dnnl_dilated_convolution_forward_desc_init(
                         &operation, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct,
                         &p->x, &p->any_filters, &p->bias, &p->y, p->strides, p->dilations, p->padding, p->padding),
                     "describe a convolution");
    if (!status)
        status = onednn_describe(self, &operation, attributes, NULL, "plan a convolution", descriptor);
    return status ? status : make_pass(self, p, *descriptor, arguments, DNNL_ARG_WEIGHTS, pass);
}

static enum pb_status make_data(const struct onednn *self, const struct problem *p,
                                const_dnnl_primitive_attr_t attributes, const_dnnl_primitive_desc_t hint,
                                struct pass *pass)
{
    static const int arguments[] = {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC, DNNL_ARG_SCRATCHPAD, 0};
    dnnl_convolution_desc_t operation;
    dnnl_primitive_desc_t descriptor = NULL;
    enum pb_status status = onednn_check(
        self,
        dnnl_dilated_convolution_backward_data_desc_init(&operation, dnnl_convolution_direct, &p->x, &p->any_filters,
                                                         &p->y, p->strides, p->dilations, p->padding, p->padding),
        "describe a convolution's data gradient");
    if (!status)
        status = onednn_describe(self, &operation, attributes, hint, "plan a convolution's data gradient", &descriptor);
    if (!status)
        status = make_pass(self, p, descriptor, arguments, DNNL_ARG_WEIGHTS, pass);
    dnnl_primitive_desc_destroy(descriptor);
    return status;
}

static enum pb_status make_weights(const struct onednn *self, const struct problem *p,
                                   const_dnnl_primitive_attr_t attributes, const_dnnl_primitive_desc_t hint,
                                   struct pass *pass)
{
    static const int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_SCRATCHPAD, 0};
    dnnl_convolution_desc_t operation;
    dnnl_primitive_desc_t descriptor = NULL;
    enum pb_status status = onednn_check(self,
                                         dnnl_dilated_convolution_backward_weights_desc_init(
                                             &operation, dnnl_convolution_direct, &p->x, &p->any_filters, NULL, &p->y,
                                             p->strides, p->dilations, p->padding, p->padding),
                                         "describe a convolution's weight gradient");
    if (!status)
        status =
            onednn_describe(self, &operation, attributes, hint, "plan a convolution's weight gradient", &descriptor);
    if (!status)
        status = make_pass(self, p, descriptor, arguments, DNNL_ARG_DIFF_WEIGHTS, pass);
    dnnl_primitive_desc_destroy(descriptor);
    return status;
}

static enum pb_status make_passes(const struct onednn *self, const struct pb_conv_shape *shape,
                                  struct pb_conv_plan *plan)
{
    struct problem problem;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t hint = NULL;
    enum pb_status status = onednn_check(self, problem_of(shape, &problem), "take a convolution's shape");
    if (!status)
        status = onednn_check(self, dnnl_primitive_attr_create(&attributes), "make attributes");
    if (!status)
        status = onednn_check(self, dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
                              "take its scratch from the host");
    if (!status)
        status = make_forward(self, &problem, shape->training, attributes, &plan->forward, &hint);
    if (!status && shape->training)
        status = make_data(self, &problem, attributes, hint, &plan->data);
    if (!status && shape->training)
        status = make_weights(self, &problem, attributes, hint, &plan->weights);
    dnnl_primitive_desc_destroy(hint);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

enum pb_status onednn_conv_plan_create(void *opaque, const struct pb_conv_shape *shape, struct pb_conv_plan **plan)
{
    struct onednn *self = opaque;
    const struct pb_host *host = self->host;
    struct pb_conv_plan *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    enum pb_status status = PB_ERROR_MEMORY;
    made->zeros = host->alloc(host, shape->filters * sizeof *made->zeros);
    if (made->zeros)
        status = bias_sums_create(self, shape, &made->bias);
    if (!status) {
        const struct openmp_settings before = onednn_enter(self);
        status = make_passes(self, shape, made);
        onednn_leave(before);
    }
    if (status)
        onednn_conv_plan_destroy(self, made);
    else
        *plan = made;
    return status;
}

static void pass_destroy(struct pass *pass)
{
    primitive_destroy(&pass->compute);
    primitive_destroy(&pass->reorder);
}

void onednn_conv_plan_destroy(void *opaque, struct pb_conv_plan *plan)
{
    struct onednn *self = opaque;
    if (!plan)
        return;
    pass_destroy(&plan->forward);
    pass_destroy(&plan->data);
    pass_destroy(&plan->weights);
    self->host->free(self->host, plan->zeros);
    self->host->free(self->host, plan->bias.partials);
    self->host->free(self->host, plan);
}

size_t onednn_conv_workspace(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    const struct pass *const passes[] = {&plan->forward, &plan->data, &plan->weights};
    size_t most = 0;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        const size_t floats = passes[i]->filter_floats + passes[i]->scratch_floats;
        most = floats > most ? floats : most;
    }
    return most;
}

const char *onednn_conv_algorithm(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    return plan->forward.implementation;
}

/* The filters as the pass needs them: reordered into workspace, or where they are. */
static enum pb_status take_filters(const struct onednn *self, const struct pass *pass, float *filters, float *workspace,
                                   float **taken)
{
    *taken = pass->reordered ? workspace : filters;
    return pass->reordered ? primitive_run(self, &pass->reorder, (float *[]){filters, workspace}) : PB_OK;
}

enum pb_status onednn_conv_forward(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    const struct pass *pass = &plan->forward;
    float *room = pb_host_pointer(args->workspace), *filters;
    const enum pb_status status = take_filters(self, pass, pb_host_pointer(args->w), room, &filters);
    if (status)
        return status;
    float *added = args->bias.buffer ? pb_host_pointer(args->bias) : plan->zeros;
    return primitive_run(
        self, &pass->compute,
        (float *[]){pb_host_pointer(args->x), filters, added, pb_host_pointer(args->y), room + pass->filter_floats});
}

enum pb_status onednn_conv_backward_data(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    const struct pass *pass = &plan->data;
    float *room = pb_host_pointer(args->workspace), *filters;
    const enum pb_status status = take_filters(self, pass, pb_host_pointer(args->w), room, &filters);
    if (status)
        return status;
    return primitive_run(
        self, &pass->compute,
        (float *[]){pb_host_pointer(args->dy), filters, pb_host_pointer(args->dx), room + pass->filter_floats});
}

enum pb_status onednn_conv_backward_weights(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    const struct pass *pass = &plan->weights;
    float *room = pb_host_pointer(args->workspace), *filters = pass->reordered ? room : pb_host_pointer(args->dw);
    enum pb_status status = primitive_run(
        self, &pass->compute,
        (float *[]){pb_host_pointer(args->x), pb_host_pointer(args->dy), filters, room + pass->filter_floats});
    if (!status && pass->reordered)
        status = primitive_run(self, &pass->reorder, (float *[]){filters, pb_host_pointer(args->dw)});
    if (!status && args->dbias.buffer)
        bias_sums_run(self, &plan->bias, pb_host_pointer(args->dy), pb_host_pointer(args->dbias));
    return status;
}
