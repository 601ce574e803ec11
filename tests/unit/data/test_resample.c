/* Resampling against values worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "data/resample.h"
#include "support/images.h"

enum { MAX_SIDE = 64 };
static const double pi = 3.14159265358979323846;

/* One resampling and its result in units of bytes. */
struct trial {
    struct pb_preprocess preprocess;
    struct pb_size source, cropped;
    struct pb_augmentation augmentation;
    uint8_t *pixels;
    float out[MAX_SIDE * MAX_SIDE * 3 + 1];
};

static void setup_trial(struct trial *trial, uint32_t width, uint32_t height, uint32_t size)
{
    memset(trial, 0, sizeof *trial);
    pb_preprocess_default(&trial->preprocess);
    trial->preprocess.image_size = size;
    /* So that the output is the byte itself. */
    for (int i = 0; i < 3; i++) {
        trial->preprocess.mean[i] = 0;
        trial->preprocess.std[i] = 1.0 / 255;
    }
    trial->source = trial->cropped = (struct pb_size){.width = width, .height = height};
    trial->pixels = pb_calloc((size_t)width * height * 3 + PB_PIXEL_PADDING, 1);
    assert_non_null(trial->pixels);
}

static void run(struct trial *trial)
{
    const uint32_t size = trial->preprocess.image_size;
    struct pb_resampling resampling = {
        .pixels = trial->pixels,
        .source = trial->source,
        .affine = pb_augmentation_affine(&trial->preprocess, &trial->augmentation, trial->cropped, trial->source),
        .flip = trial->augmentation.flip,
        .size = size};
    pb_resampling_normalise(&resampling, &trial->preprocess);
    trial->out[size * size * 3] = 12345;
    pb_resample(&resampling, trial->out);
    assert_true(trial->out[size * size * 3] == 12345);
}

static void fill_pattern(struct trial *trial)
{
    uint8_t *pattern = images_pattern(trial->source.width, trial->source.height, 5);
    memcpy(trial->pixels, pattern, (size_t)trial->source.width * trial->source.height * 3);
    pb_free(pattern);
}

static uint8_t source_at(const struct trial *trial, uint32_t x, uint32_t y, uint32_t c)
{
    return trial->pixels[((size_t)y * trial->source.width + x) * 3 + c];
}

static float out_at(const struct trial *trial, uint32_t x, uint32_t y, uint32_t c)
{
    return trial->out[((size_t)y * trial->preprocess.image_size + x) * 3 + c];
}

static void assert_near(float value, double expected, double tolerance)
{
    if (!(fabs((double)value - expected) <= tolerance))
        fail_msg("%.6f is not %.6f ± %g", (double)value, expected, tolerance);
}

static void test_the_identity_gives_every_pixel_back_exactly(void **state)
{
    struct trial trial;
    (void)state;
    setup_trial(&trial, 40, 40, 40);
    fill_pattern(&trial);
    run(&trial);
    for (uint32_t i = 0; i < 40 * 40 * 3; i++)
        assert_near(trial.out[i], trial.pixels[i], 2e-5); /* 1/255·255 rounds */
    pb_free(trial.pixels);
}

static void test_a_flip_is_the_exact_mirror(void **state)
{
    struct trial trial;
    float plain[30 * 30 * 3];
    (void)state;
    setup_trial(&trial, 47, 53, 30);
    fill_pattern(&trial);
    trial.augmentation.angle = 0.2;
    run(&trial);
    memcpy(plain, trial.out, sizeof plain);
    trial.augmentation.flip = true;
    run(&trial);
    for (uint32_t y = 0; y < 30; y++)
        for (uint32_t x = 0; x < 30; x++)
            for (uint32_t c = 0; c < 3; c++)
                assert_true(out_at(&trial, x, y, c) == plain[(y * 30 + 29 - x) * 3 + c]);
    pb_free(trial.pixels);
}

/* Positive angles turn the sampling grid from x towards y: output (x, y) shows source (S−1−y, x). */
static void test_a_quarter_turn_moves_pixels_where_they_belong(void **state)
{
    struct trial trial;
    (void)state;
    setup_trial(&trial, 24, 24, 24);
    fill_pattern(&trial);
    trial.augmentation.angle = pi / 2;
    run(&trial);
    for (uint32_t y = 0; y < 24; y++)
        for (uint32_t x = 0; x < 24; x++)
            for (uint32_t c = 0; c < 3; c++)
                assert_near(out_at(&trial, x, y, c), source_at(&trial, 23 - y, x, c), 1e-3);
    pb_free(trial.pixels);
}

