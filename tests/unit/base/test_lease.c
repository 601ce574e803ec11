/* Leases between processes. Other hosts are lease files with the tag of one, whose counter a thread raises. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lease.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "support/folder.h"
#include "support/held_lease.h"

static const double NEVER = 1e6;

/* What link(2) answers the next time: 0, or an error; and whether it has made the link all the same, as a server may whose answer was lost. */
static int link_error;
static bool link_made;

int link(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "link");
    const int error = link_error;
    link_error = 0;
    if (error != 0 && link_made)
        (void)!real(from, to);
    errno = error;
    return error != 0 ? -1 : real(from, to);
}

static char *text_of(const char *path)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length;
    assert_int_equal(pb_file_read(path, 0, &text, &length, &error), PB_OK);
    return text;
}

static void write_text(const char *path, const char *text)
{
    struct pb_error error = {0};
    assert_int_equal(pb_file_replace(path, text, strlen(text), &error), PB_OK);
}

static struct pb_lease *take(const char *path)
{
    struct pb_error error = {0};
    struct pb_lease *lease = NULL;
    const enum pb_status status = pb_lease_take(path, PB_UNTIL_FREE, &lease, &error);
    if (status != PB_OK)
        fail_msg("%s", error.text);
    assert_non_null(lease);
    return lease;
}

static size_t files_in(const char *folder)
{
    struct pb_error error = {0};
    char **names = NULL;
    size_t count = 0;
    assert_int_equal(pb_list_dir(folder, &names, &count, &error), PB_OK);
    pb_names_free(&names, count);
    return count;
}

static void test_one_process_at_a_time(void **state)
{
    enum { PROCESSES = 4, TIMES = 100 };
    const char *path = folder_path(state, "leases/one"), *sum = folder_path(state, "sum");
    struct pb_error error = {0};
    assert_int_equal(pb_make_dirs(folder_path(state, "leases"), &error), PB_OK);
    write_text(sum, "0");
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            for (int k = 0; k < TIMES; k++) {
                struct pb_lease *lease = NULL;
                char *before = NULL, after[32];
                size_t length;
                if (pb_lease_take(path, PB_UNTIL_FREE, &lease, &error) ||
                    pb_file_read(sum, 0, &before, &length, &error))
                    _exit(1);
                (void)snprintf(after, sizeof after, "%d", atoi(before) + 1); // NOLINT(cert-err34-c)
                pb_free(before);
                if (pb_file_replace(sum, after, strlen(after), &error))
                    _exit(1);
                pb_lease_give(&lease);
            }
            _exit(0);
        }
    for (int i = 0; i < PROCESSES; i++) {
        int end;
        assert_true(wait(&end) > 0);
        assert_int_equal(end, 0);
    }
    char *all = text_of(sum);
    assert_string_equal(all, "400");
    pb_free(all);
    assert_int_equal(files_in(folder_path(state, "leases")), 0);
}

static void test_whoever_does_not_wait_is_told_who_holds_it(void **state)
{
    const char *path = folder_path(state, "lease");
    struct pb_error error = {0};
    struct pb_lease *lease = NULL;
    char process[64];
    const pid_t holder = start_holder(path);
    assert_int_equal(pb_lease_try(path, &lease, &error), PB_OK);
    assert_null(lease);
    assert_int_equal(pb_lease_take(path, PB_UNTIL_KNOWN, &lease, &error), PB_ERROR_RUN);
    assert_null(lease);
    (void)snprintf(process, sizeof process, "is locked by process %ld on host '", (long)holder);
    assert_non_null(strstr(error.text, process));
    kill_process(holder);
    assert_int_equal(pb_lease_try(path, &lease, &error), PB_OK);
    assert_non_null(lease); /* a dead process of this host is known */
    pb_lease_give(&lease);
}

static void test_a_process_that_was_asked_to_end_waits_for_nobody(void **state)
{
    const char *path = folder_path(state, "lock");
    struct pb_error error = {0};
    struct pb_lease *second = NULL, *first = take(path);
    assert_int_equal(pb_stop_watch(0, &error), PB_OK);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(pb_lease_take(path, PB_UNTIL_FREE, &second, &error), PB_ERROR_STOPPED);
    assert_null(second);
    pb_lease_give(&first);
    /* one that is free is taken: what the process is at is finished */
    second = take(path);
    pb_lease_give(&second);
    assert_int_equal(pb_stop_watch(0, &error), PB_OK);
}

