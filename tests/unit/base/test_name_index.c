/* Rows are found by name, also when there are many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/name_index.h"

enum { NAMES = 5000 };

static void test_an_empty_index_finds_nothing(void **state)
{
    (void)state;
    struct pb_name_index index = {0};
    assert_int_equal(pb_name_index_find(&index, ""), PB_NO_ROW);
    pb_name_index_free(&index);
}

static void test_every_name_leads_to_its_row(void **state)
{
    static char names[NAMES][16];
    struct pb_error error = {0};
    struct pb_name_index index = {0};
    (void)state;
    for (uint32_t i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof names[i], "%s%u", i % 2 ? "cell " : "", i);
        assert_int_equal(pb_name_index_find(&index, names[i]), PB_NO_ROW);
        assert_int_equal(pb_name_index_add(&index, names[i], NAMES - i, &error), PB_OK);
    }
    for (uint32_t i = 0; i < NAMES; i++) {
        char copy[16];
        memcpy(copy, names[i], sizeof copy);
        assert_int_equal(pb_name_index_find(&index, copy), NAMES - i);
    }
    assert_int_equal(pb_name_index_find(&index, "cell 0"), PB_NO_ROW);
    assert_int_equal(pb_name_index_find(&index, ""), PB_NO_ROW);
    assert_int_equal(index.count, NAMES);
    pb_name_index_free(&index);
    assert_int_equal(pb_name_index_find(&index, "1"), PB_NO_ROW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_index_finds_nothing),
        cmocka_unit_test(test_every_name_leads_to_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
