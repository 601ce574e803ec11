/* What a run has to do, as a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "coordinator/work_list.h"
#include "stages/json_file.h"
#include "support/folder.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static void write_list(void **state)
{
    struct pb_error error = {0};
    struct pb_work_plugin plugins[] = {{.file = "/p/criterion-x.so", .sha256 = DIGEST}};
    struct pb_work_item cells[] = {{.id = "a.r10", .document = ""}, {.id = "b.r10", .document = DIGEST}};
    struct pb_work_failure failures[] = {{.stage = "cc", .cell = "a.r10", .message = "it did not work"}};
    const struct pb_work_list list = {.id = "0123456789abcdef0123456789abcdef",
                                      .failures = failures,
                                      .failure_count = 1,
                                      .matrix = "aa",
                                      .plans = "bb",
                                      .version = "1.2.3",
                                      .git = "0abc",
                                      .numerics = "dd",
                                      .folder = "/where/it began",
                                      .workers_measure = true,
                                      .plugins = plugins,
                                      .plugin_count = 1,
                                      .cells = cells,
                                      .cell_count = 2};
    must(pb_work_list_write(*state, &list, &error), &error);
}

static void assert_refused(void **state, const char *part)
{
    struct pb_error error = {0};
    struct pb_work_list list = {.cell_count = 77};
    assert_int_equal(pb_work_list_read(*state, &list, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, part) || !strstr(error.text, *state))
        fail_msg("%s", error.text);
    assert_int_equal(list.cell_count, 77); /* written only on success */
}

static void test_what_is_written_is_read(void **state)
{
    struct pb_error error = {0};
    struct pb_work_list list;
    write_list(state);
    must(pb_work_list_read(*state, &list, &error), &error);
    assert_string_equal(list.matrix, "aa");
    assert_string_equal(list.plans, "bb");
    assert_string_equal(list.version, "1.2.3");
    assert_string_equal(list.git, "0abc");
    assert_string_equal(list.numerics, "dd");
    assert_string_equal(list.folder, "/where/it began");
    assert_true(list.workers_measure);
    assert_int_equal(list.plugin_count, 1);
    assert_string_equal(list.plugins[0].file, "/p/criterion-x.so");
    assert_string_equal(list.plugins[0].sha256, DIGEST);
    assert_string_equal(list.id, "0123456789abcdef0123456789abcdef");
    assert_int_equal(list.failure_count, 1);
    assert_string_equal(list.failures[0].stage, "cc");
    assert_string_equal(list.failures[0].cell, "a.r10");
    assert_string_equal(list.failures[0].message, "it did not work");
    assert_int_equal(list.cell_count, 2);
    assert_string_equal(list.cells[0].id, "a.r10");
    assert_string_equal(list.cells[0].document, "");
    assert_string_equal(list.cells[1].id, "b.r10");
    assert_string_equal(list.cells[1].document, DIGEST);
    pb_work_list_free(&list);
    assert_null(list.cells);
}

static void test_a_folder_without_one_has_no_run_to_join(void **state)
{
    assert_refused(state, "there is no run to join in '");
}

static void test_one_that_is_cut_or_damaged_is_refused(void **state)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    const char *path = folder_path(state, "work-list.json");
    write_list(state);
    assert_int_equal(truncate(path, 200), 0);
    assert_refused(state, "it is damaged: ");
    assert_int_equal(truncate(path, 0), 0);
    assert_refused(state, "it is damaged: ");
    write_list(state);
    must(pb_file_read(path, 0, &text, &length, &error), &error);
    char *version = strstr(text, "1.2.3");
    assert_non_null(version);
    version[0] = '2'; /* which is good JSON */
    must(pb_file_replace(path, text, length, &error), &error);
    assert_refused(state, "it is damaged: its bytes do not have the checksum");
    pb_free(text);
}

/* A list that is whole, but for one member. */
static void write_changed(void **state, const char *name, json_t *value)
{
    struct pb_error error = {0};
    json_t *content = NULL;
    const char *path = folder_path(state, "work-list.json");
    write_list(state);
    must(pb_json_read(path, &content, &error), &error);
    assert_int_equal(value ? json_object_set_new(content, name, value) : json_object_del(content, name), 0);
    must(pb_json_write(path, content, &error), &error);
    json_decref(content);
}

static void test_one_of_another_format_is_refused(void **state)
{
    static const char refused[] = "is not a list of work of this version; 'prunebench run' writes it anew";
    static const char *const names[] = {"format",   "matrix", "plans",   "version", "git",
                                        "numerics", "folder", "plugins", "cells"};
    write_changed(state, "format", json_integer(2));
    assert_refused(state, refused);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        write_changed(state, names[i], NULL);
        assert_refused(state, refused);
    }
    write_changed(state, "matrix", json_string(DIGEST DIGEST)); /* longer than a digest */
    assert_refused(state, refused);
    write_changed(state, "cells", json_pack("[{s:s}]", "id", "a"));
    assert_refused(state, refused);
    write_changed(state, "plugins", json_pack("[{s:s}]", "sha256", DIGEST));
    assert_refused(state, refused);
    write_changed(state, "later", json_true()); /* a member more is none of these */
    struct pb_error error = {0};
    struct pb_work_list list;
    must(pb_work_list_read(*state, &list, &error), &error);
    pb_work_list_free(&list);
}

static void test_one_that_is_written_anew_is_another_one(void **state)
{
    const struct pb_work_list_identity none = pb_work_list_look(*state);
    assert_int_equal(none.inode, 0);
    write_list(state);
    const struct pb_work_list_identity first = pb_work_list_look(*state), same = pb_work_list_look(*state);
    assert_int_not_equal(first.inode, 0);
    assert_memory_equal(&first, &same, sizeof first);
    write_list(state);
    const struct pb_work_list_identity second = pb_work_list_look(*state);
    assert_memory_not_equal(&first, &second, sizeof first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_written_is_read),
        TEST(test_a_folder_without_one_has_no_run_to_join),
        TEST(test_one_that_is_cut_or_damaged_is_refused),
        TEST(test_one_of_another_format_is_refused),
        TEST(test_one_that_is_written_anew_is_another_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