static void test_a_holder_on_this_host_that_was_killed_is_not_waited_for(void **state)
{
    const char *path = folder_path(state, "lease");
    pb_lease_times(1, NEVER);
    const pid_t holder = start_holder(path);
    kill_process(holder);
    struct pb_lease *lease = take(path);
    pb_lease_give(&lease);
    assert_false(pb_file_exists(path));
}

/* However long it is stopped. */
static void test_a_holder_on_this_host_that_is_stopped_keeps_it(void **state)
{
    const char *path = folder_path(state, "lease");
    struct pb_error error = {0};
    struct pb_lease *lease = NULL;
    pb_lease_times(0.01, 0.05);
    const pid_t holder = start_holder(path);
    kill(holder, SIGSTOP);
    const pid_t waiter = fork();
    if (waiter == 0)
        _exit(pb_lease_take(path, PB_UNTIL_FREE, &lease, &error) == PB_OK ? 0 : 1);
    usleep(400000);
    assert_int_equal(waitpid(waiter, NULL, WNOHANG), 0);
    assert_int_equal(pb_lease_take(path, PB_UNTIL_KNOWN, &lease, &error), PB_ERROR_RUN);
    kill_process(holder);
    int end = -1;
    assert_int_equal(waitpid(waiter, &end, 0), waiter);
    assert_int_equal(end, 0);
}

static void test_how_long_another_host_is_waited_for_is_asked(void **state)
{
    const char *path = folder_path(state, "lease");
    struct pb_error error = {0};
    struct pb_lease *lease = NULL;
    hold_elsewhere(path, 0);
    pb_lease_times(1, 0.3);
    assert_int_equal(pb_lease_try(path, &lease, &error), PB_OK);
    assert_null(lease);
    assert_int_equal(pb_lease_take(path, PB_UNTIL_KNOWN, &lease, &error), PB_OK); /* it did not work */
    pb_lease_give(&lease);
    hold_elsewhere(path, 0);
    const pid_t other = fork();
    if (other == 0)
        for (int i = 1;; i++) {
            usleep(20000);
            hold_elsewhere(path, i);
        }
    assert_int_equal(pb_lease_take(path, PB_UNTIL_KNOWN, &lease, &error), PB_ERROR_RUN); /* it works */
    kill_process(other);
}

/* Whenever it is forked, also while the parent's beats are written. */
static void test_a_forked_child_holds_none_of_its_parents_leases_and_keeps_its_own(void **state)
{
    enum { CHILDREN = 200 };
    const char *path = folder_path(state, "lease"), *own = folder_path(state, "own");
    struct pb_error error = {0};
    struct pb_lease_watch watch = {0};
    bool free = false;
    pb_lease_times(0.0001, NEVER); /* the parent's thread has the mutex most of the time */
    struct pb_lease *lease = take(path);
    for (int i = 0; i < CHILDREN; i++) {
        const pid_t child = fork();
        if (child == 0) {
            struct pb_lease *mine = NULL;
            alarm(60); /* a child that never gets the mutex, or has no thread, is ended */
            bool good = pb_lease_take(own, PB_UNTIL_KNOWN, &mine, &error) == PB_OK;
            while (good && watch.changes < 2) {
                good = pb_lease_look(own, &watch, &free, &error) == PB_OK;
                usleep(100);
            }
            pb_lease_give(&mine);
            _exit(good ? 0 : 1);
        }
        int end = -1;
        assert_int_equal(waitpid(child, &end, 0), child);
        assert_int_equal(end, 0);
    }
    assert_true(pb_lease_is_kept(lease));
    pb_lease_give(&lease);
}

/* What a dead process left is removed by one of many, and by none of them twice. */
static void test_many_find_a_dead_holder_and_one_takes_its_place(void **state)
{
    enum { PROCESSES = 6, ROUNDS = 40 };
    const char *path = folder_path(state, "lease"), *held = folder_path(state, "held");
    for (int round = 0; round < ROUNDS; round++) {
        const pid_t holder = start_holder(path);
        kill_process(holder);
        if (round % 2)
            write_text(path, ""); /* as an earlier version left it */
        for (int i = 0; i < PROCESSES; i++)
            if (fork() == 0) {
                struct pb_error error = {0};
                struct pb_lease *lease = NULL;
                const bool taken = pb_lease_take(path, PB_UNTIL_FREE, &lease, &error) == PB_OK;
                const bool alone = taken && mkdir(held, 0777) == 0;
                usleep(500);
                const bool whole = alone && rmdir(held) == 0;
                pb_lease_give(&lease);
                _exit(whole ? 0 : 1);
            }
        for (int i = 0; i < PROCESSES; i++) {
            int end;
            assert_true(wait(&end) > 0);
            assert_int_equal(end, 0);
        }
        assert_false(pb_file_exists(path));
    }
}

