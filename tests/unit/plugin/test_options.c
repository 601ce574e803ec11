/* Option tables at work: defaults, what the user sets, what is refused and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "plugin/options.h"

struct values {
    bool on;
    int64_t count;
    int32_t mode;
    double rate;
    const char *path;
    struct pb_real_list rates;
};

static const char *const modes[] = {"filters", "gamma-beta", NULL};

static const struct pb_option table[] = {
    {.name = "count",
     .help = "how many",
     .type = PB_OPTION_INT,
     .default_text = "3",
     .min = 1,
     .max = (double)INFINITY,
     .offset = offsetof(struct values, count)},
    {.name = "rate",
     .help = "share",
     .type = PB_OPTION_REAL,
     .default_text = "1e-1",
     .min = 0,
     .max = 1,
     .offset = offsetof(struct values, rate)},
    {.name = "on",
     .help = "whether",
     .type = PB_OPTION_BOOL,
     .default_text = "yes",
     .offset = offsetof(struct values, on)},
    {.name = "mode",
     .help = "which",
     .type = PB_OPTION_ENUM,
     .default_text = "gamma-beta",
     .choices = modes,
     .offset = offsetof(struct values, mode)},
    {.name = "path", .help = "file to read", .type = PB_OPTION_STRING, .offset = offsetof(struct values, path)},
    {.name = "rates",
     .help = "shares",
     .type = PB_OPTION_LIST,
     .default_text = "",
     .min = -1,
     .max = 1,
     .offset = offsetof(struct values, rates)},
};
enum { COUNT, RATE, ON, MODE, PATH, RATES, OPTIONS };

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "taylor",
    .summary = "A sample",
    .version = "1.0.0",
    .options = table,
    .option_count = OPTIONS,
    .option_stride = sizeof(struct pb_option),
    .options_size = sizeof(struct values),
};
static const struct pb_plugin plain = {PB_PLUGIN_HEADER(PB_KIND_SCHEDULE), .name = "plain"};

static struct pb_options create(void)
{
    struct pb_options options;
    struct pb_error error = {0};
    assert_int_equal(pb_options_create(&plugin, &options, &error), PB_OK);
    return options;
}

static void set(struct pb_options *options, const char *name, const char *text)
{
    struct pb_error error = {0};
    if (pb_options_set(options, name, text, NULL, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static void assert_set_refused(struct pb_options *options, const char *name, const char *text, const char *message)
{
    struct pb_error error = {0};
    assert_int_equal(pb_options_set(options, name, text, "matrix.xml:41", &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, message);
}

static void test_defaults_are_in_the_struct_and_as_text(void **state)
{
    (void)state;
    struct pb_options options = create();
    const struct values *values = options.values;
    assert_int_equal(values->count, 3);
    assert_true(values->rate == 0.1);
    assert_true(values->on);
    assert_int_equal(values->mode, 1);
    assert_string_equal(values->path, ""); /* never NULL, not even before it is given */
    assert_int_equal(values->rates.count, 0);
    assert_string_equal(options.texts[RATE], "0.1");
    assert_string_equal(options.texts[ON], "true");
    assert_string_equal(options.texts[MODE], "gamma-beta");
    assert_string_equal(options.texts[RATES], "");
    assert_null(options.texts[PATH]);
    assert_false(options.given[RATE]);
    pb_options_free(&options);
    assert_null(options.values);
}

static void test_what_is_set_replaces_the_default(void **state)
{
    (void)state;
    struct pb_options options = create();
    const struct values *values = options.values;
    set(&options, "count", " 12 ");
    set(&options, "rate", "0.50");
    set(&options, "on", "off");
    set(&options, "mode", "filters");
    set(&options, "path", "a file");
    set(&options, "path", "another file");
    set(&options, "rates", "0.2, 1e-1");
    assert_int_equal(values->count, 12);
    assert_true(values->rate == 0.5);
    assert_false(values->on);
    assert_int_equal(values->mode, 0);
    assert_string_equal(values->path, "another file");
    assert_int_equal(values->rates.count, 2);
    assert_true(values->rates.values[0] == 0.2 && values->rates.values[1] == 0.1);
    assert_string_equal(options.texts[COUNT], "12");
    assert_string_equal(options.texts[RATE], "0.5");
    assert_string_equal(options.texts[ON], "false");
    assert_string_equal(options.texts[RATES], "0.2 0.1");
    assert_true(options.given[COUNT] && options.given[RATES]);
    pb_options_free(&options);
}

