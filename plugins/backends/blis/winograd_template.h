/*
 * Winograd's transforms for F(4×4, 3×3), points 0, ±1, ±2, ∞ (A. Lavin, S. Gray 2015), for LANES channels at once. Compiled once per instruction
 * set. Before: KERNEL, the attributes of a kernel function; LANES floats per vector.
 * Transformed arrays hold their 36 values `step` floats apart; they are padded to whole vectors, so stores are whole.
 * What a later tile reads or writes lies `ahead` floats behind what this one does: it is fetched meanwhile.
 */
typedef float winograd_vector __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

typedef int32_t winograd_mask __attribute__((vector_size(LANES * sizeof(int32_t))));

/* valid values from source, zeros behind them. */
KERNEL winograd_vector winograd_load(const float *source, size_t valid)
{
    return valid >= LANES ? *(const winograd_vector *)source : (winograd_vector)load_part(source, valid);
}

KERNEL void winograd_store(float *target, winograd_vector vector, size_t valid)
{
    if (valid >= LANES)
        *(winograd_vector *)target = vector;
    else
        store_part(target, (REGISTER)vector, valid);
}

/* One column of Bᵀd. */
#define INPUT_ROWS(d0, d1, d2, d3, d4, d5, T)                                                                          \
    do {                                                                                                               \
        const winograd_vector even = d4 - 4 * d2, odd = d3 - 4 * d1, even2 = d4 - d2, odd2 = 2 * (d3 - d1);            \
        T(0) = 4 * d0 - 5 * d2 + d4;                                                                                   \
        T(1) = even + odd;                                                                                             \
        T(2) = even - odd;                                                                                             \
        T(3) = even2 + odd2;                                                                                           \
        T(4) = even2 - odd2;                                                                                           \
        T(5) = 4 * d1 - 5 * d3 + d5;                                                                                   \
    } while (0)

/* v = Bᵀ d B: d from 36 sources at channel. */
KERNEL void winograd_input(const float *const *sources, size_t channel, size_t valid, size_t ahead, float *v,
                           size_t step)
{
    winograd_vector t[6][6];
#pragma GCC unroll 6
    for (size_t j = 0; j < 6; j++) {
        winograd_vector d[6];
#pragma GCC unroll 6
        for (size_t i = 0; i < 6; i++) {
            d[i] = winograd_load(sources[i * 6 + j] + channel, valid);
            if (j >= 2) /* the next tile's first two columns are this one's last */
                FETCH(sources[i * 6 + j] + channel, ahead);
        }
#define AT(i) t[i][j]
        INPUT_ROWS(d[0], d[1], d[2], d[3], d[4], d[5], AT);
#undef AT
    }
#pragma GCC unroll 6
    for (size_t i = 0; i < 6; i++) {
#define AT(j) *(winograd_vector *)(v + (i * 6 + j) * step)
        INPUT_ROWS(t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5], AT);
#undef AT
    }
}

/* One column of Aᵀm. */
#define OUTPUT_ROWS(m0, m1, m2, m3, m4, m5, T)                                                                         \
    do {                                                                                                               \
        const winograd_vector sum = m1 + m2, difference = m1 - m2, sum2 = m3 + m4, difference2 = m3 - m4;              \
        T(0) = m0 + sum + sum2;                                                                                        \
        T(1) = difference + 2 * difference2;                                                                           \
        T(2) = sum + 4 * sum2;                                                                                         \
        T(3) = difference + 8 * difference2 + m5;                                                                      \
    } while (0)

KERNEL winograd_vector winograd_select(winograd_mask where, winograd_vector yes, winograd_vector no)
{
    return (winograd_vector)(((winograd_mask)yes & where) | ((winograd_mask)no & ~where));
}

/* Aᵀ m: the rows of the output, before its columns are made. */
KERNEL inline __attribute__((always_inline)) void winograd_output_rows(const float *m, size_t step,
                                                                       winograd_vector t[4][6])
{
#pragma GCC unroll 6
    for (size_t j = 0; j < 6; j++) {
#define IN(i) (*(const winograd_vector *)(m + ((i)*6 + j) * step))
#define AT(i) t[i][j]
        OUTPUT_ROWS(IN(0), IN(1), IN(2), IN(3), IN(4), IN(5), AT);
#undef AT
#undef IN
    }
}

