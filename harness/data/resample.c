/* One affine resampling from 8-bit RGB to a normalised float image. */
#include "data/resample.h"

#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "data/resample_row.h"

enum { CHANNELS = PB_PIXEL_CHANNELS };

/* Output rows between asking for pixels and using them: enough for memory to answer, few enough to fit a first-level cache. */
enum { ROWS_AHEAD = 4 };

/* One pixel: red, green, blue, and a lane that is not used. */
typedef float pixel __attribute__((vector_size(16)));

/* One resampling under way. */
struct source {
    struct pb_row_plan plan;
    ptrdiff_t width, height;
    pb_row_kernel *kernel; /* NULL: pixel by pixel */
};

static inline int weight_of(pb_fixed coordinate)
{
    return (int)(coordinate >> (32 - PB_WEIGHT_BITS)) & (PB_WEIGHT_ONE - 1);
}

/* PB_WEIGHT_ONE × the value between two pixels, exactly: no more than 24 bits. */
#ifdef __SSE2__
static inline __m128i load(const uint8_t *address)
{
    int32_t bytes;
    memcpy(&bytes, address, sizeof bytes);
    return _mm_cvtsi32_si128(bytes);
}

static inline pixel between(const uint8_t *left, const uint8_t *right, int weight)
{
    const __m128i weights = _mm_set1_epi32(weight << 16 | (PB_WEIGHT_ONE - weight));
    const __m128i pairs = _mm_unpacklo_epi8(_mm_unpacklo_epi8(load(left), load(right)), _mm_setzero_si128());
    return (pixel)_mm_cvtepi32_ps(_mm_madd_epi16(pairs, weights));
}
#else
static inline pixel between(const uint8_t *left, const uint8_t *right, int weight)
{
    pixel result = {0};
    for (int i = 0; i < CHANNELS; i++)
        result[i] = (float)(left[i] * (PB_WEIGHT_ONE - weight) + right[i] * weight);
    return result;
}
#endif

/* upper + f·(lower − upper) gives upper back exactly for f = 0 and for equal rows. */
static inline pixel between_rows(pixel upper, pixel lower, int weight)
{
    return upper + ((float)weight * (1.0f / PB_WEIGHT_ONE)) * (lower - upper);
}

/* A point whose four neighbours all are inside. */
static inline pixel sample_inside(const struct source *source, struct pb_point at)
{
    const pb_fixed x = at.x - PB_FIXED_HALF, y = at.y - PB_FIXED_HALF;
    const uint8_t *upper = source->plan.pixels + (y >> 32) * source->plan.stride + (x >> 32) * CHANNELS;
    const uint8_t *lower = upper + source->plan.stride;
    return between_rows(between(upper, upper + CHANNELS, weight_of(x)), between(lower, lower + CHANNELS, weight_of(x)),
                        weight_of(y));
}

static inline ptrdiff_t clamp(ptrdiff_t value, ptrdiff_t last)
{
    return value < 0 ? 0 : value > last ? last : value;
}

static pixel sample_anywhere(const struct source *source, struct pb_point at)
{
    if (at.x < 0 || at.x >> 32 >= source->width || at.y < 0 || at.y >> 32 >= source->height)
        return (pixel){0};
    const pb_fixed x = at.x - PB_FIXED_HALF, y = at.y - PB_FIXED_HALF;
    const ptrdiff_t left = clamp(x >> 32, source->width - 1) * CHANNELS;
    const ptrdiff_t right = clamp((x >> 32) + 1, source->width - 1) * CHANNELS;
    const uint8_t *upper = source->plan.pixels + clamp(y >> 32, source->height - 1) * source->plan.stride;
    const uint8_t *lower = source->plan.pixels + clamp((y >> 32) + 1, source->height - 1) * source->plan.stride;
    return between_rows(between(upper + left, upper + right, weight_of(x)),
                        between(lower + left, lower + right, weight_of(x)), weight_of(y));
}

static pb_fixed to_fixed(double coordinate)
{
    return (pb_fixed)llrint(coordinate * (double)PB_FIXED_ONE);
}

static int point_count(double shrink)
{
    return shrink > 1.5 ? (int)(shrink + 0.5) : 1;
}

