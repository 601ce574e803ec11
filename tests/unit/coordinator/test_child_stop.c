/* Children that are asked to end: how long they are given, and how their ends are described. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "coordinator/child_end.h"

static const struct pb_cell_config config = {.id = "a-cell"};

static void see_ready(void *argument, char *line)
{
    bool *ready = argument;
    *ready = *ready || strcmp(line, "ready") == 0;
}

static void rest(void)
{
    const struct timespec time = {.tv_nsec = 5000000};
    nanosleep(&time, NULL);
}

/* Runs a line of the shell that writes "ready" and then waits, ends it, and waits until it has. */
static struct pb_child stop_shell(const char *line, double grace)
{
    struct pb_error error = {0};
    struct pb_child child;
    bool ready = false;
    const char *const words[] = {"-c", line, NULL};
    const struct pb_child_spec spec = {.program = "/bin/sh", .arguments = words, .threads = 1, .grace = grace};
    if (pb_child_start(&spec, &child, &error) != PB_OK)
        fail_msg("%s", error.text);
    while (!ready) {
        assert_false(pb_child_attend(&child, see_ready, &ready));
        rest();
    }
    pb_child_end(&child, PB_CHILD_INTERRUPTED, false);
    while (!pb_child_attend(&child, see_ready, &ready))
        rest();
    return child;
}

static void test_a_child_leaves_in_order_within_its_grace_and_is_killed_after_it(void **state)
{
    struct pb_child_end end;
    (void)state;
    struct pb_child child = stop_shell("trap 'exit 75' TERM; echo ready >&3; while :; do sleep 0.01; done", 600);
    assert_true(WIFEXITED(child.wait_status));
    assert_int_equal(WEXITSTATUS(child.wait_status), 75);
    assert_true(pb_child_has_stopped(&child));
    pb_child_describe_end(&child, &config, &end);
    assert_string_equal(end.message, "it was interrupted, and what it has done is stored");
    assert_string_equal(end.signal, "");
    child = stop_shell("trap '' TERM; echo ready >&3; while :; do sleep 0.01; done", 0.05);
    assert_true(WIFSIGNALED(child.wait_status));
    assert_int_equal(WTERMSIG(child.wait_status), SIGKILL);
    assert_false(pb_child_has_stopped(&child));
    pb_child_describe_end(&child, &config, &end);
    assert_string_equal(end.message,
                        "it was interrupted, and did not end in order; the epochs that it has trained are kept");
    assert_string_equal(end.signal, "");
}

/* The message about a child that has ended so. */
static enum pb_cell_status describe(enum pb_child_stop stop, int code, bool in_hook, char message[200])
{
    struct pb_child_end end;
    struct pb_child child = {.stop = stop, .time_limit = 60, .wait_status = W_EXITCODE(code, 0)};
    child.place.depth = in_hook;
    snprintf(child.place.frames[0].plugin, sizeof child.place.frames[0].plugin, "%s", "criterion 'x'");
    snprintf(child.place.frames[0].hook, sizeof child.place.frames[0].hook, "%s", "score");
    pb_child_describe_end(&child, &config, &end);
    snprintf(message, 200, "%.199s", end.message);
    return end.status;
}

static void test_who_asked_decides_what_is_said(void **state)
{
    char message[200];
    (void)state;
    assert_int_equal(describe(PB_CHILD_TIME_LIMIT, 75, false, message), PB_CELL_TIMED_OUT);
    assert_non_null(strstr(message, "it ran longer than 1 min 0 s; raise <limits time>"));
    assert_int_equal(describe(PB_CHILD_TIME_LIMIT, 0, false, message), PB_CELL_TIMED_OUT);
    assert_int_equal(describe(PB_CHILD_ON_ITS_OWN, 75, false, message), PB_CELL_FAILED);
    assert_string_equal(message, "its process was asked to end (SIGTERM) by another one than the run's; what it has "
                                 "done is stored");
    assert_int_equal(describe(PB_CHILD_ON_ITS_OWN, 74, false, message), PB_CELL_FAILED);
    assert_non_null(strstr(message, "its process ended with exit code 74"));
}

/* A plugin may call exit with any number. */
static void test_a_hook_that_exits_has_not_stopped_in_order(void **state)
{
    char message[200];
    (void)state;
    assert_int_equal(describe(PB_CHILD_ON_ITS_OWN, 75, true, message), PB_CELL_FAILED);
    assert_non_null(strstr(message, "its process was ended by exit(75) in criterion 'x', hook score"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_leaves_in_order_within_its_grace_and_is_killed_after_it),
        cmocka_unit_test(test_who_asked_decides_what_is_said),
        cmocka_unit_test(test_a_hook_that_exits_has_not_stopped_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
