/* Portable element-wise operators, the loss, and the optimiser's step. */
#include "portable/portable.h"

#include <math.h>
#include <string.h>

/* Operands of one element-wise pass; each kernel handles [begin, end). The result may be an operand. */
struct operands {
    const float *a, *b;
    float *result;
    float *second; /* of an operator with two results */
};
typedef void (*element_kernel)(const struct operands *operands, size_t begin, size_t end);

static enum pb_status run(void *self, size_t count, element_kernel kernel, const struct operands *operands)
{
    const size_t chunks = pb_divide_up(count, PB_CHUNK);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (chunks > 1)
    for (size_t i = 0; i < chunks; i++)
        kernel(operands, i * PB_CHUNK, pb_smaller(count, (i + 1) * PB_CHUNK));
    return PB_OK;
}

PB_KERNEL
static void relu(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++)
        operands->result[i] = operands->a[i] < 0 ? 0 : operands->a[i]; /* a NaN stays one */
}

PB_KERNEL
static void relu_gradient(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++)
        operands->result[i] = pb_keep_if(operands->a[i] > 0, operands->b[i]);
}

PB_KERNEL
static void relu6(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++) {
        const float positive = operands->a[i] < 0 ? 0 : operands->a[i];
        operands->result[i] = positive > 6 ? 6 : positive; /* a NaN stays one */
    }
}

PB_KERNEL
static void relu6_gradient(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++)
        operands->result[i] = pb_keep_if((operands->a[i] > 0) & (operands->a[i] < 6), operands->b[i]);
}

PB_KERNEL
static void sum(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++)
        operands->result[i] = operands->a[i] + operands->b[i];
}

PB_KERNEL
static void product(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++)
        operands->result[i] = operands->a[i] * operands->b[i];
}

PB_KERNEL
static void rectified_sum(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++) {
        const float value = operands->a[i] + operands->b[i];
        operands->result[i] = value < 0 ? 0 : value; /* a NaN stays one */
    }
}

PB_KERNEL
static void relu_gradient_twice(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++) {
        const float g = pb_keep_if(operands->a[i] > 0, operands->b[i]);
        operands->result[i] = g;
        operands->second[i] = g;
    }
}

PB_KERNEL
static void relu_gradient_added(const struct operands *operands, size_t begin, size_t end)
{
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++) {
        const float g = pb_keep_if(operands->a[i] > 0, operands->b[i]);
        operands->result[i] = g;
        operands->second[i] += g;
    }
}

enum pb_status pb_portable_relu_forward(void *self, const struct pb_elementwise_arguments *args)
{
    return run(self, args->count, relu, &(struct operands){.a = pb_floats(args->x), .result = pb_floats(args->y)});
}

enum pb_status pb_portable_relu_backward(void *self, const struct pb_elementwise_arguments *args)
{
    return run(self, args->count, relu_gradient,
               &(struct operands){.a = pb_floats(args->y), .b = pb_floats(args->dy), .result = pb_floats(args->dx)});
}

enum pb_status pb_portable_relu6_forward(void *self, const struct pb_elementwise_arguments *args)
{
    return run(self, args->count, relu6, &(struct operands){.a = pb_floats(args->x), .result = pb_floats(args->y)});
}

enum pb_status pb_portable_relu6_backward(void *self, const struct pb_elementwise_arguments *args)
{
    return run(self, args->count, relu6_gradient,
               &(struct operands){.a = pb_floats(args->y), .b = pb_floats(args->dy), .result = pb_floats(args->dx)});
}

enum pb_status pb_portable_add_forward(void *self, const struct pb_elementwise_arguments *args)
{
    return run(self, args->count, sum,
               &(struct operands){.a = pb_floats(args->x), .b = pb_floats(args->other), .result = pb_floats(args->y)});
}

enum pb_status pb_portable_accumulate(void *self, const struct pb_elementwise_arguments *args)
{
    return run(self, args->count, sum,
               &(struct operands){.a = pb_floats(args->y), .b = pb_floats(args->x), .result = pb_floats(args->y)});
}

enum pb_status pb_portable_add_relu_forward(void *self, const struct pb_elementwise_arguments *args)
{
    return run(self, args->count, rectified_sum,
               &(struct operands){.a = pb_floats(args->x), .b = pb_floats(args->other), .result = pb_floats(args->y)});
}

