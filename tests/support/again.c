#include "support/again.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static char **with_settings(const char *const *settings)
{
    size_t count = 0, more = 0;
    while (environ[count])
        count++;
    while (settings && settings[more])
        more++;
    char **merged = calloc(count + more + 1, sizeof *merged);
    assert_non_null(merged);
    /* The first of two equal names counts. */
    for (size_t i = 0; i < more; i++)
        merged[i] = strdup(settings[i]);
    for (size_t i = 0; i < count; i++)
        merged[more + i] = strdup(environ[i]);
    return merged;
}

static void free_strings(char **strings)
{
    for (size_t i = 0; strings[i]; i++)
        free(strings[i]);
    free(strings);
}

static size_t read_all(int from, char *output, size_t size)
{
    size_t length = 0;
    ssize_t got;
    while (length + 1 < size && (got = read(from, output + length, size - 1 - length)) > 0)
        length += (size_t)got;
    output[length] = '\0';
    return length;
}

void run_again(const char *const *arguments, const char *const *settings, char *output, size_t size)
{
    char program[512];
    char *argv[16] = {program};
    int ends[2], outcome;
    pid_t child;
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    assert_true(length > 0);
    program[length] = '\0';
    size_t count = 1;
    for (size_t i = 0; arguments[i]; i++) {
        assert_true(count + 1 < sizeof argv / sizeof *argv);
        argv[count++] = strdup(arguments[i]);
    }
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, ends[0]), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, ends[1]), 0);
    char **environment = with_settings(settings);
    assert_int_equal(posix_spawn(&child, program, &actions, NULL, argv, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    read_all(ends[0], output, size);
    close(ends[0]);
    assert_int_equal(waitpid(child, &outcome, 0), child);
    free_strings(environment);
    for (size_t i = 1; i < count; i++)
        free(argv[i]);
    if (!WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0)
        fail_msg("'%s' as a child ended with %#x: %s", arguments[0], (unsigned)outcome, output);
}
