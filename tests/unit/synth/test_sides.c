/* Default images of given sides and quality. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stb_image.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "synth/synth.h"
#include "support/folder.h"

static struct pb_synth_options sided_options(const char *set)
{
    struct pb_synth_options options;
    pb_synth_defaults(&options);
    options.classes = 2;
    options.train_per_class = 2;
    options.test_per_class = 1;
    options.width = 160;
    options.height = 120;
    options.sets = set;
    options.quiet = true;
    return options;
}

static void draw(const char *out, const struct pb_synth_options *options)
{
    struct pb_error error = {0};
    if (prunebench_synth.draw(out, options, pb_log, &error) != PB_OK)
        fail_msg("%s", error.text);
}

/* Every image of a folder is of these sides; the result is the bytes of all its files. */
static size_t check_sides(const char *folder, int width, int height)
{
    struct pb_error error;
    char **names;
    size_t count, bytes = 0;
    assert_int_equal(pb_list_dir(folder, &names, &count, &error), PB_OK);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        char *path = pb_path_join(folder, names[i]), *data;
        size_t length;
        int w, h, channels;
        assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
        assert_true(stbi_info_from_memory((unsigned char *)data, (int)length, &w, &h, &channels));
        assert_int_equal(w, width);
        assert_int_equal(h, height);
        bytes += length;
        pb_free(data);
        pb_free(path);
    }
    pb_names_free(&names, count);
    return bytes;
}

/* The banner of aircraft lies inside the sides that were asked for. */
static void test_images_have_the_sides_that_were_asked_for(void **state)
{
    struct pb_synth_options options = sided_options("aircraft,cars");
    draw(folder_path(state, "out"), &options);
    (void)check_sides(folder_path(state, "out/fgvc-aircraft-2013b/data/images"), 160, 120);
    (void)check_sides(folder_path(state, "out/cars/car_ims"), 160, 120);
}

static void test_a_higher_quality_takes_more_bytes_and_is_another_set(void **state)
{
    struct pb_synth_options options = sided_options("cars");
    const char *out = folder_path(state, "out"), *images = folder_path(state, "out/cars/car_ims");
    options.quality = 50;
    draw(out, &options);
    const size_t low = check_sides(images, 160, 120);
    options.quality = 95;
    draw(out, &options);
    assert_true(check_sides(images, 160, 120) > 2 * low);
    options.width = 120;
    draw(out, &options);
    (void)check_sides(images, 120, 120);
}

static void test_sides_and_qualities_that_cannot_be_drawn_are_said(void **state)
{
    struct pb_error error = {0};
    struct pb_synth_options options = sided_options("cars");
    options.height = 0;
    assert_int_equal(prunebench_synth.draw(folder_path(state, "out"), &options, pb_log, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "both sides or none"));
    options.height = PB_SYNTH_HEIGHT_MIN - 1;
    assert_int_equal(prunebench_synth.draw(folder_path(state, "out"), &options, pb_log, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "160×67"));
    options = sided_options("cars");
    options.quality = 101;
    assert_int_equal(prunebench_synth.draw(folder_path(state, "out"), &options, pb_log, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "quality of 101"));
    assert_false(pb_file_exists(folder_path(state, "out")));
}

int main(void)
{
#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_images_have_the_sides_that_were_asked_for),
        TEST_IN_FOLDER(test_a_higher_quality_takes_more_bytes_and_is_another_set),
        TEST_IN_FOLDER(test_sides_and_qualities_that_cannot_be_drawn_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
