/* JPEG files that stb_image must not see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"

/* Start of image and one Huffman table of so many symbols, its last bytes missing; gives the length. */
static size_t with_table(uint8_t *bytes, unsigned symbols, size_t missing)
{
    const size_t size = 2 + 17 + symbols;
    const uint8_t head[] = {0xff, 0xd8, 0xff, 0xc4, (uint8_t)(size >> 8), (uint8_t)size, 0x10};
    memcpy(bytes, head, sizeof head);
    memset(bytes + sizeof head, 0, 16 + symbols);
    for (unsigned i = 0, left = symbols; i < 16 && left > 0; i++) {
        const unsigned count = left < 200 ? left : 200;
        bytes[sizeof head + 15 - i] = (uint8_t)count;
        left -= count;
    }
    return sizeof head + 16 + symbols - missing;
}

static void assert_refused(const uint8_t *bytes, size_t length, const char *message)
{
    struct pb_error error = {0};
    assert_int_equal(pb_jpeg_check(bytes, length, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' lacks '%s'", error.text, message);
}

static void test_tables_of_up_to_255_symbols_pass(void **state)
{
    (void)state;
    struct pb_error error = {0};
    uint8_t bytes[512];
    assert_int_equal(pb_jpeg_check(bytes, with_table(bytes, 0, 0), &error), PB_OK);
    assert_int_equal(pb_jpeg_check(bytes, with_table(bytes, 162, 0), &error), PB_OK);
    assert_int_equal(pb_jpeg_check(bytes, with_table(bytes, 255, 0), &error), PB_OK);
}

static void test_larger_tables_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[512];
    assert_refused(bytes, with_table(bytes, 256, 0), "a Huffman table of 256 symbols");
    assert_refused(bytes, with_table(bytes, 300, 0), "a Huffman table of 300 symbols");
}

static void test_tables_that_end_behind_the_file_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[512];
    assert_refused(bytes, with_table(bytes, 100, 1), "cut short");
    assert_refused(bytes, with_table(bytes, 100, 110), "cut short");
}

/* Between segments stb_image looks for the next marker, whatever bytes it passes; so must the check. */
static void test_a_table_behind_padding_is_seen(void **state)
{
    (void)state;
    uint8_t bytes[512] = {0xff, 0xd8, 0x00, 0x17, 0xff, 0x00, 0xff}, table[512];
    const size_t length = with_table(table, 256, 0);
    memcpy(bytes + 7, table + 2, length - 2);
    assert_refused(bytes, 7 + length - 2, "256 symbols");
}

/* A scan's data end at the first marker that is neither stuffed nor a restart. */
static void test_a_table_behind_a_scan_is_seen(void **state)
{
    (void)state;
    uint8_t bytes[600] = {0xff, 0xd8, 0xff, 0xda, 0, 3, 1, 0x12, 0xff, 0x00, 0x34, 0xff, 0xd3, 0x56}, table[512];
    const size_t length = with_table(table, 256, 0);
    memcpy(bytes + 14, table + 2, length - 2);
    assert_refused(bytes, 14 + length - 2, "256 symbols");
}

/* Every image that the tests hold as good passes, progressive and CMYK ones included. */
static void test_good_files_pass(void **state)
{
    (void)state;
    static const char *const names[] = {"grey.jpg", "cmyk.jpg", "progressive.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct pb_error error = {0};
        char path[512], *bytes = NULL;
        size_t length = 0;
        snprintf(path, sizeof path, PB_TEST_SOURCES "/golden/images/%s", names[i]);
        assert_int_equal(pb_file_read(path, 0, &bytes, &length, &error), PB_OK);
        if (pb_jpeg_check((const uint8_t *)bytes, length, &error) != PB_OK)
            fail_msg("%s: %s", names[i], error.text);
        pb_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_of_up_to_255_symbols_pass),
        cmocka_unit_test(test_larger_tables_are_refused),
        cmocka_unit_test(test_tables_that_end_behind_the_file_are_refused),
        cmocka_unit_test(test_a_table_behind_padding_is_seen),
        cmocka_unit_test(test_a_table_behind_a_scan_is_seen),
        cmocka_unit_test(test_good_files_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
