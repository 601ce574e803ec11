/* Crops, cached sizes, augmentation draws, and the settings behind them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "data/geometry.h"

static const double pi = 3.14159265358979323846;

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-12))
        fail_msg("%.17g is not %.17g", value, expected);
}

static void test_augmentation_draws_stay_in_their_ranges(void **state)
{
    struct pb_preprocess preprocess;
    struct pb_rng rng;
    int flips = 0, left = 0, right = 0;
    uint32_t largest_x = 0, largest_y = 0;
    double largest = 0;
    (void)state;
    pb_preprocess_default(&preprocess);
    preprocess.image_size = 10;
    preprocess.short_side = true;
    preprocess.resize_to = 12;
    preprocess.flip = 0.5;
    preprocess.rotate = 15;
    pb_rng_init(&rng, 1, "test");
    for (int i = 0; i < 2000; i++) {
        const struct pb_augmentation drawn =
            pb_augmentation_draw(&preprocess, (struct pb_size){.width = 30, .height = 20}, &rng);
        flips += drawn.flip;
        left += drawn.angle < 0;
        right += drawn.angle > 0;
        largest = fmax(largest, fabs(drawn.angle));
        largest_x = drawn.crop_x > largest_x ? drawn.crop_x : largest_x;
        largest_y = drawn.crop_y > largest_y ? drawn.crop_y : largest_y;
    }
    assert_in_range(flips, 900, 1100);
    assert_in_range(left, 900, 1100);
    assert_in_range(right, 900, 1100);
    assert_true(largest <= 15 * pi / 180 && largest > 14.8 * pi / 180);
    assert_int_equal(largest_x, 8); /* 18 − 10 */
    assert_int_equal(largest_y, 2); /* 12 − 10 */
}

static void test_cached_sides_are_at_most_twice_the_target(void **state)
{
    struct pb_preprocess preprocess;
    (void)state;
    pb_preprocess_default(&preprocess);
    struct pb_size size = pb_cached_size(&preprocess, (struct pb_size){.width = 2000, .height = 1000});
    assert_int_equal(size.width, 448);
    assert_int_equal(size.height, 448);
    size = pb_cached_size(&preprocess, (struct pb_size){.width = 100, .height = 1000});
    assert_int_equal(size.width, 100);
    assert_int_equal(size.height, 448);
    preprocess.short_side = true;
    preprocess.resize_to = 256;
    size = pb_cached_size(&preprocess, (struct pb_size){.width = 2000, .height = 1000});
    assert_int_equal(size.width, 1024);
    assert_int_equal(size.height, 512);
}

/* 40×20 pixels, short side to 10: 20×10, of which 8×8 from (5, 1) are seen, turned by a quarter around the image's centre. An
 * output pixel (column, row) is at (2·(5.5 + column) − 20, 2·(1.5 + row) − 10) = (u, v) from the centre (20, 10); turned,
 * at (20 − v, 10 + u). */
static void test_rotation_comes_before_the_resize_and_the_crop(void **state)
{
    const struct pb_preprocess preprocess = {.image_size = 8, .short_side = true, .resize_to = 10};
    const struct pb_augmentation augmentation = {.angle = pi / 2, .crop_x = 5, .crop_y = 1};
    const struct pb_size cropped = {.width = 40, .height = 20}, reduced = {.width = 20, .height = 10};
    struct pb_affine map = pb_augmentation_affine(&preprocess, &augmentation, cropped, cropped);
    (void)state;
    assert_near(map.xx, 0);
    assert_near(map.xy, -2);
    assert_near(map.x0, 27);
    assert_near(map.yx, 2);
    assert_near(map.yy, 0);
    assert_near(map.y0, 1);
    /* The same looked up in a cache of half the size. */
    map = pb_augmentation_affine(&preprocess, &augmentation, cropped, reduced);
    assert_near(map.xy, -1);
    assert_near(map.x0, 13.5);
    assert_near(map.yx, 1);
    assert_near(map.y0, 0.5);
    /* Resized to 10×10, it is turned before it is squeezed: a step to the right goes down 40/10 of its pixels. */
    const struct pb_preprocess square = {.image_size = 10};
    map = pb_augmentation_affine(&square, &(struct pb_augmentation){.angle = pi / 2}, cropped, cropped);
    assert_near(map.xy, -2);
    assert_near(map.x0, 29);
    assert_near(map.yx, 4);
    assert_near(map.y0, -8);
}

