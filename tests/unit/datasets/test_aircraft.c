/* FGVC-Aircraft's layout, and its traps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/datasets.h"
#include "support/folder.h"
#include "support/images.h"

/* A small set in the official layout below FOLDER/data. */
static void put_set(const char *folder)
{
    images_put_text(folder, "data/variants.txt", "707-320\nA340-300\nF/A-18\nF-16A/B\nGulfstream IV\n");
    images_put_text(folder, "data/images_variant_trainval.txt",
                    "1025794 707-320\n1340192 A340-300\n0056978 F/A-18\n0698580 F-16A/B\n0450014 Gulfstream IV\n");
    images_put_text(folder, "data/images_variant_test.txt", "1514522 Gulfstream IV\n0747566 F/A-18\n");
    images_put_text(folder, "data/images_box.txt",
                    "0056978 1 1 1024 683\n1025794 3 144 998 431\n1340192 10 20 10 20\n0698580 5 5 6 6\n"
                    "0450014 5 5 6 6\n1514522 5 5 6 6\n0747566 5 5 6 6\n9999999 5 5 6 6\n");
}

static void assert_set_opens(const char *root)
{
    struct dataset set;
    dataset_open(&set, "aircraft", root, NULL, NULL);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(set.contents.class_count, 5);
    assert_int_equal(set.contents.sample_count, 7);
    dataset_close(&set);
}

static void test_a_set_reads_as_its_files_say(void **state)
{
    struct dataset set;
    put_set(*state);
    dataset_open(&set, "aircraft", *state, NULL, NULL);
    assert_int_equal(set.status, PB_OK);
    assert_string_equal(set.contents.class_names[2], "F/A-18");
    assert_string_equal(set.contents.class_names[4], "Gulfstream IV");
    assert_int_equal(set.contents.crop_bottom, 20);
    const struct pb_sample *sample = dataset_find(&set, "/data/images/0056978.jpg");
    assert_non_null(sample);
    assert_int_equal(sample->label, 2);
    assert_int_equal(sample->split, PB_SPLIT_TRAIN);
    assert_int_equal(sample->line, 3);
    assert_true(pb_ends_with(sample->source, "/data/images_variant_trainval.txt"));
    /* 1-based inclusive corners 1, 1, 1024, 683 are the whole of a 1024×683 image. */
    assert_true(sample->box[0] == 0 && sample->box[1] == 0 && sample->box[2] == 1024 && sample->box[3] == 683);
    sample = dataset_find(&set, "1514522.jpg");
    assert_int_equal(sample->label, 4);
    assert_int_equal(sample->split, PB_SPLIT_TEST);
    assert_ptr_equal(sample, &set.contents.samples[5]);
    dataset_close(&set);
}

static void test_the_banner_is_an_option(void **state)
{
    struct dataset set;
    put_set(*state);
    dataset_open(&set, "aircraft", *state, "banner", "0");
    assert_int_equal(set.contents.crop_bottom, 0);
    dataset_close(&set);
}

static void test_the_root_may_name_data_itself(void **state)
{
    char *data = images_path(*state, "data");
    put_set(*state);
    assert_set_opens(data);
    pb_free(data);
}

static void test_train_and_val_replace_trainval(void **state)
{
    put_set(*state);
    assert_int_equal(unlink(folder_path(state, "data/images_variant_trainval.txt")), 0);
    images_put_text(*state, "data/images_variant_train.txt", "1025794 707-320\n1340192 A340-300\n0056978 F/A-18\n");
    images_put_text(*state, "data/images_variant_val.txt", "0698580 F-16A/B\n0450014 Gulfstream IV\n");
    assert_set_opens(*state);
}

static void test_windows_line_ends_blank_lines_and_a_byte_order_mark_do_no_harm(void **state)
{
    put_set(*state);
    images_put_text(*state, "data/variants.txt",
                    "\xef\xbb\xbf"
                    "707-320\r\nA340-300\r\nF/A-18\r\n\r\nF-16A/B\r\nGulfstream IV \r\n\r\n");
    images_put_text(*state, "data/images_variant_test.txt", "1514522 Gulfstream IV\r\n0747566 F/A-18");
    assert_set_opens(*state);
}

