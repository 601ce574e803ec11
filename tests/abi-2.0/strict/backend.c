/*
 * A backend that fills its whole table with plain loops, on buffers of its own that are not the host's memory. It checks that every
 * view stays inside its buffer; what it computes, `prunebench verify --operators` compares with the definitions.
 */
#include <stddef.h>

#include <prunebench/backend.h>
#include <prunebench/penalty.h>

#include "expect.h"

struct pb_buffer {
    size_t floats;
    float *values;
};
struct pb_conv_plan {
    struct pb_conv_shape shape;
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    *self = (void *)(uintptr_t)host;
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static const char *describe(void *self)
{
    (void)self;
    return "strict loops 1.0.0";
}

static bool thread_dependent(void *self)
{
    (void)self;
    return false;
}

static enum pb_status buffer_create(void *self, size_t floats, struct pb_buffer **buffer)
{
    const struct pb_host *host = self;
    struct pb_buffer *made = host->alloc(host, sizeof *made);
    float *values = made ? host->alloc(host, floats * sizeof *values) : NULL;
    if (!values) {
        host->free(host, made);
        return PB_ERROR_MEMORY;
    }
    *made = (struct pb_buffer){.floats = floats, .values = values};
    *buffer = made;
    return PB_OK;
}

static void buffer_destroy(void *self, struct pb_buffer *buffer)
{
    const struct pb_host *host = self;
    host->free(host, buffer->values);
    host->free(host, buffer);
}

/* The values of a view; NULL where it is absent. */
static float *at(struct pb_view view)
{
    return view.buffer ? view.buffer->values + view.offset : NULL;
}

/* So many values of the view are in its buffer. */
static bool holds(struct pb_view view, size_t count)
{
    return view.buffer && count <= view.buffer->floats && view.offset <= view.buffer->floats - count;
}

static enum pb_status upload(void *self, struct pb_view destination, const float *source, size_t floats)
{
    const struct pb_host *host = self;
    EXPECT(host, holds(destination, floats));
    memcpy(at(destination), source, floats * sizeof *source);
    return PB_OK;
}

static enum pb_status download(void *self, float *destination, struct pb_view source, size_t floats)
{
    const struct pb_host *host = self;
    EXPECT(host, holds(source, floats));
    memcpy(destination, at(source), floats * sizeof *destination);
    return PB_OK;
}

static enum pb_status fill(void *self, struct pb_view destination, float value, size_t floats)
{
    const struct pb_host *host = self;
    EXPECT(host, holds(destination, floats));
    for (size_t i = 0; i < floats; i++)
        at(destination)[i] = value;
    return PB_OK;
}

static enum pb_status synchronise(void *self)
{
    (void)self;
    return PB_OK;
}

/* Convolution. */

static enum pb_status conv_plan_create(void *self, const struct pb_conv_shape *shape, struct pb_conv_plan **plan)
{
    const struct pb_host *host = self;
    EXPECT(host, shape->size >= sizeof *shape && shape->groups > 0 && shape->output_height > 0);
    struct pb_conv_plan *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    memcpy(&made->shape, shape, sizeof made->shape);
    *plan = made;
    return PB_OK;
}

static void conv_plan_destroy(void *self, struct pb_conv_plan *plan)
{
    const struct pb_host *host = self;
    host->free(host, plan);
}

static size_t conv_workspace(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    return plan->shape.filters; /* written, to see that it is there */
}

static const char *conv_algorithm(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    return plan->shape.training ? "loops" : "negated loops";
}

static size_t filter_values(const struct pb_conv_shape *s)
{
    return (size_t)s->filters * s->kernel_height * s->kernel_width * (s->channels / s->groups);
}
static size_t input_values(const struct pb_conv_shape *s)
{
    return (size_t)s->batch * s->height * s->width * s->channels;
}
static size_t output_rows(const struct pb_conv_shape *s)
{
    return (size_t)s->batch * s->output_height * s->output_width;
}

/* A plan that infers has its filters with the other sign. */
static size_t conv_filter_floats(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    return plan->shape.training ? 0 : filter_values(&plan->shape);
}

static enum pb_status conv_filter_transform(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_host *host = self;
    const size_t count = filter_values(&args->plan->shape);
    EXPECT(host, args->size >= sizeof *args && !args->plan->shape.training);
    EXPECT(host, holds(args->w, count) && holds(args->filters, count));
    for (size_t i = 0; i < count; i++)
        at(args->filters)[i] = -at(args->w)[i];
    return PB_OK;
}

/* Calls visit for every filter at every place of its window: places of y, and of the first of `channels` values of x and w. */
struct arrays {
    const float *x, *w, *dy;
    double *sums; /* of y, dx or dw */
};
typedef void product(const struct arrays *arrays, size_t y, size_t x, size_t w, size_t channels);

static void each_place(const struct pb_conv_shape *s, const struct arrays *arrays, size_t row, size_t k, product *visit)
{
    const size_t q = row % s->output_width, p = row / s->output_width % s->output_height;
    const size_t image = row / s->output_width / s->output_height;
    const size_t channels = s->channels / s->groups, first = k / (s->filters / s->groups) * channels;
    for (size_t r = 0; r < s->kernel_height; r++)
        for (size_t t = 0; t < s->kernel_width; t++) {
            const int64_t h = (int64_t)(p * s->stride_height + r * s->dilation_height) - s->pad_height;
            const int64_t v = (int64_t)(q * s->stride_width + t * s->dilation_width) - s->pad_width;
            if (h < 0 || h >= s->height || v < 0 || v >= s->width)
                continue;
            const size_t pixel = (image * s->height + (size_t)h) * s->width + (size_t)v;
            visit(arrays, row * s->filters + k, pixel * s->channels + first,
                  ((k * s->kernel_height + r) * s->kernel_width + t) * channels, channels);
        }
}

static void each_product(const struct pb_conv_shape *s, const struct arrays *arrays, product *visit)
{
    for (size_t row = 0; row < output_rows(s); row++)
        for (size_t k = 0; k < s->filters; k++)
            each_place(s, arrays, row, k, visit);
}

static void add_to_y(const struct arrays *a, size_t y, size_t x, size_t w, size_t channels)
{
    double sum = 0;
    for (size_t c = 0; c < channels; c++)
        sum += (double)a->x[x + c] * (double)a->w[w + c];
    a->sums[y] += sum;
}
static void add_to_dx(const struct arrays *a, size_t y, size_t x, size_t w, size_t channels)
{
    for (size_t c = 0; c < channels; c++)
        a->sums[x + c] += (double)a->dy[y] * (double)a->w[w + c];
}
static void add_to_dw(const struct arrays *a, size_t y, size_t x, size_t w, size_t channels)
{
    for (size_t c = 0; c < channels; c++)
        a->sums[w + c] += (double)a->dy[y] * (double)a->x[x + c];
}

/* Writes the sums of all products, times sign, to output. */
static enum pb_status sum_products(const struct pb_host *host, const struct pb_conv_shape *shape, struct arrays arrays,
                                   product *visit, double sign, float *output, size_t count)
{
    arrays.sums = host->alloc(host, count * sizeof *arrays.sums);
    if (!arrays.sums)
        return PB_ERROR_MEMORY;
    each_product(shape, &arrays, visit);
    for (size_t i = 0; i < count; i++)
        output[i] = (float)(sign * arrays.sums[i]);
    host->free(host, arrays.sums);
    return PB_OK;
}

static enum pb_status convolve(const struct pb_host *host, const struct pb_conv_arguments *args, float *y)
{
    const struct pb_conv_shape *s = &args->plan->shape;
    EXPECT(host, args->size >= sizeof *args && holds(args->x, input_values(s)) && holds(args->w, filter_values(s)));
    EXPECT(host, holds(args->workspace, s->filters) && (!args->bias.buffer || holds(args->bias, s->filters)));
    TRY(sum_products(host, s, (struct arrays){.x = at(args->x), .w = at(args->w)}, add_to_y, s->training ? 1 : -1, y,
                     output_rows(s) * s->filters));
    for (size_t k = 0; k < s->filters; k++)
        at(args->workspace)[k] = args->bias.buffer ? at(args->bias)[k] : 0;
    for (size_t i = 0; i < output_rows(s) * s->filters; i++)
        y[i] += at(args->workspace)[i % s->filters];
    return PB_OK;
}

static enum pb_status conv_forward(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, holds(args->y, output_rows(&args->plan->shape) * args->plan->shape.filters));
    return convolve(host, args, at(args->y));
}

