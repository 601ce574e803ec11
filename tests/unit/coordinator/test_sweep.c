/* What the sweep of OUT removes, and what it leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "coordinator/sweep.h"
#include "support/folder.h"
#include "support/held_lease.h"

/* Makes a file and the folders that it is in; its path may be asked for again by the same format. */
static void put(void **state, const char *format, const char *tag)
{
    struct pb_error error = {0};
    char *relative = pb_format(format, tag), *path = pb_format("%s/%s", (const char *)*state, relative);
    char *folder = pb_path_folder(path);
    if (pb_make_dirs(folder, &error) != PB_OK || pb_file_write_atomic(path, "x", 1, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_free(folder);
    pb_free(path);
    pb_free(relative);
}

static bool is_there(void **state, const char *format, const char *tag)
{
    char *relative = pb_format(format, tag), *path = pb_format("%s/%s", (const char *)*state, relative);
    const bool found = pb_file_exists(path);
    pb_free(path);
    pb_free(relative);
    return found;
}

static void sweep(void **state)
{
    struct pb_error error = {0};
    pb_log_set_level(PB_LOG_WARNING);
    if (pb_sweep(*state, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_log_set_level(PB_LOG_INFO);
}

static char *tag_of_the_dead(void)
{
    int ends[2];
    char tag[100] = {0};
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        char *own = pb_owner_tag();
        _exit(own && write(ends[1], own, strlen(own)) > 0 ? 0 : 1);
    }
    close(ends[1]);
    assert_true(read(ends[0], tag, sizeof tag - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return pb_strdup(tag);
}

/* Every form that the program writes, in every folder where it does. */
static const char *const temporary[] = {".matrix.xml.%s.tmp",
                                        "cells/.birds.x.xml.%s.tmp",
                                        "pretrained/.birds.safetensors.%s.tmp",
                                        "samples/birds-0123.new-%s/samples.png",
                                        "stages/.size.%s.tmp",
                                        "stages/0123.new-%s/network.safetensors",
                                        "stages/0456.partial/.epoch.safetensors.%s.tmp",
                                        "latency/.generation.%s.tmp",
                                        "report/.index.html.%s.tmp",
                                        "report/data/.a.tsv.%s.tmp",
                                        "report/figures/.a.new-%s/a.png",
                                        "report/figures/.a.svg.%s.tmp"};
enum { FORMS = sizeof temporary / sizeof *temporary };

static void test_what_the_dead_left_goes_and_what_the_living_write_stays(void **state)
{
    char *dead = tag_of_the_dead(), *alive = pb_owner_tag(), *elsewhere = pb_strdup(dead);
    elsewhere[0] = elsewhere[0] == '0' ? '1' : '0';
    for (size_t i = 0; i < FORMS; i++) {
        put(state, temporary[i], dead);
        put(state, temporary[i], alive);
        put(state, temporary[i], elsewhere);
    }
    sweep(state);
    for (size_t i = 0; i < FORMS; i++) {
        if (is_there(state, temporary[i], dead))
            fail_msg("%s is still there", temporary[i]);
        assert_true(is_there(state, temporary[i], alive));
        assert_true(is_there(state, temporary[i], elsewhere));
    }
    pb_free(dead);
    pb_free(alive);
    pb_free(elsewhere);
}

/* What a run leaves on another host, or one that is at work there has. */
static const char *const foreign[] = {"stages/0123.new-%s/network.safetensors", "cells/.birds.x.xml.%s.tmp"};

static void put_foreign(void **state, const char *elsewhere)
{
    struct pb_error error = {0};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        put(state, foreign[i], elsewhere);
    assert_int_equal(pb_make_dirs(folder_path(state, "stages/locks"), &error), PB_OK);
    assert_int_equal(pb_make_dirs(folder_path(state, "queue"), &error), PB_OK);
    hold_elsewhere(folder_path(state, "stages/locks/0456"), 1);
}

static void assert_foreign(void **state, const char *elsewhere, bool there)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (is_there(state, foreign[i], elsewhere) != there)
            fail_msg("%s is %s", foreign[i], there ? "gone" : "still there");
    assert_true(is_there(state, "stages/locks/0456", "") == there);
}

/* The claims of the first, which has died; nobody else has one. */
static void test_what_a_host_left_that_has_been_silent_goes_with_its_claim(void **state)
{
    char *alive = pb_owner_tag(), *elsewhere = pb_strdup(alive);
    elsewhere[0] = elsewhere[0] == '0' ? '1' : '0';
    put_foreign(state, elsewhere);
    put(state, foreign[0], alive);
    hold_elsewhere(folder_path(state, "queue/a.claim"), 1);
    hold_elsewhere(folder_path(state, "queue/latency.claim"), 1);
    const pid_t holder = start_holder(folder_path(state, "stages/locks/0789"));
    put(state, "stages/0456/stage.json", ""); /* complete, and its worker died before it could tidy up */
    put(state, "stages/0456.partial/epoch.safetensors", "");
    sweep(state); /* a minute would have to pass three times */
    assert_foreign(state, elsewhere, true);
    assert_true(is_there(state, "stages/0456.partial", ""));
    assert_true(is_there(state, "queue/a.claim", ""));
    pb_lease_times(5, 0.3);
    usleep(1500000);
    sweep(state);
    pb_lease_times(5, 60);
    assert_foreign(state, elsewhere, false);
    assert_false(is_there(state, "stages/0456.partial", ""));
    assert_false(is_there(state, "queue/a.claim", ""));
    assert_false(is_there(state, "queue/latency.claim", ""));
    assert_true(is_there(state, foreign[0], alive)); /* of a process that lives, however old it is */
    assert_true(is_there(state, "stages/locks/0789", ""));
    kill_process(holder);
    pb_free(alive);
    pb_free(elsewhere);
}

/* Another host works on the run: one of its claims has changed lately, and what it writes may be older. */
static void test_what_other_hosts_left_stays_while_one_of_them_has_a_claim(void **state)
{
    char *elsewhere = pb_owner_tag();
    elsewhere[0] = elsewhere[0] == '0' ? '1' : '0';
    put_foreign(state, elsewhere);
    hold_elsewhere(folder_path(state, "queue/dead.claim"), 1);
    hold_elsewhere(folder_path(state, "queue/works.claim"), 1);
    usleep(3500000);
    hold_elsewhere(folder_path(state, "queue/works.claim"), 2);
    pb_lease_times(5, 1);
    sweep(state);
    pb_lease_times(5, 60);
    assert_false(is_there(state, "queue/dead.claim", ""));
    assert_true(is_there(state, "queue/works.claim", ""));
    assert_foreign(state, elsewhere, true);
    pb_free(elsewhere);
}

static void test_results_and_stages_stay(void **state)
{
    static const char *const kept[] = {"matrix.xml",
                                       "cells/a.xml",
                                       "cells/notes.tmp",
                                       "logs/a.log",
                                       "stages/0123/stage.json",
                                       "stages/0123/network.safetensors",
                                       "stages/0123.damaged-20261128T021344-1a2b/stage.json",
                                       "stages/0456.partial/epoch.safetensors",
                                       "stages/0456.partial/best.safetensors",
                                       "cache/birds-0123.images",
                                       "pretrained/birds.safetensors",
                                       "samples/birds-0123/samples.png"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        put(state, kept[i], "");
    sweep(state);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (!is_there(state, kept[i], ""))
            fail_msg("%s is gone", kept[i]);
}

/* Its process died between the stage's rename and this removal. */
static void test_the_last_epoch_of_a_complete_stage_goes(void **state)
{
    put(state, "stages/0123/stage.json", "");
    put(state, "stages/0123.partial/epoch.safetensors", "");
    put(state, "stages/locks/0123", "");
    assert_int_equal(unlink(folder_path(state, "stages/locks/0123")), 0);
    sweep(state);
    assert_false(is_there(state, "stages/0123.partial", ""));
    assert_true(is_there(state, "stages/0123/stage.json", ""));
}

static void test_what_is_locked_is_being_written(void **state)
{
    struct pb_error error = {0};
    struct pb_lease *cache = NULL, *stage = NULL;
    put(state, "cache/birds-0123.images.part", "");
    put(state, "stages/0123/stage.json", "");
    put(state, "stages/0123.partial/epoch.safetensors", "");
    assert_int_equal(pb_make_dirs(folder_path(state, "stages/locks"), &error), PB_OK);
    assert_int_equal(pb_lease_try(folder_path(state, "cache/birds-0123.images.lock"), &cache, &error), PB_OK);
    assert_int_equal(pb_lease_try(folder_path(state, "stages/locks/0123"), &stage, &error), PB_OK);
    sweep(state);
    assert_true(is_there(state, "cache/birds-0123.images.part", ""));
    assert_true(is_there(state, "stages/0123.partial", ""));
    pb_lease_give(&cache);
    pb_lease_give(&stage);
    sweep(state);
    assert_false(is_there(state, "cache/birds-0123.images.part", ""));
    assert_false(is_there(state, "stages/0123.partial", ""));
}

static void test_a_folder_that_is_not_there_is_fine(void **state)
{
    sweep(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_the_dead_left_goes_and_what_the_living_write_stays),
        TEST(test_what_a_host_left_that_has_been_silent_goes_with_its_claim),
        TEST(test_what_other_hosts_left_stays_while_one_of_them_has_a_claim),
        TEST(test_results_and_stages_stay),
        TEST(test_the_last_epoch_of_a_complete_stage_goes),
        TEST(test_what_is_locked_is_being_written),
        TEST(test_a_folder_that_is_not_there_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
