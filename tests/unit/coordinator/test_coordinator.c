/* Runs of a matrix with child processes that only pretend. */
#include "support/matrix_text.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lease.h"
#include "coordinator/coordinator.h"
#include "coordinator/outcome.h"
#include "coordinator/stage_index.h"
#include "results/result.h"
#include "support/fake_child.h"

static char program[512];

/* The head of every matrix here: one model, one schedule, no latency; data sets lie where the test is. */
#define RUN_HEAD                                                                                                       \
    "<matrix xmlns='urn:prunebench:matrix:1' name='t'><model name='vgg11-bcnn'/><schedule plugin='one-shot'/>"         \
    "<dataset plugin='birds' root='/tmp'/>"
#define NO_LATENCY "<latency runs='0'/>"

static enum pb_status try_run(void **state, const char *text, struct pb_run_options options,
                              struct pb_run_summary *summary, struct pb_error *error)
{
    struct pb_matrix *matrix = read_matrix(state, text);
    options.out = options.out ? options.out : folder_path(state, "out");
    options.program = program;
    options.quiet = true;
    const enum pb_status status = pb_run_matrix(matrix, &options, summary, error);
    if (status == PB_OK) {
        struct pb_run_summary counts = *summary;
        pb_run_summary_free(summary);
        counts.cells = NULL;
        counts.cell_count = 0;
        *summary = counts;
    }
    pb_matrix_free(&matrix);
    return status;
}

static struct pb_run_summary run(void **state, const char *text, struct pb_run_options options)
{
    struct pb_error error = {0};
    struct pb_run_summary summary = {0};
    if (try_run(state, text, options, &summary, &error) != PB_OK)
        fail_msg("%s", error.text);
    return summary;
}

/* The diary so far, from pb_calloc. Not inlined, because GCC then takes what strstr finds in it for a pointer into this function. */
__attribute__((noinline)) static char *diary(void **state)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    if (pb_file_read(folder_path(state, "out/diary"), 0, &text, &length, &error) != PB_OK)
        fail_msg("%s", error.text);
    return text;
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    const size_t length = strlen(part);
    for (size_t i = 0; text[i]; i++)
        count += strncmp(text + i, part, length) == 0;
    return count;
}