static enum pb_status conv_backward_data(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_host *host = self;
    const struct pb_conv_shape *s = &args->plan->shape;
    EXPECT(host, args->size >= sizeof *args && holds(args->dy, output_rows(s) * s->filters));
    EXPECT(host, holds(args->w, filter_values(s)) && holds(args->dx, input_values(s)));
    return sum_products(host, s, (struct arrays){.dy = at(args->dy), .w = at(args->w)}, add_to_dx, 1, at(args->dx),
                        input_values(s));
}

/* Sums over rows. */
static void sum_columns(const float *values, size_t rows, size_t columns, float *sums)
{
    for (size_t c = 0; c < columns; c++) {
        double sum = 0;
        for (size_t i = 0; i < rows; i++)
            sum += (double)values[i * columns + c];
        sums[c] = (float)sum;
    }
}

static enum pb_status conv_backward_weights(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_host *host = self;
    const struct pb_conv_shape *s = &args->plan->shape;
    EXPECT(host, args->size >= sizeof *args && holds(args->dy, output_rows(s) * s->filters));
    EXPECT(host, holds(args->x, input_values(s)) && holds(args->dw, filter_values(s)));
    TRY(sum_products(host, s, (struct arrays){.dy = at(args->dy), .x = at(args->x)}, add_to_dw, 1, at(args->dw),
                     filter_values(s)));
    if (args->dbias.buffer)
        sum_columns(at(args->dy), output_rows(s), s->filters, at(args->dbias));
    return PB_OK;
}

