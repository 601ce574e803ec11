/* Numbers from text, numbers to text, growing strings, closest matches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"

static void test_whole_numbers_are_read_whole_or_not_at_all(void **state)
{
    static const char *const bad[] = {"",  " ",   "x",  "1x", "1 2", "1.5", "0x10", "9223372036854775808",
                                      "-", "1e3", "--1"};
    int64_t value = 5;
    (void)state;
    assert_true(pb_parse_int(" -12\t", &value));
    assert_int_equal(value, -12);
    assert_true(pb_parse_int("9223372036854775807", &value));
    assert_true(value == INT64_MAX);
    assert_true(pb_parse_int("-9223372036854775808", &value));
    assert_true(value == INT64_MIN);
    value = 5;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pb_parse_int(bad[i], &value));
    assert_int_equal(value, 5);
}

static void test_sizes_are_not_negative(void **state)
{
    size_t value = 5;
    (void)state;
    assert_false(pb_parse_size("-1", &value));
    assert_false(pb_parse_size(" -0", &value));
    assert_false(pb_parse_size("18446744073709551616", &value));
    assert_int_equal(value, 5);
    assert_true(pb_parse_size("18446744073709551615", &value));
    assert_true(value == SIZE_MAX);
}

static void test_reals_are_finite_decimals(void **state)
{
    static const char *const bad[] = {"",      "nan", "inf", "-inf", "1e999",    "0x1p3", "1,5",
                                      "1.2.3", "1e",  ".",   "1 2",  "infinity", "1d3",   "+-1"};
    double value = 5;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pb_parse_real(bad[i], &value));
    assert_true(value == 5);
    assert_true(pb_parse_real(" 1e-4 ", &value) && value == 1e-4);
    assert_true(pb_parse_real("-.5", &value) && value == -0.5);
    assert_true(pb_parse_real("+3.", &value) && value == 3);
    assert_true(pb_parse_real("1e-320", &value) && value == 1e-320);
}

static void test_bools_have_four_spellings(void **state)
{
    static const char *const yes[] = {"true", "YES", " on ", "1"}, *const no[] = {"false", "no", "Off", "0"};
    bool value = false;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(pb_parse_bool(yes[i], &value) && value);
        assert_true(pb_parse_bool(no[i], &value) && !value);
    }
    assert_false(pb_parse_bool("truely", &value));
    assert_false(pb_parse_bool("10", &value));
    assert_false(pb_parse_bool("", &value));
}

static void test_lists_are_separated_by_blanks_or_commas(void **state)
{
    static const char *const bad[] = {"1,,2", "1,", ",1", "1 x", "1;2", "1-2"};
    double *values = NULL;
    size_t count = 9;
    (void)state;
    assert_true(pb_parse_real_list(" 0.2 0.4,0.6 , 8e-1\n", &values, &count));
    assert_int_equal(count, 4);
    assert_true(values[0] == 0.2 && values[1] == 0.4 && values[2] == 0.6 && values[3] == 0.8);
    pb_free(values);
    assert_true(pb_parse_real_list("  ", &values, &count));
    assert_int_equal(count, 0);
    pb_free(values);
    assert_true(pb_parse_real_list("1 2 3 4 5 6 7 8 9", &values, &count));
    assert_int_equal(count, 9);
    assert_true(values[8] == 9);
    pb_free(values);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pb_parse_real_list(bad[i], &values, &count));
}

static void test_reals_are_written_as_short_as_they_read_back(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {300000, "300000"},
        {1.0 / 3, "0.3333333333333333"},
        {-2.5, "-2.5"},
        {0, "0"},
        {0.1 + 0.2, "0.30000000000000004"},
        {5e-324, "5e-324"},
        {1e22, "1e+22"},
    };
    char buffer[32];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pb_format_real(cases[i].value, buffer);
        assert_string_equal(buffer, cases[i].text);
    }
    struct pb_rng rng;
    pb_rng_init(&rng, 1, "doubles");
    for (int i = 0; i < 2000; i++) {
        const uint64_t bits = pb_rng_next(&rng);
        double value, again;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        pb_format_real(value, buffer);
        assert_true(pb_parse_real(buffer, &again) && again == value);
    }
}

static void test_numbers_ignore_the_locale(void **state)
{
    char buffer[32];
    double value;
    (void)state;
    /* Where no locale with a decimal comma is installed this still checks the C locale. */
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL)
        (void)setlocale(LC_ALL, "C");
    assert_true(pb_parse_real("1.5", &value) && value == 1.5);
    pb_format_real(1.5, buffer);
    (void)setlocale(LC_ALL, "C");
    assert_string_equal(buffer, "1.5");
}

static void test_a_string_grows_across_its_capacity(void **state)
{
    struct pb_text text = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        pb_text_append(&text, "%d,", i);
    pb_text_append_bytes(&text, "a\0b", 3);
    assert_false(text.failed);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    assert_memory_equal(text.data + text.length - 8, ",999,a\0b", 9);
    pb_text_free(&text);
}

static void test_the_closest_name_is_found_when_it_is_close(void **state)
{
    static const char *const names[] = {"taylor", "bn-scale", "l1-norm", "l2-norm", "random"};
    (void)state;
    assert_string_equal(pb_closest("tailor", names, 5), "taylor");
    assert_string_equal(pb_closest("l1norm", names, 5), "l1-norm");
    assert_string_equal(pb_closest("radnom", names, 5), "random"); /* a swap is one edit */
    assert_string_equal(pb_closest("l3-norm", names, 5), "l1-norm"); /* the first of equals */
    assert_string_equal(pb_closest("bnscael", names, 5), "bn-scale");
    assert_null(pb_closest("magnitude", names, 5));
    assert_null(pb_closest("taylor", NULL, 0));
    static const char *const swapped[] = {"ab"};
    assert_string_equal(pb_closest("ba", swapped, 1), "ab"); /* two letters leave room for one edit */
    assert_null(pb_closest("bc", swapped, 1));
    /* Distance 3 to a word of six letters is the limit: 6/3 + 1; distance 4 is beyond. */
    static const char *const one[] = {"abcdef"};
    assert_non_null(pb_closest("abcxyz", one, 1));
    assert_null(pb_closest("abwxyz", one, 1));
}

static void test_ends_of_strings(void **state)
{
    (void)state;
    assert_true(pb_starts_with("criterion-x", "criterion-"));
    assert_false(pb_starts_with("crit", "criterion"));
    assert_true(pb_ends_with("a.so", ".so"));
    assert_false(pb_ends_with("so", ".so"));
    assert_true(pb_ends_with("x", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(test_sizes_are_not_negative),
        cmocka_unit_test(test_reals_are_finite_decimals),
        cmocka_unit_test(test_bools_have_four_spellings),
        cmocka_unit_test(test_lists_are_separated_by_blanks_or_commas),
        cmocka_unit_test(test_reals_are_written_as_short_as_they_read_back),
        cmocka_unit_test(test_numbers_ignore_the_locale),
        cmocka_unit_test(test_a_string_grows_across_its_capacity),
        cmocka_unit_test(test_the_closest_name_is_found_when_it_is_close),
        cmocka_unit_test(test_ends_of_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