static void test_refusals_say_where_what_and_what_else(void **state)
{
    (void)state;
    struct pb_options options = create();
    set(&options, "rate", "0.25");
    assert_set_refused(&options, "rtae", "1",
                       "matrix.xml:41: criterion 'taylor': unknown option 'rtae'; did you mean 'rate'?");
    assert_set_refused(
        &options, "whatever", "1",
        "matrix.xml:41: criterion 'taylor': unknown option 'whatever'; its options are: count, rate, on, "
        "mode, path, rates");
    assert_set_refused(&options, "rate", "1.5",
                       "matrix.xml:41: criterion 'taylor': option 'rate': 1.5 is out of range; it must be from 0 to 1");
    assert_set_refused(&options, "count", "0",
                       "matrix.xml:41: criterion 'taylor': option 'count': 0 is out of range; it must be at least 1");
    assert_set_refused(&options, "count", "1e3",
                       "matrix.xml:41: criterion 'taylor': option 'count': '1e3' is not a whole number");
    assert_set_refused(&options, "on", "maybe",
                       "matrix.xml:41: criterion 'taylor': option 'on': 'maybe' is not true or false");
    assert_set_refused(
        &options, "mode", "filtres",
        "matrix.xml:41: criterion 'taylor': option 'mode': 'filtres' is none of filters, gamma-beta; did "
        "you mean 'filters'?");
    assert_set_refused(&options, "rates", "0.5;1",
                       "matrix.xml:41: criterion 'taylor': option 'rates': '0.5;1' is not a list of numbers");
    assert_set_refused(
        &options, "rates", "0 -2",
        "matrix.xml:41: criterion 'taylor': option 'rates': -2 is out of range; it must be from -1 to 1");
    assert_true(((const struct values *)options.values)->rate == 0.25); /* as it was */
    pb_options_free(&options);
}

static void test_an_option_without_default_must_be_given(void **state)
{
    struct pb_error error = {0};
    (void)state;
    struct pb_options options = create();
    assert_int_equal(pb_options_finish(&options, "m.xml:7", &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "m.xml:7: criterion 'taylor': option 'path' must be given: it has no default (file "
                                    "to read)");
    set(&options, "path", "");
    assert_int_equal(pb_options_finish(&options, NULL, &error), PB_OK);
    pb_options_free(&options);
}

static void test_a_copy_is_equal_and_independent(void **state)
{
    struct pb_error error = {0};
    struct pb_options copy;
    (void)state;
    struct pb_options options = create();
    set(&options, "path", " with blanks ");
    set(&options, "rates", "0.1 0.30000000000000004");
    set(&options, "count", "9223372036854775807");
    assert_int_equal(pb_options_copy(&options, &copy, &error), PB_OK);
    pb_options_free(&options);
    const struct values *values = copy.values;
    assert_string_equal(values->path, " with blanks ");
    assert_true(values->rates.count == 2 && values->rates.values[1] == 0.1 + 0.2);
    assert_true(values->count == INT64_MAX);
    assert_true(copy.given[PATH]);
    assert_false(copy.given[RATE]);
    pb_options_free(&copy);
}

static void test_a_plugin_without_options_takes_none(void **state)
{
    struct pb_error error = {0};
    struct pb_options options, copy;
    (void)state;
    assert_int_equal(pb_options_create(&plain, &options, &error), PB_OK);
    assert_null(options.values);
    assert_int_equal(pb_options_set(&options, "rate", "1", NULL, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "schedule 'plain': unknown option 'rate'; it has no options");
    assert_int_equal(pb_options_finish(&options, NULL, &error), PB_OK);
    assert_int_equal(pb_options_copy(&options, &copy, &error), PB_OK);
    pb_options_free(&copy);
    pb_options_free(&options);
}

static void test_running_out_of_memory_anywhere_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    struct pb_options options = create();
    set(&options, "path", "x");
    long n = 0;
    for (;; n++) {
        struct pb_error error = {0};
        struct pb_options copy;
        pb_memory_fail_after(n);
        const enum pb_status status = pb_options_copy(&options, &copy, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            pb_options_free(&copy);
            break;
        }
        assert_int_not_equal(status, PB_OK);
    }
    assert_true(n > 10);
    for (n = 0;; n++) {
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_options_set(&options, "path", "y", NULL, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK)
            break;
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_string_equal(((const struct values *)options.values)->path, "x");
    }
    assert_int_equal(n, 2);
    pb_options_free(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_in_the_struct_and_as_text),
        cmocka_unit_test(test_what_is_set_replaces_the_default),
        cmocka_unit_test(test_refusals_say_where_what_and_what_else),
        cmocka_unit_test(test_an_option_without_default_must_be_given),
        cmocka_unit_test(test_a_copy_is_equal_and_independent),
        cmocka_unit_test(test_a_plugin_without_options_takes_none),
        cmocka_unit_test(test_running_out_of_memory_anywhere_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