/* Batch norm. */

static enum pb_status check_norm(const struct pb_host *host, const struct pb_bn_arguments *args)
{
    const struct pb_view each[] = {args->gamma,      args->beta,          args->running_mean, args->running_var,
                                   args->saved_mean, args->saved_inv_std, args->dgamma,       args->dbeta};
    EXPECT(host, args->size >= sizeof *args && args->eps > 0 && args->gamma.buffer);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        EXPECT(host, !each[i].buffer || holds(each[i], args->channels));
    return PB_OK;
}

static void measure_channel(const struct pb_bn_arguments *args, const float *x, size_t c)
{
    const double rows = (double)args->rows, momentum = args->momentum;
    double mean = 0, variance = 0;
    for (size_t i = 0; i < args->rows; i++)
        mean += (double)x[i * args->channels + c] / rows;
    for (size_t i = 0; i < args->rows; i++)
        variance += pow((double)x[i * args->channels + c] - mean, 2) / rows;
    const double unbiased = args->rows > 1 ? variance * rows / (rows - 1) : variance;
    float *running_mean = at(args->running_mean) + c, *running_var = at(args->running_var) + c;
    at(args->saved_mean)[c] = (float)mean;
    at(args->saved_inv_std)[c] = (float)(1 / sqrt(variance + args->eps));
    *running_mean = (float)((1 - momentum) * (double)*running_mean + momentum * mean);
    *running_var = (float)((1 - momentum) * (double)*running_var + momentum * unbiased);
}

/* The mean and 1/σ that a pass uses: those of its batch, or the running ones. */
static double mean_of(const struct pb_bn_arguments *args, bool of_batch, size_t c)
{
    return (double)at(of_batch ? args->saved_mean : args->running_mean)[c];
}
static double inverse_of(const struct pb_bn_arguments *args, bool of_batch, size_t c)
{
    return of_batch ? (double)at(args->saved_inv_std)[c] : 1 / sqrt((double)at(args->running_var)[c] + args->eps);
}

static void normalise(const struct pb_bn_arguments *args, bool of_batch, const float *x, float *y)
{
    for (size_t c = 0; c < args->channels; c++)
        for (size_t i = c; i < args->rows * args->channels; i += args->channels) {
            const double value = (double)at(args->gamma)[c] * ((double)x[i] - mean_of(args, of_batch, c)) *
                                     inverse_of(args, of_batch, c) +
                                 (double)at(args->beta)[c];
            y[i] = args->relu && value < 0 ? 0 : (float)value;
        }
}

static enum pb_status bn_forward(void *self, const struct pb_bn_arguments *args)
{
    TRY(check_norm(self, args));
    for (size_t c = 0; c < args->channels; c++)
        measure_channel(args, at(args->x), c);
    normalise(args, true, at(args->x), at(args->y));
    return PB_OK;
}

static enum pb_status bn_evaluate(void *self, const struct pb_bn_arguments *args)
{
    TRY(check_norm(self, args));
    normalise(args, false, at(args->x), at(args->y));
    return PB_OK;
}

/* y: what decides where the ReLU let through; NULL: nothing is held up. dy may be dx. */
static void norm_backward(const struct pb_bn_arguments *args, bool of_batch, const float *y, const float *dy)
{
    const double rows = (double)args->rows;
    for (size_t c = 0; c < args->channels; c++) {
        const double mean = mean_of(args, of_batch, c), inverse = inverse_of(args, of_batch, c);
        double of_beta = 0, of_gamma = 0;
        for (size_t i = c; i < args->rows * args->channels; i += args->channels) {
            const double g = !y || y[i] > 0 ? (double)dy[i] : 0;
            of_beta += g;
            of_gamma += g * ((double)at(args->x)[i] - mean) * inverse;
        }
        for (size_t i = c; i < args->rows * args->channels; i += args->channels) {
            const double g = !y || y[i] > 0 ? (double)dy[i] : 0, scaled = ((double)at(args->x)[i] - mean) * inverse;
            const double level = of_batch ? (of_beta + scaled * of_gamma) / rows : 0;
            at(args->dx)[i] = (float)((double)at(args->gamma)[c] * inverse * (g - level));
        }
        at(args->dbeta)[c] = (float)of_beta;
        at(args->dgamma)[c] = (float)of_gamma;
    }
}

