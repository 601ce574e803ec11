/* The gradient of 2×2 pooling, compiled once per instruction set. Before: KERNEL, the attributes of a kernel function. */

/* Takes the gradient that is left where x is the maximum y. */
#define TAKE(x, y, left, taken)                                                                                        \
    const bool taken##_is = ((x) == (y)) | (((x) != (x)) & ((y) != (y)));                                              \
    const float taken = taken##_is ? left : 0;                                                                         \
    left = taken##_is ? 0 : left;

/* dy to the first of each window's four pixels that is its maximum, in row order, 0 to the others. */
KERNEL void pool_gradient(const struct pool_rows *rows)
{
    const size_t channels = rows->channels;
    for (size_t p = 0; p < rows->pixels; p++) {
        const float *x0 = rows->x + 2 * p * channels, *x1 = x0 + rows->row;
        const float *y = rows->y + p * channels, *dy = rows->dy + p * channels;
        float *d0 = rows->dx + 2 * p * channels, *d1 = d0 + rows->row;
#pragma GCC ivdep
        for (size_t c = 0; c < channels; c++) {
            const float value = y[c];
            float left = dy[c];
            TAKE(x0[c], value, left, a)
            TAKE(x0[channels + c], value, left, b)
            TAKE(x1[c], value, left, d)
            TAKE(x1[channels + c], value, left, e)
            d0[c] = a;
            d0[channels + c] = b;
            d1[c] = d;
            d1[channels + c] = e;
        }
    }
}
