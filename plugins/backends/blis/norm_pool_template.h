/*
 * Kernels of batch norm, ReLU and 2×2 maximum pooling in one, compiled once per instruction set. Before: KERNEL, the
 * attributes of a kernel function. The normalised values are worked out again wherever they are wanted: reading them costs more.
 */

/* The four deviations from the mean under window p at channel c, in row order, and the normalised values. */
#define WINDOW(rows, p, c)                                                                                             \
    const float *corner = (rows)->x + 2 * (p) * (rows)->channels + (c);                                                \
    const float mean_c = mean[c], scale_c = scale[c], shift_c = shift[c];                                              \
    const float d0 = corner[0] - mean_c, d1 = corner[(rows)->channels] - mean_c;                                       \
    const float d2 = corner[(rows)->row] - mean_c, d3 = corner[(rows)->row + (rows)->channels] - mean_c;               \
    const float v0 = d0 * scale_c + shift_c, v1 = d1 * scale_c + shift_c;                                              \
    const float v2 = d2 * scale_c + shift_c, v3 = d3 * scale_c + shift_c

/* The larger one, the first where they are equal; a NaN stays. */
#define LARGER(first, second) ((second) > (first) || (second) != (second) ? (second) : (first))

KERNEL void norm_pool(const struct norm_pool_rows *rows, float *restrict y)
{
    const float *restrict mean = rows->mean, *restrict scale = rows->scale, *restrict shift = rows->shift;
    for (size_t p = 0; p < rows->pixels; p++, y += rows->channels) {
        for (size_t c = 0; c < rows->channels; c++) {
            WINDOW(rows, p, c);
            const float upper = LARGER(v0, v1), lower = LARGER(v2, v3), value = LARGER(upper, lower);
            y[c] = value < 0 ? 0 : value;
        }
    }
}

/* Which of the four receives the gradient: the first of the largest, and none where ReLU or a NaN closes the window. */
#define WINNER(winner)                                                                                                 \
    int32_t winner = 0;                                                                                                \
    {                                                                                                                  \
        float best = v0;                                                                                               \
        winner = v1 > best ? 1 : winner;                                                                               \
        best = LARGER(best, v1);                                                                                       \
        winner = v2 > best ? 2 : winner;                                                                               \
        best = LARGER(best, v2);                                                                                       \
        winner = v3 > best ? 3 : winner;                                                                               \
        best = LARGER(best, v3);                                                                                       \
        winner = best > 0 ? winner : -1;                                                                               \
    }

KERNEL void norm_pool_sums(const struct norm_pool_rows *rows, const float *restrict dy, double *restrict sums,
                           double *restrict products, double *restrict deviations)
{
    const float *restrict mean = rows->mean, *restrict scale = rows->scale, *restrict shift = rows->shift;
    for (size_t p = 0; p < rows->pixels; p++, dy += rows->channels) {
#pragma GCC ivdep
        for (size_t c = 0; c < rows->channels; c++) {
            WINDOW(rows, p, c);
            WINNER(winner)
            const float g = winner < 0 ? 0 : dy[c];
            const float deviation = winner == 1 ? d1 : winner == 2 ? d2 : winner == 3 ? d3 : d0;
            sums[c] += (double)g;
            products[c] += (double)(g * deviation);
            deviations[c] += (double)(d0 + d1) + (double)(d2 + d3);
        }
    }
}

KERNEL void norm_pool_gradient(const struct norm_pool_rows *rows, const float *restrict dy,
                               const struct row_gradient_terms *terms, float *restrict dx)
{
    const float *restrict mean = rows->mean, *restrict scale = rows->scale, *restrict shift = rows->shift;
    for (size_t p = 0; p < rows->pixels; p++, dy += rows->channels) {
#pragma GCC ivdep
        for (size_t c = 0; c < rows->channels; c++) {
            WINDOW(rows, p, c);
            WINNER(winner)
            float *to = dx + 2 * p * rows->channels + c;
            const float g = terms->scale[c] * dy[c], constant = terms->shift[c], slope = terms->slope[c];
            const float rest = terms->rest[c];
            to[0] = ((winner == 0 ? g : 0) + constant) + (slope * d0 + rest);
            to[rows->channels] = ((winner == 1 ? g : 0) + constant) + (slope * d1 + rest);
            to[rows->row] = ((winner == 2 ? g : 0) + constant) + (slope * d2 + rest);
            to[rows->row + rows->channels] = ((winner == 3 ? g : 0) + constant) + (slope * d3 + rest);
        }
    }
}