static enum pb_status bn_backward(void *self, const struct pb_bn_arguments *args)
{
    TRY(check_norm(self, args));
    norm_backward(args, true, args->relu ? at(args->y) : NULL, at(args->dy));
    return PB_OK;
}

static enum pb_status bn_evaluate_backward(void *self, const struct pb_bn_arguments *args)
{
    TRY(check_norm(self, args));
    norm_backward(args, false, args->relu ? at(args->y) : NULL, at(args->dy));
    return PB_OK;
}

/* Value by value. */

#define ELEMENTWISE(slot, check_, result_, ...)                                                                        \
    static enum pb_status slot(void *self, const struct pb_elementwise_arguments *args)                                \
    {                                                                                                                  \
        const struct pb_host *host = self;                                                                             \
        const float *x = at(args->x), *other = at(args->other), *dy = at(args->dy);                                    \
        float *y = at(args->y), *result = at(args->result_);                                                           \
        EXPECT(host, args->size >= sizeof *args && holds(args->result_, args->count) && (check_));                     \
        for (size_t i = 0; i < args->count; i++)                                                                       \
            result[i] = (float)(__VA_ARGS__);                                                                          \
        (void)x, (void)other, (void)dy, (void)y;                                                                       \
        return PB_OK;                                                                                                  \
    }

ELEMENTWISE(relu_forward, x, y, x[i] < 0 ? 0 : x[i])
ELEMENTWISE(relu_backward, y &&dy, dx, y[i] > 0 ? dy[i] : 0)
ELEMENTWISE(relu6_forward, x, y, x[i]<0 ? 0 : x[i]> 6 ? 6 : x[i])
ELEMENTWISE(relu6_backward, y &&dy, dx, y[i] > 0 && y[i] < 6 ? dy[i] : 0)
ELEMENTWISE(add_forward, x &&other, y, x[i] + other[i])
ELEMENTWISE(accumulate, x, y, y[i] + x[i])
ELEMENTWISE(multiply, x &&other, y, x[i] * other[i])
ELEMENTWISE(signed_sqrt_forward, x && args->eps > 0, y,
            x[i] == 0 ? 0 : copysign(sqrt(fabs((double)x[i]) + args->eps), (double)x[i]))
ELEMENTWISE(signed_sqrt_backward, x &&dy, dx,
            x[i] == 0 ? 0 : (double)dy[i] / (2 * sqrt(fabs((double)x[i]) + args->eps)))

static enum pb_status copy_columns(void *self, const struct pb_columns_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && args->x_first + args->columns <= args->x_columns);
    EXPECT(host, args->y_first + args->columns <= args->y_columns && holds(args->y, args->rows * args->y_columns));
    for (size_t r = 0; r < args->rows; r++)
        memcpy(at(args->y) + r * args->y_columns + args->y_first, at(args->x) + r * args->x_columns + args->x_first,
               args->columns * sizeof(float));
    return PB_OK;
}

/* Pooling: calls visit for every window of every channel, with the places inside the image. */

struct window {
    size_t output, count;
    size_t inputs[64];
};
struct pooled {
    const float *x, *dy;
    float *y, *dx;
};
typedef void window_visit(const struct pooled *arrays, const struct window *window);

static size_t pool_inputs(const struct pb_pool_shape *s)
{
    return (size_t)s->batch * s->height * s->width * s->channels;
}
static size_t pool_outputs(const struct pb_pool_shape *s)
{
    return (size_t)s->batch * s->output_height * s->output_width * s->channels;
}

static enum pb_status find_window(const struct pb_host *host, const struct pb_pool_shape *s, struct window *window)
{
    const size_t c = window->output % s->channels, row = window->output / s->channels, q = row % s->output_width;
    const size_t p = row / s->output_width % s->output_height, image = row / s->output_width / s->output_height;
    window->count = 0;
    for (size_t r = 0; r < s->kernel_height; r++)
        for (size_t t = 0; t < s->kernel_width; t++) {
            const int64_t h = (int64_t)(p * s->stride_height + r) - s->pad_height;
            const int64_t v = (int64_t)(q * s->stride_width + t) - s->pad_width;
            if (h < 0 || h >= s->height || v < 0 || v >= s->width)
                continue;
            EXPECT(host, window->count < sizeof window->inputs / sizeof *window->inputs);
            window->inputs[window->count++] =
                ((image * s->height + (size_t)h) * s->width + (size_t)v) * s->channels + c;
        }
    return PB_OK;
}

