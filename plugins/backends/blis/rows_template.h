/*
 * Row kernels, compiled once per instruction set. Before: KERNEL, the attributes of a kernel function; DOUBLES in a vector;
 * WIDEN(floats), so many floats as doubles.
 * Sums are taken in double, because they may be zero but for rounding, as the gradient of a bias before a batch norm is.
 */
KERNEL void row_sums(size_t blocks, size_t period, const float *restrict x, const float *restrict origin,
                     double *restrict sums)
{
    for (size_t b = 0; b < blocks; b++, x += period) {
        for (size_t j = 0; j < period; j++)
            sums[j] += (double)(x[j] - origin[j]);
    }
}

KERNEL void row_squares(size_t blocks, size_t period, const float *restrict x, const float *restrict mean,
                        double *restrict squares)
{
    for (size_t b = 0; b < blocks; b++, x += period) {
        for (size_t j = 0; j < period; j++) {
            const float deviation = x[j] - mean[j];
            squares[j] += (double)(deviation * deviation);
        }
    }
}

/* x and y may be the same, and then are read before they are written. A NaN stays one through ReLU. */
KERNEL void row_affine(size_t blocks, size_t period, struct row_relu relu, const float *x, const float *restrict mean,
                       const float *restrict scale, const float *restrict shift, float *y)
{
    const float floor = relu.set ? 0 : -__builtin_inff(), ceiling = relu.set ? relu.ceiling : __builtin_inff();
    for (size_t b = 0; b < blocks; b++, x += period, y += period) {
#pragma GCC ivdep
        for (size_t j = 0; j < period; j++) {
            const float value = (x[j] - mean[j]) * scale[j] + shift[j];
            const float raised = value < floor ? floor : value;
            y[j] = raised > ceiling ? ceiling : raised;
        }
    }
}

typedef float part __attribute__((vector_size(DOUBLES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t part_mask __attribute__((vector_size(DOUBLES * sizeof(int32_t))));
typedef double part_sum __attribute__((vector_size(DOUBLES * sizeof(double)), aligned(sizeof(double)), may_alias));

/* One vector's worth of a few blocks, whose sums stay in registers. */
KERNEL inline __attribute__((always_inline)) void row_gradient_add(size_t blocks, size_t period, struct row_relu relu,
                                                                   size_t at, size_t column,
                                                                   const struct row_gradient_input *input, double *sums,
                                                                   double *products, double *deviations)
{
    const part zero = {0}, ceiling = zero + relu.ceiling, mean = *(const part *)(input->mean + column);
    const part_mask all = {0}, pass = relu.set ? all : ~all; /* without ReLU everything passes */
    part scale = zero, shift = zero;
    if (relu.set && !input->y) {
        scale = *(const part *)(input->forward_scale + column);
        shift = *(const part *)(input->forward_shift + column);
    }
    part_sum sum = *(const part_sum *)(sums + column), product = *(const part_sum *)(products + column);
    part_sum deviation = *(const part_sum *)(deviations + column);
    for (size_t b = 0; b < blocks; b++, at += period) {
        FETCH(input->x + at, blocks * period);
        FETCH(input->dy + at, blocks * period);
        const part centred = *(const part *)(input->x + at) - mean;
        part output = centred * scale + shift;
        if (input->y)
            output = *(const part *)(input->y + at);
        const part_mask open = ((output > zero) & (output < ceiling)) | pass;
        const part g = (part)((part_mask) * (const part *)(input->dy + at) & open);
        sum += WIDEN(g);
        product += WIDEN(g * centred);
        deviation += WIDEN(centred);
    }
    *(part_sum *)(sums + column) = sum;
    *(part_sum *)(products + column) = product;
    *(part_sum *)(deviations + column) = deviation;
}

/* Whether a gradient passes behind this output. */
KERNEL inline __attribute__((always_inline)) bool row_open(struct row_relu relu, float output)
{
    const bool all = !relu.set;
    return all | ((output > 0) & (output < relu.ceiling));
}

/* A few blocks at a time: memory is read in order, and sums are not loaded and stored for every value. */
KERNEL void row_gradient_sums(size_t blocks, size_t period, struct row_relu relu,
                              const struct row_gradient_input *input, double *sums, double *products,
                              double *deviations)
{
    enum { TOGETHER = 4 };
    for (size_t b = 0; b < blocks; b += TOGETHER) {
        const size_t count = blocks - b < TOGETHER ? blocks - b : TOGETHER;
        size_t j = 0;
        for (; j + DOUBLES <= period; j += DOUBLES)
            row_gradient_add(count, period, relu, b * period + j, j, input, sums, products, deviations);
        for (; j < period; j++) {
            for (size_t i = 0; i < count; i++) {
                const size_t at = (b + i) * period + j;
                const float centred = input->x[at] - input->mean[j];
                const float output = !relu.set  ? 0
                                     : input->y ? input->y[at]
                                                : centred * input->forward_scale[j] + input->forward_shift[j];
                const float g = row_open(relu, output) ? input->dy[at] : 0;
                sums[j] += (double)g;
                products[j] += (double)(g * centred);
                deviations[j] += (double)centred;
            }
        }
    }
}

/* dy and dx may be the same. */
KERNEL void row_gradient(size_t blocks, size_t period, struct row_relu relu, const struct row_gradient_input *input,
                         const struct row_gradient_terms *terms, float *dx)
{
    const float *restrict x = input->x, *restrict y = input->y, *restrict mean = input->mean, *dy = input->dy;
    const float *restrict scale = terms->scale, *restrict slope = terms->slope;
    const float *restrict shift = terms->shift, *restrict rest = terms->rest;
    if (relu.set && !y) {
        const float *restrict forward_scale = input->forward_scale, *restrict forward_shift = input->forward_shift;
        for (size_t b = 0; b < blocks; b++, x += period, dy += period, dx += period) {
#pragma GCC ivdep
            for (size_t j = 0; j < period; j++) {
                const float centred = x[j] - mean[j];
                const float output = centred * forward_scale[j] + forward_shift[j];
                const float g = row_open(relu, output) ? dy[j] : 0;
                dx[j] = (scale[j] * g + shift[j]) + (slope[j] * centred + rest[j]);
            }
        }
        return;
    }
    for (size_t b = 0; b < blocks; b++, x += period, dy += period, dx += period) {
#pragma GCC ivdep
        for (size_t j = 0; j < period; j++) {
            const float g = !relu.set || row_open(relu, y[b * period + j]) ? dy[j] : 0;
            dx[j] = (scale[j] * g + shift[j]) + (slope[j] * (x[j] - mean[j]) + rest[j]);
        }
    }
}

KERNEL void row_scaled_gradient(size_t blocks, size_t period, struct row_relu relu, const float *restrict y,
                                const float *dy, const float *restrict scale, float *dx)
{
    for (size_t b = 0; b < blocks; b++, y += period, dy += period, dx += period) {
#pragma GCC ivdep
        for (size_t j = 0; j < period; j++)
            dx[j] = scale[j] * (row_open(relu, y[j]) ? dy[j] : 0);
    }
}
