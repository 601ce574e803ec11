/* Locks between processes, the log, and time. The other process is this program, started with an argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "support/folder.h"

extern char **environ;

/* Starts this program as a process that takes the lock, says so, and holds it until it is killed or its input ends. */
static pid_t hold_elsewhere(const char *path, int *input)
{
    char program[] = "/proc/self/exe", word[] = "hold", *target = pb_strdup(path);
    char *words[] = {program, word, target, NULL};
    int to[2], from[2];
    pid_t pid;
    char byte;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, to[0], 0), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, from[1], 1), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, to[1]), 0);
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    assert_int_equal(read(from[0], &byte, 1), 1);
    close(from[0]);
    pb_free(target);
    *input = to[1];
    return pid;
}

static int hold(const char *path)
{
    struct pb_error error = {0};
    int lock;
    char byte;
    if (pb_lock(path, &lock, &error) != PB_OK || write(1, "x", 1) != 1)
        return 1;
    return read(0, &byte, 1) == 0 ? 0 : 1;
}

static void test_a_held_lock_names_its_owner_and_a_dead_owners_is_free(void **state)
{
    struct pb_error error = {0};
    int lock = -1, input;
    char owner[64];
    const char *path = folder_path(state, "lock");
    const pid_t pid = hold_elsewhere(path, &input);
    assert_int_equal(pb_lock(path, &lock, &error), PB_ERROR_RUN);
    assert_int_equal(lock, -1);
    (void)snprintf(owner, sizeof owner, "locked by process %ld;", (long)pid);
    assert_non_null(strstr(error.text, owner));
    assert_non_null(strstr(error.text, path));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(input);
    assert_int_equal(pb_lock(path, &lock, &error), PB_OK);
    assert_true(lock >= 0);
    pb_unlock(&lock);
    assert_int_equal(lock, -1);
}

static void test_unlocking_lets_another_process_in(void **state)
{
    struct pb_error error = {0};
    int lock, input, outcome;
    const char *path = folder_path(state, "lock");
    assert_int_equal(pb_lock(path, &lock, &error), PB_OK);
    int second;
    assert_int_equal(pb_lock(path, &second, &error), PB_ERROR_RUN); /* not even to oneself */
    pb_unlock(&lock);
    pb_unlock(&lock);
    const pid_t pid = hold_elsewhere(path, &input);
    close(input);
    assert_int_equal(waitpid(pid, &outcome, 0), pid);
    assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    assert_int_equal(pb_lock(folder_path(state, "no/folder"), &lock, &error), PB_ERROR_RUN);
}

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

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2]);
    const struct CMUnitTest tests[] = {
        TEST(test_a_held_lock_names_its_owner_and_a_dead_owners_is_free),
        TEST(test_unlocking_lets_another_process_in),
        TEST(test_log_lines_are_single_and_below_the_level),
        TEST(test_time_advances_and_is_written_as_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