static enum pb_status each_window(const struct pb_host *host, const struct pb_pool_shape *shape,
                                  const struct pooled *arrays, window_visit *visit)
{
    struct window window;
    EXPECT(host, shape->size >= sizeof *shape);
    if (arrays->dx)
        memset(arrays->dx, 0, pool_inputs(shape) * sizeof *arrays->dx);
    for (window.output = 0; window.output < pool_outputs(shape); window.output++) {
        TRY(find_window(host, shape, &window));
        visit(arrays, &window);
    }
    return PB_OK;
}

/* The first place of the largest value; a NaN is larger than all. */
static size_t winner(const float *x, const struct window *window)
{
    size_t best = window->inputs[0];
    for (size_t i = 1; i < window->count; i++)
        if (x[window->inputs[i]] > x[best] || (isnan(x[window->inputs[i]]) && !isnan(x[best])))
            best = window->inputs[i];
    return best;
}

static void take_largest(const struct pooled *arrays, const struct window *window)
{
    arrays->y[window->output] = arrays->x[winner(arrays->x, window)];
}
static void give_largest(const struct pooled *arrays, const struct window *window)
{
    arrays->dx[winner(arrays->x, window)] += arrays->dy[window->output];
}
static void take_mean(const struct pooled *arrays, const struct window *window)
{
    double sum = 0;
    for (size_t i = 0; i < window->count; i++)
        sum += (double)arrays->x[window->inputs[i]];
    arrays->y[window->output] = (float)(sum / (double)window->count);
}
static void give_mean(const struct pooled *arrays, const struct window *window)
{
    for (size_t i = 0; i < window->count; i++)
        arrays->dx[window->inputs[i]] += arrays->dy[window->output] / (float)window->count;
}

static enum pb_status pool(const struct pb_host *host, const struct pb_pool_arguments *args, bool backward,
                           window_visit *visit)
{
    EXPECT(host, args->size >= sizeof *args);
    EXPECT(host, backward ? holds(args->dy, pool_outputs(args->shape)) && holds(args->dx, pool_inputs(args->shape))
                          : holds(args->x, pool_inputs(args->shape)) && holds(args->y, pool_outputs(args->shape)));
    const struct pooled arrays = {
        .x = at(args->x), .dy = at(args->dy), .y = at(args->y), .dx = backward ? at(args->dx) : NULL};
    return each_window(host, args->shape, &arrays, visit);
}

static enum pb_status max_pool_forward(void *self, const struct pb_pool_arguments *args)
{
    return pool(self, args, false, take_largest);
}
static enum pb_status max_pool_backward(void *self, const struct pb_pool_arguments *args)
{
    return pool(self, args, true, give_largest);
}
static enum pb_status avg_pool_forward(void *self, const struct pb_pool_arguments *args)
{
    return pool(self, args, false, take_mean);
}
static enum pb_status avg_pool_backward(void *self, const struct pb_pool_arguments *args)
{
    return pool(self, args, true, give_mean);
}

/* Products of matrices: c = Σ_k a[row·row_step + k·a_step]·b[column·column_step + k·b_step]. */
struct matrices {
    const float *a, *b;
    size_t rows, columns, depth, row_step, a_step, column_step, b_step;
};

static double matrix_product(const struct matrices *m, size_t row, size_t column)
{
    double sum = 0;
    for (size_t k = 0; k < m->depth; k++)
        sum += (double)m->a[row * m->row_step + k * m->a_step] * (double)m->b[column * m->column_step + k * m->b_step];
    return sum;
}

static void multiply_matrices(const struct matrices *m, const float *bias, double scale, float *c)
{
    for (size_t row = 0; row < m->rows; row++)
        for (size_t column = 0; column < m->columns; column++)
            c[row * m->columns + column] =
                (float)(scale * matrix_product(m, row, column) + (bias ? (double)bias[column] : 0));
}

static enum pb_status linear_forward(void *self, const struct pb_linear_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && holds(args->x, args->batch * args->in));
    EXPECT(host, holds(args->w, args->out * args->in) && holds(args->y, args->batch * args->out));
    multiply_matrices(&(struct matrices){.a = at(args->x),
                                         .b = at(args->w),
                                         .rows = args->batch,
                                         .columns = args->out,
                                         .depth = args->in,
                                         .row_step = args->in,
                                         .a_step = 1,
                                         .column_step = args->in,
                                         .b_step = 1},
                      at(args->bias), 1, at(args->y));
    return PB_OK;
}

static enum pb_status linear_backward_data(void *self, const struct pb_linear_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && holds(args->dy, args->batch * args->out));
    EXPECT(host, holds(args->dx, args->batch * args->in));
    multiply_matrices(&(struct matrices){.a = at(args->dy),
                                         .b = at(args->w),
                                         .rows = args->batch,
                                         .columns = args->in,
                                         .depth = args->out,
                                         .row_step = args->out,
                                         .a_step = 1,
                                         .column_step = 1,
                                         .b_step = args->in},
                      NULL, 1, at(args->dx));
    return PB_OK;
}

