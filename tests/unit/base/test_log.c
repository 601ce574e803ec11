/* The log, and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "support/folder.h"

static void test_log_lines_are_single_and_below_the_level(void **state)
{
    struct pb_error error = {0};
    char *data;
    size_t length;
    const char *path = folder_path(state, "log");
    (void)fflush(stderr);
    const int before = dup(STDERR_FILENO);
    assert_non_null(freopen(path, "w", stderr));
    pb_log(PB_LOG_ERROR, "no %s", "root");
    pb_log(PB_LOG_WARNING, "two\nlines");
    pb_log(PB_LOG_INFO, "epoch %d", 3);
    pb_log(PB_LOG_DEBUG, "unseen");
    pb_log_set_level(PB_LOG_WARNING);
    pb_log(PB_LOG_INFO, "unseen");
    pb_log_set_level(PB_LOG_INFO);
    (void)fflush(stderr);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    assert_string_equal(data, "prunebench: error: no root\nprunebench: warning: two lines\nepoch 3\n");
    pb_free(data);
}

static void test_time_advances_and_is_written_as_utc(void **state)
{
    char now[32];
    unsigned year, month, day, hour, minute, second;
    char end = '\0';
    (void)state;
    const double before = pb_clock();
    assert_true(pb_clock() >= before);
    assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
    pb_utc_now(now);
    assert_int_equal(sscanf(now, "%4u-%2u-%2uT%2u:%2u:%2u%c", &year, &month, &day, &hour, &minute, &second, &end), 7);
    assert_int_equal(end, 'Z');
    assert_int_equal(strlen(now), 20);
    /* Days since the epoch by the calendar's own rule, against the clock's seconds. */
    const unsigned y = year - (month <= 2), m = month + (month <= 2 ? 9 : -3u);
    const unsigned days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
    const long seconds = (long)days * 86400 + hour * 3600 + minute * 60 + second;
    assert_true(labs((long)time(NULL) - seconds) < 60);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_log_lines_are_single_and_below_the_level),
        TEST(test_time_advances_and_is_written_as_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
