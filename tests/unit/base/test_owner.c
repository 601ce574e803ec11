/* Temporary names say who makes them; damaged files are set aside. */
#include <setjmp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/text.h"
#include "support/folder.h"

/* The state of a temporary name made of this format and tag. */
static enum pb_owner_state state_of(const char *format, const char *tag)
{
    char name[200];
    (void)snprintf(name, sizeof name, format, tag); // NOLINT
    return pb_owner_of(name);
}

/* A tag of a process that has ended and been waited for. */
static void tag_of_the_dead(char tag[100])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        char *own = pb_owner_tag();
        _exit(own && write(ends[1], own, strlen(own)) > 0 ? 0 : 1);
    }
    close(ends[1]);
    const ssize_t got = read(ends[0], tag, 99);
    assert_true(got > 0);
    tag[got] = '\0';
    close(ends[0]);
    siginfo_t end;
    assert_int_equal(waitid(P_PID, (id_t)child, &end, WEXITED | WNOWAIT), 0);
    assert_int_equal(state_of("x.new-%s", tag), PB_OWNER_GONE); /* ended, not yet waited for */
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_the_living_and_the_dead_are_distinguished(void **state)
{
    (void)state;
    char *own = pb_owner_tag(), dead[100];
    tag_of_the_dead(dead);
    assert_int_equal(state_of(".a result.xml.%s.tmp", own), PB_OWNER_ALIVE);
    assert_int_equal(state_of("0123.new-%s", own), PB_OWNER_ALIVE);
    assert_int_equal(state_of(".a result.xml.%s.tmp", dead), PB_OWNER_GONE);
    assert_int_equal(state_of("0123.new-%s", dead), PB_OWNER_GONE);
    assert_int_equal(pb_owner_of_tag(own), PB_OWNER_ALIVE);
    assert_int_equal(pb_owner_of_tag(dead), PB_OWNER_GONE);
    assert_int_equal(pb_owner_of_tag("of nobody"), PB_OWNER_NONE);
    pb_free(own);
}

/* Its number lives on in another process, or it ran before the machine was started anew. */
static void test_a_number_that_was_given_again_is_not_the_same_process(void **state)
{
    (void)state;
    char *own = pb_owner_tag();
    own[8] = own[8] == '0' ? '1' : '0'; /* a digit of its life */
    assert_int_equal(state_of(".x.%s.tmp", own), PB_OWNER_GONE);
    pb_free(own);
}

static void test_another_hosts_files_are_another_hosts(void **state)
{
    (void)state;
    char dead[100];
    tag_of_the_dead(dead);
    dead[2] = dead[2] == '0' ? '1' : '0';
    assert_int_equal(state_of(".x.%s.tmp", dead), PB_OWNER_ELSEWHERE);
}

static void test_other_names_are_nobodys(void **state)
{
    (void)state;
    static const char *const names[] = {"notes.tmp",
                                        "a.tmp",
                                        ".a.0123456789abcdef.tmp",
                                        "x.new-123",
                                        "x.new-",
                                        ".tmp",
                                        "",
                                        "abcdef-01234567-1-01234567",
                                        "x.new-abcdef-01234567-1-0123456",
                                        "x.new-abcdef-01234567--01234567",
                                        "x.new-abcdef-01234567-1-01234567.xml",
                                        "x.new-ABCDEF-01234567-1-01234567"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(pb_owner_of(names[i]), PB_OWNER_NONE);
    assert_int_not_equal(pb_owner_of("x.new-abcdef-01234567-1-01234567"), PB_OWNER_NONE);
}

static void test_two_names_of_one_process_differ(void **state)
{
    (void)state;
    char *first = pb_owner_tag(), *second = pb_owner_tag();
    assert_string_not_equal(first, second);
    pb_free(first);
    pb_free(second);
}

/* Files, folders that are not empty, pipes and links to nothing: renamed, and never followed. */
static void test_whatever_it_is_can_be_set_aside_and_the_last_one_is_kept(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "thing"), *near = folder_path(state, "thing2.damaged-x");
    char *aside = NULL, **names = NULL;
    size_t count = 0;
    assert_int_equal(pb_set_aside(path, &aside, &error), PB_OK);
    assert_null(aside); /* there was nothing */
    assert_int_equal(pb_file_write_atomic(near, "x", 1, &error), PB_OK);
    for (int kind = 0; kind < 4; kind++) {
        struct stat info, moved;
        if (kind == 0)
            assert_int_equal(pb_file_write_atomic(path, "x", 1, &error), PB_OK);
        else if (kind == 1)
            assert_int_equal(pb_make_dirs(folder_path(state, "thing/inside"), &error), PB_OK);
        else if (kind == 2)
            assert_int_equal(mkfifo(path, 0666), 0);
        else
            assert_int_equal(symlink("/nowhere/at/all", path), 0);
        assert_int_equal(lstat(path, &info), 0);
        assert_int_equal(pb_set_aside(path, &aside, &error), PB_OK);
        assert_true(pb_starts_with(pb_path_name(aside), "thing.damaged-20"));
        assert_int_equal(lstat(aside, &moved), 0);
        assert_true(moved.st_ino == info.st_ino);
        assert_true(lstat(path, &info) != 0);
        pb_free(aside);
    }
    assert_int_equal(pb_list_dir(*state, &names, &count, &error), PB_OK);
    assert_int_equal(count, 2); /* the link, and what has a similar name */
    pb_names_free(&names, count);
}

/* As in another container of this host: with process numbers of its own, and alive. Skipped where that takes more rights. */
static void test_a_process_of_another_name_space_is_on_another_host(void **state)
{
    (void)state;
    int ends[2], stop[2];
    char tag[100] = "";
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(stop), 0);
    const pid_t child = fork();
    if (child == 0) {
        char byte;
        if (unshare(CLONE_NEWPID) != 0)
            _exit(1);
        const pid_t inner = fork();
        if (inner == 0) {
            close(stop[1]);
            char *own = pb_owner_tag();
            _exit(own && write(ends[1], own, strlen(own)) > 0 && read(stop[0], &byte, 1) == 0 ? 0 : 1);
        }
        close(ends[1]);
        close(stop[1]);
        waitpid(inner, NULL, 0);
        _exit(0);
    }
    close(ends[1]);
    const ssize_t got = read(ends[0], tag, sizeof tag - 1);
    const enum pb_owner_state found = pb_owner_of_tag(tag);
    close(stop[1]);
    close(stop[0]);
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    if (got <= 0)
        skip();
    assert_int_equal(found, PB_OWNER_ELSEWHERE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_living_and_the_dead_are_distinguished),
        TEST(test_a_number_that_was_given_again_is_not_the_same_process),
        TEST(test_another_hosts_files_are_another_hosts),
        TEST(test_a_process_of_another_name_space_is_on_another_host),
        TEST(test_other_names_are_nobodys),
        TEST(test_two_names_of_one_process_differ),
        TEST(test_whatever_it_is_can_be_set_aside_and_the_last_one_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
