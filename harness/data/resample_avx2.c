/* Eight resampled pixels at once with AVX2; bit for bit what resample.c makes of them one by one. */
#include "data/resample_row.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

/* Without FMA: a sum that is rounded once more or less would be another one. */
#define KERNEL __attribute__((target("avx2")))
#define INLINE static inline __attribute__((target("avx2"), always_inline))

/* Coordinates of eight points as 64-bit lanes; even holds pixels 0 1 4 5, odd 2 3 6 7, so that halves interleave in order. */
struct lanes {
    __m256i even, odd;
};

/* Eight points: where their upper left neighbours lie, and how near the others are. */
struct points {
    int32_t at[PB_ROW_GROUP]; /* bytes from the image's first */
    __m256i across; /* pairs of 16-bit weights: left, right */
    __m256 down; /* weight of the lower row, 0 … 1 */
};

INLINE struct lanes steps_of(pb_fixed step)
{
    return (struct lanes){_mm256_setr_epi64x(0, step, 4 * step, 5 * step),
                          _mm256_setr_epi64x(2 * step, 3 * step, 6 * step, 7 * step)};
}

INLINE struct lanes add(struct lanes steps, pb_fixed from)
{
    const __m256i first = _mm256_set1_epi64x(from);
    return (struct lanes){_mm256_add_epi64(first, steps.even), _mm256_add_epi64(first, steps.odd)};
}

INLINE __m256i whole_part(struct lanes lanes)
{
    return _mm256_castps_si256(
        _mm256_shuffle_ps(_mm256_castsi256_ps(lanes.even), _mm256_castsi256_ps(lanes.odd), _MM_SHUFFLE(3, 1, 3, 1)));
}

INLINE __m256i weight_part(struct lanes lanes)
{
    const __m256i low = _mm256_castps_si256(
        _mm256_shuffle_ps(_mm256_castsi256_ps(lanes.even), _mm256_castsi256_ps(lanes.odd), _MM_SHUFFLE(2, 0, 2, 0)));
    return _mm256_srli_epi32(low, 32 - PB_WEIGHT_BITS);
}

INLINE struct points locate(struct lanes x, struct lanes y, ptrdiff_t stride)
{
    struct points points;
    const __m256i column = whole_part(x), right = weight_part(x);
    const __m256i row = _mm256_mullo_epi32(whole_part(y), _mm256_set1_epi32((int32_t)stride));
    const __m256i at = _mm256_add_epi32(row, _mm256_add_epi32(column, _mm256_add_epi32(column, column)));
    _mm256_storeu_si256((__m256i *)(void *)points.at, at);
    points.across =
        _mm256_or_si256(_mm256_slli_epi32(right, 16), _mm256_sub_epi32(_mm256_set1_epi32(PB_WEIGHT_ONE), right));
    points.down = _mm256_mul_ps(_mm256_cvtepi32_ps(weight_part(y)), _mm256_set1_ps(1.0f / PB_WEIGHT_ONE));
    return points;
}

INLINE __m256i load_pair(const uint8_t *address)
{
    int64_t bytes;
    memcpy(&bytes, address, sizeof bytes);
    return _mm256_set1_epi64x(bytes);
}

/* PB_WEIGHT_ONE × the values between left and right of two pixels: four lanes each, the fourth 0. */
INLINE __m256 between(const uint8_t *first, const uint8_t *second, __m256i weights)
{
    const __m256i spread = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, /* first's lane */
                                            0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
    const __m256i both = _mm256_blend_epi32(load_pair(first), load_pair(second), 0xf0);
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_shuffle_epi8(both, spread), weights));
}

/* Adds pixels 2·pair and 2·pair + 1 of these points. */
INLINE __m256 add_pair(const struct pb_row_plan *plan, const struct points *points, int pair, __m256 sum)
{
    const uint8_t *first = plan->pixels + points->at[2 * pair], *second = plan->pixels + points->at[2 * pair + 1];
    const __m256i lanes = _mm256_add_epi32(_mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1), _mm256_set1_epi32(2 * pair));
    const __m256i across = _mm256_permutevar8x32_epi32(points->across, lanes);
    const __m256 down = _mm256_permutevar8x32_ps(points->down, lanes);
    const __m256 upper = between(first, second, across);
    const __m256 lower = between(first + plan->stride, second + plan->stride, across);
    return _mm256_add_ps(sum, _mm256_add_ps(upper, _mm256_mul_ps(down, _mm256_sub_ps(lower, upper))));
}

/* Two pixels of four lanes each as six floats. */
INLINE void store_pair(float *out, __m256 pixels)
{
    const __m256 packed = _mm256_permutevar8x32_ps(pixels, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
    _mm_storeu_ps(out, _mm256_castps256_ps128(packed));
    _mm_storel_pi((__m64 *)(void *)(out + 4), _mm256_extractf128_ps(packed, 1));
}

/* Rows that run across a turned image are no pattern that processors foresee. The address may lie outside the image:
 * nothing is read from it. */
INLINE void prefetch_ahead(const struct pb_row_plan *plan, const struct points *points)
{
    const uintptr_t address = (uintptr_t)plan->pixels + (uintptr_t)points->at[0] + (uintptr_t)plan->ahead;
    _mm_prefetch((const char *)address, _MM_HINT_T0);
}

/* The sums over all points of one group, a pair of pixels each. */
INLINE void sum_points(const struct pb_row_plan *plan, struct pb_point centre, struct lanes x, struct lanes y,
                       __m256 sums[PB_ROW_GROUP / 2])
{
    const struct pb_spread *spread = &plan->spread;
    struct pb_point begin = {centre.x + spread->first.x - PB_FIXED_HALF, centre.y + spread->first.y - PB_FIXED_HALF};
    for (int row = 0; row < spread->count_y; row++) {
        struct pb_point point = begin;
        for (int column = 0; column < spread->count_x; column++) {
            const struct points points = locate(add(x, point.x), add(y, point.y), plan->stride);
            if (column == 0)
                prefetch_ahead(plan, &points);
            for (int pair = 0; pair < PB_ROW_GROUP / 2; pair++)
                sums[pair] = add_pair(plan, &points, pair, sums[pair]);
            point.x += spread->column.x;
            point.y += spread->column.y;
        }
        begin.x += spread->row.x;
        begin.y += spread->row.y;
    }
}

KERNEL void pb_row_kernel_avx2(const struct pb_row_plan *plan, struct pb_point centre, uint32_t groups, float *out)
{
    const struct lanes x = steps_of(plan->step.x), y = steps_of(plan->step.y);
    const __m256 scale = _mm256_broadcast_ps((const __m128 *)(const void *)plan->scale);
    const __m256 offset = _mm256_broadcast_ps((const __m128 *)(const void *)plan->offset);
    for (uint32_t group = 0; group < groups; group++) {
        __m256 sums[PB_ROW_GROUP / 2] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                                         _mm256_setzero_ps()};
        sum_points(plan, centre, x, y, sums);
        for (int pair = 0; pair < PB_ROW_GROUP / 2; pair++, out += 2 * PB_PIXEL_CHANNELS)
            store_pair(out, _mm256_add_ps(_mm256_mul_ps(sums[pair], scale), offset));
        centre.x += PB_ROW_GROUP * plan->step.x;
        centre.y += PB_ROW_GROUP * plan->step.y;
    }
}

#else
typedef int pb_no_avx2; /* C requires a declaration in every file */
#endif