static void test_a_folder_without_the_layout_says_what_to_give(void **state)
{
    dataset_assert_refused("aircraft", *state, *state, "give the folder fgvc-aircraft-2013b");
}

static void test_bad_split_files_are_refused_with_file_and_line(void **state)
{
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"1514522 Gulfstream IV\n0747566 F/A-19\n", "images_variant_test.txt:2: ", "'F/A-19' is not in variants.txt"},
        {"1514522 Gulfstream IV\n747566 F/A-18\n", "images_variant_test.txt:2: ", "'747566' is not an image id"},
        {"1514522 Gulfstream IV\n\n0747566\n", "images_variant_test.txt:3: ", "no variant behind it"},
        {"1514522 Gulfstream IV\n1514522 F/A-18\n", "images_variant_test.txt:2: ", "second time"},
        {"1514522 Gulfstream IV\n1025794 707-320\n", "images_variant_test.txt:2: ", "images_variant_trainval.txt:1"},
        {"../../a F/A-18\n", "images_variant_test.txt:1: ", "not an image id"},
        {"", "images_variant_test.txt: ", "is empty"},
        {" \r\n\r\n", "images_variant_test.txt: ", "is empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_set(*state);
        images_put_text(*state, "data/images_variant_test.txt", cases[i].text);
        dataset_assert_refused("aircraft", *state, cases[i].where, cases[i].what);
    }
}

static void test_bad_boxes_are_refused_with_file_and_line(void **state)
{
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"0056978 1 1 1024\n", "images_box.txt:1: ", "ends where the box's ymax should be"},
        {"0056978 1 1 1024 nan\n", "images_box.txt:1: ", "'nan' is not a number"},
        {"0056978 1 1 0x10 10\n", "images_box.txt:1: ", "'0x10' is not a number"},
        {"0056978 1 1 1e99 10\n", "images_box.txt:1: ", "'1e99' is not a number"},
        {"0056978 1 1 10 10 10\n", "images_box.txt:1: ", "'10' comes after the last field"},
        {"0056978 9 1 8 10\n", "images_box.txt:1: ", "ends before it begins"},
        {"0056978 1 1 8 9\n0056978 1 1 8 9\n", "images_box.txt:2: ", "second box"},
        {"0056978 1 1 8 9\n", "images_variant_trainval.txt:1: ", "has no line in"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_set(*state);
        images_put_text(*state, "data/images_box.txt", cases[i].text);
        dataset_assert_refused("aircraft", *state, cases[i].where, cases[i].what);
    }
}

static void test_missing_files_are_named(void **state)
{
    static const char *const names[] = {"images_variant_trainval.txt", "images_variant_test.txt", "images_box.txt"};
    static const char *const named[] = {"images_variant_train.txt", "images_variant_test.txt", "images_box.txt"};
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        put_set(*state);
        strcpy(path, "data/");
        strcat(path, names[i]);
        assert_int_equal(unlink(folder_path(state, path)), 0);
        dataset_assert_refused("aircraft", *state, named[i], "cannot be opened: No such file");
    }
}

static void test_duplicate_variants_and_binary_files_are_refused(void **state)
{
    put_set(*state);
    images_put_text(*state, "data/variants.txt", "707-320\nF/A-18\n707-320\n");
    dataset_assert_refused("aircraft", *state, "variants.txt:3: ", "second time");
    images_put(*state, "data/variants.txt", "707-320\nF\0A\n", 12);
    dataset_assert_refused("aircraft", *state, "variants.txt:2: ", "NUL byte");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_set_reads_as_its_files_say),
        TEST(test_the_banner_is_an_option),
        TEST(test_the_root_may_name_data_itself),
        TEST(test_train_and_val_replace_trainval),
        TEST(test_windows_line_ends_blank_lines_and_a_byte_order_mark_do_no_harm),
        TEST(test_a_folder_without_the_layout_says_what_to_give),
        TEST(test_bad_split_files_are_refused_with_file_and_line),
        TEST(test_bad_boxes_are_refused_with_file_and_line),
        TEST(test_missing_files_are_named),
        TEST(test_duplicate_variants_and_binary_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
