/* Sealed files: whole, damaged or absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sealed.h"
#include "support/folder.h"

static const char TEXT[] = "{\"median_ms\": 1.25}\n";

static char *sealed_file(const char *folder)
{
    struct pb_error error = {0};
    char *path = pb_path_join(folder, "sealed");
    assert_non_null(path);
    assert_int_equal(pb_sealed_write(path, TEXT, &error), PB_OK);
    return path;
}

static void test_what_was_written_is_read(void **state)
{
    char *path = sealed_file(*state), *text = NULL;
    assert_int_equal(pb_sealed_read(path, &text), PB_SEALED_WHOLE);
    assert_string_equal(text, TEXT);
    pb_free(text);
    pb_free(path);
}

static void test_a_file_that_is_not_there_is_absent(void **state)
{
    char *path = pb_path_join(*state, "nothing"), *text = NULL;
    assert_int_equal(pb_sealed_read(path, &text), PB_SEALED_ABSENT);
    assert_null(text);
    pb_free(path);
}

static void test_any_changed_byte_is_damage(void **state)
{
    char *path = sealed_file(*state), *text = NULL, *data = NULL;
    size_t length = 0;
    struct pb_error error = {0};
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    assert_int_equal(length, 65 + strlen(TEXT));
    for (size_t i = 0; i < length; i++) {
        data[i] ^= 1;
        assert_int_equal(pb_file_write_atomic(path, data, length, &error), PB_OK);
        assert_int_equal(pb_sealed_read(path, &text), PB_SEALED_DAMAGED);
        assert_null(text);
        data[i] ^= 1;
    }
    pb_free(data);
    pb_free(path);
}

static void test_any_cut_is_damage(void **state)
{
    char *path = sealed_file(*state), *text = NULL, *data = NULL;
    size_t length = 0;
    struct pb_error error = {0};
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    for (size_t kept = 0; kept < length; kept++) {
        assert_int_equal(pb_file_write_atomic(path, data, kept, &error), PB_OK);
        assert_int_equal(pb_sealed_read(path, &text), PB_SEALED_DAMAGED);
    }
    pb_free(data);
    pb_free(path);
}

static void test_a_folder_or_a_fifo_in_its_place_is_damage(void **state)
{
    char *path = pb_path_join(*state, "pipe"), *text = NULL;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pb_sealed_read(path, &text), PB_SEALED_DAMAGED);
    assert_int_equal(pb_sealed_read(*state, &text), PB_SEALED_DAMAGED);
    assert_null(text);
    pb_free(path);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_written_is_read),
        TEST(test_a_file_that_is_not_there_is_absent),
        TEST(test_any_changed_byte_is_damage),
        TEST(test_any_cut_is_damage),
        TEST(test_a_folder_or_a_fifo_in_its_place_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
