/* A user's own images: class folders, CSV files, and what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/datasets.h"
#include "support/folder.h"
#include "support/images.h"

static const char *const csv_options[] = {"csv", "list.csv", NULL};

/* Empty files: the plugin opens none. */
static void put(const char *folder, const char *const *names)
{
    for (; *names != NULL; names++)
        images_put_text(folder, *names, "");
}

static const char *const split_set[] = {"train/dog/b.jpg", "train/dog/a.JPEG",    "train/Cat/10.png",
                                        "train/Cat/9.png", "train/eel/1.jpg",     "test/dog/1.jpg",
                                        "test/eel/1.jpg",  "train/dog/.DS_Store", "train/README",
                                        "test/Cat/2.png",  "other/x.jpg",         NULL};

/* ROOT/cat/0.png … 9.png, ROOT/dog/0.png … 3.png */
static void put_unsplit(const char *folder)
{
    char name[32];
    for (int i = 0; i < 14; i++) {
        (void)snprintf(name, sizeof name, i < 10 ? "cat/%d.png" : "dog/%d.png", i < 10 ? i : i - 10);
        images_put_text(folder, name, "");
    }
}

static void assert_sample(const struct dataset *set, uint32_t i, const char *end, uint32_t label, uint32_t split)
{
    const struct pb_sample *sample = &set->contents.samples[i];
    if (!pb_ends_with(sample->path, end))
        fail_msg("sample %u is '%s', not '%s'", i, sample->path, end);
    assert_int_equal(sample->label, label);
    assert_int_equal(sample->split, split);
}

static void test_class_folders_are_read_in_the_order_of_their_bytes(void **state)
{
    struct dataset set;
    put(*state, split_set);
    dataset_open(&set, "folder", *state, NULL, NULL);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(set.contents.class_count, 3);
    assert_string_equal(set.contents.class_names[0], "Cat"); /* capitals come first in ASCII */
    assert_string_equal(set.contents.class_names[1], "dog");
    assert_string_equal(set.contents.class_names[2], "eel");
    assert_int_equal(set.contents.sample_count, 8);
    assert_sample(&set, 0, "/train/Cat/10.png", 0, PB_SPLIT_TRAIN); /* '1' comes before '9' */
    assert_sample(&set, 1, "/train/Cat/9.png", 0, PB_SPLIT_TRAIN);
    assert_sample(&set, 2, "/train/dog/a.JPEG", 1, PB_SPLIT_TRAIN);
    assert_sample(&set, 3, "/train/dog/b.jpg", 1, PB_SPLIT_TRAIN);
    assert_sample(&set, 4, "/train/eel/1.jpg", 2, PB_SPLIT_TRAIN);
    assert_sample(&set, 5, "/test/Cat/2.png", 0, PB_SPLIT_TEST);
    assert_sample(&set, 6, "/test/dog/1.jpg", 1, PB_SPLIT_TEST);
    assert_sample(&set, 7, "/test/eel/1.jpg", 2, PB_SPLIT_TEST);
    assert_true(pb_ends_with(set.contents.samples[0].source, "/train/Cat"));
    assert_int_equal(set.contents.samples[0].line, 0);
    assert_true(set.contents.samples[0].box[2] == 0);
    dataset_close(&set);
}

static void test_several_folders_make_up_a_split_where_the_options_say_so(void **state)
{
    static const char *const files[] = {"a/x/1.jpg", "a/y/1.jpg", "b/x/2.jpg", "b/z/1.jpg",
                                        "c/x/3.jpg", "c/y/2.jpg", "c/z/2.jpg", NULL};
    static const char *const options[] = {"train", "b,a", "test", "c", NULL};
    struct dataset set;
    put(*state, files);
    dataset_open_with(&set, "folder", *state, options);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(set.contents.class_count, 3);
    assert_int_equal(set.contents.sample_count, 7);
    assert_sample(&set, 0, "/b/x/2.jpg", 0, PB_SPLIT_TRAIN); /* in the order of the option */
    assert_sample(&set, 2, "/a/x/1.jpg", 0, PB_SPLIT_TRAIN);
    assert_sample(&set, 6, "/c/z/2.jpg", 2, PB_SPLIT_TEST);
    dataset_close(&set);
}