static struct pb_spread make_spread(const struct pb_affine *affine)
{
    const int count_x = point_count(hypot(affine->xx, affine->yx));
    const int count_y = point_count(hypot(affine->xy, affine->yy));
    const double column_x = affine->xx / count_x, column_y = affine->yx / count_x;
    const double row_x = affine->xy / count_y, row_y = affine->yy / count_y;
    return (struct pb_spread){
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

static inline bool is_inside(const struct source *source, struct pb_point at)
{
    const struct pb_spread *spread = &source->plan.spread;
    /* Half a pixel for the neighbours, and rounding of the steps within the pixel's reach. */
    const pb_fixed margin = PB_FIXED_HALF + 256;
    return at.x - spread->reach.x >= margin &&
           at.x + spread->reach.x + margin < (pb_fixed)source->width * PB_FIXED_ONE &&
           at.y - spread->reach.y >= margin &&
           at.y + spread->reach.y + margin < (pb_fixed)source->height * PB_FIXED_ONE;
}

static inline pixel sum_points(const struct source *source, struct pb_point at)
{
    const struct pb_spread *spread = &source->plan.spread;
    const bool inside = is_inside(source, at);
    struct pb_point begin = {at.x + spread->first.x, at.y + spread->first.y};
    pixel sum = {0};
    for (int row = 0; row < spread->count_y; row++) {
        struct pb_point point = begin;
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

static inline struct pb_point along(struct pb_point from, struct pb_point step, uint32_t count)
{
    return (struct pb_point){from.x + step.x * count, from.y + step.y * count};
}

static void make_pixel(const struct source *source, struct pb_point centre, float *out)
{
    pixel scale, offset;
    memcpy(&scale, source->plan.scale, sizeof scale);
    memcpy(&offset, source->plan.offset, sizeof offset);
    const pixel value = sum_points(source, centre) * scale + offset;
    memcpy(out, &value, CHANNELS * sizeof *out);
}

/* How many whole groups of a row are inside, from the centre of the first pixel on: what is inside is convex. */
static uint32_t groups_inside(const struct source *source, struct pb_point centre, uint32_t pixels)
{
    uint32_t groups = 0;
    if (!source->kernel || !is_inside(source, centre))
        return 0;
    while ((groups + 1) * PB_ROW_GROUP <= pixels &&
           is_inside(source, along(centre, source->plan.step, (groups + 1) * PB_ROW_GROUP - 1)))
        groups++;
    return groups;
}

static void make_row(const struct source *source, struct pb_point centre, uint32_t pixels, float *out)
{
    while (pixels > 0) {
        const uint32_t groups = groups_inside(source, centre, pixels);
        const uint32_t made = groups > 0 ? groups * PB_ROW_GROUP : 1;
        if (groups > 0)
            source->kernel(&source->plan, centre, groups, out);
        else
            make_pixel(source, centre, out);
        centre = along(centre, source->plan.step, made);
        out += (size_t)made * CHANNELS;
        pixels -= made;
    }
}

static pb_row_kernel *find_kernel(enum pb_resample_kernels kernels)
{
#if defined(__x86_64__)
    if (kernels == PB_RESAMPLE_BEST && __builtin_cpu_supports("avx2"))
        return pb_row_kernel_avx2;
#endif
    (void)kernels;
    return NULL;
}

static struct source make_source(const struct pb_resampling *resampling, enum pb_resample_kernels kernels)
{
    const struct pb_affine *affine = &resampling->affine;
    const struct pb_spread spread = make_spread(affine);
    const float sum = (float)PB_WEIGHT_ONE * (float)(spread.count_x * spread.count_y);
    struct source source = {.plan = {.pixels = resampling->pixels,
                                     .stride = (ptrdiff_t)resampling->source.width * CHANNELS,
                                     .spread = spread,
                                     .step = {to_fixed(affine->xx), to_fixed(affine->yx)}},
                            .width = (ptrdiff_t)resampling->source.width,
                            .height = (ptrdiff_t)resampling->source.height,
                            .kernel = find_kernel(kernels)};
    for (int i = 0; i < 4; i++) {
        source.plan.scale[i] = resampling->scale[i] / sum;
        source.plan.offset[i] = resampling->offset[i];
    }
    return source;
}

void pb_resample_with(const struct pb_resampling *resampling, enum pb_resample_kernels kernels, float *out)
{
    const struct pb_affine *affine = &resampling->affine;
    const struct pb_point row_step = {to_fixed(affine->xy), to_fixed(affine->yy)};
    struct source source = make_source(resampling, kernels);
    source.plan.ahead = (ptrdiff_t)lround(ROWS_AHEAD * affine->yy) * source.plan.stride +
                        (ptrdiff_t)lround(ROWS_AHEAD * affine->xy) * CHANNELS;
    struct pb_point begin = {to_fixed(affine->x0), to_fixed(affine->y0)};
    if (resampling->flip) {
        begin = along(begin, source.plan.step, resampling->size - 1);
        source.plan.step = (struct pb_point){-source.plan.step.x, -source.plan.step.y};
    }
    for (uint32_t row = 0; row < resampling->size; row++)
        make_row(&source, along(begin, row_step, row), resampling->size,
                 out + (size_t)row * resampling->size * CHANNELS);
}

void pb_resample(const struct pb_resampling *resampling, float *out)
{
    pb_resample_with(resampling, PB_RESAMPLE_BEST, out);
}
