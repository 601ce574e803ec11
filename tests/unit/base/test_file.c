/* Files: read whole, written whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "support/folder.h"

static void put(const char *path, const void *data, size_t length)
{
    struct pb_error error = {0};
    assert_int_equal(pb_file_write_atomic(path, data, length, &error), PB_OK);
}

static void assert_contents(const char *path, const char *expected)
{
    struct pb_error error = {0};
    char *data;
    size_t length;
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    assert_int_equal(length, strlen(expected));
    assert_string_equal(data, expected);
    pb_free(data);
}

static void test_what_was_written_is_read(void **state)
{
    static const char bytes[] = {'a', '\0', 'b'};
    struct pb_error error = {0};
    char *data;
    size_t length;
    const char *path = folder_path(state, "bytes");
    put(path, bytes, sizeof bytes);
    assert_int_equal(pb_file_read(path, 3, &data, &length, &error), PB_OK);
    assert_int_equal(length, 3);
    assert_memory_equal(data, "a\0b\0", 4);
    pb_free(data);
    put(path, "", 0);
    assert_contents(path, "");
    put(path, "second", 6);
    assert_contents(path, "second");
}

static void test_files_above_the_limit_are_refused(void **state)
{
    struct pb_error error = {0};
    char *data = NULL;
    size_t length = 7;
    const char *path = folder_path(state, "big");
    put(path, "1234", 4);
    assert_int_equal(pb_file_read(path, 3, &data, &length, &error), PB_ERROR_INPUT);
    assert_null(data);
    assert_int_equal(length, 7);
    assert_non_null(strstr(error.text, path));
    /* A file without a size in advance, too. */
    assert_int_equal(pb_file_read("/proc/self/status", 10, &data, &length, &error), PB_ERROR_INPUT);
    assert_int_equal(pb_file_read("/proc/self/status", 0, &data, &length, &error), PB_OK);
    assert_true(length > 100);
    pb_free(data);
}

static void test_a_missing_file_and_a_folder_are_the_users_mistakes(void **state)
{
    struct pb_error error = {0};
    char *data;
    size_t length;
    assert_int_equal(pb_file_read(folder_path(state, "none"), 0, &data, &length, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "none': No such file or directory"));
    assert_int_equal(pb_file_read(*state, 0, &data, &length, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "Is a directory"));
}

static size_t entries(const char *folder)
{
    struct pb_error error = {0};
    char **names;
    size_t count;
    assert_int_equal(pb_list_dir(folder, &names, &count, &error), PB_OK);
    pb_names_free(&names, count);
    assert_null(names);
    return count;
}

static void test_a_full_disk_leaves_the_old_file_and_nothing_else(void **state)
{
    static char data[100000];
    struct pb_error error = {0};
    struct rlimit before, tiny;
    const char *path = folder_path(state, "result.xml");
    put(path, "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tiny = before;
    tiny.rlim_cur = 5000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    const enum pb_status status = pb_file_write_atomic(path, data, sizeof data, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(status, PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "result.xml': File too large"));
    assert_contents(path, "old");
    assert_int_equal(entries(*state), 1);
}

static void test_a_rename_that_fails_leaves_nothing_behind(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "folder");
    assert_int_equal(pb_make_dirs(path, &error), PB_OK);
    assert_int_equal(pb_file_write_atomic(path, "x", 1, &error), PB_ERROR_RUN);
    assert_true(pb_is_dir(path));
    assert_int_equal(entries(*state), 1);
    assert_int_equal(pb_file_write_atomic(folder_path(state, "no/such/file"), "x", 1, &error), PB_ERROR_RUN);
}

static void test_running_out_of_memory_leaves_files_as_they_are(void **state)
{
    const char *path = folder_path(state, "file");
    put(path, "old", 3);
    for (long n = 0; n < 3; n++) {
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_file_write_atomic(path, "old", 3, &error);
        pb_memory_fail_after(-1);
        assert_int_not_equal(status, PB_OK);
        assert_contents(path, "old");
        assert_int_equal(entries(*state), 1);
    }
    struct pb_error error = {0};
    char *data = NULL;
    size_t length;
    pb_memory_fail_after(0);
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_ERROR_MEMORY);
    assert_null(data);
}

