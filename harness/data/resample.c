/* One affine resampling from 8-bit RGB to a normalised float image. */
#include "data/resample.h"

#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { CHANNELS = 3 };

/* One pixel: red, green, blue, and a lane that is not used. */
typedef float pixel __attribute__((vector_size(16)));

/* Source coordinates in units of 2^-32 pixels: sums of steps are exact, so that a pixel's value depends on its place alone. */
typedef int64_t fixed;
#define FIXED_ONE ((fixed)1 << 32)
#define FIXED_HALF (FIXED_ONE / 2)

/* Weights of neighbouring pixels add up to 2^14: with a byte they fit what one multiply-add of 16-bit pairs takes. */
enum { WEIGHT_BITS = 14, WEIGHT_ONE = 1 << WEIGHT_BITS };

struct point {
    fixed x, y;
};

struct source {
    const uint8_t *pixels;
    ptrdiff_t width, height, stride;
};

/* The points of one output pixel: count_x×count_y, this far apart in the source. */
struct spread {
    int count_x, count_y;
    struct point first; /* from the pixel's centre */
    struct point column, row; /* steps */
    struct point reach; /* of all of them, from the centre */
};

static inline int weight_of(fixed coordinate)
{
    return (int)(coordinate >> (32 - WEIGHT_BITS)) & (WEIGHT_ONE - 1);
}

/* WEIGHT_ONE × the value between two pixels, exactly: no more than 24 bits. */
#ifdef __SSE2__
static inline __m128i load(const uint8_t *address)
{
    int32_t bytes;
    memcpy(&bytes, address, sizeof bytes);
    return _mm_cvtsi32_si128(bytes);
}

static inline pixel between(const uint8_t *left, const uint8_t *right, int weight)
{
    const __m128i weights = _mm_set1_epi32(weight << 16 | (WEIGHT_ONE - weight));
    const __m128i pairs = _mm_unpacklo_epi8(_mm_unpacklo_epi8(load(left), load(right)), _mm_setzero_si128());
    return (pixel)_mm_cvtepi32_ps(_mm_madd_epi16(pairs, weights));
}
#else
static inline pixel between(const uint8_t *left, const uint8_t *right, int weight)
{
    pixel result = {0};
    for (int i = 0; i < CHANNELS; i++)
        result[i] = (float)(left[i] * (WEIGHT_ONE - weight) + right[i] * weight);
    return result;
}
#endif

/* upper + f·(lower − upper) gives upper back exactly for f = 0 and for equal rows. */
static inline pixel between_rows(pixel upper, pixel lower, int weight)
{
    return upper + ((float)weight * (1.0f / WEIGHT_ONE)) * (lower - upper);
}

/* A point whose four neighbours all lie inside. */
static inline pixel sample_inside(const struct source *source, struct point at)
{
    const fixed x = at.x - FIXED_HALF, y = at.y - FIXED_HALF;
    const uint8_t *upper = source->pixels + (y >> 32) * source->stride + (x >> 32) * CHANNELS;
    const uint8_t *lower = upper + source->stride;
    return between_rows(between(upper, upper + CHANNELS, weight_of(x)), between(lower, lower + CHANNELS, weight_of(x)),
                        weight_of(y));
}

static inline ptrdiff_t clamp(ptrdiff_t value, ptrdiff_t last)
{
    return value < 0 ? 0 : value > last ? last : value;
}

static pixel sample_anywhere(const struct source *source, struct point at)
{
    if (at.x < 0 || at.x >> 32 >= source->width || at.y < 0 || at.y >> 32 >= source->height)
        return (pixel){0};
    const fixed x = at.x - FIXED_HALF, y = at.y - FIXED_HALF;
    const ptrdiff_t left = clamp(x >> 32, source->width - 1) * CHANNELS;
    const ptrdiff_t right = clamp((x >> 32) + 1, source->width - 1) * CHANNELS;
    const uint8_t *upper = source->pixels + clamp(y >> 32, source->height - 1) * source->stride;
    const uint8_t *lower = source->pixels + clamp((y >> 32) + 1, source->height - 1) * source->stride;
    return between_rows(between(upper + left, upper + right, weight_of(x)),
                        between(lower + left, lower + right, weight_of(x)), weight_of(y));
}

