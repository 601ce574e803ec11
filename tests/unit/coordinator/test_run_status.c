/* OUT/running.json: what goes in comes out, and what is no such file is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "coordinator/run_status.h"
#include "support/folder.h"
#include "support/small_cells.h"

static const char hostile[] = "<script>alert('\"')</script> ]]> \\ \033[31m";

static void add(struct pb_run_status *status, const char *id, const char *state, const char *text, double share)
{
    struct pb_error error = {0};
    struct pb_status_cell *cell = pb_run_status_add(status, id, state, text, &error);
    assert_non_null(cell);
    cell->share = share;
}

static void make(struct pb_run_status *status)
{
    struct pb_error error = {0};
    *status = (struct pb_run_status){.phase = PB_PHASE_LATENCY,
                                     .process = 7,
                                     .total = 9,
                                     .ok = 4,
                                     .failed = 1,
                                     .blocked = 2,
                                     .waiting = 2,
                                     .left_out = 1,
                                     .before = 3,
                                     .share = 0.5,
                                     .seconds = 12.25,
                                     .left = NAN};
    must(pb_run_status_text(&status->owner, "tag", &error), &error);
    must(pb_run_status_text(&status->host, "h", &error), &error);
    must(pb_run_status_text(&status->started, "2026-01-31T12:00:00Z", &error), &error);
    must(pb_run_status_text(&status->updated, "2026-01-31T12:00:01Z", &error), &error);
    must(pb_run_status_text(&status->command, hostile, &error), &error);
    add(status, "a", "running", "base: epoch 1 of 2", 0.25);
    add(status, "b", "failed", hostile, NAN);
}

static void test_a_state_comes_back_as_it_was(void **state)
{
    struct pb_error error = {0};
    struct pb_run_status written, read = {0};
    bool present = false;
    make(&written);
    must(pb_run_status_write(folder_path(state, ""), &written, &error), &error);
    must(pb_run_status_read(folder_path(state, ""), &present, &read, &error), &error);
    assert_true(present);
    assert_int_equal(read.phase, PB_PHASE_LATENCY);
    assert_int_equal(read.process, 7);
    assert_int_equal(read.total, 9);
    assert_int_equal(read.ok + 10 * read.failed + 100 * read.blocked + 1000 * read.waiting, 2214);
    assert_int_equal(read.left_out + 10 * read.before, 31);
    assert_true(read.share == 0.5 && read.seconds == 12.25 && isnan(read.left));
    assert_string_equal(read.owner, "tag");
    assert_string_equal(read.command, hostile);
    assert_null(read.folder);
    assert_int_equal(read.cell_count, 2);
    assert_string_equal(read.cells[0].text, "base: epoch 1 of 2");
    assert_true(read.cells[0].share == 0.25 && isnan(read.cells[0].seconds));
    assert_string_equal(read.cells[1].status, "failed");
    assert_string_equal(read.cells[1].text, hostile);
    pb_run_status_free(&written);
    pb_run_status_free(&read);
    pb_run_status_remove(folder_path(state, ""));
    must(pb_run_status_read(folder_path(state, ""), &present, &read, &error), &error);
    assert_false(present);
}

/* A plugin may write anything into a message. */
static void test_text_that_is_no_utf8_is_kept_as_far_as_it_is_ascii(void **state)
{
    struct pb_error error = {0};
    struct pb_run_status written, read = {0};
    bool present = false;
    make(&written);
    add(&written, "c", "failed", "a\xff\xfe z", NAN);
    must(pb_run_status_write(folder_path(state, ""), &written, &error), &error);
    must(pb_run_status_read(folder_path(state, ""), &present, &read, &error), &error);
    assert_string_equal(read.cells[2].text, "a?? z");
    pb_run_status_free(&written);
    pb_run_status_free(&read);
}

static void assert_refused(void **state, const char *text, size_t length, const char *message)
{
    struct pb_error error = {0};
    struct pb_run_status read = {0};
    bool present = false;
    must(pb_file_write_atomic(folder_path(state, PB_RUN_STATUS_NAME), text, length, &error), &error);
    assert_int_equal(pb_run_status_read(folder_path(state, ""), &present, &read, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, PB_RUN_STATUS_NAME));
    assert_non_null(strstr(error.text, message));
    assert_null(read.cells);
}

static void test_what_is_no_state_of_a_run_is_refused(void **state)
{
    struct pb_error error = {0};
    struct pb_run_status written;
    char *text = NULL;
    size_t length = 0;
    make(&written);
    must(pb_run_status_write(folder_path(state, ""), &written, &error), &error);
    must(pb_file_read(folder_path(state, PB_RUN_STATUS_NAME), 0, &text, &length, &error), &error);
    assert_refused(state, text, length / 2, "not the state of a run");
    assert_refused(state, "", 0, "not the state of a run");
    assert_refused(state, "[]", 2, "it lacks what a run's state has");
    char *number = strstr(text, "\"process\": 7");
    assert_non_null(number);
    memcpy(number, "\"process\": x", strlen("\"process\": x"));
    assert_refused(state, text, length, "not the state of a run");
    memcpy(number, "\"process\":-7", strlen("\"process\":-7"));
    assert_refused(state, text, length, "it lacks what a run's state has");
    pb_free(text);
    pb_run_status_free(&written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_state_comes_back_as_it_was, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_text_that_is_no_utf8_is_kept_as_far_as_it_is_ascii, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_state_of_a_run_is_refused, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