static void test_folders_are_made_and_trees_removed(void **state)
{
    struct pb_error error = {0};
    const char *root = folder_path(state, "a"), *deep = folder_path(state, "a/b//c/d/");
    const char *outside = folder_path(state, "outside");
    put(outside, "stays", 5);
    assert_int_equal(pb_make_dirs(deep, &error), PB_OK);
    assert_int_equal(pb_make_dirs(deep, &error), PB_OK);
    assert_true(pb_is_dir(folder_path(state, "a/b/c/d")));
    put(folder_path(state, "a/b/file"), "x", 1);
    assert_int_equal(symlink(*state, folder_path(state, "a/b/c/link")), 0);
    assert_int_equal(symlink(outside, folder_path(state, "a/link")), 0);
    assert_int_equal(pb_remove_tree(root, &error), PB_OK);
    assert_false(pb_file_exists(root));
    assert_contents(outside, "stays");
    assert_int_equal(pb_remove_tree(root, &error), PB_OK);
    assert_int_equal(pb_make_dirs(folder_path(state, "outside/below"), &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "Not a directory"));
}

static void test_names_in_a_folder_are_sorted(void **state)
{
    struct pb_error error = {0};
    char **names = NULL;
    size_t count = 5;
    put(folder_path(state, "b"), "", 0);
    put(folder_path(state, ".c"), "", 0);
    put(folder_path(state, "B"), "", 0);
    assert_int_equal(pb_list_dir(*state, &names, &count, &error), PB_OK);
    assert_int_equal(count, 3);
    assert_string_equal(names[0], ".c");
    assert_string_equal(names[1], "B");
    assert_string_equal(names[2], "b");
    pb_names_free(&names, count);
    for (long n = 0; n < 4; n++) {
        pb_memory_fail_after(n);
        const enum pb_status status = pb_list_dir(*state, &names, &count, &error);
        pb_memory_fail_after(-1);
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(names);
    }
    assert_int_equal(pb_list_dir(folder_path(state, "none"), &names, &count, &error), PB_ERROR_INPUT);
}

static void test_paths_are_taken_apart_and_joined(void **state)
{
    static const char *const folders[][2] = {{"a/b", "a"}, {"a", "."}, {"/a", "/"}, {"a//b", "a"}, {"/a/b/", "/a/b"}};
    static const char *const joins[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "a/b"}, {"", "b", "b"}};
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *folder = pb_path_folder(folders[i][0]);
        assert_string_equal(folder, folders[i][1]);
        pb_free(folder);
    }
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        char *joined = pb_path_join(joins[i][0], joins[i][1]);
        assert_string_equal(joined, joins[i][2]);
        pb_free(joined);
    }
    assert_string_equal(pb_path_name("a/b.so"), "b.so");
    assert_string_equal(pb_path_name("b.so"), "b.so");
}

static void test_lines_come_without_their_ends(void **state)
{
    static const char *const expected[] = {"one", "", "three ", "four"};
    struct pb_error error = {0};
    struct pb_lines lines;
    const char *path = folder_path(state, "lines");
    static const char text[] = "\xef\xbb\xbfone\r\n\nthree \nfour";
    put(path, text, sizeof text - 1);
    assert_int_equal(pb_lines_open(path, &lines, &error), PB_OK);
    for (long i = 0; i < 4; i++) {
        const char *line = pb_lines_next(&lines);
        assert_non_null(line);
        assert_string_equal(line, expected[i]);
        assert_int_equal(lines.number, i + 1);
    }
    assert_null(pb_lines_next(&lines));
    pb_lines_close(&lines);
    put(path, "a\nb\0c\n", 6);
    assert_int_equal(pb_lines_open(path, &lines, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "lines:2: "));
    put(path, "", 0);
    assert_int_equal(pb_lines_open(path, &lines, &error), PB_OK);
    assert_null(pb_lines_next(&lines));
    pb_lines_close(&lines);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_written_is_read),
        TEST(test_files_above_the_limit_are_refused),
        TEST(test_a_missing_file_and_a_folder_are_the_users_mistakes),
        TEST(test_a_full_disk_leaves_the_old_file_and_nothing_else),
        TEST(test_a_rename_that_fails_leaves_nothing_behind),
        TEST(test_running_out_of_memory_leaves_files_as_they_are),
        TEST(test_folders_are_made_and_trees_removed),
        TEST(test_names_in_a_folder_are_sorted),
        TEST(test_paths_are_taken_apart_and_joined),
        TEST(test_lines_come_without_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
