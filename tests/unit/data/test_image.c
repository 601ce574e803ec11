/* Decoding: every kind of image that the sets have, and every kind of damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/image.h"
#include "support/folder.h"
#include "support/images.h"

#define GOLDEN PB_TEST_SOURCES "/golden/images/"

/* Quadrants as tests/golden/images/README.md lists them. */
static const int colours[4][3] = {{200, 30, 40}, {20, 180, 60}, {40, 50, 220}, {250, 250, 250}};
static const int cmyk_colours[4][3] = {{200, 120, 140}, {60, 130, 120}, {120, 150, 110}, {240, 128, 128}};
static const int red_channel[4][3] = {{200, 200, 200}, {20, 20, 20}, {40, 40, 40}, {250, 250, 250}};
/* 0.299 R + 0.587 G + 0.114 B (BT.601) would be 82, 119, 66; ImageMagick's Rec. 709 luma is 67, 137, 60. */
static const int luma[4][3] = {{67, 67, 67}, {137, 137, 137}, {60, 60, 60}, {250, 250, 250}};

static void assert_quadrants(const struct pb_image *image, const int expected[4][3])
{
    static const uint32_t centres[4][2] = {{8, 8}, {24, 8}, {8, 24}, {24, 24}};
    assert_int_equal(image->width, 32);
    assert_int_equal(image->height, 32);
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 3; c++) {
            const int got = image->pixels[(centres[i][1] * 32 + centres[i][0]) * 3 + (uint32_t)c];
            assert_in_range(got + 2, expected[i][c], expected[i][c] + 4);
        }
}

static void test_all_kinds_of_images_become_rgb(void **state)
{
    static const struct {
        const char *path;
        const int (*expected)[3];
    } cases[] = {
        {GOLDEN "progressive.jpg", colours}, {GOLDEN "progressive-420.jpg", colours}, {GOLDEN "palette.png", colours},
        {GOLDEN "deep.png", colours},        {GOLDEN "alpha.png", colours},           {GOLDEN "ycck.jpg", colours},
        {GOLDEN "cmyk.jpg", cmyk_colours},   {GOLDEN "grey.png", red_channel},        {GOLDEN "grey.jpg", luma},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pb_image image;
        char sha256[65];
        struct pb_error error = {0};
        if (pb_image_load(cases[i].path, &image, sha256, &error) != PB_OK)
            fail_msg("%s: %s", cases[i].path, error.text);
        assert_quadrants(&image, cases[i].expected);
        pb_image_free(&image);
        assert_null(image.pixels);
    }
}

static void assert_refused(const char *path, const char *what)
{
    struct pb_image image = {.width = 7};
    char sha256[65];
    struct pb_error error = {0};
    assert_int_equal(pb_image_load(path, &image, sha256, &error), PB_ERROR_INPUT);
    assert_int_equal(error.status, PB_ERROR_INPUT);
    if (strstr(error.text, what) == NULL)
        fail_msg("'%s' says not '%s'", error.text, what);
    assert_int_equal(image.width, 7);
}

static void test_the_digest_is_of_the_files_bytes_whatever_they_are(void **state)
{
    static const char *const paths[] = {GOLDEN "deep.png", GOLDEN "cmyk-unmarked.jpg"};
    struct pb_image image = {0};
    struct pb_error error = {0};
    char found[65], expected[65];
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(pb_image_load(paths[i], &image, found, &error), i == 0 ? PB_OK : PB_ERROR_INPUT);
        assert_int_equal(pb_sha256_file(paths[i], expected, &error), PB_OK);
        assert_string_equal(found, expected);
    }
    pb_image_free(&image);
    assert_int_equal(pb_image_load(GOLDEN "no-such.png", &image, found, &error), PB_ERROR_INPUT);
    assert_string_equal(found, "");
}

static void test_colours_that_nobody_defined_are_refused(void **state)
{
    (void)state;
    assert_refused(GOLDEN "cmyk-unmarked.jpg", "four colours without Adobe's marker");
}

static void test_images_cut_anywhere_are_refused(void **state)
{
    static const char *const names[] = {"progressive.jpg", "ycck.jpg", "grey.jpg", "deep.png", "palette.png"};
    const char *cut_path = folder_path(state, "cut");
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        struct pb_error error;
        char *bytes, *path = pb_path_join(PB_TEST_SOURCES "/golden/images", names[n]);
        size_t length;
        assert_int_equal(pb_file_read(path, 0, &bytes, &length, &error), PB_OK);
        /* The last four bytes of a PNG are the check sum of its empty end: all is there without them. */
        const size_t end = pb_ends_with(names[n], ".png") ? length - 8 : length;
        for (size_t cut = 16; cut < end; cut += 7) {
            images_put(*state, "cut", bytes, cut);
            assert_refused(cut_path, "cut short");
        }
        pb_free(bytes);
        pb_free(path);
    }
}

static void test_files_that_are_no_images_are_refused(void **state)
{
    images_put_text(*state, "empty.jpg", "");
    assert_refused(folder_path(state, "empty.jpg"), "the file is empty");
    images_put_text(*state, "page.jpg", "<html><body>not found</body></html>");
    assert_refused(folder_path(state, "page.jpg"), "neither a JPEG nor a PNG");
    images_put_text(*state, "start.jpg", "\xff\xd8\xff");
    assert_refused(folder_path(state, "start.jpg"), "cut short");
    assert_refused(folder_path(state, "absent.jpg"), "cannot be opened: No such file");
    assert_refused(*state, "not a file");
}

