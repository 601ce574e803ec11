/* Running another program: its output, its end, and programs that do not end. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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
#include "coordinator/program_output.h"
#include "support/folder.h"

enum { LONG = 600 }; /* seconds that no test takes */

static enum pb_status run_shell(const char *script, double seconds, struct pb_program_output *output,
                                struct pb_error *error)
{
    const char *const words[] = {"sh", "-c", script, "sh", "a b", "$HOME", NULL};
    return pb_program_run(words, seconds, output, error);
}

static struct pb_program_output output_of(const char *script)
{
    struct pb_error error = {0};
    struct pb_program_output output = {0};
    if (run_shell(script, LONG, &output, &error) != PB_OK)
        fail_msg("%s", error.text);
    return output;
}

static void test_both_outputs_and_the_exit_code(void **state)
{
    (void)state;
    struct pb_program_output output = output_of("echo \"$1 $2\"; echo bad >&2; exit 7");
    assert_string_equal(output.out.data, "a b $HOME\n");
    assert_string_equal(output.err.data, "bad\n");
    assert_int_equal(output.exit_code, 7);
    pb_program_output_free(&output);
    output = output_of("exit 0");
    assert_int_equal(output.exit_code, 0);
    assert_null(output.out.data);
    pb_program_output_free(&output);
    output = output_of("kill -KILL $$");
    assert_int_equal(output.exit_code, -1);
    pb_program_output_free(&output);
}

static void test_it_has_no_input_and_no_blocked_signals(void **state)
{
    (void)state;
    sigset_t all, before;
    sigfillset(&all);
    struct pb_error error = {0};
    struct pb_program_output output = {0};
    const char *const words[] = {"grep", "^SigBlk:", "-", "/proc/self/status", NULL}; /* a shell would unblock them */
    sigprocmask(SIG_BLOCK, &all, &before);
    const enum pb_status status = pb_program_run(words, LONG, &output, &error);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(status, PB_OK);
    assert_string_equal(output.out.data, "/proc/self/status:SigBlk:\t0000000000000000\n");
    pb_program_output_free(&output);
}

static void test_a_program_that_is_not_there(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_program_output output = {0};
    const char *const words[] = {"no-such-program-anywhere", NULL};
    assert_int_equal(pb_program_run(words, LONG, &output, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "there is no program 'no-such-program-anywhere' here");
    const char *const folder[] = {"/", NULL};
    assert_int_equal(pb_program_run(folder, LONG, &output, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "start '/'"));
}

/* The process whose number the file holds has ended. */
static void assert_ended(const char *path)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    if (pb_file_read(path, 0, &text, &length, &error) != PB_OK)
        fail_msg("%s", error.text);
    const pid_t pid = (pid_t)strtol(text, NULL, 10);
    assert_true(pid > 1);
    for (unsigned tries = 0; tries < 1000 && kill(pid, 0) == 0; tries++) /* whoever inherits it has to wait for it */
        usleep(10000);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    pb_free(text);
}

static void test_its_time_limit_ends_it_and_what_it_has_started(void **state)
{
    struct pb_error error = {0};
    struct pb_program_output output = {0};
    const char *path = folder_path(state, "pid");
    char script[200];
    snprintf(script, sizeof script, "sleep 1000 & echo $! >%s; echo early; wait", path);
    assert_int_equal(run_shell(script, 0.5, &output, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "'sh' did not answer within 0 s");
    assert_null(output.out.data);
    assert_ended(path);
    /* also when its output is closed */
    snprintf(script, sizeof script, "exec >/dev/null 2>&1; echo $$ >%s; exec sleep 1000", path);
    assert_int_equal(run_shell(script, 0.5, &output, &error), PB_ERROR_RUN);
    assert_ended(path);
}

static void test_a_signal_that_waits_ends_it(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_program_output output = {0};
    sigset_t interrupt, before;
    int number = 0;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, &before);
    assert_int_equal(run_shell("kill -INT $PPID; sleep 1000", LONG, &output, &error), PB_ERROR_RUN);
    assert_int_equal(sigwait(&interrupt, &number), 0); /* it is still there for the run */
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(number, SIGINT);
    assert_string_equal(error.text, "a signal came before 'sh' had answered");
}

static void test_of_a_large_output_the_first_mebibyte_is_kept(void **state)
{
    (void)state;
    struct pb_program_output output =
        output_of("echo first; head -c 3000001 /dev/zero | tr '\\0' x; echo e >&2; exit 3");
    assert_int_equal(output.out.length, 1 << 20);
    assert_memory_equal(output.out.data, "first\nxxx", 9);
    assert_string_equal(output.err.data, "e\n");
    assert_int_equal(output.exit_code, 3);
    pb_program_output_free(&output);
}

static void assert_last_line(const char *script, const char *expected)
{
    struct pb_program_output output = output_of(script);
    char *line = pb_program_last_line(&output, NULL);
    assert_string_equal(line, expected);
    pb_free(line);
    pb_program_output_free(&output);
}

static void test_the_last_line_is_of_the_errors_if_there_are_any(void **state)
{
    (void)state;
    assert_last_line("echo out; printf 'one\\ntwo \\n\\n' >&2", "two");
    assert_last_line("printf 'one\\ntwo'", "two");
    assert_last_line("echo one", "one");
    assert_last_line("printf '\\n \\n'", "");
    assert_last_line("exit 1", "");
}

static bool is_two(const char *line)
{
    return strcmp(line, "two") == 0;
}

static void test_lines_that_say_little_are_passed_over(void **state)
{
    (void)state;
    static const struct {
        const char *script, *expected;
    } cases[] = {{"printf 'one\\n\\ntwo \\n\\n'", "one"}, {"printf 'one\\ntwo\\ntwo'", "one"},
                 {"printf 'one\\ntwo\\nthree'", "three"}, {"printf 'two\\n'", "two"},
                 {"printf '\\ntwo\\ntwo\\n'", "two"},     {"exit 1", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_program_output output = output_of(cases[i].script);
        char *line = pb_program_last_line(&output, is_two);
        assert_string_equal(line, cases[i].expected);
        pb_free(line);
        pb_program_output_free(&output);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_outputs_and_the_exit_code),
        cmocka_unit_test(test_it_has_no_input_and_no_blocked_signals),
        cmocka_unit_test(test_a_program_that_is_not_there),
        cmocka_unit_test_setup_teardown(test_its_time_limit_ends_it_and_what_it_has_started, folder_setup,
                                        folder_teardown),
        cmocka_unit_test(test_a_signal_that_waits_ends_it),
        cmocka_unit_test(test_of_a_large_output_the_first_mebibyte_is_kept),
        cmocka_unit_test(test_the_last_line_is_of_the_errors_if_there_are_any),
        cmocka_unit_test(test_lines_that_say_little_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