static fixed to_fixed(double coordinate)
{
    return (fixed)llrint(coordinate * (double)FIXED_ONE);
}

static int point_count(double shrink)
{
    return shrink > 1.5 ? (int)(shrink + 0.5) : 1;
}

static struct spread make_spread(const struct pb_affine *affine)
{
    const int count_x = point_count(hypot(affine->xx, affine->yx));
    const int count_y = point_count(hypot(affine->xy, affine->yy));
    const double column_x = affine->xx / count_x, column_y = affine->yx / count_x;
    const double row_x = affine->xy / count_y, row_y = affine->yy / count_y;
    return (struct spread){
        .count_x = count_x,
        .count_y = count_y,
        .first = {to_fixed(-0.5 * (count_x - 1) * column_x - 0.5 * (count_y - 1) * row_x),
                  to_fixed(-0.5 * (count_x - 1) * column_y - 0.5 * (count_y - 1) * row_y)},
        .column = {to_fixed(column_x), to_fixed(column_y)},
        .row = {to_fixed(row_x), to_fixed(row_y)},
        .reach = {to_fixed(0.5 * (fabs(affine->xx) + fabs(affine->xy))),
                  to_fixed(0.5 * (fabs(affine->yx) + fabs(affine->yy)))},
    };
}

static inline bool is_inside(const struct source *source, const struct spread *spread, struct point at)
{
    /* Half a pixel for the neighbours, and rounding of the steps within the pixel's reach. */
    const fixed margin = FIXED_HALF + 256;
    return at.x - spread->reach.x >= margin && at.x + spread->reach.x + margin < (fixed)source->width * FIXED_ONE &&
           at.y - spread->reach.y >= margin && at.y + spread->reach.y + margin < (fixed)source->height * FIXED_ONE;
}

static inline pixel sum_points(const struct source *source, const struct spread *spread, struct point at)
{
    const bool inside = is_inside(source, spread, at);
    struct point begin = {at.x + spread->first.x, at.y + spread->first.y};
    pixel sum = {0};
    for (int row = 0; row < spread->count_y; row++) {
        struct point point = begin;
        for (int column = 0; column < spread->count_x; column++) {
            sum += inside ? sample_inside(source, point) : sample_anywhere(source, point);
            point.x += spread->column.x;
            point.y += spread->column.y;
        }
        begin.x += spread->row.x;
        begin.y += spread->row.y;
    }
    return sum;
}

void pb_resampling_normalise(struct pb_resampling *resampling, const struct pb_preprocess *preprocess)
{
    for (int i = 0; i < CHANNELS; i++) {
        resampling->scale[i] = (float)(1 / (255 * preprocess->std[i]));
        resampling->offset[i] = (float)(-preprocess->mean[i] / preprocess->std[i]);
    }
    resampling->scale[CHANNELS] = resampling->offset[CHANNELS] = 0;
}

void pb_resample(const struct pb_resampling *resampling, float *out)
{
    const struct source source = {.pixels = resampling->pixels,
                                  .width = (ptrdiff_t)resampling->source.width,
                                  .height = (ptrdiff_t)resampling->source.height,
                                  .stride = (ptrdiff_t)resampling->source.width * CHANNELS};
    const struct pb_affine *affine = &resampling->affine;
    const struct spread spread = make_spread(affine);
    const struct point column_step = {to_fixed(affine->xx), to_fixed(affine->yx)};
    const struct point row_step = {to_fixed(affine->xy), to_fixed(affine->yy)};
    const struct point origin = {to_fixed(affine->x0), to_fixed(affine->y0)};
    pixel scale, offset;
    memcpy(&scale, resampling->scale, sizeof scale);
    memcpy(&offset, resampling->offset, sizeof offset);
    scale /= (float)WEIGHT_ONE * (float)(spread.count_x * spread.count_y);
    for (uint32_t row = 0; row < resampling->size; row++)
        for (uint32_t i = 0; i < resampling->size; i++) {
            const uint32_t column = resampling->flip ? resampling->size - 1 - i : i;
            const struct point centre = {origin.x + column_step.x * column + row_step.x * row,
                                         origin.y + column_step.y * column + row_step.y * row};
            const pixel value = sum_points(&source, &spread, centre) * scale + offset;
            memcpy(out, &value, CHANNELS * sizeof *out);
            out += CHANNELS;
        }
}