/* Between floor and ceiling; a NaN stays. */
KERNEL inline __attribute__((always_inline)) winograd_vector winograd_limited(const struct tile_finish *finish,
                                                                              winograd_vector value)
{
    const winograd_vector zero = {0}, floor = zero + finish->floor, ceiling = zero + finish->ceiling;
    const winograd_vector raised = winograd_select(value < floor, floor, value);
    return winograd_select(raised > ceiling, ceiling, raised);
}

/* y = Aᵀ m A, finished, to those of 16 targets that are not NULL. */
KERNEL inline __attribute__((always_inline)) void
winograd_output_any(const float *m, size_t step, const struct tile_finish *finish, float *const *targets,
                    size_t channel, size_t valid, size_t ahead, const struct tile_moments *moments)
{
    winograd_vector t[4][6];
    winograd_output_rows(m, step, t);
    const winograd_vector zero = {0};
    winograd_vector scale = zero + 1, offset = zero, origin = zero;
    if (finish->scale)
        scale = winograd_load(finish->scale + channel, valid);
    if (finish->offset)
        offset = winograd_load(finish->offset + channel, valid);
    if (moments)
        origin = *(const winograd_vector *)(moments->origin + channel);
    winograd_vector total = {0}, square = {0};
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        winograd_vector y[4];
#define AT(j) y[j]
        OUTPUT_ROWS(t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5], AT);
#undef AT
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            if (!targets[i * 4 + j])
                continue;
            winograd_vector value = y[j] * scale + offset;
            if (moments) {
                const winograd_vector deviation = value - origin;
                total += deviation;
                square += deviation * deviation;
            } else {
                value = winograd_limited(finish, value);
            }
            winograd_store(targets[i * 4 + j] + channel, value, valid);
            FETCH(targets[i * 4 + j] + channel, ahead);
        }
    }
    if (!moments)
        return;
    for (size_t c = 0; c < LANES; c++) {
        moments->sums[channel + c] += (double)total[c];
        moments->squares[channel + c] += (double)square[c];
    }
}

KERNEL void winograd_output(const float *m, size_t step, const struct tile_finish *finish, float *const *targets,
                            size_t channel, size_t valid, size_t ahead)
{
    winograd_output_any(m, step, finish, targets, channel, valid, ahead, NULL);
}

KERNEL void winograd_output_moments(const float *m, size_t step, const struct tile_finish *finish,
                                    float *const *targets, size_t channel, size_t valid, size_t ahead,
                                    const struct tile_moments *moments)
{
    winograd_output_any(m, step, finish, targets, channel, valid, ahead, moments);
}

/* The larger one; a NaN stays. */
KERNEL winograd_vector winograd_larger(winograd_vector first, winograd_vector second)
{
    const winograd_vector infinity = (winograd_vector){0} + __builtin_inff();
    return winograd_select((second > first) | ~(second <= infinity), second, first);
}

/* The largest of every 2×2 outputs, finished, to those of 4 targets that are not NULL. finish scales. */
KERNEL void winograd_output_pooled(const float *m, size_t step, const struct tile_finish *finish, float *const *targets,
                                   size_t channel, size_t valid, size_t ahead)
{
    winograd_vector t[4][6];
    winograd_output_rows(m, step, t);
    const winograd_vector scale = winograd_load(finish->scale + channel, valid);
    const winograd_vector offset = winograd_load(finish->offset + channel, valid);
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; i++) {
        winograd_vector y[2][4];
#pragma GCC unroll 2
        for (size_t r = 0; r < 2; r++) {
            const winograd_vector *row = t[2 * i + r];
#define AT(j) y[r][j]
            OUTPUT_ROWS(row[0], row[1], row[2], row[3], row[4], row[5], AT);
#undef AT
        }
#pragma GCC unroll 2
        for (size_t j = 0; j < 2; j++) {
            if (!targets[i * 2 + j])
                continue;
            const winograd_vector upper =
                winograd_larger(y[0][2 * j] * scale + offset, y[0][2 * j + 1] * scale + offset);
            const winograd_vector lower =
                winograd_larger(y[1][2 * j] * scale + offset, y[1][2 * j + 1] * scale + offset);
            const winograd_vector value = winograd_larger(upper, lower);
            winograd_store(targets[i * 2 + j] + channel, winograd_limited(finish, value), valid);
            FETCH(targets[i * 2 + j] + channel, ahead);
        }
    }
}

/* One column of A·y. */
#define GRADIENT_ROWS(y0, y1, y2, y3, T)                                                                               \
    do {                                                                                                               \
        const winograd_vector even = y0 + y2, odd = y1 + y3, even2 = y0 + 4 * y2, odd2 = 2 * y1 + 8 * y3;              \
        T(0) = y0;                                                                                                     \
        T(1) = even + odd;                                                                                             \
        T(2) = even - odd;                                                                                             \
        T(3) = even2 + odd2;                                                                                           \
        T(4) = even2 - odd2;                                                                                           \
        T(5) = y3;                                                                                                     \
    } while (0)