static uint32_t tests_of(const struct dataset *set, char numbers[32])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->contents.sample_count; i++) {
        const struct pb_sample *sample = &set->contents.samples[i];
        if (sample->split != PB_SPLIT_TEST)
            continue;
        const char *dot = strrchr(sample->path, '.');
        numbers[count++] = dot[-1];
    }
    numbers[count] = '\0';
    return count;
}

/* The expected images come from FNV-1a and SplitMix64 written again in Python. */
static void test_a_test_share_takes_the_same_images_of_every_class_wherever_the_set_lies(void **state)
{
    static const char *const first[] = {"test-share", "0.3", NULL};
    static const char *const second[] = {"test-share", "0.3", "test-seed", "2", NULL};
    static const char *const rounded[] = {"test-share", "0.4", NULL};
    static const char *const most[] = {"test-share", "0.9", NULL};
    struct dataset set;
    char numbers[32], slash[80];
    put_unsplit(*state);
    dataset_open_with(&set, "folder", *state, first);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(set.contents.sample_count, 14);
    assert_int_equal(tests_of(&set, numbers), 4); /* 3 of 10 cats, round(1.2) of 4 dogs */
    assert_string_equal(numbers, "0493");
    assert_sample(&set, 0, "/cat/1.png", 0, PB_SPLIT_TRAIN);
    dataset_close(&set);
    (void)snprintf(slash, sizeof slash, "%s//", (const char *)*state);
    dataset_open_with(&set, "folder", slash, second);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(tests_of(&set, numbers), 4);
    assert_string_equal(numbers, "2780");
    dataset_close(&set);
    dataset_open_with(&set, "folder", *state, rounded);
    assert_int_equal(tests_of(&set, numbers), 6); /* 4 of 10 cats, round(1.6) of 4 dogs */
    assert_string_equal(numbers, "034923");
    dataset_close(&set);
    dataset_open_with(&set, "folder", *state, most);
    assert_int_equal(tests_of(&set, numbers), 12); /* one of every class stays */
    dataset_close(&set);
}

static void test_a_csv_file_is_read_with_quotes_and_windows_line_ends(void **state)
{
    struct dataset set;
    images_put_text(*state, "list.csv",
                    "\xef\xbb\xbf"
                    "note,label,path,split\r\n"
                    ",zebra,img/1.jpg,train\r\n"
                    "\"two\r\nlines, \"\"quoted\"\"\",\"ant, red\",\"img/a \"\"b\"\",c.jpg\",train\r\n"
                    "\r\n"
                    "x,zebra,img/2.jpg,test\r\n"
                    "y,\"ant, red\",img/3.jpg,\"test\"");
    dataset_open_with(&set, "folder", *state, csv_options);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(set.contents.class_count, 2);
    assert_string_equal(set.contents.class_names[0], "ant, red");
    assert_string_equal(set.contents.class_names[1], "zebra");
    assert_int_equal(set.contents.sample_count, 4);
    assert_sample(&set, 0, "/img/1.jpg", 1, PB_SPLIT_TRAIN); /* in the file's order */
    assert_sample(&set, 1, "/img/a \"b\",c.jpg", 0, PB_SPLIT_TRAIN);
    assert_sample(&set, 2, "/img/2.jpg", 1, PB_SPLIT_TEST);
    assert_sample(&set, 3, "/img/3.jpg", 0, PB_SPLIT_TEST);
    assert_int_equal(set.contents.samples[1].line, 3);
    assert_int_equal(set.contents.samples[2].line, 6); /* behind two lines in quotes and a blank one */
    assert_int_equal(set.contents.samples[3].line, 7);
    assert_true(pb_ends_with(set.contents.samples[1].source, "/list.csv"));
    dataset_close(&set);
}

