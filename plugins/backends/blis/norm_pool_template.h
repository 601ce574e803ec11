/*
 * Kernels of 2×2 maximum pooling, and of batch norm, ReLU and it in one, compiled once per instruction set. Before: KERNEL, the
 * attributes of a kernel function; LANES floats per vector, DOUBLES doubles; load_part and store_part. The normalised
 * values are worked out again wherever they are needed: reading them costs more.
 */
typedef float pool_vector __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t pool_mask __attribute__((vector_size(LANES * sizeof(int32_t)), may_alias));

enum { POOL_PIXELS = 8 }; /* windows at a time: their rows stay in the first-level cache while the channels pass */

/* count channels of a row of windows, and the constants of those channels. */
struct pool_columns {
    const float *x;
    size_t pixel, row, count; /* pixel: floats between neighbours */
    pool_vector mean, scale, shift;
};

KERNEL struct pool_columns pool_columns_at(const struct norm_pool_rows *rows, size_t channel)
{
    const size_t left = rows->channels - channel, count = left < LANES ? left : LANES;
    return (struct pool_columns){.x = rows->x + channel,
                                 .pixel = rows->channels,
                                 .row = rows->row,
                                 .count = count,
                                 .mean = (pool_vector)load_part(rows->mean + channel, count),
                                 .scale = (pool_vector)load_part(rows->scale + channel, count),
                                 .shift = (pool_vector)load_part(rows->shift + channel, count)};
}

KERNEL pool_vector pool_select(pool_mask where, pool_vector yes, pool_vector no)
{
    return (pool_vector)(((pool_mask)yes & where) | ((pool_mask)no & ~where));
}

/* Where second is larger than first, or no number. */
KERNEL pool_mask pool_takes(pool_vector first, pool_vector second)
{
    const pool_vector infinity = (pool_vector){0} + __builtin_inff();
    return (second > first) | ~(second <= infinity);
}

/* The deviations of a window's four values, in row order. */
KERNEL void pool_deviations(const struct pool_columns *columns, size_t window, pool_vector d[4])
{
    const float *corner = columns->x + 2 * window * columns->pixel;
    const size_t at[4] = {0, columns->pixel, columns->row, columns->row + columns->pixel};
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++) {
        d[k] = (pool_vector)load_part(corner + at[k], columns->count) - columns->mean;
        FETCH(corner + at[k], 2 * POOL_PIXELS * columns->pixel);
    }
}

/* The largest normalised value, and where each of the four is it: the first of equals, and none where it is not positive. */
KERNEL pool_vector pool_winner(const struct pool_columns *columns, const pool_vector d[4], pool_mask won[4])
{
    const pool_vector zero = {0};
    const pool_vector a = d[0] * columns->scale + columns->shift, b = d[1] * columns->scale + columns->shift;
    const pool_vector c = d[2] * columns->scale + columns->shift, e = d[3] * columns->scale + columns->shift;
    const pool_mask right = pool_takes(a, b), lower_right = pool_takes(c, e);
    const pool_vector upper = pool_select(right, b, a), lower = pool_select(lower_right, e, c);
    const pool_mask below = pool_takes(upper, lower);
    const pool_vector largest = pool_select(below, lower, upper);
    const pool_mask open = largest > zero;
    won[0] = open & ~below & ~right;
    won[1] = open & ~below & right;
    won[2] = open & below & ~lower_right;
    won[3] = open & below & lower_right;
    return largest;
}

KERNEL void pool(const struct pool_rows *rows, float *y)
{
    for (size_t p = 0; p < rows->pixels; p++, y += rows->channels) {
        for (size_t channel = 0; channel < rows->channels; channel += LANES) {
            const size_t left = rows->channels - channel, count = left < LANES ? left : LANES;
            const float *corner = rows->x + 2 * p * rows->channels + channel, *below = corner + rows->row;
            const pool_vector a = (pool_vector)load_part(corner, count);
            const pool_vector b = (pool_vector)load_part(corner + rows->channels, count);
            const pool_vector c = (pool_vector)load_part(below, count);
            const pool_vector e = (pool_vector)load_part(below + rows->channels, count);
            const pool_vector upper = pool_select(pool_takes(a, b), b, a), lower = pool_select(pool_takes(c, e), e, c);
            store_part(y + channel, (REGISTER)pool_select(pool_takes(upper, lower), lower, upper), count);
        }
    }
}

