/* Row kernels, compiled once per instruction set. Before: KERNEL, the attributes of a kernel function. */
KERNEL void row_sums(size_t blocks, size_t period, const float *restrict x, const float *restrict origin,
                     float *restrict sums)
{
    for (size_t b = 0; b < blocks; b++, x += period) {
        for (size_t j = 0; j < period; j++)
            sums[j] += x[j] - origin[j];
    }
}

KERNEL void row_squares(size_t blocks, size_t period, const float *restrict x, const float *restrict mean,
                        float *restrict squares)
{
    for (size_t b = 0; b < blocks; b++, x += period) {
        for (size_t j = 0; j < period; j++)
            squares[j] += (x[j] - mean[j]) * (x[j] - mean[j]);
    }
}

/* x and y may be the same, and then are read before they are written. A NaN stays one through ReLU. */
KERNEL void row_affine(size_t blocks, size_t period, bool relu, const float *x, const float *restrict mean,
                       const float *restrict scale, const float *restrict shift, float *y)
{
    for (size_t b = 0; b < blocks; b++, x += period, y += period) {
#pragma GCC ivdep
        for (size_t j = 0; j < period; j++) {
            const float value = (x[j] - mean[j]) * scale[j] + shift[j];
            y[j] = relu && value < 0 ? 0 : value;
        }
    }
}

KERNEL void row_gradient_sums(size_t blocks, size_t period, bool relu, const float *restrict x, const float *restrict y,
                              const float *restrict dy, const float *restrict mean, float *restrict sums,
                              float *restrict products)
{
    for (size_t b = 0; b < blocks; b++, x += period, y += period, dy += period) {
        for (size_t j = 0; j < period; j++) {
            const float g = relu && !(y[j] > 0) ? 0 : dy[j];
            sums[j] += g;
            products[j] += g * (x[j] - mean[j]);
        }
    }
}

/* dy and dx may be the same. */
KERNEL void row_gradient(size_t blocks, size_t period, bool relu, const float *restrict x, const float *restrict y,
                         const float *dy, const float *restrict mean, const float *restrict scale,
                         const float *restrict slope, const float *restrict shift, float *dx)
{
    for (size_t b = 0; b < blocks; b++, x += period, y += period, dy += period, dx += period) {
#pragma GCC ivdep
        for (size_t j = 0; j < period; j++) {
            const float g = relu && !(y[j] > 0) ? 0 : dy[j];
            dx[j] = scale[j] * g + slope[j] * (x[j] - mean[j]) + shift[j];
        }
    }
}

KERNEL void row_scaled_gradient(size_t blocks, size_t period, bool relu, const float *restrict y, const float *dy,
                                const float *restrict scale, float *dx)
{
    for (size_t b = 0; b < blocks; b++, y += period, dy += period, dx += period) {
#pragma GCC ivdep
        for (size_t j = 0; j < period; j++)
            dx[j] = scale[j] * (relu && !(y[j] > 0) ? 0 : dy[j]);
    }
}
