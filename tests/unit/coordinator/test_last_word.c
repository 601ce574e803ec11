/* Children that die or stop at awkward moments: between their document and their word of it, or without an end. */
#include "support/matrix_text.h"

#include <unistd.h>

#include "coordinator/coordinator.h"
#include "coordinator/outcome.h"
#include "results/result.h"
#include "support/fake_child.h"

static char program[512];

#define RUN_HEAD                                                                                                       \
    "<matrix xmlns='urn:prunebench:matrix:1' name='t'><model name='vgg11-bcnn'/><schedule plugin='one-shot'/>"         \
    "<dataset plugin='birds' root='/tmp'/><latency runs='0'/>"

static struct pb_run_summary run(void **state, const char *text, bool retry)
{
    struct pb_error error = {0};
    struct pb_run_summary summary = {0};
    struct pb_matrix *matrix = read_matrix(state, text);
    const struct pb_run_options options = {
        .out = folder_path(state, "out"), .program = program, .quiet = true, .retry = retry};
    if (pb_run_matrix(matrix, &options, &summary, &error) != PB_OK)
        fail_msg("%s", error.text);
    struct pb_run_summary counts = summary;
    counts.cells = NULL;
    counts.cell_count = 0;
    pb_run_summary_free(&summary);
    pb_matrix_free(&matrix);
    return counts;
}

/* What the cell's document says. */
static enum pb_cell_status status_of(void **state, const char *label, char message[200])
{
    struct pb_error error = {0};
    struct pb_record record;
    char id[128];
    snprintf(id, sizeof id, "birds.vgg11-bcnn.%s.one-shot.blis.r40.s1", label);
    char *path = pb_result_path(folder_path(state, "out"), id);
    if (pb_result_read(path, &record, &error) != PB_OK)
        fail_msg("%s", error.text);
    const enum pb_cell_status status = record.status;
    snprintf(message, 200, "%s", record.message ? record.message : "");
    pb_record_free(&record);
    pb_free(path);
    return status;
}

static void test_the_document_decides_when_the_last_word_is_lost(void **state)
{
    const char *text =
        RUN_HEAD "<criterion plugin='random' label='mute'/><criterion plugin='random' label='mute-fail'/>"
                 "<criterion plugin='random' label='crash'/><targets>0.4</targets></matrix>";
    char message[200];
    struct pb_run_summary summary = run(state, text, false);
    assert_int_equal(summary.done, 1);
    assert_int_equal(summary.failed, 2);
    assert_int_equal(status_of(state, "mute", message), PB_CELL_OK);
    assert_int_equal(status_of(state, "mute-fail", message), PB_CELL_FAILED);
    assert_int_equal(status_of(state, "crash", message), PB_CELL_CRASHED);
}

/* A document of an earlier run says nothing about a child that wrote none. */
static void test_an_older_document_does_not_decide(void **state)
{
    struct pb_error error = {0};
    char message[200];
    const char *text = RUN_HEAD "<criterion plugin='random' label='silent'/><targets>0.4</targets></matrix>";
    assert_int_equal(run(state, text, false).failed, 1);
    /* now a failed document lies there, and not of a crash */
    struct pb_matrix *matrix = read_matrix(state, text);
    const struct pb_failure older = {.status = PB_CELL_TIMED_OUT, .message = "an earlier reason"};
    assert_int_equal(pb_outcome_write(folder_path(state, "out"), matrix->cells[0], &older, &error), PB_OK);
    pb_matrix_free(&matrix);
    assert_int_equal(status_of(state, "silent", message), PB_CELL_TIMED_OUT);
    assert_int_equal(run(state, text, true).failed, 1);
    assert_int_equal(status_of(state, "silent", message), PB_CELL_FAILED);
}

/* How often a cell's process was started. */
static int starts_of(void **state, const char *label)
{
    char line[256], begin[128];
    int starts = 0;
    FILE *diary = fopen(folder_path(state, "out/diary"), "r");
    assert_non_null(diary);
    snprintf(begin, sizeof begin, "start birds.vgg11-bcnn.%s.", label);
    while (fgets(line, sizeof line, diary))
        starts += strncmp(line, begin, strlen(begin)) == 0;
    fclose(diary);
    return starts;
}

/* Somebody who signals the children, and not the run, has not found that their cells fail. */
static void test_a_child_that_others_asked_to_end_is_started_again_some_times(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random' label='return'/><criterion plugin='random' label='leave'/>"
                                "<targets>0.4</targets></matrix>";
    char message[200];
    struct pb_run_summary summary = run(state, text, false);
    assert_int_equal(summary.done, 1);
    assert_int_equal(summary.failed, 1);
    assert_int_equal(starts_of(state, "return"), 4);
    assert_int_equal(status_of(state, "return", message), PB_CELL_OK);
    assert_int_equal(starts_of(state, "leave"), 4);
    assert_int_equal(status_of(state, "leave", message), PB_CELL_FAILED);
    assert_string_equal(message, "its process was asked to end (SIGTERM) by another one than the run's; what it has "
                                 "done is stored");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    fake_child(argc, argv);
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return 99;
    const struct CMUnitTest tests[] = {
        TEST(test_the_document_decides_when_the_last_word_is_lost),
        TEST(test_an_older_document_does_not_decide),
        TEST(test_a_child_that_others_asked_to_end_is_started_again_some_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
