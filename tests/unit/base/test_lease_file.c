/* Lock files: what somebody else keeps under the name of one stays as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/memory.h"
#include "support/folder.h"

static void put(const char *path, const char *text)
{
    struct pb_error error = {0};
    assert_int_equal(pb_file_write_atomic(path, text, strlen(text), &error), PB_OK);
}

static void assert_holds(const char *path, const char *text)
{
    struct pb_error error = {0};
    char *data;
    size_t length;
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    assert_string_equal(data, text);
    pb_free(data);
}

static void assert_refused(const char *path, const char *message)
{
    struct pb_error error = {0};
    struct pb_lease *lock = NULL;
    assert_int_equal(pb_lease_try(path, &lock, &error), PB_ERROR_RUN);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_int_equal(pb_lease_take(path, PB_UNTIL_FREE, &lock, &error), PB_ERROR_RUN);
    assert_null(lock);
}

static void test_a_link_is_refused_and_what_it_names_stays(void **state)
{
    const char *thesis = folder_path(state, "thesis.tex"), *path = folder_path(state, "lock");
    put(thesis, "years of work");
    assert_int_equal(symlink(thesis, path), 0);
    assert_refused(path, "lock' is no lock file but a link; move it away");
    assert_holds(thesis, "years of work");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(folder_path(state, "nowhere"), path), 0);
    assert_refused(path, "a link");
    assert_false(pb_file_exists(folder_path(state, "nowhere")));
}

static void test_a_hard_link_to_somebodys_file_is_refused_and_the_file_stays(void **state)
{
    const char *thesis = folder_path(state, "thesis.tex"), *path = folder_path(state, "lock");
    put(thesis, "12 years of work");
    assert_int_equal(link(thesis, path), 0);
    assert_refused(path, "it does not say which process holds it; move it away");
    assert_holds(thesis, "12 years of work");
}

static void test_pipes_and_folders_are_refused(void **state)
{
    const char *pipe = folder_path(state, "pipe"), *folder = folder_path(state, "folder");
    assert_int_equal(mkfifo(pipe, 0666), 0);
    assert_refused(pipe, "pipe' is no lock file but a named pipe");
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_refused(folder, "folder' is no lock file but a folder");
}

/* They locked by flock, and left nothing in the file, or the number of a process. */
static void test_what_earlier_versions_left_is_no_lock(void **state)
{
    static const char *const left[] = {"", "123456\n"};
    const char *path = folder_path(state, "lock");
    for (size_t i = 0; i < 2; i++) {
        struct pb_error error = {0};
        struct pb_lease *lock = NULL;
        put(path, left[i]);
        assert_int_equal(pb_lease_try(path, &lock, &error), PB_OK);
        assert_non_null(lock);
        pb_lease_give(&lock);
        assert_false(pb_file_exists(path));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_link_is_refused_and_what_it_names_stays),
        TEST(test_a_hard_link_to_somebodys_file_is_refused_and_the_file_stays),
        TEST(test_pipes_and_folders_are_refused),
        TEST(test_what_earlier_versions_left_is_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