KERNEL void norm_pool(const struct norm_pool_rows *rows, float *y)
{
    const pool_vector zero = {0};
    for (size_t first = 0; first < rows->pixels; first += POOL_PIXELS) {
        const size_t end = first + POOL_PIXELS < rows->pixels ? first + POOL_PIXELS : rows->pixels;
        for (size_t channel = 0; channel < rows->channels; channel += LANES) {
            const struct pool_columns columns = pool_columns_at(rows, channel);
            for (size_t p = first; p < end; p++) {
                pool_vector d[4];
                pool_mask won[4];
                pool_deviations(&columns, p, d);
                const pool_vector value = pool_winner(&columns, d, won);
                store_part(y + p * rows->channels + channel, (REGISTER)pool_select(value < zero, zero, value),
                           columns.count);
            }
        }
    }
}

/* sums[0 … LANES) += vector */
KERNEL void pool_add(double *sums, pool_vector vector)
{
    for (size_t lane = 0; lane < LANES; lane++)
        sums[lane] += (double)vector[lane];
}

KERNEL void norm_pool_sums(const struct norm_pool_rows *rows, const float *dy, double *sums, double *products,
                           double *deviations)
{
    for (size_t first = 0; first < rows->pixels; first += POOL_PIXELS) {
        const size_t end = first + POOL_PIXELS < rows->pixels ? first + POOL_PIXELS : rows->pixels;
        for (size_t channel = 0; channel < rows->channels; channel += LANES) {
            const struct pool_columns columns = pool_columns_at(rows, channel);
            double sum[LANES] = {0}, product[LANES] = {0}, deviation[LANES] = {0};
            for (size_t p = first; p < end; p++) {
                const pool_vector gradient = (pool_vector)load_part(dy + p * rows->channels + channel, columns.count);
                FETCH(dy + p * rows->channels + channel, POOL_PIXELS * rows->channels);
                pool_vector d[4], winner = {0};
                pool_mask won[4];
                pool_deviations(&columns, p, d);
                pool_winner(&columns, d, won);
#pragma GCC unroll 4
                for (size_t k = 0; k < 4; k++)
                    winner = pool_select(won[k], d[k], winner);
                const pool_vector g = (pool_vector)((pool_mask)gradient & (won[0] | won[1] | won[2] | won[3]));
                pool_add(sum, g);
                pool_add(product, g * winner);
                pool_add(deviation, d[0] + d[1]);
                pool_add(deviation, d[2] + d[3]);
            }
            for (size_t lane = 0; lane < columns.count; lane++) {
                sums[channel + lane] += sum[lane];
                products[channel + lane] += product[lane];
                deviations[channel + lane] += deviation[lane];
            }
        }
    }
}

KERNEL void norm_pool_gradient(const struct norm_pool_rows *rows, const float *dy,
                               const struct row_gradient_terms *terms, float *dx)
{
    for (size_t first = 0; first < rows->pixels; first += POOL_PIXELS) {
        const size_t end = first + POOL_PIXELS < rows->pixels ? first + POOL_PIXELS : rows->pixels;
        for (size_t channel = 0; channel < rows->channels; channel += LANES) {
            const struct pool_columns columns = pool_columns_at(rows, channel);
            const size_t at[4] = {0, columns.pixel, columns.row, columns.row + columns.pixel};
            const pool_vector scale = (pool_vector)load_part(terms->scale + channel, columns.count);
            const pool_vector slope = (pool_vector)load_part(terms->slope + channel, columns.count);
            const pool_vector shift = (pool_vector)load_part(terms->shift + channel, columns.count);
            const pool_vector rest = (pool_vector)load_part(terms->rest + channel, columns.count);
            for (size_t p = first; p < end; p++) {
                const pool_vector g = scale * (pool_vector)load_part(dy + p * rows->channels + channel, columns.count);
                FETCH(dy + p * rows->channels + channel, POOL_PIXELS * rows->channels);
                float *to = dx + 2 * p * rows->channels + channel;
                pool_vector d[4];
                pool_mask won[4];
                pool_deviations(&columns, p, d);
                pool_winner(&columns, d, won);
#pragma GCC unroll 4
                for (size_t k = 0; k < 4; k++) {
                    const pool_vector own = (pool_vector)((pool_mask)g & won[k]);
                    store_part(to + at[k], (REGISTER)((own + shift) + (slope * d[k] + rest)), columns.count);
                    FETCH(to + at[k], 2 * POOL_PIXELS * columns.pixel);
                }
            }
        }
    }
}
