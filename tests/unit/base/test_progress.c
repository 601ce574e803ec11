/* Progress for people: durations, and what reaches standard error where there is no terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "support/folder.h"

static void assert_duration(double seconds, const char *text)
{
    char buffer[32];
    pb_format_seconds(seconds, buffer);
    assert_string_equal(buffer, text);
}

static void test_durations_are_rounded_to_what_matters(void **state)
{
    (void)state;
    assert_duration(0.2, "0 s");
    assert_duration(59.4, "59 s");
    assert_duration(59.6, "1 min 0 s");
    assert_duration(3599, "59 min 59 s");
    assert_duration(7500, "2 h 5 min");
    assert_duration(273600, "3 d 4 h");
    assert_duration(1.3e9, "15046 d 7 h"); /* what a matrix of full size takes on a slow processor */
    assert_duration(-1, "?");
    assert_duration(1.0 / 0.0, "?");
}

/* What body writes to standard error; from pb_calloc. */
static char *heard(void **state, bool quiet)
{
    struct pb_display display;
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    const char *path = folder_path(state, "stderr");
    fflush(stderr);
    const int kept = dup(STDERR_FILENO);
    assert_non_null(freopen(path, "w", stderr));
    pb_display_start(&display, quiet);
    pb_display_line(&display, "rewritten %d", 1);
    pb_display_say(&display, PB_LOG_ERROR, "stays %d", 2);
    pb_display_clear(&display);
    fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    assert_int_equal(pb_file_read(path, 0, &text, &length, &error), PB_OK);
    return text;
}

static void test_where_there_is_no_terminal_only_plain_lines_come(void **state)
{
    char *text = heard(state, false);
    assert_string_equal(text, "stays 2\n");
    pb_free(text);
}

static void test_quiet_says_nothing(void **state)
{
    char *text = heard(state, true);
    assert_string_equal(text, "");
    pb_free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_durations_are_rounded_to_what_matters),
        TEST(test_where_there_is_no_terminal_only_plain_lines_come),
        TEST(test_quiet_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
