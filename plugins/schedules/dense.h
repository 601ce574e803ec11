/* A small network of dense layers in double precision: inputs → hidden → hidden → one output, ReLU between them. */
#ifndef PB_SCHEDULES_DENSE_H
#define PB_SCHEDULES_DENSE_H

#include <math.h>
#include <string.h>

#include <prunebench/host.h>
#include <prunebench/rng.h>

struct dense {
    uint32_t inputs, hidden;
    size_t count; /* of the parameters */
    uint64_t steps; /* of Adam */
    double *values; /* by layer: weights, as inputs × outputs, then biases */
    double *gradients; /* added to by dense_backward, cleared by dense_step */
    double *mean, *square; /* Adam's moments of the gradients */
};

/* What a forward pass leaves for the backward pass: hidden values of each of the two layers, behind their ReLU. */
struct dense_values {
    double *first, *second;
};

static inline void dense_close(const struct pb_host *host, struct dense *dense)
{
    host->free(host, dense->values);
    *dense = (struct dense){0};
}

/* On failure, too, it is to be closed. Hidden layers: uniform in ±1/√inputs, the last one in ±0.003 (Lillicrap et al. 2016). */
static inline enum pb_status dense_open(const struct pb_host *host, struct pb_rng *rng, uint32_t inputs,
                                        uint32_t hidden, struct dense *dense)
{
    const size_t first = (size_t)inputs * hidden + hidden, second = (size_t)hidden * hidden + hidden;
    const size_t count = first + second + hidden + 1;
    *dense = (struct dense){.inputs = inputs, .hidden = hidden, .count = count};
    dense->values = host->alloc(host, 4 * count * sizeof *dense->values);
    if (!dense->values)
        return PB_ERROR_MEMORY;
    dense->gradients = dense->values + count;
    dense->mean = dense->gradients + count;
    dense->square = dense->mean + count;
    for (size_t i = 0; i < count; i++) {
        const double range = i < first ? 1 / sqrt(inputs) : i < first + second ? 1 / sqrt(hidden) : 0.003;
        dense->values[i] = range * (2 * pb_rng_uniform(rng) - 1);
    }
    return PB_OK;
}

/* y = ReLU(xW + b), W: inputs × outputs. */
static inline void dense_layer(const double *values, const double *x, uint32_t inputs, uint32_t outputs, double *y)
{
    memcpy(y, values + (size_t)inputs * outputs, outputs * sizeof *y);
    for (uint32_t i = 0; i < inputs; i++)
        for (uint32_t o = 0; o < outputs; o++)
            y[o] += x[i] * values[(size_t)i * outputs + o];
    for (uint32_t o = 0; o < outputs; o++)
        y[o] = fmax(y[o], 0);
}

static inline double dense_forward(const struct dense *dense, const double *x, const struct dense_values *kept)
{
    const uint32_t inputs = dense->inputs, hidden = dense->hidden;
    const double *second = dense->values + (size_t)inputs * hidden + hidden;
    const double *last = second + (size_t)hidden * hidden + hidden;
    dense_layer(dense->values, x, inputs, hidden, kept->first);
    dense_layer(second, kept->first, hidden, hidden, kept->second);
    double y = last[hidden];
    for (uint32_t h = 0; h < hidden; h++)
        y += last[h] * kept->second[h];
    return y;
}

/* Adds to the gradients of one layer, from those of its outputs, dy; and makes those of its inputs, dx. */
static inline void dense_layer_backward(const double *values, double *gradients, const double *x, const double *dy,
                                        uint32_t inputs, uint32_t outputs, double *dx)
{
    for (uint32_t i = 0; i < inputs; i++) {
        const double *row = values + (size_t)i * outputs;
        double *to = gradients + (size_t)i * outputs, sum = 0;
#pragma omp simd reduction(+ : sum)
        for (uint32_t o = 0; o < outputs; o++) {
            to[o] += x[i] * dy[o];
            sum += row[o] * dy[o];
        }
        dx[i] = sum;
    }
    for (uint32_t o = 0; o < outputs; o++)
        gradients[(size_t)inputs * outputs + o] += dy[o];
}

/*
 * After dense_forward with the same x: adds dy times the output's derivatives to the gradients, and writes dy times those by
 * the inputs to dx. What the forward pass kept is overwritten. scratch: room for hidden values.
 */
static inline void dense_backward(struct dense *dense, const double *x, double dy, struct dense_values *kept,
                                  double *scratch, double *dx)
{
    const uint32_t inputs = dense->inputs, hidden = dense->hidden;
    const size_t second = (size_t)inputs * hidden + hidden, last = second + (size_t)hidden * hidden + hidden;
    for (uint32_t h = 0; h < hidden; h++) {
        dense->gradients[last + h] += dy * kept->second[h];
        kept->second[h] = kept->second[h] > 0 ? dy * dense->values[last + h] : 0;
    }
    dense->gradients[last + hidden] += dy;
    dense_layer_backward(dense->values + second, dense->gradients + second, kept->first, kept->second, hidden, hidden,
                         scratch);
    for (uint32_t h = 0; h < hidden; h++)
        kept->first[h] = kept->first[h] > 0 ? scratch[h] : 0;
    dense_layer_backward(dense->values, dense->gradients, x, kept->first, inputs, hidden, dx);
}

/* Adam (Kingma & Ba 2015), towards smaller values of what the gradients are of. */
static inline void dense_step(struct dense *dense, double lr)
{
    dense->steps++;
    const double steps = (double)dense->steps;
    const double scale = lr * sqrt(1 - pow(0.999, steps)) / (1 - pow(0.9, steps));
    for (size_t i = 0; i < dense->count; i++) {
        const double gradient = dense->gradients[i];
        dense->mean[i] += 0.1 * (gradient - dense->mean[i]);
        dense->square[i] += 0.001 * (gradient * gradient - dense->square[i]);
        dense->values[i] -= scale * dense->mean[i] / (sqrt(dense->square[i]) + 1e-8);
        dense->gradients[i] = 0;
    }
}

/* values ← (1 − τ)·values + τ·those of to; both are of one shape. */
static inline void dense_follow(struct dense *dense, const struct dense *to, double tau)
{
    for (size_t i = 0; i < dense->count; i++)
        dense->values[i] += tau * (to->values[i] - dense->values[i]);
}

#endif
