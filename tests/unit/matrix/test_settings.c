/* The table of settings: each says what it means, and takes what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "matrix/element.h"
#include "matrix/setting.h"

static void assert_taken(const struct pb_setting *setting, const char *text)
{
    char why[160] = "";
    if (!pb_setting_check(setting, text, why))
        fail_msg("<%s> %s='%s' %s", setting->element, setting->name, text, why);
}

static void assert_refused(const struct pb_setting *setting, const char *text)
{
    char why[160] = "";
    if (pb_setting_check(setting, text, why))
        fail_msg("<%s> %s takes '%s'", setting->element, setting->name, text);
    assert_true(strncmp(why, "is ", 3) == 0);
}

static void assert_sentences(const char *owner, const char *name, const char *help)
{
    if (!help || !help[0] || help[strlen(help) - 1] != '.')
        fail_msg("<%s> %s: its help is not a sentence: '%s'", owner, name, help ? help : "");
}

static void test_every_setting_and_element_is_explained(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        assert_sentences(pb_settings[i].element, pb_settings[i].name, pb_settings[i].help);
        const struct pb_element *element = pb_elements;
        while (element->name && strcmp(element->name, pb_settings[i].element) != 0)
            element++;
        assert_non_null(element->name);
    }
    for (const struct pb_element *element = pb_elements; element->name; element++) {
        assert_sentences(element->name, "", element->help);
        for (const struct pb_matrix_attribute *own = element->attributes; own && own->name; own++)
            assert_sentences(element->name, own->name, own->help);
    }
}

static void test_no_element_has_two_settings_of_one_name(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        assert_int_equal(pb_setting_find(pb_settings[i].element, pb_settings[i].name), i);
        if (pb_settings[i].also)
            assert_int_equal(pb_setting_find(pb_settings[i].also, pb_settings[i].name), i);
    }
}

static void test_defaults_choices_and_words_are_values(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        const struct pb_setting *setting = &pb_settings[i];
        if (setting->default_text)
            assert_taken(setting, setting->default_text);
        if (setting->follow)
            assert_taken(setting, setting->follow);
        for (uint32_t c = 0; setting->choices && setting->choices[c]; c++)
            assert_taken(setting, setting->choices[c]);
        if (setting->choices)
            assert_refused(setting, "no-such-choice");
    }
}

static void test_values_of_earlier_versions_name_one_that_is_taken(void **state)
{
    (void)state;
    uint32_t tried = 0;
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        const struct pb_setting *setting = &pb_settings[i];
        for (const char *const *former = setting->formerly; former && former[0]; former += 2) {
            char why[160] = "",
                 *expected = pb_format("is of an earlier version; write %s=\"%s\"", setting->name, former[1]);
            assert_non_null(expected);
            assert_false(pb_setting_check(setting, former[0], why));
            assert_string_equal(why, expected);
            assert_taken(setting, former[1]);
            pb_free(expected);
            tried++;
        }
    }
    assert_true(tried > 0);
}

/* The next number in a direction: by 1 for whole numbers, else by a little. */
static char *beside(const struct pb_setting *setting, double bound, int direction)
{
    if (setting->type == PB_SETTING_COUNT)
        return pb_format("%.0f", bound + direction);
    return pb_format("%.9g", bound + direction * 1e-3);
}

static void test_ranges_end_where_they_say(void **state)
{
    (void)state;
    uint32_t tried = 0;
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        const struct pb_setting *setting = &pb_settings[i];
        if (setting->type != PB_SETTING_COUNT && setting->type != PB_SETTING_REAL && setting->type != PB_SETTING_THREE)
            continue;
        char *texts[] = {pb_format("%.9g", setting->min),   pb_format("%.9g", setting->max),
                         beside(setting, setting->min, 1),  beside(setting, setting->max, -1),
                         beside(setting, setting->min, -1), beside(setting, setting->max, 1)};
        const bool taken[] = {!setting->above, !setting->below, true, true, false, false};
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
            assert_non_null(texts[t]);
            if (taken[t])
                assert_taken(setting, texts[t]);
            else
                assert_refused(setting, texts[t]);
            pb_free(texts[t]);
        }
        tried++;
    }
    assert_true(tried > 30);
}

static void test_values_are_described(void **state)
{
    (void)state;
    static const char *const described[][3] = {
        {"training", "epochs", "a whole number from 1 to 1000000"},
        {"training", "evaluate-batch", "a whole number from 1 to 65536, or 'batch'"},
        {"training", "lr-factor", "a number above 0 and below 1"},
        {"ranking", "coupling", "sum, mean, max, criterion"},
        {"preprocess", "std", "one number, three (red, green, blue) or 'imagenet' above 0 and up to 1"},
        {"limits", "time", "a time like 90, 15m, 2h or 1d, or 'none'"},
    };
    for (size_t i = 0; i < sizeof described / sizeof *described; i++) {
        struct pb_text text = {0};
        pb_setting_values(&pb_settings[pb_setting_find(described[i][0], described[i][1])], &text);
        assert_string_equal(text.data, described[i][2]);
        pb_text_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_setting_and_element_is_explained),
        cmocka_unit_test(test_no_element_has_two_settings_of_one_name),
        cmocka_unit_test(test_defaults_choices_and_words_are_values),
        cmocka_unit_test(test_values_of_earlier_versions_name_one_that_is_taken),
        cmocka_unit_test(test_ranges_end_where_they_say),
        cmocka_unit_test(test_values_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
