/* Resampling against its definition, written down naively in double precision; and the kernels against each other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "data/resample.h"

enum { MAX_SIDE = 90 };

/* One random look at one random image. */
struct look {
    struct pb_preprocess preprocess;
    struct pb_size source, cropped;
    struct pb_augmentation augmentation;
    struct pb_resampling resampling;
    uint8_t *pixels;
};

/* Noise that changes slowly enough for a point's place to matter little: the reference rounds it otherwise. */
static uint8_t *draw_pixels(struct pb_size size, struct pb_rng *rng)
{
    uint8_t *pixels = pb_calloc((size_t)size.width * size.height * 3 + PB_PIXEL_PADDING, 1);
    assert_non_null(pixels);
    for (size_t i = 0; i < (size_t)size.width * size.height * 3; i++)
        pixels[i] = (uint8_t)pb_rng_below(rng, 256);
    return pixels;
}

static void setup_look(struct look *look, uint32_t number)
{
    struct pb_rng rng;
    char stream[32];
    memset(look, 0, sizeof *look);
    snprintf(stream, sizeof stream, "look %u", number);
    pb_rng_init(&rng, 1, stream);
    pb_preprocess_default(&look->preprocess);
    look->preprocess.image_size = 1 + pb_rng_below(&rng, MAX_SIDE);
    look->preprocess.flip = 0.5;
    look->preprocess.rotate = number % 4 == 0 ? 0 : number % 4 == 1 ? 180 : 15;
    look->preprocess.mean[1] = 0.4;
    look->preprocess.std[2] = 0.2;
    look->cropped.width = 1 + pb_rng_below(&rng, 400);
    look->cropped.height = 1 + pb_rng_below(&rng, 400);
    look->preprocess.short_side = number % 3 == 0;
    look->source = pb_cached_size(&look->preprocess, look->cropped);
    look->augmentation = pb_augmentation_draw(&look->preprocess, look->cropped, &rng);
    look->pixels = draw_pixels(look->source, &rng);
    look->resampling = (struct pb_resampling){
        .pixels = look->pixels,
        .source = look->source,
        .affine = pb_augmentation_affine(&look->preprocess, &look->augmentation, look->cropped, look->source),
        .flip = look->augmentation.flip,
        .size = look->preprocess.image_size};
    pb_resampling_normalise(&look->resampling, &look->preprocess);
}

static double pixel_at(const struct look *look, double column, double row, int c)
{
    const double x = fmin(fmax(column, 0), look->source.width - 1.0), y = fmin(fmax(row, 0), look->source.height - 1.0);
    return look->pixels[((size_t)y * look->source.width + (size_t)x) * 3 + (size_t)c];
}

/* Bilinear between pixel centres, the edge repeated; black outside. */
static double bilinear(const struct look *look, double x, double y, int c)
{
    if (x < 0 || y < 0 || x >= look->source.width || y >= look->source.height)
        return 0;
    const double left = floor(x - 0.5), top = floor(y - 0.5), fx = x - 0.5 - left, fy = y - 0.5 - top;
    const double upper = (1 - fx) * pixel_at(look, left, top, c) + fx * pixel_at(look, left + 1, top, c);
    const double lower = (1 - fx) * pixel_at(look, left, top + 1, c) + fx * pixel_at(look, left + 1, top + 1, c);
    return (1 - fy) * upper + fy * lower;
}

static int points_along(double shrink)
{
    return shrink > 1.5 ? (int)(shrink + 0.5) : 1;
}

/* resample.h's definition: the mean of evenly spaced points within the output pixel, as many as source pixels are crossed. */
static double expected_at(const struct look *look, uint32_t column, uint32_t row, int c)
{
    const struct pb_affine *a = &look->resampling.affine;
    const int nx = points_along(hypot(a->xx, a->yx)), ny = points_along(hypot(a->xy, a->yy));
    const double shown = look->resampling.flip ? look->resampling.size - 1.0 - column : column;
    double sum = 0;
    for (int j = 0; j < ny; j++)
        for (int i = 0; i < nx; i++) {
            const double u = shown + (i + 0.5) / nx - 0.5, v = row + (j + 0.5) / ny - 0.5;
            sum += bilinear(look, a->xx * u + a->xy * v + a->x0, a->yx * u + a->yy * v + a->y0, c);
        }
    return (sum / (nx * ny) / 255 - look->preprocess.mean[c]) / look->preprocess.std[c];
}

/* A point that rounding moves across the image's edge turns black or not: such pixels may differ by a point's share. */
static bool touches_an_edge(const struct look *look, uint32_t column, uint32_t row)
{
    const struct pb_affine *a = &look->resampling.affine;
    const int nx = points_along(hypot(a->xx, a->yx)), ny = points_along(hypot(a->xy, a->yy));
    const double shown = look->resampling.flip ? look->resampling.size - 1.0 - column : column, near = 1e-6;
    for (int j = 0; j < ny; j++)
        for (int i = 0; i < nx; i++) {
            const double u = shown + (i + 0.5) / nx - 0.5, v = row + (j + 0.5) / ny - 0.5;
            const double x = a->xx * u + a->xy * v + a->x0, y = a->yx * u + a->yy * v + a->y0;
            if (fabs(x) < near || fabs(y) < near || fabs(x - look->source.width) < near ||
                fabs(y - look->source.height) < near)
                return true;
        }
    return false;
}

static void check_look(const struct look *look, const float *out, uint32_t number)
{
    /* Weights have 14 bits: each of two may be off by 2^-14 of a step between neighbours of at most 255. */
    const double tolerance = 2.5 * 255 / 16384 / 255 / 0.2;
    for (uint32_t row = 0; row < look->resampling.size; row++)
        for (uint32_t column = 0; column < look->resampling.size; column++)
            for (int c = 0; c < 3; c++) {
                const double got = (double)out[((size_t)row * look->resampling.size + column) * 3 + (size_t)c];
                const double expected = expected_at(look, column, row, c);
                if (fabs(got - expected) > tolerance && !touches_an_edge(look, column, row))
                    fail_msg("look %u: (%u, %u) channel %d is %.6f, not %.6f", number, column, row, c, got, expected);
            }
}

static void test_every_kernel_follows_the_definition(void **state)
{
    static float out[MAX_SIDE * MAX_SIDE * 3];
    (void)state;
    for (uint32_t number = 0; number < 60; number++) {
        struct look look;
        setup_look(&look, number);
        pb_resample_with(&look.resampling, PB_RESAMPLE_PORTABLE, out);
        check_look(&look, out, number);
        pb_resample_with(&look.resampling, PB_RESAMPLE_BEST, out);
        check_look(&look, out, number);
        pb_free(look.pixels);
    }
}

static void test_kernels_agree_to_the_bit_and_write_nothing_else(void **state)
{
    static float portable[MAX_SIDE * MAX_SIDE * 3 + 8], best[MAX_SIDE * MAX_SIDE * 3 + 8];
    (void)state;
    for (uint32_t number = 100; number < 400; number++) {
        struct look look;
        setup_look(&look, number);
        memset(portable, 0x55, sizeof portable);
        memset(best, 0x55, sizeof best);
        pb_resample_with(&look.resampling, PB_RESAMPLE_PORTABLE, portable);
        pb_resample_with(&look.resampling, PB_RESAMPLE_BEST, best);
        assert_memory_equal(best, portable, sizeof best);
        pb_free(look.pixels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kernel_follows_the_definition),
        cmocka_unit_test(test_kernels_agree_to_the_bit_and_write_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