static void test_other_values_of_the_column_split_can_be_named(void **state)
{
    static const char *const options[] = {"csv", "list.csv", "train", "train,extra", "test", "val", NULL};
    struct dataset set;
    images_put_text(*state, "list.csv", "path,label,split\na,x,train\nb,y,extra\nc,x,val\n");
    dataset_open_with(&set, "folder", *state, options);
    assert_int_equal(set.status, PB_OK); /* that class y is not tested is a warning */
    assert_sample(&set, 1, "/b", 1, PB_SPLIT_TRAIN);
    assert_sample(&set, 2, "/c", 0, PB_SPLIT_TEST);
    dataset_close(&set);
}

static void test_a_csv_file_without_splits_takes_a_test_share(void **state)
{
    static const char *const options[] = {"csv", "list.csv", "test-share", "0.5", NULL};
    struct dataset set;
    images_put_text(*state, "list.csv", "path,label\na,x\nb,x\nc,y\nd,y\n");
    dataset_open_with(&set, "folder", *state, options);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(set.contents.samples[1].split, PB_SPLIT_TRAIN);
    assert_int_equal(set.contents.samples[2].split, PB_SPLIT_TEST);
    assert_int_not_equal(set.contents.samples[2].label, set.contents.samples[3].label);
    dataset_close(&set);
}

static void test_bad_csv_files_are_refused_with_file_and_line(void **state)
{
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"", "list.csv: ", "is empty"},
        {"path,label,split\n", "list.csv:", "lists no image behind its header"},
        {"path,split\na,train\n",
         "list.csv:1: ", "has no column 'label'; the header must name path,label,split (it is 'path,split')"},
        {"\n\nPath,label,split\n", "list.csv:3: ", "has no column 'path'"},
        {"path,label\na,x\n", "list.csv:1: ", "has no column 'split'"},
        {"path,label,split,path\n", "list.csv:1: ", "names the column 'path' twice"},
        {"path,label,split\na,x,train\nb,x\n", "list.csv:3: ", "has 2 fields where the header has 3"},
        {"path,label,split\na,x,train,\n", "list.csv:2: ", "has 4 fields where the header has 3"},
        {"path,label,split\r\na,x,train\r\nb,x,val\r\n",
         "list.csv:3: ", "split 'val' is neither training ('train') nor test ('test')"},
        {"path,label,split\na,x, train\n", "list.csv:2: ", "split ' train' is neither"},
        {"path,label,split\na,,train\n", "list.csv:2: ", "the label is empty"},
        {"path,label,split\n,x,train\n", "list.csv:2: ", "'' is not the path of an image below "},
        {"path,label,split\n../a,x,train\n", "list.csv:2: ", "'../a' is not the path of an image below "},
        {"path,label,split\n/a,x,train\n", "list.csv:2: ", "'/a' is not the path of an image below "},
        {"path,label,split\na,x,train\nb,x,test\na,x,train\n", "list.csv:4: ", "a' is listed a second time (first at "},
        {"path,label,split\na,\"x,train\nb,x,test\n", "list.csv:2: ", "a quoted field is not closed"},
        {"path,label,split\na,\"x\"y,train\n", "list.csv:2: ", "text comes after a field's closing quote"},
        {"path,label,split\na,x\"y,train\n", "list.csv:2: ", "a quote is inside a field without quotes"},
        {"path,label,split\na,x,train\nb,x,test\nc,y,test\n", "list.csv:4: ", "class 'y' is in the test split only"},
        {"path,label,split\na,x,train\nb,y,train\n", "", "lists no test image"},
        {"path,label,split\na,x,test\n", "list.csv:2: ", "class 'x' is in the test split only"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        images_put_text(*state, "list.csv", cases[i].text);
        dataset_assert_refused_with("folder", *state, csv_options, cases[i].where, cases[i].what);
    }
    assert_int_equal(unlink(folder_path(state, "list.csv")), 0);
    dataset_assert_refused_with("folder", *state, csv_options, "list.csv: ", "cannot be opened: No such file");
}