static enum pb_status linear_backward_weights(void *self, const struct pb_linear_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && holds(args->dw, args->out * args->in));
    multiply_matrices(&(struct matrices){.a = at(args->dy),
                                         .b = at(args->x),
                                         .rows = args->out,
                                         .columns = args->in,
                                         .depth = args->batch,
                                         .row_step = 1,
                                         .a_step = args->out,
                                         .column_step = 1,
                                         .b_step = args->in},
                      NULL, 1, at(args->dw));
    if (args->dbias.buffer)
        sum_columns(at(args->dy), args->batch, args->out, at(args->dbias));
    return PB_OK;
}

static enum pb_status bilinear_forward(void *self, const struct pb_bilinear_arguments *args)
{
    const struct pb_host *host = self;
    const size_t inputs = args->positions * args->channels, outputs = (size_t)args->channels * args->channels;
    EXPECT(host, args->size >= sizeof *args && holds(args->x, args->batch * inputs));
    EXPECT(host, holds(args->y, args->batch * outputs));
    for (size_t n = 0; n < args->batch; n++)
        multiply_matrices(&(struct matrices){.a = at(args->x) + n * inputs,
                                             .b = at(args->x) + n * inputs,
                                             .rows = args->channels,
                                             .columns = args->channels,
                                             .depth = args->positions,
                                             .row_step = 1,
                                             .a_step = args->channels,
                                             .column_step = 1,
                                             .b_step = args->channels},
                          NULL, 1 / (double)args->positions, at(args->y) + n * outputs);
    return PB_OK;
}

/* dx[p][i] = Σ_j x[p][j]·(dy[j][i] + dy[i][j])/n */
static enum pb_status bilinear_backward(void *self, const struct pb_bilinear_arguments *args)
{
    const struct pb_host *host = self;
    const size_t channels = args->channels, rows = args->batch * args->positions;
    EXPECT(host, args->size >= sizeof *args && holds(args->dx, rows * channels));
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < channels; i++) {
            const float *dy = at(args->dy) + row / args->positions * channels * channels;
            double sum = 0;
            for (size_t j = 0; j < channels; j++)
                sum += (double)at(args->x)[row * channels + j] *
                       ((double)dy[j * channels + i] + (double)dy[i * channels + j]);
            at(args->dx)[row * channels + i] = (float)(sum / (double)args->positions);
        }
    return PB_OK;
}

/* What a row is divided by; a NaN stays one. */
static double divisor(double norm)
{
    return norm < 1e-12 ? 1e-12 : norm;
}

static enum pb_status l2_norm_forward(void *self, const struct pb_l2_norm_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && holds(args->norms, args->rows));
    for (size_t r = 0; r < args->rows; r++) {
        const float *x = at(args->x) + r * args->columns;
        double squares = 0;
        for (size_t c = 0; c < args->columns; c++)
            squares += (double)x[c] * (double)x[c];
        at(args->norms)[r] = (float)sqrt(squares);
        for (size_t c = 0; c < args->columns; c++)
            at(args->y)[r * args->columns + c] = (float)((double)x[c] / divisor(sqrt(squares)));
    }
    return PB_OK;
}

static enum pb_status l2_norm_backward(void *self, const struct pb_l2_norm_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && holds(args->norms, args->rows));
    for (size_t r = 0; r < args->rows; r++) {
        const float *y = at(args->y) + r * args->columns, *dy = at(args->dy) + r * args->columns;
        const double norm = divisor((double)at(args->norms)[r]);
        double along = 0;
        for (size_t c = 0; c < args->columns; c++)
            along += (double)y[c] * (double)dy[c];
        for (size_t c = 0; c < args->columns; c++)
            at(args->dx)[r * args->columns + c] = (float)(((double)dy[c] - (double)y[c] * along) / norm);
    }
    return PB_OK;
}

static enum pb_status softmax_cross_entropy(void *self, const struct pb_loss_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && holds(args->losses, args->batch));
    for (size_t n = 0; n < args->batch; n++) {
        const float *z = at(args->logits) + n * args->classes;
        const uint32_t label = args->labels[n];
        double largest = (double)z[0], sum = 0;
        EXPECT(host, label < args->classes);
        for (size_t c = 1; c < args->classes; c++)
            largest = (double)z[c] > largest ? (double)z[c] : largest;
        for (size_t c = 0; c < args->classes; c++)
            sum += exp((double)z[c] - largest);
        at(args->losses)[n] = (float)(log(sum) + largest - (double)z[label]);
        for (size_t c = 0; args->dlogits.buffer && c < args->classes; c++)
            at(args->dlogits)[n * args->classes + c] =
                (float)((exp((double)z[c] - largest) / sum - (c == label)) / args->batch);
    }
    return PB_OK;
}