/* Another host that works: it raises its counter so often, and then no more. */
struct host {
    const char *path;
    int beats;
    atomic_int done;
};

static void *work_elsewhere(void *argument)
{
    struct host *host = argument;
    for (int i = 1; i <= host->beats; i++) {
        usleep(50000);
        hold_elsewhere(host->path, i);
        atomic_store(&host->done, i);
    }
    return NULL;
}

static void test_a_lease_of_another_host_ends_when_it_no_longer_changes(void **state)
{
    struct host host = {.path = folder_path(state, "lease"), .beats = 20};
    pthread_t thread;
    pb_lease_times(1, 0.5);
    hold_elsewhere(host.path, 0);
    /* its clock is an hour ahead, or behind: what it says of times is not looked at */
    const struct timespec ahead[2] = {{.tv_sec = 4102444800}, {.tv_sec = 4102444800}};
    assert_int_equal(utimensat(AT_FDCWD, host.path, ahead, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, work_elsewhere, &host), 0);
    struct pb_lease *lease = take(host.path);
    assert_int_equal(atomic_load(&host.done), host.beats);
    pthread_join(thread, NULL);
    pb_lease_give(&lease);
}

static void test_a_lease_that_another_host_took_stays_there(void **state)
{
    const char *path = folder_path(state, "lease");
    pb_lease_times(0.02, NEVER);
    struct pb_lease *lease = take(path);
    hold_elsewhere(path, 7);
    char *theirs = text_of(path);
    usleep(100000); /* some beats, into the file that has no name any more */
    pb_lease_give(&lease);
    char *after = text_of(path);
    assert_string_equal(after, theirs);
    pb_free(after);
    pb_free(theirs);
}

static void test_a_held_lease_changes(void **state)
{
    const char *path = folder_path(state, "lease");
    pb_lease_times(0.02, NEVER);
    struct pb_lease *lease = take(path);
    char *first = text_of(path), *later = text_of(path);
    for (int i = 0; i < 1000 && strcmp(first, later) == 0; i++) {
        usleep(10000);
        pb_free(later);
        later = text_of(path);
    }
    assert_string_not_equal(first, later);
    assert_int_equal(strlen(first), strlen(later));
    pb_free(first);
    pb_free(later);
    pb_lease_give(&lease);
}

static void test_what_link_answers_does_not_decide(void **state)
{
    const char *path = folder_path(state, "lease");
    struct pb_error error = {0};
    struct pb_lease *lease = NULL;
    const int passing[] = {EIO, ESTALE, EEXIST};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        link_error = passing[i];
        link_made =
            passing[i] == EEXIST; /* the first answer was lost, and the second attempt of the client found the link */
        lease = take(path);
        pb_lease_give(&lease);
        assert_false(pb_file_exists(path));
    }
    link_error = EIO;
    link_made = true;
    lease = take(path);
    pb_lease_give(&lease);
    link_error = EPERM;
    link_made = false;
    assert_int_equal(pb_lease_take(path, PB_UNTIL_FREE, &lease, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "has no hard links; keep results on one that has"));
    assert_null(lease);
    assert_int_equal(files_in(*state), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_process_at_a_time),
        TEST(test_whoever_does_not_wait_is_told_who_holds_it),
        TEST(test_a_process_that_was_asked_to_end_waits_for_nobody),
        TEST(test_a_holder_on_this_host_that_was_killed_is_not_waited_for),
        TEST(test_a_holder_on_this_host_that_is_stopped_keeps_it),
        TEST(test_how_long_another_host_is_waited_for_is_asked),
        TEST(test_a_forked_child_holds_none_of_its_parents_leases_and_keeps_its_own),
        TEST(test_many_find_a_dead_holder_and_one_takes_its_place),
        TEST(test_a_lease_of_another_host_ends_when_it_no_longer_changes),
        TEST(test_a_lease_that_another_host_took_stays_there),
        TEST(test_a_held_lease_changes),
        TEST(test_what_link_answers_does_not_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