static void test_a_csv_file_with_splits_takes_no_test_share(void **state)
{
    static const char *const options[] = {"csv", "list.csv", "test-share", "0.2", NULL};
    images_put_text(*state, "list.csv", "path,label,split\na,x,train\n");
    dataset_assert_refused_with("folder", *state, options, "list.csv:1: ", "has a column 'split' already");
    images_put_text(*state, "list.csv", "path,label\na,x\nb,x\nc,y\n");
    dataset_assert_refused_with("folder", *state, options, "/c: ", "the only image of class 'y'");
}

/* The set of split_set with one file more. */
static void assert_extra_refused(const char *root, const char *file, const char *where, const char *what)
{
    char *path = images_path(root, file);
    put(root, split_set);
    images_put_text(root, file, "");
    dataset_assert_refused("folder", root, where, what);
    assert_int_equal(unlink(path), 0);
    pb_free(path);
}

static void test_bad_class_folders_are_refused_by_name(void **state)
{
    static const char *const shared[] = {"test", "train", NULL};
    static const char *const shares[] = {"test-share", "0.2", NULL};
    static const char *const names[] = {"train", "train,,val", NULL};
    dataset_assert_refused("folder", *state, "/train: is not there", "set the option test-share");
    assert_extra_refused(*state, "train/loose.png", "/train/loose.png: ", "is in no class's folder");
    assert_extra_refused(*state, "train/dog/deeper/x.png", "/train/dog/deeper: ", "inside the folder of a class");
    assert_int_equal(rmdir(folder_path(state, "train/dog/deeper")), 0);
    assert_extra_refused(*state, "train/fox/notes.txt", "/train/fox: ", "this class has no image");
    assert_int_equal(rmdir(folder_path(state, "train/fox")), 0);
    assert_extra_refused(*state, "test/gnu/1.jpg", "/test/gnu: ", "class 'gnu' is in the test split only");
    assert_int_equal(rmdir(folder_path(state, "test/gnu")), 0);
    dataset_assert_refused_with("folder", *state, shared, "", "options 'train' and 'test' both name 'train'");
    dataset_assert_refused_with("folder", *state, names, "option 'train': 'train,,val' ",
                                "is not one or several names");
    dataset_assert_refused_with("folder", *state, shares,
                                "/test: ", "is here already; leave out the option test-share");
}

static void test_a_folder_that_holds_no_classes_is_refused(void **state)
{
    static const char *const shares[] = {"test-share", "0.2", NULL};
    images_put_text(*state, "README", "");
    dataset_assert_refused_with("folder", *state, shares, *state, "has no class's folder; images belong into ");
    images_put_text(*state, "cat/1.png", "");
    dataset_assert_refused_with("folder", *state, shares, "/cat/1.png: ", "the only image of class 'cat'");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_class_folders_are_read_in_the_order_of_their_bytes),
        TEST(test_several_folders_make_up_a_split_where_the_options_say_so),
        TEST(test_a_test_share_takes_the_same_images_of_every_class_wherever_the_set_lies),
        TEST(test_a_csv_file_is_read_with_quotes_and_windows_line_ends),
        TEST(test_other_values_of_the_column_split_can_be_named),
        TEST(test_a_csv_file_without_splits_takes_a_test_share),
        TEST(test_bad_csv_files_are_refused_with_file_and_line),
        TEST(test_a_csv_file_with_splits_takes_no_test_share),
        TEST(test_bad_class_folders_are_refused_by_name),
        TEST(test_a_folder_that_holds_no_classes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