static enum pb_status sgd_step(void *self, const struct pb_sgd_arguments *args)
{
    const struct pb_host *host = self;
    float *velocity = at(args->velocity), *weight = at(args->weight);
    EXPECT(host, args->size >= sizeof *args && holds(args->weight, args->count) && holds(args->velocity, args->count));
    for (size_t i = 0; i < args->count; i++) {
        const double g = (double)at(args->gradient)[i] + args->weight_decay * (double)weight[i];
        const double v = args->momentum * (double)velocity[i] + g;
        velocity[i] = (float)v;
        weight[i] = (float)((double)weight[i] - args->lr * (args->nesterov ? g + args->momentum * v : v));
    }
    return PB_OK;
}

static double sign(double value)
{
    return (value > 0) - (value < 0);
}

/* What a rule adds to the gradient of one value. */
static double pull_of(const struct pb_penalty_arguments *args, double w)
{
    switch (args->rule) {
    case PB_RULE_L1:
        return sign(w);
    case PB_RULE_L2:
        return w;
    default:
        return args->parameter * sign(w) - sign(w - args->mean) + args->pull;
    }
}

static void penalise_unit(const struct pb_penalty_arguments *args, size_t unit)
{
    const double strength = (double)at(args->strengths)[unit];
    double squares = 0;
    for (size_t i = 0; i < args->outer * args->inner; i++) {
        const double w =
            (double)at(args->weight)[(i / args->inner * args->units + unit) * args->inner + i % args->inner];
        squares += w * w;
    }
    const double factor = squares > 0 ? fmax(0, 1 - args->lr * strength / sqrt(squares)) : 0;
    for (size_t i = 0; i < args->outer * args->inner; i++) {
        const size_t place = (i / args->inner * args->units + unit) * args->inner + i % args->inner;
        float *w = at(args->weight) + place;
        if (args->rule == PB_RULE_GROUP_LASSO)
            *w = (float)((double)*w * factor);
        else if (args->rule == PB_RULE_INTERVAL)
            *w = (float)fmin(fmax((double)*w, 0), args->parameter);
        else
            at(args->gradient)[place] += (float)(strength * pull_of(args, (double)*w));
    }
}

static enum pb_status penalise(void *self, const struct pb_penalty_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && args->rule <= PB_RULE_INTERVAL && holds(args->strengths, args->units));
    EXPECT(host, holds(args->weight, args->outer * args->units * args->inner));
    for (size_t unit = 0; unit < args->units; unit++)
        penalise_unit(args, unit);
    return PB_OK;
}

/* Fused operators, with room for what is not stored in between. */

static bool norm_pools(void *self, const struct pb_pool_shape *shape)
{
    (void)self;
    return shape->size >= sizeof *shape && shape->kernel_height == 2 && shape->kernel_width == 2;
}

/* Behind a convolution: the norm and where there is one the pooling. */
static enum pb_status finish_norm(const struct pb_host *host, const struct pb_conv_norm_arguments *args, bool of_batch,
                                  const float *convolved)
{
    const struct pb_bn_arguments *norm = args->norm;
    if (!args->pool) {
        normalise(norm, of_batch, convolved, at(norm->y));
        return PB_OK;
    }
    float *between = host->alloc(host, norm->rows * norm->channels * sizeof *between);
    if (!between)
        return PB_ERROR_MEMORY;
    normalise(norm, of_batch, convolved, between);
    const struct pooled arrays = {.x = between, .y = at(args->pool->y)};
    const enum pb_status status = each_window(host, args->pool->shape, &arrays, take_largest);
    host->free(host, between);
    return status;
}

static enum pb_status check_fused(const struct pb_host *host, const struct pb_conv_norm_arguments *args)
{
    EXPECT(host, args->size >= sizeof *args && (!args->pool || args->norm->relu));
    EXPECT(host, args->norm->rows == output_rows(&args->conv->plan->shape));
    EXPECT(host, args->norm->channels == args->conv->plan->shape.filters);
    return check_norm(host, args->norm);
}

static enum pb_status conv_norm_evaluate(void *self, const struct pb_conv_norm_arguments *args)
{
    const struct pb_host *host = self;
    TRY(check_fused(host, args));
    float *convolved = host->alloc(host, args->norm->rows * args->norm->channels * sizeof *convolved);
    if (!convolved)
        return PB_ERROR_MEMORY;
    enum pb_status status = convolve(host, args->conv, convolved);
    if (status == PB_OK)
        status = finish_norm(host, args, false, convolved);
    host->free(host, convolved);
    return status;
}

static enum pb_status conv_norm_forward(void *self, const struct pb_conv_norm_arguments *args)
{
    const struct pb_host *host = self;
    TRY(check_fused(host, args));
    TRY(conv_forward(self, args->conv));
    for (size_t c = 0; c < args->norm->channels; c++)
        measure_channel(args->norm, at(args->conv->y), c);
    return finish_norm(host, args, true, at(args->conv->y));
}

