/* Command lines by table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cli/arguments.h"

static const struct pb_cli_option options[] = {
    {"out", 'o', "OUT", "where results go"},
    {"only", 0, "GLOB", "only these cells"},
    {"retry", 0, NULL, "failed cells again"},
    {0},
};
static const struct pb_command command = {
    .name = "run", .usage = "MATRIX -o OUT", .options = options, .min_words = 1, .max_words = 1};

/* argv: a NULL-terminated list. */
static enum pb_status parse(char **argv, struct pb_arguments *arguments, struct pb_error *error)
{
    enum pb_parse_outcome outcome;
    int argc = 0;
    while (argv[argc])
        argc++;
    return pb_arguments_parse(&command, argc, argv, arguments, &outcome, error);
}

static void test_options_and_words_mix(void **state)
{
    (void)state;
    char *argv[] = {"--only=a*", "m.xml", "-oX", "--retry", "--only", "b", "-q", NULL};
    struct pb_arguments arguments;
    struct pb_error error;
    assert_int_equal(parse(argv, &arguments, &error), PB_OK);
    assert_string_equal(arguments.words[0], "m.xml");
    assert_string_equal(pb_argument(&arguments, "out"), "X");
    assert_string_equal(pb_argument_list(&arguments, "only")[0], "a*");
    assert_string_equal(pb_argument(&arguments, "only"), "b");
    assert_non_null(pb_argument(&arguments, "retry"));
    assert_true(arguments.quiet);
    pb_arguments_free(&arguments);
}

static void test_a_dash_dash_ends_options(void **state)
{
    (void)state;
    char *argv[] = {"--", "--retry", NULL};
    struct pb_arguments arguments;
    struct pb_error error;
    assert_int_equal(parse(argv, &arguments, &error), PB_OK);
    assert_string_equal(arguments.words[0], "--retry");
    assert_null(pb_argument(&arguments, "retry"));
    pb_arguments_free(&arguments);
}

static void test_a_command_line_is_written_for_a_shell(void **state)
{
    (void)state;
    char *argv[] = {"it's m.xml", "-o", "out", "--only", "*.s1", "--only=b", "--retry", NULL};
    struct pb_arguments arguments;
    struct pb_error error;
    assert_int_equal(parse(argv, &arguments, &error), PB_OK);
    char *line = pb_command_line("run", &arguments);
    assert_string_equal(line, "prunebench run 'it'\\''s m.xml' -o out --only '*.s1' --only b --retry");
    pb_free(line);
    pb_arguments_free(&arguments);
}

static void assert_refused(char **argv, const char *message)
{
    struct pb_arguments arguments;
    struct pb_error error;
    assert_int_equal(parse(argv, &arguments, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' lacks '%s'", error.text, message);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    assert_refused((char *[]){"m.xml", "--rety", NULL}, "unknown option '--rety'; did you mean '--retry'?");
    assert_refused((char *[]){"m.xml", "--out", NULL}, "--out needs a value");
    assert_refused((char *[]){"m.xml", "--retry=1", NULL}, "--retry takes no value");
    assert_refused((char *[]){NULL}, "usage: prunebench run MATRIX -o OUT");
    assert_refused((char *[]){"a", "b", NULL}, "'b' is one argument too many");
}

static void test_numbers_have_ranges(void **state)
{
    (void)state;
    char *argv[] = {"m.xml", "--out", "12x", NULL};
    struct pb_arguments arguments;
    struct pb_error error;
    size_t value = 7;
    assert_int_equal(parse(argv, &arguments, &error), PB_OK);
    assert_int_equal(pb_argument_size(&arguments, "only", 1, 9, &value, &error), PB_OK);
    assert_int_equal(value, 7);
    assert_int_equal(pb_argument_size(&arguments, "out", 1, 9, &value, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "--out: '12x' is not a whole number from 1 to 9");
    pb_arguments_free(&arguments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_and_words_mix),
        cmocka_unit_test(test_a_dash_dash_ends_options),
        cmocka_unit_test(test_a_command_line_is_written_for_a_shell),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_numbers_have_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
