/* CUB-200-2011's layout, and its traps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/datasets.h"
#include "support/folder.h"
#include "support/images.h"

struct file {
    const char *name, *text;
};

static const struct file good[] = {
    {"classes.txt", "1 001.Black_footed_Albatross\n2 002.Laysan Albatross\n"},
    {"images.txt", "1 001.Black_footed_Albatross/B_0046_18.jpg\n2 001.Black_footed_Albatross/B_0009_34.jpg\n"
                   "7 002.Laysan Albatross/L 0002_1027.jpg\n4 002.Laysan Albatross/L_0082_524.jpg\n"},
    {"image_class_labels.txt", "1 1\n2 1\n7 2\n4 2\n"},
    {"train_test_split.txt", "1 0\n2 1\n7 1\n4 0\n"},
    {"bounding_boxes.txt", "1 60.0 27.0 325.0 304.0\n2 1.0 1.0 405.5 264.0\n7 14.0 112.0 388.0 186.0\n"
                           "4 112.0 90.0 255.0 242.0\n"},
};

/* The set, with one of its files replaced. */
static void put_set(const char *folder, const char *name, const char *text)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        images_put_text(folder, good[i].name, name != NULL && strcmp(good[i].name, name) == 0 ? text : good[i].text);
}

static void test_a_set_reads_as_its_files_say(void **state)
{
    struct dataset set;
    put_set(*state, NULL, NULL);
    dataset_open(&set, "birds", *state, NULL, NULL);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(set.contents.class_count, 2);
    assert_string_equal(set.contents.class_names[1], "002.Laysan Albatross");
    assert_int_equal(set.contents.sample_count, 4);
    assert_int_equal(set.contents.crop_bottom, 0);
    /* Training first, each split in the order of images.txt. */
    const struct pb_sample *samples = set.contents.samples;
    assert_true(pb_ends_with(samples[0].path, "/images/001.Black_footed_Albatross/B_0009_34.jpg"));
    assert_true(pb_ends_with(samples[1].path, "/images/002.Laysan Albatross/L 0002_1027.jpg"));
    assert_true(pb_ends_with(samples[2].path, "/B_0046_18.jpg"));
    assert_true(pb_ends_with(samples[3].path, "/L_0082_524.jpg"));
    assert_int_equal(samples[1].label, 1);
    assert_int_equal(samples[1].line, 3);
    assert_true(pb_ends_with(samples[1].source, "/images.txt"));
    assert_int_equal(samples[1].split, PB_SPLIT_TRAIN);
    assert_int_equal(samples[2].split, PB_SPLIT_TEST);
    assert_true(samples[0].box[0] == 0 && samples[0].box[1] == 0);
    assert_true(samples[0].box[2] == 405.5f && samples[0].box[3] == 264);
    dataset_close(&set);
}

static void test_windows_line_ends_and_a_missing_last_line_end_do_no_harm(void **state)
{
    struct dataset set;
    put_set(*state, "image_class_labels.txt", "1 1\r\n2 1\r\n7 2\r\n4 2");
    dataset_open(&set, "birds", *state, NULL, NULL);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(dataset_find(&set, "L_0082_524.jpg")->label, 1);
    dataset_close(&set);
}

static void test_bad_lines_are_refused_with_file_and_line(void **state)
{
    static const struct {
        const char *name, *text, *where, *what;
    } cases[] = {
        {"classes.txt", "1 a\n3 b\n", "classes.txt:2: ", "class id 3 where 2 should follow"},
        {"classes.txt", "0 a\n1 b\n", "classes.txt:1: ", "class id 0 where 1 should follow"},
        {"classes.txt", "1 a\n2\n", "classes.txt:2: ", "has no name"},
        {"classes.txt", "1 a\n2 a\n", "classes.txt:2: ", "second time"},
        {"classes.txt", "", "classes.txt: ", "is empty"},
        {"images.txt", "1 a.jpg\n1 b.jpg\n", "images.txt:2: ", "image id 1 is given a second time (first in line 1)"},
        {"images.txt", "1 a.jpg\nx b.jpg\n", "images.txt:2: ", "'x' is not a whole number (an image id)"},
        {"images.txt", "1 a.jpg\n4294967296 b.jpg\n", "images.txt:2: ", "is not a whole number"},
        {"images.txt", "1 a.jpg\n-2 b.jpg\n", "images.txt:2: ", "'-2' is not a whole number"},
        {"images.txt", "1 ../a.jpg\n", "images.txt:1: ", "is not the path of an image"},
        {"images.txt", "1 /etc/a.jpg\n", "images.txt:1: ", "is not the path of an image"},
        {"images.txt", "1 a/..\n", "images.txt:1: ", "is not the path of an image"},
        {"images.txt", "1\n", "images.txt:1: ", "is not the path of an image"},
        {"images.txt", "1 a.jpg\n2 b.jpg\n7 a.jpg\n4 c.jpg\n", "images.txt:3: ", "second time (first at "},
        {"image_class_labels.txt", "1 1\n2 3\n7 2\n4 2\n", "image_class_labels.txt:2: ", "class 3 is out of range"},
        {"image_class_labels.txt", "1 0\n2 1\n7 2\n4 2\n", "image_class_labels.txt:1: ", "class 0 is out of range"},
        {"image_class_labels.txt", "1 1\n2 1\n7 2\n", "images.txt:4: ", "has no line in"},
        {"image_class_labels.txt", "1 1\n2 1\n7 2\n5 2\n", "image_class_labels.txt:4: ", "5 is not in images.txt"},
        {"image_class_labels.txt", "1 1\n2 1\n7 2\n1 2\n", "image_class_labels.txt:4: ", "second time"},
        {"image_class_labels.txt", "1 1 9\n", "image_class_labels.txt:1: ", "'9' comes after the last field"},
        {"image_class_labels.txt", "1\n", "image_class_labels.txt:1: ", "ends where a class id should be"},
        {"train_test_split.txt", "1 0\n2 2\n", "train_test_split.txt:2: ", "2 where 1 (training) or 0 (test)"},
        {"train_test_split.txt", "1 1\n2 1\n7 1\n4 1\n", "", "lists no test image"},
        {"train_test_split.txt", "1 0\n2 0\n7 0\n4 0\n", "", "lists no training image"},
        {"bounding_boxes.txt", "1 60 27 0.0 304\n", "bounding_boxes.txt:1: ", "the box is empty"},
        {"bounding_boxes.txt", "1 60 27 inf 304\n", "bounding_boxes.txt:1: ", "'inf' is not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_set(*state, cases[i].name, cases[i].text);
        dataset_assert_refused("birds", *state, cases[i].where, cases[i].what);
    }
}

static void test_each_missing_file_is_named(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        put_set(*state, NULL, NULL);
        assert_int_equal(unlink(folder_path(state, good[i].name)), 0);
        dataset_assert_refused("birds", *state, good[i].name, "cannot be opened: No such file");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_set_reads_as_its_files_say),
        TEST(test_windows_line_ends_and_a_missing_last_line_end_do_no_harm),
        TEST(test_bad_lines_are_refused_with_file_and_line),
        TEST(test_each_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