static struct pb_record read_record(void **state, const char *id)
{
    struct pb_error error = {0};
    struct pb_record record;
    char *path = pb_result_path(folder_path(state, "out"), id);
    if (pb_result_read(path, &record, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_free(path);
    return record;
}

static void assert_outcome(void **state, const char *label, enum pb_cell_status status, const char *message,
                           const char *signal)
{
    char id[128];
    snprintf(id, sizeof id, "birds.vgg11-bcnn.%s.one-shot.blis.r40.s1", label);
    struct pb_record record = read_record(state, id);
    assert_string_equal(pb_cell_status_name(record.status), pb_cell_status_name(status));
    assert_string_equal(record.message, message);
    if (signal)
        assert_string_equal(record.signal, signal);
    else
        assert_null(record.signal);
    pb_record_free(&record);
}

static void test_every_cell_runs_once_and_the_same_command_again_runs_none(void **state)
{
    const char *text = RUN_HEAD NO_LATENCY "<criterion plugin='random'/><criterion plugin='bn-scale'/>"
                                           "<targets>0.2 0.4</targets><seeds>1 2</seeds></matrix>";
    struct pb_run_summary summary = run(state, text, (struct pb_run_options){.jobs = 2, .threads = 6});
    assert_int_equal(summary.done, 8);
    assert_int_equal(summary.skipped + summary.failed + summary.blocked, 0);
    char *seen = diary(state);
    assert_int_equal(count_of(seen, "start "), 8);
    assert_int_equal(count_of(seen, "r20.s2 3\n"), 2); /* threads are divided among cells */
    pb_free(seen);
    summary = run(state, text, (struct pb_run_options){.jobs = 2, .threads = 6});
    assert_int_equal(summary.skipped, 8);
    assert_int_equal(summary.done, 0);
    seen = diary(state);
    assert_int_equal(count_of(seen, "start "), 8);
    pb_free(seen);
}

static void test_every_process_is_told_whose_child_it_is(void **state)
{
    char line[48];
    (void)run(state, RUN_HEAD NO_LATENCY "<criterion plugin='random'/><targets>0.2 0.4</targets></matrix>",
              (struct pb_run_options){.jobs = 2});
    snprintf(line, sizeof line, "parent %ld\n", (long)getpid());
    char *seen = diary(state);
    assert_int_equal(count_of(seen, line), 2);
    pb_free(seen);
}

/* The second cell of a data set to start does so after the base of that data set is stored. */
static void assert_waited_for_base(const char *seen, const char *label)
{
    char start[64], stored[64];
    snprintf(start, sizeof start, "start %s.", label);
    snprintf(stored, sizeof stored, "stored base-%s\n", label);
    const char *first = strstr(seen, start), *base = strstr(seen, stored);
    assert_non_null(first);
    assert_non_null(base);
    const char *second = strstr(first + 1, start);
    assert_non_null(second);
    assert_true(base < second);
}

static void test_no_child_waits_for_a_stage_that_another_makes(void **state)
{
    /* no base is made before cells of both data sets have started: one after the other would end in failures */
    setenv(FAKE_CHILD_MEET, "birds cars", 1);
    const struct pb_run_summary summary =
        run(state,
            RUN_HEAD NO_LATENCY "<dataset plugin='cars' root='/tmp'/><criterion plugin='random'/>"
                                "<criterion plugin='bn-scale'/><targets>0.2 0.4</targets></matrix>",
            (struct pb_run_options){.jobs = 4});
    unsetenv(FAKE_CHILD_MEET);
    assert_int_equal(summary.done, 8);
    char *seen = diary(state);
    assert_int_equal(count_of(seen, "stored base-birds"), 4); /* all pass through it, one makes it */
    assert_waited_for_base(seen, "birds");
    assert_waited_for_base(seen, "cars");
    pb_free(seen);
}

static void test_how_each_cell_failed_is_recorded_and_the_others_run(void **state)
{
    const char *text =
        RUN_HEAD NO_LATENCY "<criterion plugin='random' label='crash'/><criterion plugin='random' label='hang'/>"
                            "<criterion plugin='random' label='silent'/><criterion plugin='random' label='fail'/>"
                            "<criterion plugin='random' label='hog'/><criterion plugin='random' label='good'/>"
                            "<targets>0.4</targets><override criterion='hang'><limits time='4'/></override>"
                            "<override criterion='hog'><limits memory='200M'/></override></matrix>";
    struct pb_run_summary summary = run(state, text, (struct pb_run_options){.jobs = 3});
    assert_int_equal(summary.done, 1);
    assert_int_equal(summary.failed, 5);
    assert_int_equal(summary.blocked, 0);
    assert_outcome(state, "crash", PB_CELL_CRASHED, "its process died of SIGSEGV", "SIGSEGV");
    assert_outcome(state, "hang", PB_CELL_TIMED_OUT,
                   "it ran longer than 4 s; raise <limits time>; the epochs that it has trained are kept", NULL);
    assert_outcome(state, "fail", PB_CELL_FAILED, "it did not work", NULL);
    assert_outcome(state, "silent", PB_CELL_FAILED,
                   "its process ended with exit code 3 and wrote no result; see "
                   "logs/birds.vgg11-bcnn.silent.one-shot.blis.r40.s1.log",
                   NULL);
    struct pb_record record = read_record(state, "birds.vgg11-bcnn.hog.one-shot.blis.r40.s1");
    assert_int_equal(record.status, PB_CELL_MEMORY);
    assert_true(record.peak_rss_bytes > (uint64_t)200 << 20);
    pb_record_free(&record);
    record = read_record(state, "birds.vgg11-bcnn.silent.one-shot.blis.r40.s1");
    assert_string_equal(record.log_tail, "about to silent\n");
    assert_string_equal(pb_record_find(record.provenance, record.provenance_count, PB_KEY_FAILED_STAGE),
                        "score-birds-silent");
    pb_record_free(&record);
    /* failed ones are left alone without retry, and run again with it; the good one never */
    summary = run(state, text, (struct pb_run_options){.jobs = 3});
    assert_int_equal(summary.failed, 5);
    assert_int_equal(summary.skipped, 1);
    char *seen = diary(state);
    assert_int_equal(count_of(seen, "start "), 6);
    pb_free(seen);
    summary =
        run(state, text, (struct pb_run_options){.jobs = 3, .retry = true, .only = (const char *[]){"*.fail.*", NULL}});
    assert_int_equal(summary.failed, 1);
    seen = diary(state);
    assert_int_equal(count_of(seen, "start "), 7);
    pb_free(seen);
}

static void test_cells_behind_a_failed_stage_are_blocked_not_run(void **state)
{
    const char *text =
        RUN_HEAD NO_LATENCY "<dataset plugin='cars' root='/tmp'/>"
                            "<criterion plugin='random' label='crash'/>"
                            "<criterion plugin='random' label='good'/><targets>0.2 0.4</targets></matrix>";
    struct pb_run_summary summary = run(state, text, (struct pb_run_options){.jobs = 2});
    assert_int_equal(summary.failed, 2); /* one per data set: the score is theirs, the base is there */
    assert_int_equal(summary.blocked, 2);
    assert_int_equal(summary.done, 4);
    struct pb_record record = read_record(state, "cars.vgg11-bcnn.crash.one-shot.blis.r40.s1");
    assert_int_equal(record.status, PB_CELL_BLOCKED);
    assert_string_equal(record.message,
                        "its stage 'score' failed in cell 'cars.vgg11-bcnn.crash.one-shot.blis.r20.s1': "
                        "its process died of SIGSEGV");
    pb_record_free(&record);
    char *seen = diary(state);
    assert_null(strstr(seen, "start cars.vgg11-bcnn.crash.one-shot.blis.r40.s1"));
    pb_free(seen);
}

static void test_a_cell_that_fails_between_its_stages_blocks_no_other(void **state)
{
    const char *text =
        RUN_HEAD NO_LATENCY "<criterion plugin='random' label='fail'/>"
                            "<criterion plugin='random' label='alone'/><targets>0.2 0.4</targets></matrix>";
    const struct pb_run_summary summary = run(state, text, (struct pb_run_options){.jobs = 1});
    assert_int_equal(summary.failed, 3); /* the score of one criterion, and both cells of the other */
    assert_int_equal(summary.blocked, 1);
    char *seen = diary(state);
    assert_int_equal(count_of(seen, "start birds.vgg11-bcnn.alone."), 2);
    pb_free(seen);
}

static void test_a_stage_that_failed_in_an_earlier_run_blocks_cells_that_are_new(void **state)
{
    (void)run(state, RUN_HEAD NO_LATENCY "<criterion plugin='random' label='silent'/><targets>0.2</targets></matrix>",
              (struct pb_run_options){.jobs = 1});
    const struct pb_run_summary summary =
        run(state, RUN_HEAD NO_LATENCY "<criterion plugin='random' label='silent'/><targets>0.2 0.4</targets></matrix>",
            (struct pb_run_options){.jobs = 1});
    assert_int_equal(summary.failed, 1);
    assert_int_equal(summary.blocked, 1);
}

static void test_a_changed_matrix_runs_just_what_changed(void **state)
{
    const char *before = RUN_HEAD NO_LATENCY "<criterion plugin='random'/><criterion plugin='bn-scale'/>"
                                             "<targets>0.2 0.4</targets></matrix>";
    const char *after = RUN_HEAD NO_LATENCY "<criterion plugin='random'/><criterion plugin='bn-scale'/>"
                                            "<override criterion='random' target='0.4'><training lr='0.5'/></override>"
                                            "<limits time='3h'/><targets>0.2 0.4 0.6</targets></matrix>";
    (void)run(state, before, (struct pb_run_options){.jobs = 2});
    const struct pb_run_summary summary = run(state, after, (struct pb_run_options){.jobs = 2});
    assert_int_equal(summary.skipped, 3);
    assert_int_equal(summary.done, 3); /* two that are new, one that changed */
}

static void test_a_result_cut_in_half_is_run_again(void **state)
{
    const char *text = RUN_HEAD NO_LATENCY "<criterion plugin='random'/><targets>0.2 0.4</targets></matrix>";
    (void)run(state, text, (struct pb_run_options){.jobs = 1});
    char *path = pb_result_path(folder_path(state, "out"), "birds.vgg11-bcnn.random.one-shot.blis.r40.s1");
    assert_int_equal(truncate(path, 200), 0);
    pb_free(path);
    const struct pb_run_summary summary = run(state, text, (struct pb_run_options){.jobs = 1});
    assert_int_equal(summary.skipped, 1);
    assert_int_equal(summary.done, 1);
}

static void test_a_second_run_on_the_same_folder_is_refused_with_the_pid(void **state)
{
    struct pb_error error = {0};
    struct pb_run_summary summary = {0};
    char pid[32];
    struct pb_lease *lock = NULL;
    assert_int_equal(pb_make_dirs(folder_path(state, "out"), &error), PB_OK);
    assert_int_equal(pb_lease_try(folder_path(state, "out/lock"), &lock, &error), PB_OK);
    assert_int_equal(try_run(state, RUN_HEAD "<criterion plugin='random'/><targets>0.2</targets></matrix>",
                             (struct pb_run_options){.jobs = 1}, &summary, &error),
                     PB_ERROR_RUN);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(error.text, pid));
    pb_lease_give(&lock);
}

static void test_a_folder_that_cannot_be_made_is_named(void **state)
{
    struct pb_error error = {0};
    struct pb_run_summary summary = {0};
    assert_int_equal(pb_file_write_atomic(folder_path(state, "file"), "x", 1, &error), PB_OK);
    assert_int_not_equal(try_run(state, RUN_HEAD "<criterion plugin='random'/><targets>0.2</targets></matrix>",
                                 (struct pb_run_options){.jobs = 1, .out = folder_path(state, "file/out")}, &summary,
                                 &error),
                         PB_OK);
    assert_non_null(strstr(error.text, "/file"));
}

static void test_an_interrupted_run_keeps_what_is_finished_and_resumes(void **state)
{
    struct pb_error error = {0};
    struct pb_run_summary summary = {0};
    const char *text = RUN_HEAD NO_LATENCY "<criterion plugin='random'/><criterion plugin='random' label='stop'/>"
                                           "<targets>0.2</targets></matrix>";
    assert_int_equal(try_run(state, text, (struct pb_run_options){.jobs = 1}, &summary, &error), PB_OK);
    assert_int_equal(summary.signal, SIGTERM);
    assert_int_equal(summary.done, 1);
    struct pb_record record = read_record(state, "birds.vgg11-bcnn.random.one-shot.blis.r20.s1");
    assert_int_equal(record.status, PB_CELL_OK);
    pb_record_free(&record);
    char *path = pb_result_path(folder_path(state, "out"), "birds.vgg11-bcnn.stop.one-shot.blis.r20.s1");
    assert_false(pb_file_exists(path)); /* neither ok nor failed: it runs again next time */
    pb_free(path);
}

static void test_latency_is_measured_last_and_on_all_threads(void **state)
{
    const struct pb_run_summary summary =
        run(state, RUN_HEAD "<criterion plugin='random'/><criterion plugin='bn-scale'/><targets>0.2</targets></matrix>",
            (struct pb_run_options){.jobs = 2, .threads = 4});
    assert_int_equal(summary.done, 2);
    assert_int_equal(summary.unmeasured, 0);
    char *seen = diary(state);
    const char *first = strstr(seen, "latency ");
    assert_int_equal(count_of(seen, "latency "), 2);
    assert_int_equal(count_of(first, "end "), 0);
    assert_int_equal(count_of(first, ".s1 4\n"), 2);
    pb_free(seen);
}

static void test_a_schedule_that_crashes_the_planner_costs_only_its_own_sharing(void **state)
{
    const struct pb_run_summary summary =
        run(state,
            RUN_HEAD NO_LATENCY "<schedule plugin='one-shot' label='deaf'/><criterion plugin='random'/>"
                                "<criterion plugin='bn-scale'/><targets>0.2 0.4</targets></matrix>",
            (struct pb_run_options){.jobs = 2});
    assert_int_equal(summary.done, 8);
    struct pb_error error = {0};
    int index = -1;
    assert_int_equal(pb_stage_index_open(folder_path(state, "out/planned-stages.txt"), &index, &error), PB_OK);
    assert_int_equal(pb_stage_index_cells(index, "base-birds"), 4);
    pb_stage_index_close(&index);
}

static void test_a_glob_that_names_nothing_is_an_input_error(void **state)
{
    struct pb_error error = {0};
    struct pb_run_summary summary = {0};
    assert_int_equal(try_run(state, RUN_HEAD "<criterion plugin='random'/><targets>0.2</targets></matrix>",
                             (struct pb_run_options){.jobs = 1, .only = (const char *[]){"*nothing*", NULL}}, &summary,
                             &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "--only '*nothing*' names no cell of '"));
}

/* A result that cannot be written ends the run: training on would be for nothing. What was finished stays. */
static void test_a_run_whose_results_cannot_be_written_ends_and_loses_none(void **state)
{
    struct pb_error error = {0};
    struct pb_run_summary summary = {0};
    const char *text = RUN_HEAD NO_LATENCY "<criterion plugin='random'/><criterion plugin='bn-scale'/>"
                                           "<targets>0.2</targets></matrix>";
    (void)run(state, text, (struct pb_run_options){.jobs = 1, .only = (const char *[]){"*random*", NULL}});
    char *path = pb_result_path(folder_path(state, "out"), "birds.vgg11-bcnn.bn-scale.one-shot.blis.r20.s1");
    assert_int_equal(mkdir(path, 0777), 0); /* nothing can be renamed onto a folder */
    pb_free(path);
    assert_int_equal(try_run(state, text, (struct pb_run_options){.jobs = 1}, &summary, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "the result of cell 'birds.vgg11-bcnn.bn-scale.one-shot.blis.r20.s1' cannot be "
                                       "written; make room and run again: "));
    struct pb_record record = read_record(state, "birds.vgg11-bcnn.random.one-shot.blis.r20.s1");
    assert_int_equal(record.status, PB_CELL_OK);
    pb_record_free(&record);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(int argc, char **argv)
{
    fake_child(argc, argv);
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_every_cell_runs_once_and_the_same_command_again_runs_none),
        RUN_TEST(test_every_process_is_told_whose_child_it_is),
        RUN_TEST(test_no_child_waits_for_a_stage_that_another_makes),
        RUN_TEST(test_how_each_cell_failed_is_recorded_and_the_others_run),
        RUN_TEST(test_cells_behind_a_failed_stage_are_blocked_not_run),
        RUN_TEST(test_a_cell_that_fails_between_its_stages_blocks_no_other),
        RUN_TEST(test_a_stage_that_failed_in_an_earlier_run_blocks_cells_that_are_new),
        RUN_TEST(test_a_changed_matrix_runs_just_what_changed),
        RUN_TEST(test_a_result_cut_in_half_is_run_again),
        RUN_TEST(test_a_second_run_on_the_same_folder_is_refused_with_the_pid),
        RUN_TEST(test_a_folder_that_cannot_be_made_is_named),
        RUN_TEST(test_an_interrupted_run_keeps_what_is_finished_and_resumes),
        RUN_TEST(test_latency_is_measured_last_and_on_all_threads),
        RUN_TEST(test_a_schedule_that_crashes_the_planner_costs_only_its_own_sharing),
        RUN_TEST(test_a_glob_that_names_nothing_is_an_input_error),
        RUN_TEST(test_a_run_whose_results_cannot_be_written_ends_and_loses_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
