/* SIGTERM asks a process to end in order, and a second one ends it at once. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/stop.h"

static void watch(pid_t coordinator)
{
    struct pb_error error = {0};
    if (pb_stop_watch(coordinator, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static void test_it_is_asked_by_sigterm_until_it_watches_anew(void **state)
{
    struct pb_error error = {0};
    (void)state;
    watch(0);
    assert_int_equal(pb_stop_check(&error), PB_OK);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(pb_stop_check(&error), PB_ERROR_STOPPED);
    assert_int_equal(error.status, PB_ERROR_STOPPED);
    assert_non_null(strstr(error.text, "asked to end"));
    assert_int_equal(pb_stop_check(&error), PB_ERROR_STOPPED);
    watch(0);
    assert_int_equal(pb_stop_check(&error), PB_OK);
}

/* Another process sends this one SIGTERM; it has been delivered when this returns. */
static void signal_from_another(void)
{
    const pid_t sender = fork();
    if (sender == 0)
        _exit(kill(getppid(), SIGTERM) == 0 ? 0 : 1);
    if (waitpid(sender, NULL, 0) != sender)
        _exit(2);
}

/* How a process ends that gets SIGTERM so often, from itself and from others. coordinator: it is its own. */
static int end_after(bool coordinator, int own, int others)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        struct pb_error error = {0};
        if (pb_stop_watch(coordinator ? getpid() : 0, &error) != PB_OK)
            _exit(3);
        for (int i = 0; i < others; i++)
            signal_from_another();
        for (int i = 0; i < own; i++)
            (void)raise(SIGTERM);
        _exit(pb_exit_code(pb_stop_check(&error)));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_the_second_sigterm_ends_it_at_once(void **state)
{
    (void)state;
    assert_int_equal(end_after(false, 0, 0), 0);
    assert_int_equal(end_after(false, 1, 0), 75);
    assert_int_equal(end_after(false, 2, 0), -SIGTERM);
    assert_int_equal(end_after(false, 1, 1), -SIGTERM);
}

static void test_the_coordinators_is_never_the_second(void **state)
{
    (void)state;
    assert_int_equal(end_after(true, 2, 0), 75);
    assert_int_equal(end_after(true, 2, 1), 75);
    assert_int_equal(end_after(true, 0, 2), -SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_asked_by_sigterm_until_it_watches_anew),
        cmocka_unit_test(test_the_second_sigterm_ends_it_at_once),
        cmocka_unit_test(test_the_coordinators_is_never_the_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
