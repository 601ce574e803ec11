/* What a file system gives is tried out, and the trial leaves nothing. tests/cli/stores.bats has file systems that lack something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/store_probe.h"
#include "support/folder.h"

static size_t names_in(const char *folder)
{
    struct pb_error error = {0};
    char **names;
    size_t count;
    assert_int_equal(pb_list_dir(folder, &names, &count, &error), PB_OK);
    pb_names_free(&names, count);
    return count;
}

static struct pb_store_rows probed(const char *folder)
{
    struct pb_error error = {0};
    struct pb_store_rows rows;
    assert_int_equal(pb_store_probe(folder, &rows, &error), PB_OK);
    return rows;
}

static const struct pb_store_row *row_of(const struct pb_store_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->rows[i].name, name) == 0)
            return &rows->rows[i];
    fail_msg("there is no row '%s'", name);
    abort();
}

static void assert_required(const char *folder, enum pb_status status, const char *message)
{
    struct pb_error error = {0};
    assert_int_equal(pb_store_require(folder, &error), status);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
}

static void test_a_local_folder_has_it_all_and_stays_empty(void **state)
{
    const char *folder = *state;
    const struct pb_store_rows rows = probed(folder);
    assert_int_equal(rows.count, 13);
    for (size_t i = 0; i < rows.count; i++)
        assert_int_not_equal(rows.rows[i].state, PB_STORE_FAILED);
    assert_string_equal(row_of(&rows, "clock")->text, "agrees with this host's; not needed");
    assert_int_equal(names_in(folder), 0);
    assert_required(folder, PB_OK, "");
}

static void test_a_folder_that_is_yet_to_be_made_is_not_made(void **state)
{
    const struct pb_store_rows rows = probed(folder_path(state, "not/yet/"));
    assert_int_equal(rows.count, 13);
    assert_string_equal(row_of(&rows, "hard links")->text, "made and counted");
    assert_non_null(strstr(row_of(&rows, "folder")->text, "not/yet/' can be made"));
    assert_int_equal(names_in(*state), 0);
}

static void test_a_file_and_a_link_that_leads_nowhere_are_no_folder(void **state)
{
    struct pb_error error = {0};
    const char *file = folder_path(state, "file"), *dangling = folder_path(state, "link");
    assert_int_equal(pb_file_write_atomic(file, "a", 1, &error), PB_OK);
    assert_int_equal(symlink("nowhere", dangling), 0);
    assert_required(file, PB_ERROR_INPUT, "file' is a file, no folder; choose another one");
    assert_required(dangling, PB_ERROR_INPUT, "link' is a link, no folder");
    assert_required(folder_path(state, "file/below"), PB_ERROR_INPUT, "no folder can be made (Not a directory)");
    assert_int_equal(probed(file).count, 2);
    assert_int_equal(names_in(*state), 2);
}

static void test_a_folder_below_it_on_another_file_system_is_named(void **state)
{
    struct stat here, there;
    if (stat(*state, &here) != 0 || stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev)
        skip();
    assert_int_equal(symlink("/dev/shm", folder_path(state, "stages")), 0);
    assert_required(*state, PB_ERROR_RUN, "/stages' are on two file systems, between which nothing can be renamed; ");
    assert_int_equal(unlink(folder_path(state, "stages")), 0);
    assert_int_equal(mkdir(folder_path(state, "stages"), 0777), 0);
    assert_required(*state, PB_OK, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_local_folder_has_it_all_and_stays_empty),
        TEST(test_a_folder_that_is_yet_to_be_made_is_not_made),
        TEST(test_a_file_and_a_link_that_leads_nowhere_are_no_folder),
        TEST(test_a_folder_below_it_on_another_file_system_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