/* PNG headers that claim 60000×60000 (which stb refuses) and 9000×9000 pixels (which we do). */
static void test_absurd_sizes_are_refused_before_anything_is_allocated(void **state)
{
    unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R',
                           0,    0,   234, 96,  0,    0,    234,  96,   8, 2, 0, 0,  0,   0,   0,   0};
    images_put(*state, "bomb.png", png, sizeof png);
    assert_refused(folder_path(state, "bomb.png"), "above the limit of 67108864 pixels");
    png[18] = png[22] = 9000 >> 8;
    png[19] = png[23] = 9000 & 255;
    images_put(*state, "large.png", png, sizeof png);
    assert_refused(folder_path(state, "large.png"), "9000×9000, above the limit of 67108864 pixels");
}

static void test_a_flipped_byte_is_an_error_or_an_image_never_a_crash(void **state)
{
    struct pb_error error;
    char *bytes;
    size_t length;
    (void)state;
    assert_int_equal(pb_file_read(GOLDEN "progressive-420.jpg", 0, &bytes, &length, &error), PB_OK);
    for (size_t i = 0; i < length; i++) {
        struct pb_image image;
        const char old = bytes[i];
        bytes[i] = (char)(old ^ 0x55);
        if (pb_image_decode(bytes, length, &image, &error) == PB_OK)
            pb_image_free(&image);
        bytes[i] = old;
    }
    pb_free(bytes);
}

static void test_a_reduced_checkerboard_is_grey(void **state)
{
    struct pb_error error;
    uint8_t pixels[32 * 32 * 3], out[8 * 8 * 3];
    (void)state;
    for (size_t i = 0; i < 32 * 32; i++)
        memset(pixels + 3 * i, (i + i / 32) % 2 ? 255 : 0, 3);
    const struct pb_image image = {.pixels = pixels, .width = 32, .height = 32};
    const struct pb_rectangle all = {.width = 32, .height = 32};
    assert_int_equal(pb_image_reduce(&image, &all, 8, 8, out, &error), PB_OK);
    for (size_t y = 0; y < 8; y++)
        for (size_t x = 0; x < 24; x++) {
            /* At the border, repeated edge pixels count a little more. */
            const bool border = y == 0 || y == 7 || x < 3 || x >= 21;
            assert_in_range(out[y * 24 + x], border ? 118 : 126, border ? 137 : 129);
        }
}

static void test_a_part_that_keeps_its_size_is_copied(void **state)
{
    struct pb_error error;
    uint8_t *pixels = images_pattern(20, 10, 3), out[4 * 2 * 3];
    (void)state;
    const struct pb_image image = {.pixels = pixels, .width = 20, .height = 10};
    const struct pb_rectangle part = {.x = 5, .y = 7, .width = 4, .height = 2};
    assert_int_equal(pb_image_reduce(&image, &part, 4, 2, out, &error), PB_OK);
    assert_memory_equal(out, pixels + (7 * 20 + 5) * 3, 12);
    assert_memory_equal(out + 12, pixels + (8 * 20 + 5) * 3, 12);
    pb_free(pixels);
}

/* Reduction of a ramp keeps the ramp: value at the centre of each wider pixel. */
static void test_a_reduced_part_lies_where_it_should(void **state)
{
    struct pb_error error;
    uint8_t pixels[3 * 60 * 3], out[10 * 3];
    (void)state;
    for (size_t y = 0; y < 3; y++)
        for (size_t x = 0; x < 60; x++)
            memset(pixels + (y * 60 + x) * 3, (int)(4 * x), 3);
    const struct pb_image image = {.pixels = pixels, .width = 60, .height = 3};
    const struct pb_rectangle part = {.x = 20, .y = 1, .width = 40, .height = 1};
    assert_int_equal(pb_image_reduce(&image, &part, 10, 1, out, &error), PB_OK);
    for (size_t x = 1; x < 9; x++)
        assert_in_range(out[3 * x], 80 + 16 * x + 5, 80 + 16 * x + 7); /* centre at 4·x + 1.5 pixels */
}

static void test_reduction_by_any_ratio_keeps_an_even_colour(void **state)
{
    (void)state;
    enum { TO = 96, LARGEST = 400, BYTES = LARGEST * 3 * 3 };
    static uint8_t in[BYTES], out[BYTES];
    struct pb_error error = {0};
    memset(in, 137, sizeof in);
    /* A stricter library gives up at 1.5 and its neighbourhood. */
    for (uint32_t width = TO; width <= LARGEST; width++) {
        const struct pb_image image = {in, width, 3};
        const struct pb_rectangle all = {0, 0, width, 3};
        memset(out, 0, sizeof out);
        assert_int_equal(pb_image_reduce(&image, &all, TO, 2, out, &error), PB_OK);
        for (size_t i = 0; i < TO * 2 * 3; i++)
            assert_in_range(out[i], 136, 138);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_all_kinds_of_images_become_rgb),
        TEST(test_the_digest_is_of_the_files_bytes_whatever_they_are),
        TEST(test_colours_that_nobody_defined_are_refused),
        TEST(test_images_cut_anywhere_are_refused),
        TEST(test_files_that_are_no_images_are_refused),
        TEST(test_absurd_sizes_are_refused_before_anything_is_allocated),
        TEST(test_a_flipped_byte_is_an_error_or_an_image_never_a_crash),
        TEST(test_a_reduced_checkerboard_is_grey),
        TEST(test_a_part_that_keeps_its_size_is_copied),
        TEST(test_a_reduced_part_lies_where_it_should),
        cmocka_unit_test(test_reduction_by_any_ratio_keeps_an_even_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
