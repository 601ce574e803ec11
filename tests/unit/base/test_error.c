/* Messages say what, where and why; nothing is swallowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void test_a_failure_carries_its_status_and_message(void **state)
{
    struct pb_error error = {0};
    (void)state;
    assert_int_equal(pb_fail(&error, PB_ERROR_INPUT, "rate %d is wrong", 7), PB_ERROR_INPUT);
    assert_int_equal(error.status, PB_ERROR_INPUT);
    assert_string_equal(error.text, "rate 7 is wrong");
}

static void test_a_place_is_file_and_line_where_there_is_one(void **state)
{
    struct pb_error error = {0};
    (void)state;
    assert_int_equal(pb_fail_at(&error, PB_ERROR_RUN, "a.xml", 41, "no %s", "root"), PB_ERROR_RUN);
    assert_string_equal(error.text, "a.xml:41: no root");
    assert_int_equal(pb_fail_at(&error, PB_ERROR_RUN, "a.xml", 0, "no root"), PB_ERROR_RUN);
    assert_string_equal(error.text, "a.xml: no root");
}

static void test_context_goes_in_front_and_keeps_the_status(void **state)
{
    struct pb_error error = {0};
    (void)state;
    (void)pb_fail(&error, PB_ERROR_UNSUPPORTED, "no groups");
    assert_int_equal(pb_fail_context(&error, "layer '%s'", "conv1"), PB_ERROR_UNSUPPORTED);
    assert_string_equal(error.text, "layer 'conv1': no groups");
    /* An argument may be the message itself. */
    (void)pb_fail(&error, PB_ERROR_RUN, "again: %s", error.text);
    assert_string_equal(error.text, "again: layer 'conv1': no groups");
}

static void test_errno_is_at_the_end(void **state)
{
    struct pb_error error = {0};
    (void)state;
    errno = ENOSPC;
    assert_int_equal(pb_fail_errno(&error, "write '%s'", "a.xml"), PB_ERROR_RUN);
    assert_string_equal(error.text, "write 'a.xml': No space left on device");
}

static void test_a_message_that_is_too_long_is_cut_and_terminated(void **state)
{
    struct pb_error error = {0};
    char text[3000];
    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    (void)pb_fail_at(&error, PB_ERROR_RUN, text, 3, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    (void)pb_fail_context(&error, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void test_exit_codes_tell_input_from_running(void **state)
{
    (void)state;
    assert_int_equal(pb_exit_code(PB_OK), 0);
    assert_int_equal(pb_exit_code(PB_ERROR_RUN), 1);
    assert_int_equal(pb_exit_code(PB_ERROR_MEMORY), 1);
    assert_int_equal(pb_exit_code(PB_ERROR_INPUT), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_carries_its_status_and_message),
        cmocka_unit_test(test_a_place_is_file_and_line_where_there_is_one),
        cmocka_unit_test(test_context_goes_in_front_and_keeps_the_status),
        cmocka_unit_test(test_errno_is_at_the_end),
        cmocka_unit_test(test_a_message_that_is_too_long_is_cut_and_terminated),
        cmocka_unit_test(test_exit_codes_tell_input_from_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