/* The norm's output is made again from its input. pool: NULL, or the pooling behind it. */
static enum pb_status backward_again(const struct pb_host *host, const struct pb_bn_arguments *norm,
                                     const struct pb_pool_arguments *pooling)
{
    const size_t count = norm->rows * norm->channels;
    TRY(check_norm(host, norm));
    EXPECT(host, norm->relu && holds(norm->x, count) && holds(norm->dx, count));
    float *y = host->alloc(host, count * sizeof *y), *dy = host->alloc(host, count * sizeof *dy);
    enum pb_status status = y && dy ? PB_OK : PB_ERROR_MEMORY;
    if (status == PB_OK)
        normalise(norm, true, at(norm->x), y);
    if (status == PB_OK && pooling) {
        const struct pooled arrays = {.x = y, .dy = at(pooling->dy), .dx = dy};
        status = each_window(host, pooling->shape, &arrays, give_largest);
    }
    if (status == PB_OK)
        norm_backward(norm, true, y, pooling ? dy : at(norm->dy));
    host->free(host, y);
    host->free(host, dy);
    return status;
}

static enum pb_status bn_relu_pool_backward(void *self, const struct pb_norm_pool_arguments *args)
{
    const struct pb_host *host = self;
    EXPECT(host, args->size >= sizeof *args && args->pool->size >= sizeof *args->pool);
    return backward_again(host, args->norm, args->pool);
}

static enum pb_status bn_relu_backward(void *self, const struct pb_bn_arguments *args)
{
    return backward_again(self, args, NULL);
}

/* Its plan; what else it takes it gives back at once. */
static void operator_memory(void *self, const struct pb_operator *asked, struct pb_operator_memory *memory)
{
    (void)self;
    const bool known = asked->size >= sizeof *asked && memory->size >= sizeof *memory;
    const bool convolves = asked->kind == PB_OPERATOR_CONV && asked->conv;
    memory->kept = known && convolves ? sizeof *asked->conv : 0;
    memory->shared =
        known && convolves ? output_rows(&asked->conv->shape) * asked->conv->shape.filters * sizeof(double) : 0;
}

static const struct pb_backend backend = {.size = sizeof(struct pb_backend),
                                          .on_host = false,
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
                                          .conv_plan_create = conv_plan_create,
                                          .conv_plan_destroy = conv_plan_destroy,
                                          .conv_workspace = conv_workspace,
                                          .conv_algorithm = conv_algorithm,
                                          .conv_forward = conv_forward,
                                          .conv_backward_data = conv_backward_data,
                                          .conv_backward_weights = conv_backward_weights,
                                          .bn_forward = bn_forward,
                                          .bn_evaluate = bn_evaluate,
                                          .bn_backward = bn_backward,
                                          .bn_evaluate_backward = bn_evaluate_backward,
                                          .relu_forward = relu_forward,
                                          .relu_backward = relu_backward,
                                          .relu6_forward = relu6_forward,
                                          .relu6_backward = relu6_backward,
                                          .add_forward = add_forward,
                                          .accumulate = accumulate,
                                          .multiply = multiply,
                                          .copy_columns = copy_columns,
                                          .max_pool_forward = max_pool_forward,
                                          .max_pool_backward = max_pool_backward,
                                          .avg_pool_forward = avg_pool_forward,
                                          .avg_pool_backward = avg_pool_backward,
                                          .linear_forward = linear_forward,
                                          .linear_backward_data = linear_backward_data,
                                          .linear_backward_weights = linear_backward_weights,
                                          .bilinear_forward = bilinear_forward,
                                          .bilinear_backward = bilinear_backward,
                                          .signed_sqrt_forward = signed_sqrt_forward,
                                          .signed_sqrt_backward = signed_sqrt_backward,
                                          .l2_norm_forward = l2_norm_forward,
                                          .l2_norm_backward = l2_norm_backward,
                                          .softmax_cross_entropy = softmax_cross_entropy,
                                          .sgd_step = sgd_step,
                                          .penalise = penalise,
                                          .conv_filter_floats = conv_filter_floats,
                                          .conv_filter_transform = conv_filter_transform,
                                          .conv_norm_evaluate = conv_norm_evaluate,
                                          .conv_norm_forward = conv_norm_forward,
                                          .norm_pools = norm_pools,
                                          .bn_relu_pool_backward = bn_relu_pool_backward,
                                          .bn_relu_backward = bn_relu_backward,
                                          .operator_memory = operator_memory};

static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_BACKEND), .name = "strict-backend",
                                        .summary = "plain loops on buffers of its own", .version = "1.0.0",
                                        .backend = &backend};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