/* A picture of 60×20 pixels stored as 30×40: the same places, whatever the storage. */
static void test_the_stored_size_does_not_move_the_picture(void **state)
{
    struct trial trial;
    (void)state;
    setup_trial(&trial, 30, 40, 10);
    trial.cropped = (struct pb_size){.width = 60, .height = 20};
    for (uint32_t y = 0; y < 40; y++)
        for (uint32_t x = 0; x < 30; x++) {
            trial.pixels[(y * 30 + x) * 3] = (uint8_t)(4 * x);
            trial.pixels[(y * 30 + x) * 3 + 1] = (uint8_t)(4 * y);
        }
    trial.augmentation.angle = 0.1;
    run(&trial);
    /* Output (6, 6) is (39, 13) in the picture, (9, 3) from its centre. Turned, that is (9c − 3s, 9s + 3c) from the
     * centre; stored columns are two pixels wide and rows half a pixel high; a stored pixel's value belongs to its middle. */
    const double c = cos(0.1), s = sin(0.1);
    const double column = (30 + 9 * c - 3 * s) / 2 - 0.5, row = (10 + 9 * s + 3 * c) * 2 - 0.5;
    assert_near(out_at(&trial, 6, 6, 0), 4 * column, 0.01);
    assert_near(out_at(&trial, 6, 6, 1), 4 * row, 0.01);
    pb_free(trial.pixels);
}

/* Rotation turns the image as it was shot, not as it was squeezed: the ends of a 2:1 image fall outside a quarter turn. */
static void test_rotation_happens_before_the_resize(void **state)
{
    struct trial trial;
    (void)state;
    setup_trial(&trial, 40, 20, 20);
    memset(trial.pixels, 200, 40 * 20 * 3);
    trial.augmentation.angle = pi / 2;
    run(&trial);
    for (uint32_t y = 0; y < 20; y++)
        for (uint32_t x = 0; x < 20; x++) /* columns 0–4 and 15–19 lie beyond the source's 20 rows */
            assert_near(out_at(&trial, x, y, 1), x >= 5 && x < 15 ? 200 : 0, 1e-3);
    pb_free(trial.pixels);
}

static void test_a_constant_image_stays_constant_at_any_scale(void **state)
{
    static const struct pb_size sizes[] = {{7, 5}, {31, 64}, {90, 33}, {200, 100}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct trial trial;
        setup_trial(&trial, sizes[i].width, sizes[i].height, 31);
        memset(trial.pixels, 77, (size_t)sizes[i].width * sizes[i].height * 3);
        run(&trial);
        for (uint32_t k = 0; k < 31 * 31 * 3; k++)
            assert_near(trial.out[k], 77, 2e-5);
        pb_free(trial.pixels);
    }
}

static void test_corners_are_black_and_the_centre_is_not(void **state)
{
    struct trial trial;
    (void)state;
    setup_trial(&trial, 60, 60, 60);
    memset(trial.pixels, 255, 60 * 60 * 3);
    trial.augmentation.angle = 15 * pi / 180;
    run(&trial);
    for (uint32_t c = 0; c < 3; c++) {
        assert_true(out_at(&trial, 0, 0, c) == 0);
        assert_true(out_at(&trial, 59, 0, c) == 0);
        assert_true(out_at(&trial, 0, 59, c) == 0);
        assert_true(out_at(&trial, 59, 59, c) == 0);
        assert_near(out_at(&trial, 30, 30, c), 255, 1e-4);
        assert_near(out_at(&trial, 30, 0, c), 255, 1e-4);
    }
    pb_free(trial.pixels);
}

/* Twice as many pixels: each output pixel is the mean of a 2×2 block, exactly. */
static void test_halving_averages_blocks_of_four(void **state)
{
    struct trial trial;
    (void)state;
    setup_trial(&trial, 48, 48, 24);
    fill_pattern(&trial);
    run(&trial);
    for (uint32_t y = 0; y < 24; y++)
        for (uint32_t x = 0; x < 24; x++)
            for (uint32_t c = 0; c < 3; c++) {
                const int sum = source_at(&trial, 2 * x, 2 * y, c) + source_at(&trial, 2 * x + 1, 2 * y, c) +
                                source_at(&trial, 2 * x, 2 * y + 1, c) + source_at(&trial, 2 * x + 1, 2 * y + 1, c);
                assert_near(out_at(&trial, x, y, c), sum / 4.0, 1e-4);
            }
    pb_free(trial.pixels);
}

