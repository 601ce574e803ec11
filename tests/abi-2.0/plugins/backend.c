/* A backend of plain loops: convolution with plans of its own, a linear layer, the optimiser's step, a penalty, products. */
#include <string.h>

#include <prunebench/backend.h>
#include <prunebench/penalty.h>

struct backend {
    const struct pb_host *host;
};
struct pb_conv_plan {
    struct pb_conv_shape shape; /* as far as this plugin knows it */
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct backend *backend = host->alloc(host, sizeof *backend);
    (void)options;
    if (!backend)
        return PB_ERROR_MEMORY;
    backend->host = host;
    *self = backend;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct backend *backend = self;
    backend->host->free(backend->host, self);
}

static const char *describe(void *self)
{
    (void)self;
    return "plain loops 1.0.0";
}

static enum pb_status conv_plan_create(void *self, const struct pb_conv_shape *shape, struct pb_conv_plan **plan)
{
    const struct backend *backend = self;
    const size_t known = shape->size < sizeof *shape ? shape->size : sizeof *shape;
    struct pb_conv_plan *made = backend->host->alloc(backend->host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    memset(made, 0, sizeof *made);
    memcpy(&made->shape, shape, known);
    *plan = made;
    return PB_OK;
}

static void conv_plan_destroy(void *self, struct pb_conv_plan *plan)
{
    const struct backend *backend = self;
    backend->host->free(backend->host, plan);
}

static size_t conv_workspace(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    (void)plan;
    return 0;
}

/* Calls visit for every product of a convolution: places of y, x and w. */
struct arrays {
    const float *x, *w, *dy;
    float *y, *dx, *dw;
};
typedef void product(const struct arrays *arrays, size_t y, size_t x, size_t w);

static void each_product(const struct pb_conv_shape *s, const struct arrays *arrays, product *visit)
{
    const uint32_t filters = s->filters / s->groups, channels = s->channels / s->groups;
    for (uint32_t n = 0; n < s->batch; n++)
        for (uint32_t p = 0; p < s->output_height; p++)
            for (uint32_t q = 0; q < s->output_width; q++)
                for (uint32_t k = 0; k < s->filters; k++)
                    for (uint32_t r = 0; r < s->kernel_height; r++)
                        for (uint32_t t = 0; t < s->kernel_width; t++) {
                            const int64_t row =
                                (int64_t)p * s->stride_height + (int64_t)r * s->dilation_height - s->pad_height;
                            const int64_t column =
                                (int64_t)q * s->stride_width + (int64_t)t * s->dilation_width - s->pad_width;
                            if (row < 0 || row >= s->height || column < 0 || column >= s->width)
                                continue;
                            const size_t y =
                                (((size_t)n * s->output_height + p) * s->output_width + q) * s->filters + k;
                            const size_t pixel = ((size_t)n * s->height + (size_t)row) * s->width + (size_t)column;
                            const size_t x = pixel * s->channels + (size_t)(k / filters) * channels;
                            const size_t w = (((size_t)k * s->kernel_height + r) * s->kernel_width + t) * channels;
                            for (uint32_t c = 0; c < channels; c++)
                                visit(arrays, y, x + c, w + c);
                        }
}

static void add_to_y(const struct arrays *a, size_t y, size_t x, size_t w)
{
    a->y[y] += a->x[x] * a->w[w];
}
static void add_to_dx(const struct arrays *a, size_t y, size_t x, size_t w)
{
    a->dx[x] += a->dy[y] * a->w[w];
}
static void add_to_dw(const struct arrays *a, size_t y, size_t x, size_t w)
{
    a->dw[w] += a->dy[y] * a->x[x];
}

static size_t outputs(const struct pb_conv_shape *s)
{
    return (size_t)s->batch * s->output_height * s->output_width;
}

static enum pb_status conv_forward(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_shape *s = &args->plan->shape;
    const float *bias = args->bias.buffer ? pb_host_pointer(args->bias) : NULL;
    const struct arrays arrays = {
        .x = pb_host_pointer(args->x), .w = pb_host_pointer(args->w), .y = pb_host_pointer(args->y)};
    (void)self;
    for (size_t i = 0; i < outputs(s); i++)
        for (uint32_t k = 0; k < s->filters; k++)
            arrays.y[i * s->filters + k] = bias ? bias[k] : 0;
    each_product(s, &arrays, add_to_y);
    return PB_OK;
}

static enum pb_status conv_backward_data(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_shape *s = &args->plan->shape;
    const struct arrays arrays = {
        .dy = pb_host_pointer(args->dy), .w = pb_host_pointer(args->w), .dx = pb_host_pointer(args->dx)};
    (void)self;
    memset(arrays.dx, 0, (size_t)s->batch * s->height * s->width * s->channels * sizeof(float));
    each_product(s, &arrays, add_to_dx);
    return PB_OK;
}

static enum pb_status conv_backward_weights(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_shape *s = &args->plan->shape;
    float *dbias = args->dbias.buffer ? pb_host_pointer(args->dbias) : NULL;
    const struct arrays arrays = {
        .dy = pb_host_pointer(args->dy), .x = pb_host_pointer(args->x), .dw = pb_host_pointer(args->dw)};
    (void)self;
    memset(arrays.dw, 0,
           (size_t)s->filters * s->kernel_height * s->kernel_width * (s->channels / s->groups) * sizeof(float));
    each_product(s, &arrays, add_to_dw);
    for (uint32_t k = 0; dbias && k < s->filters; k++) {
        dbias[k] = 0;
        for (size_t i = 0; i < outputs(s); i++)
            dbias[k] += arrays.dy[i * s->filters + k];
    }
    return PB_OK;
}

static enum pb_status linear_forward(void *self, const struct pb_linear_arguments *args)
{
    const float *x = pb_host_pointer(args->x), *w = pb_host_pointer(args->w);
    const float *bias = args->bias.buffer ? pb_host_pointer(args->bias) : NULL;
    float *y = pb_host_pointer(args->y);
    (void)self;
    for (uint32_t n = 0; n < args->batch; n++)
        for (size_t o = 0; o < args->out; o++) {
            double sum = bias ? (double)bias[o] : 0;
            for (size_t i = 0; i < args->in; i++)
                sum += (double)x[n * args->in + i] * (double)w[o * args->in + i];
            y[n * args->out + o] = (float)sum;
        }
    return PB_OK;
}

static enum pb_status sgd_step(void *self, const struct pb_sgd_arguments *args)
{
    const float *gradient = pb_host_pointer(args->gradient);
    float *velocity = pb_host_pointer(args->velocity), *weight = pb_host_pointer(args->weight);
    (void)self;
    for (size_t i = 0; i < args->count; i++) {
        const double g = (double)gradient[i] + args->weight_decay * (double)weight[i];
        const double v = args->momentum * (double)velocity[i] + g;
        velocity[i] = (float)v;
        weight[i] = (float)((double)weight[i] - args->lr * (args->nesterov ? g + args->momentum * v : v));
    }
    return PB_OK;
}

/* λ·|w| alone; the tests ask for no other rule. */
static enum pb_status penalise(void *self, const struct pb_penalty_arguments *args)
{
    const struct backend *backend = self;
    const float *strengths = pb_host_pointer(args->strengths), *weight = pb_host_pointer(args->weight);
    float *gradient = pb_host_pointer(args->gradient);
    if (args->rule != PB_RULE_L1)
        return backend->host->fail(backend->host, PB_ERROR_UNSUPPORTED, "rule %u is not computed here", args->rule);
    for (size_t i = 0; i < args->outer * args->units * args->inner; i++)
        gradient[i] += strengths[i / args->inner % args->units] * (float)((weight[i] > 0) - (weight[i] < 0));
    return PB_OK;
}

static enum pb_status relu_forward(void *self, const struct pb_elementwise_arguments *args)
{
    const float *x = pb_host_pointer(args->x);
    float *y = pb_host_pointer(args->y);
    (void)self;
    for (size_t i = 0; i < args->count; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
    return PB_OK;
}

static const struct pb_backend backend = {
    .size = sizeof(struct pb_backend),
    .on_host = true,
    .create = create,
    .destroy = destroy,
    .describe = describe,
    .conv_plan_create = conv_plan_create,
    .conv_plan_destroy = conv_plan_destroy,
    .conv_workspace = conv_workspace,
    .conv_forward = conv_forward,
    .conv_backward_data = conv_backward_data,
    .conv_backward_weights = conv_backward_weights,
    .linear_forward = linear_forward,
    .relu_forward = relu_forward,
    .sgd_step = sgd_step,
    .penalise = penalise,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_BACKEND),
    .name = "old-backend",
    .summary = "plain loops",
    .version = "1.0.0",
    .backend = &backend,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