static void test_evaluation_looks_at_the_centre_and_training_anywhere(void **state)
{
    const struct pb_preprocess preprocess = {.image_size = 8, .short_side = true, .resize_to = 10};
    const struct pb_preprocess square = {.image_size = 8};
    const struct pb_size wide = {.width = 40, .height = 20}, tall = {.width = 20, .height = 50};
    struct pb_augmentation centre = pb_augmentation_none(&preprocess, wide);
    struct pb_rng rng;
    (void)state;
    assert_int_equal(centre.crop_x, 6); /* (20 − 8) / 2 */
    assert_int_equal(centre.crop_y, 1); /* (10 − 8) / 2 */
    assert_true(!centre.flip && centre.angle == 0);
    centre = pb_augmentation_none(&preprocess, tall);
    assert_int_equal(centre.crop_x, 1);
    assert_int_equal(centre.crop_y, 8); /* (25 − 8) / 2, rounded down */
    pb_rng_init(&rng, 1, "test");
    centre = pb_augmentation_draw(&square, wide, &rng);
    assert_true(centre.crop_x == 0 && centre.crop_y == 0); /* a square resize leaves nothing to choose */
}

static void test_banner_and_box_are_cut_off(void **state)
{
    struct pb_preprocess preprocess;
    struct pb_error error;
    struct pb_rectangle part;
    struct pb_sample sample = {.box = {9.5f, -3, 20.25f, 200}};
    const struct pb_image image = {.width = 100, .height = 50};
    (void)state;
    pb_preprocess_default(&preprocess);
    assert_int_equal(pb_crop_rectangle(&preprocess, &sample, 20, &image, &part, &error), PB_OK);
    assert_int_equal(part.width, 100);
    assert_int_equal(part.height, 30);
    preprocess.crop_box = true;
    assert_int_equal(pb_crop_rectangle(&preprocess, &sample, 20, &image, &part, &error), PB_OK);
    assert_int_equal(part.x, 9);
    assert_int_equal(part.width, 21); /* 9.5 … 29.75 touches pixels 9 to 29 */
    assert_int_equal(part.y, 0);
    assert_int_equal(part.height, 30);
    sample.box[0] = 100;
    assert_int_equal(pb_crop_rectangle(&preprocess, &sample, 20, &image, &part, &error), PB_ERROR_INPUT);
    assert_int_equal(pb_crop_rectangle(&preprocess, &sample, 50, &image, &part, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "has 50 rows, and 50 are to be cut off"));
}

static void test_settings_out_of_range_are_refused(void **state)
{
    struct pb_preprocess good, bad;
    struct pb_error error;
    (void)state;
    pb_preprocess_default(&good);
    assert_int_equal(pb_preprocess_check(&good, &error), PB_OK);
#define REFUSE(change)                                                                                                 \
    bad = good;                                                                                                        \
    change;                                                                                                            \
    assert_int_equal(pb_preprocess_check(&bad, &error), PB_ERROR_INPUT)
    REFUSE(bad.image_size = 0);
    REFUSE(bad.image_size = PB_MAX_INPUT_SIDE + 1);
    REFUSE((bad.short_side = true, bad.resize_to = 223));
    REFUSE(bad.std[2] = 0);
    REFUSE(bad.mean[0] = NAN);
    REFUSE(bad.flip = 1.01);
    REFUSE(bad.rotate = -1);
}

static void test_the_canonical_text_holds_every_field(void **state)
{
    struct pb_preprocess preprocess;
    (void)state;
    pb_preprocess_default(&preprocess);
    preprocess.flip = 0.5;
    preprocess.rotate = 15;
    char *text = pb_preprocess_text(&preprocess);
    assert_string_equal(text, "resize=both-sides resize-to=224 crop-box=false image-size=224 mean=0.5,0.5,0.5 "
                              "std=0.5,0.5,0.5 flip=0.5 rotate=15");
    char *cached = pb_preprocess_cached_text(&preprocess);
    assert_memory_equal(text, cached, strlen(cached));
    preprocess.short_side = preprocess.crop_box = true;
    preprocess.resize_to = 256;
    pb_free(cached);
    cached = pb_preprocess_cached_text(&preprocess);
    assert_string_equal(cached, "resize=short-side resize-to=256 crop-box=true");
    pb_free(cached);
    pb_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_augmentation_draws_stay_in_their_ranges),
        cmocka_unit_test(test_cached_sides_are_at_most_twice_the_target),
        cmocka_unit_test(test_rotation_comes_before_the_resize_and_the_crop),
        cmocka_unit_test(test_evaluation_looks_at_the_centre_and_training_anywhere),
        cmocka_unit_test(test_banner_and_box_are_cut_off),
        cmocka_unit_test(test_settings_out_of_range_are_refused),
        cmocka_unit_test(test_the_canonical_text_holds_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