static void test_a_checkerboard_turns_grey_when_reduced(void **state)
{
    struct trial trial;
    (void)state;
    setup_trial(&trial, 60, 60, 20);
    for (uint32_t i = 0; i < 60 * 60; i++)
        memset(trial.pixels + 3 * i, (i % 60 + i / 60) % 2 ? 255 : 0, 3);
    trial.source = trial.cropped = (struct pb_size){.width = 60, .height = 60};
    trial.augmentation.angle = 0.1;
    run(&trial);
    for (uint32_t y = 4; y < 16; y++)
        for (uint32_t x = 4; x < 16; x++)
            assert_in_range((int)out_at(&trial, x, y, 0), 90, 165);
    trial.augmentation.angle = 0;
    trial.preprocess.image_size = 30;
    run(&trial);
    for (uint32_t i = 0; i < 30 * 30 * 3; i++)
        assert_near(trial.out[i], 127.5, 1e-3);
    pb_free(trial.pixels);
}

/* Bilinear enlargement by two, worked out by hand: between centres 3 : 1 and 1 : 3, the edge repeated. */
static void test_enlarging_interpolates_between_centres(void **state)
{
    static const double expected[] = {0, 25, 75, 100};
    struct trial trial;
    (void)state;
    setup_trial(&trial, 2, 1, 4);
    memset(trial.pixels + 3, 100, 3);
    run(&trial);
    for (uint32_t x = 0; x < 4; x++)
        for (uint32_t y = 0; y < 4; y++)
            assert_near(out_at(&trial, x, y, 2), expected[x], 1e-4);
    pb_free(trial.pixels);
}

static void test_output_is_normalised(void **state)
{
    struct trial trial;
    (void)state;
    setup_trial(&trial, 4, 4, 4);
    pb_preprocess_default(&trial.preprocess);
    trial.preprocess.image_size = 4;
    trial.preprocess.mean[1] = 0.25;
    trial.preprocess.std[1] = 0.125;
    memset(trial.pixels, 51, 4 * 4 * 3); /* 0.2 */
    run(&trial);
    assert_near(trial.out[0], (0.2 - 0.5) / 0.5, 1e-6);
    assert_near(trial.out[1], (0.2 - 0.25) / 0.125, 1e-6);
    assert_near(trial.out[2], -0.6, 1e-6);
    pb_free(trial.pixels);
}

static void test_short_side_resizing_crops_the_centre(void **state)
{
    struct trial trial;
    (void)state;
    /* 40×20, short side to 20, crop 10: the middle, pixel for pixel. */
    setup_trial(&trial, 40, 20, 10);
    trial.preprocess.short_side = true;
    trial.preprocess.resize_to = 20;
    fill_pattern(&trial);
    trial.augmentation = pb_augmentation_none(&trial.preprocess, trial.cropped);
    assert_int_equal(trial.augmentation.crop_x, 15);
    assert_int_equal(trial.augmentation.crop_y, 5);
    run(&trial);
    for (uint32_t y = 0; y < 10; y++)
        for (uint32_t x = 0; x < 10; x++)
            assert_near(out_at(&trial, x, y, 0), source_at(&trial, x + 15, y + 5, 0), 2e-5);
    pb_free(trial.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_identity_gives_every_pixel_back_exactly),
        cmocka_unit_test(test_a_flip_is_the_exact_mirror),
        cmocka_unit_test(test_a_quarter_turn_moves_pixels_where_they_belong),
        cmocka_unit_test(test_the_stored_size_does_not_move_the_picture),
        cmocka_unit_test(test_rotation_happens_before_the_resize),
        cmocka_unit_test(test_a_constant_image_stays_constant_at_any_scale),
        cmocka_unit_test(test_corners_are_black_and_the_centre_is_not),
        cmocka_unit_test(test_halving_averages_blocks_of_four),
        cmocka_unit_test(test_a_checkerboard_turns_grey_when_reduced),
        cmocka_unit_test(test_enlarging_interpolates_between_centres),
        cmocka_unit_test(test_output_is_normalised),
        cmocka_unit_test(test_short_side_resizing_crops_the_centre),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