enum pb_status pb_portable_add_relu_backward(void *self, const struct pb_elementwise_arguments *args)
{
    if (!args->dother.buffer)
        return pb_portable_relu_backward(self, args);
    return run(self, args->count, args->adds_other ? relu_gradient_added : relu_gradient_twice,
               &(struct operands){.a = pb_floats(args->y),
                                  .b = pb_floats(args->dy),
                                  .result = pb_floats(args->dx),
                                  .second = pb_floats(args->dother)});
}

enum pb_status pb_portable_multiply(void *self, const struct pb_elementwise_arguments *args)
{
    return run(self, args->count, product,
               &(struct operands){.a = pb_floats(args->x), .b = pb_floats(args->other), .result = pb_floats(args->y)});
}

enum pb_status pb_portable_copy_columns(void *self, const struct pb_columns_arguments *args)
{
    const float *x = pb_floats(args->x) + args->x_first;
    float *y = pb_floats(args->y) + args->y_first;
#pragma omp parallel for num_threads(pb_portable_threads(self))                                                        \
    schedule(static) if (args->rows * args->columns > PB_CHUNK)
    for (size_t row = 0; row < args->rows; row++)
        memcpy(y + row * args->y_columns, x + row * args->x_columns, args->columns * sizeof *y);
    return PB_OK;
}

/* log Σ exp(logits), with the largest one taken out first. */
static double log_sum_exp(const float *logits, uint32_t classes)
{
    uint32_t largest = 0;
    double others = 0;
    for (uint32_t c = 1; c < classes; c++)
        largest = logits[c] > logits[largest] ? c : largest;
    for (uint32_t c = 0; c < classes; c++)
        others += c == largest ? 0 : exp((double)logits[c] - (double)logits[largest]);
    return (double)logits[largest] + log1p(others);
}

enum pb_status pb_portable_softmax_cross_entropy(void *self, const struct pb_loss_arguments *args)
{
    const struct pb_host *host = self;
    for (uint32_t n = 0; n < args->batch; n++) {
        if (args->labels[n] >= args->classes)
            return host->fail(host, PB_ERROR_RUN, "label %u of image %u is not below %u classes", args->labels[n], n,
                              args->classes);
        const float *values = pb_floats(args->logits) + (size_t)n * args->classes;
        const double normaliser = log_sum_exp(values, args->classes);
        pb_floats(args->losses)[n] = (float)(normaliser - (double)values[args->labels[n]]);
        if (!args->dlogits.buffer)
            continue;
        float *gradient = pb_floats(args->dlogits) + (size_t)n * args->classes;
        for (uint32_t c = 0; c < args->classes; c++)
            gradient[c] = (float)((exp((double)values[c] - normaliser) - (c == args->labels[n])) / args->batch);
    }
    return PB_OK;
}

struct descent {
    float lr, momentum, weight_decay;
    bool nesterov;
    const float *gradient;
    float *velocity, *weight;
};

PB_KERNEL
static void descend(const struct descent *job, size_t begin, size_t end)
{
    const float *gradient = job->gradient;
    float *velocity = job->velocity, *weight = job->weight;
    const float lr = job->lr, momentum = job->momentum, decay = job->weight_decay;
    const float direct = job->nesterov ? 1 : 0, through = job->nesterov ? momentum : 1;
#pragma GCC ivdep
    for (size_t i = begin; i < end; i++) {
        const float w = weight[i];
        const float g = gradient[i] + decay * w;
        const float v = momentum * velocity[i] + g;
        velocity[i] = v;
        weight[i] = w - lr * (direct * g + through * v);
    }
}

enum pb_status pb_portable_sgd_step(void *self, const struct pb_sgd_arguments *args)
{
    const struct descent job = {.lr = (float)args->lr,
                                .momentum = (float)args->momentum,
                                .weight_decay = (float)args->weight_decay,
                                .nesterov = args->nesterov,
                                .gradient = pb_floats(args->gradient),
                                .velocity = pb_floats(args->velocity),
                                .weight = pb_floats(args->weight)};
    const size_t chunks = pb_divide_up(args->count, PB_CHUNK);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (chunks > 1)
    for (size_t i = 0; i < chunks; i++)
        descend(&job, i * PB_CHUNK, pb_smaller(args->count, (i + 1) * PB_CHUNK));
    return PB_OK;
}