/* d = A dy Aᵀ: dy from 16 sources. */
KERNEL void winograd_gradient(const float *const *sources, size_t channel, size_t valid, size_t ahead, float *d,
                              size_t step)
{
    winograd_vector t[6][4];
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
        winograd_vector y[4];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++) {
            y[i] = winograd_load(sources[i * 4 + j] + channel, valid);
            FETCH(sources[i * 4 + j] + channel, ahead);
        }
#define AT(i) t[i][j]
        GRADIENT_ROWS(y[0], y[1], y[2], y[3], AT);
#undef AT
    }
#pragma GCC unroll 6
    for (size_t i = 0; i < 6; i++) {
#define AT(j) *(winograd_vector *)(d + (i * 6 + j) * step)
        GRADIENT_ROWS(t[i][0], t[i][1], t[i][2], t[i][3], AT);
#undef AT
    }
}

/* One column of G·g. */
#define FILTER_ROWS(g0, g1, g2, T)                                                                                     \
    do {                                                                                                               \
        const winograd_vector outer = (g0 + g2) * (-1.0f / 6), middle = g1 * (1.0f / 6);                               \
        const winograd_vector outer2 = g0 * (1.0f / 24) + g2 * (1.0f / 6), middle2 = g1 * (1.0f / 12);                 \
        T(0) = g0 * 0.25f;                                                                                             \
        T(1) = outer - middle;                                                                                         \
        T(2) = outer + middle;                                                                                         \
        T(3) = outer2 + middle2;                                                                                       \
        T(4) = outer2 - middle2;                                                                                       \
        T(5) = g2;                                                                                                     \
    } while (0)

/* u = G g Gᵀ: g from 9 taps, tap_step floats apart (backwards through a flipped filter). */
KERNEL void winograd_filter(const float *w, ptrdiff_t tap_step, size_t valid, float *u, size_t step)
{
    winograd_vector t[6][3];
#pragma GCC unroll 3
    for (size_t j = 0; j < 3; j++) {
        winograd_vector g[3];
#pragma GCC unroll 3
        for (size_t i = 0; i < 3; i++)
            g[i] = winograd_load(w + (ptrdiff_t)(i * 3 + j) * tap_step, valid);
#define AT(i) t[i][j]
        FILTER_ROWS(g[0], g[1], g[2], AT);
#undef AT
    }
#pragma GCC unroll 6
    for (size_t i = 0; i < 6; i++) {
#define AT(j) *(winograd_vector *)(u + (i * 6 + j) * step)
        FILTER_ROWS(t[i][0], t[i][1], t[i][2], AT);
#undef AT
    }
}

/* One column of Gᵀu. */
#define FILTER_GRADIENT_ROWS(u0, u1, u2, u3, u4, u5, T)                                                                \
    do {                                                                                                               \
        const winograd_vector sum = u1 + u2, sum2 = u3 + u4;                                                           \
        T(0) = u0 * 0.25f - sum * (1.0f / 6) + sum2 * (1.0f / 24);                                                     \
        T(1) = (u2 - u1) * (1.0f / 6) + (u3 - u4) * (1.0f / 12);                                                       \
        T(2) = (sum2 - sum) * (1.0f / 6) + u5;                                                                         \
    } while (0)

/* dw = Gᵀ du G, to 9 taps. */
KERNEL void winograd_filter_gradient(const float *du, size_t step, float *dw, size_t tap_step, size_t valid)
{
    winograd_vector t[3][6];
#pragma GCC unroll 6
    for (size_t j = 0; j < 6; j++) {
#define IN(i) winograd_load(du + ((i)*6 + j) * step, valid)
#define AT(i) t[i][j]
        FILTER_GRADIENT_ROWS(IN(0), IN(1), IN(2), IN(3), IN(4), IN(5), AT);
#undef AT
#undef IN
    }
#pragma GCC unroll 3
    for (size_t i = 0; i < 3; i++) {
        winograd_vector row[3];
#define AT(j) row[j]
        FILTER_GRADIENT_ROWS(t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5], AT);
#undef AT
#pragma GCC unroll 3
        for (size_t j = 0; j < 3; j++)
            winograd_store(dw + (i * 3 + j) * tap_step, row[j], valid);
    }
}
