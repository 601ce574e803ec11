/*
 * Row kernels, compiled once per instruction set. Before: KERNEL, the attributes of a kernel function; DOUBLES in a vector.
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

enum { PARTS = 16 / DOUBLES, COLUMN = 16 };
typedef float part __attribute__((vector_size(DOUBLES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t part_mask __attribute__((vector_size(DOUBLES * sizeof(int32_t))));
typedef double part_sum __attribute__((vector_size(DOUBLES * sizeof(double)), aligned(sizeof(double)), may_alias));

/* Column by column: what a column sums stays in registers over all blocks. */
KERNEL void row_gradient_sums(size_t blocks, size_t period, bool relu, const struct row_gradient_input *input,
                              double *sums, double *products, double *deviations)
{
    const part zero = {0};
    const part_mask all = {0}, pass = relu ? all : ~all; /* without ReLU everything passes */
    const bool found = relu && !input->y; /* the mask, from x */
    size_t j = 0;
    for (; j + COLUMN <= period; j += COLUMN) {
        part_sum sum[PARTS] = {{0}}, product[PARTS] = {{0}}, deviation[PARTS] = {{0}};
        for (size_t b = 0; b < blocks; b++) {
#pragma GCC unroll 8
            for (size_t v = 0; v < PARTS; v++) {
                const size_t at = b * period + j + v * DOUBLES;
                const size_t column = j + v * DOUBLES;
                const part centred = *(const part *)(input->x + at) - *(const part *)(input->mean + column);
                part output = zero;
                if (found)
                    output = centred * *(const part *)(input->forward_scale + column) +
                             *(const part *)(input->forward_shift + column);
                else if (relu)
                    output = *(const part *)(input->y + at);
                const part_mask open = (output > zero) | pass;
                const part g = (part)((part_mask) * (const part *)(input->dy + at) & open);
                sum[v] += __builtin_convertvector(g, part_sum);
                product[v] += __builtin_convertvector(g * centred, part_sum);
                deviation[v] += __builtin_convertvector(centred, part_sum);
            }
        }
#pragma GCC unroll 8
        for (size_t v = 0; v < PARTS; v++) {
            *(part_sum *)(sums + j + v * DOUBLES) += sum[v];
            *(part_sum *)(products + j + v * DOUBLES) += product[v];
            *(part_sum *)(deviations + j + v * DOUBLES) += deviation[v];
        }
    }
    for (; j < period; j++) {
        for (size_t b = 0; b < blocks; b++) {
            const size_t at = b * period + j;
            const float centred = input->x[at] - input->mean[j];
            const float output = found  ? centred * input->forward_scale[j] + input->forward_shift[j]
                                 : relu ? input->y[at]
                                        : 0;
            const float g = relu && !(output > 0) ? 0 : input->dy[at];
            sums[j] += (double)g;
            products[j] += (double)(g * centred);
            deviations[j] += (double)centred;
        }
    }
}

/* dy and dx may be the same. */
KERNEL void row_gradient(size_t blocks, size_t period, bool relu, const struct row_gradient_input *input,
                         const struct row_gradient_terms *terms, float *dx)
{
    const float *restrict x = input->x, *restrict y = input->y, *restrict mean = input->mean, *dy = input->dy;
    const float *restrict scale = terms->scale, *restrict slope = terms->slope;
    const float *restrict shift = terms->shift, *restrict rest = terms->rest;
    if (relu && !y) {
        const float *restrict forward_scale = input->forward_scale, *restrict forward_shift = input->forward_shift;
        for (size_t b = 0; b < blocks; b++, x += period, dy += period, dx += period) {
#pragma GCC ivdep
            for (size_t j = 0; j < period; j++) {
                const float centred = x[j] - mean[j];
                const float g = centred * forward_scale[j] + forward_shift[j] > 0 ? dy[j] : 0;
                dx[j] = (scale[j] * g + shift[j]) + (slope[j] * centred + rest[j]);
            }
        }
        return;
    }
    for (size_t b = 0; b < blocks; b++, x += period, dy += period, dx += period) {
#pragma GCC ivdep
        for (size_t j = 0; j < period; j++) {
            const float g = relu && !(y[b * period + j] > 0) ? 0 : dy[j];
            dx[j] = (scale[j] * g + shift[j]) + (slope[j] * (x[j] - mean[j]) + rest[j]);
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
