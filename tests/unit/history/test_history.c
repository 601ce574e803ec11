/* A history's files: whole or absent, found by name, never harmed by what is cut, foreign, of the wrong time or on a full disk. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "history/history_add.h"
#include "history/history_numbers.h"
#include "support/folder.h"
#include "support/small_cells.h"

#define ODD_NAME "a 'night' \"<script>alert(1)</script>\" ]]> \\ $(x)"

/* A run of one cell; when: its start. */
static struct pb_summary run_of(const char *when, double top1)
{
    struct pb_summary run = {.records = pb_calloc(1, sizeof(struct pb_record)), .record_count = 1, .matrix = "tiny"};
    struct pb_error error = {0};
    assert_non_null(run.records);
    small_record(run.records, &(struct small){"birds", "one-shot", "l1", "r40", "0.4", "1", NULL, 0.75, 0.30, top1, 400,
                                              PB_CELL_OK});
    must(pb_record_provenance(run.records, "started", when, &error), &error);
    must(pb_record_provenance(run.records, "git", "abc", &error), &error);
    must(pb_record_provenance(run.records, "cpu", "fast", &error), &error);
    return run;
}

static enum pb_status add_as(void **state, const struct pb_history_entry *entry, const char *when, double top1,
                             struct pb_error *error)
{
    struct pb_summary run = run_of(when, top1);
    struct pb_history_entry whole = *entry;
    char *file = NULL;
    bool known = false;
    whole.run = &run;
    if (!whole.folder)
        whole.folder = "nights/night";
    const enum pb_status status = pb_history_add(folder_path(state, "h"), &whole, &file, &known, error);
    pb_free(file);
    pb_summary_free(&run);
    return status;
}

static void add(void **state, const char *name, const char *when, double top1)
{
    struct pb_error error = {0};
    must(add_as(state, &(struct pb_history_entry){.name = name}, when, top1, &error), &error);
}

static void add_three(void **state)
{
    add(state, "one", "2026-11-26T02:00:00Z", 0.70);
    add(state, "two", "2026-11-27T02:00:00Z", 0.71);
    add(state, "three", "2026-11-28T02:00:00Z", 0.72);
}

static struct pb_history open_history(void **state)
{
    struct pb_history history = {0};
    struct pb_error error = {0};
    must(pb_history_open(folder_path(state, "h"), &history, &error), &error);
    return history;
}

/* A change to the bytes of a run's file, as no program of ours would make it. */
static void change_file(void **state, const char *file, long cut_to, long flip)
{
    char name[300];
    snprintf(name, sizeof name, "h/%s", file);
    const char *path = folder_path(state, name);
    if (cut_to >= 0)
        assert_int_equal(truncate(path, cut_to), 0);
    if (flip >= 0) {
        FILE *stream = fopen(path, "r+b");
        assert_non_null(stream);
        assert_int_equal(fseek(stream, flip, SEEK_SET), 0);
        const int byte = fgetc(stream);
        assert_int_equal(fseek(stream, flip, SEEK_SET), 0);
        assert_int_not_equal(fputc(byte ^ 1, stream), EOF);
        assert_int_equal(fclose(stream), 0);
    }
}

static long size_of(void **state, const char *file)
{
    struct stat info;
    char name[300];
    snprintf(name, sizeof name, "h/%s", file);
    assert_int_equal(stat(folder_path(state, name), &info), 0);
    return (long)info.st_size;
}

static const struct pb_history_run *find(const struct pb_history *history, const char *word)
{
    const struct pb_history_run *run = NULL;
    struct pb_error error = {0};
    must(pb_history_find(history, word, &run, &error), &error);
    return run;
}

static void assert_not_found(const struct pb_history *history, const char *word, const char *message)
{
    const struct pb_history_run *run = NULL;
    struct pb_error error = {0};
    assert_int_equal(pb_history_find(history, word, &run, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' is not in '%s'", message, error.text);
}

static double accuracy_of(const struct pb_history *history, const struct pb_history_run *run)
{
    struct pb_night_numbers numbers = {0};
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    must(pb_history_read(history, run, PB_PART_NUMBERS, &text, &length, &error), &error);
    must(pb_night_numbers_parse(run->file, text, length, &numbers, &error), &error);
    pb_free(text);
    assert_int_equal(numbers.cell_count, 1);
    assert_string_equal(numbers.columns[0], "accuracy");
    const double accuracy = numbers.values[0];
    pb_night_numbers_free(&numbers);
    return accuracy;
}

static void test_a_run_is_read_back_as_it_was_added(void **state)
{
    struct pb_error error = {0};
    must(add_as(state, &(struct pb_history_entry){.name = ODD_NAME, .note = "]]> & <b>"}, "2026-11-28T02:00:00Z", 0.1,
                &error),
         &error);
    struct pb_history history = open_history(state);
    assert_int_equal(history.run_count, 1);
    const struct pb_history_run *run = find(&history, ODD_NAME);
    assert_string_equal(run->name, ODD_NAME);
    assert_string_equal(run->note, "]]> & <b>");
    assert_string_equal(run->time, "2026-11-28T02:00:00Z");
    assert_string_equal(run->facts[PB_FACT_MATRIX], "tiny");
    assert_string_equal(run->facts[PB_FACT_GIT], "abc");
    assert_string_equal(run->facts[PB_FACT_HOST], "");
    assert_int_equal(run->state, PB_RUN_GOOD);
    assert_int_equal(run->cells, 1);
    assert_true(run->whole);
    assert_true(accuracy_of(&history, run) == 0.1);
    assert_int_equal(strspn(run->file, "0123456789abcdefghijklmnopqrstuvwxyzTZ_.-"), strlen(run->file));
    assert_non_null(strstr(run->file, "000001_2026-11-28T02-00-00Z_"));
    pb_history_close(&history);
}

/* A folder or a note may have any bytes. */
static void test_text_that_is_no_utf_8_is_kept_as_far_as_it_is_ascii(void **state)
{
    struct pb_error error = {0};
    must(add_as(state, &(struct pb_history_entry){.folder = "nights/caf\xe9", .note = "\xff!"}, "2026-11-28T02:00:00Z",
                0.1, &error),
         &error);
    struct pb_history history = open_history(state);
    assert_int_equal(history.damaged, 0);
    assert_string_equal(find(&history, "caf?")->note, "?!");
    assert_string_equal(find(&history, "caf?")->facts[PB_FACT_FOLDER], "nights/caf?");
    pb_history_close(&history);
}

static void test_a_run_that_is_half_written_harms_no_other(void **state)
{
    add_three(state);
    struct pb_history history = open_history(state);
    const long whole = size_of(state, history.runs[2].file);
    change_file(state, history.runs[2].file, whole / 2, -1);
    pb_history_close(&history);
    history = open_history(state);
    assert_int_equal(history.run_count, 2);
    assert_int_equal(history.damaged, 1);
    assert_string_equal(find(&history, "last")->name, "two");
    assert_true(accuracy_of(&history, &history.runs[1]) == 0.71);
    pb_history_close(&history);
    add(state, "four", "2026-11-29T02:00:00Z", 0.73); /* under a number of its own */
    history = open_history(state);
    assert_int_equal(history.run_count, 3);
    assert_int_equal(find(&history, "last")->number, 4);
    pb_history_close(&history);
}

static void test_every_part_notices_damage(void **state)
{
    add_three(state);
    struct pb_history history = open_history(state);
    const struct pb_history_run *run = &history.runs[1];
    char *data = NULL;
    size_t length = 0;
    struct pb_error error = {0};
    must(pb_history_read(&history, run, PB_PART_CELLS, &data, &length, &error), &error);
    pb_free(data);
    change_file(state, run->file, -1, size_of(state, run->file) - 1);
    assert_int_equal(pb_history_read(&history, run, PB_PART_CELLS, &data, &length, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "the part with the result documents is damaged"));
    assert_non_null(strstr(error.text, run->file));
    assert_true(accuracy_of(&history, run) == 0.71); /* another part */
    change_file(state, run->file, -1, size_of(state, run->file) - (long)length - 3);
    assert_int_equal(pb_history_read(&history, run, PB_PART_NUMBERS, &data, &length, &error), PB_ERROR_INPUT);
    change_file(state, run->file, -1, 200);
    assert_int_equal(pb_history_read(&history, run, PB_PART_FACTS, &data, &length, &error), PB_ERROR_INPUT);
    for (long at = 0; at < 120; at += 7) { /* the first line */
        change_file(state, history.runs[0].file, -1, at);
        struct pb_history again = open_history(state);
        assert_true(again.run_count == 1 || find(&again, "one")); /* a checksum of a part that opening does not read */
        pb_history_close(&again);
        change_file(state, history.runs[0].file, -1, at);
    }
    pb_history_close(&history);
}

static void test_foreign_files_are_skipped(void **state)
{
    struct pb_error error = {0};
    add_three(state);
    must(pb_file_write_atomic(folder_path(state, "h/notes.txt"), "x", 1, &error), &error);
    must(pb_file_write_atomic(folder_path(state, "h/000007_2026_x.run"), "<cell/>", 7, &error), &error);
    must(pb_make_dirs(folder_path(state, "h/000008_2026_folder.run"), &error), &error);
    assert_int_equal(mkfifo(folder_path(state, "h/000009_2026_pipe.run"), 0600), 0);
    struct pb_history history = open_history(state);
    assert_int_equal(history.run_count, 3);
    assert_int_equal(history.damaged, 4);
    assert_int_equal(history.last_number, 9);
    pb_history_close(&history);
    assert_int_equal(pb_history_open(folder_path(state, "none"), &history, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "there is no such history"));
}

static void test_the_order_is_that_of_adding_whatever_clocks_say(void **state)
{
    add(state, "one", "2026-11-28T02:00:00Z", 0.70);
    add(state, "two", "1970-01-01T00:00:00Z", 0.71);
    struct pb_history history = open_history(state);
    assert_string_equal(history.runs[0].name, "one");
    assert_string_equal(find(&history, "last")->name, "two");
    pb_history_close(&history);
    struct pb_error error = {0};
    assert_int_equal(add_as(state, &(struct pb_history_entry){.name = "three"}, "../../etc", 0.72, &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "which is no time"));
}

static void test_names_of_runs_are_their_own(void **state)
{
    struct pb_error error = {0};
    add_three(state);
    assert_int_equal(add_as(state, &(struct pb_history_entry){.name = "two"}, "2026-11-29T02:00:00Z", 0.73, &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "it has a run called 'two'"));
    static const char *const RESERVED[] = {"last", "last-good", "12", ""};
    for (size_t i = 0; i < sizeof RESERVED / sizeof *RESERVED; i++)
        assert_int_equal(
            add_as(state, &(struct pb_history_entry){.name = RESERVED[i]}, "2026-11-29T02:00:00Z", 0.73, &error),
            PB_ERROR_INPUT);
    /* without a name it is the folder's, with a number where that is taken */
    add(state, NULL, "2026-11-29T02:00:00Z", 0.74);
    add(state, NULL, "2026-11-29T03:00:00Z", 0.75);
    struct pb_history history = open_history(state);
    assert_string_equal(history.runs[3].name, "night");
    assert_string_equal(history.runs[4].name, "night.2");
    assert_string_equal(find(&history, "000002")->name, "two");
    assert_string_equal(find(&history, "2")->name, "two");
    assert_string_equal(find(&history, history.runs[1].file)->name, "two");
    assert_not_found(&history, "tow", "did you mean 'two'?");
    assert_not_found(&history, "9", "no run is called '9'");
    /* Two histories that were copied into one folder. */
    char *data = NULL;
    size_t length = 0;
    must(pb_file_read(folder_path(state, "h/000002_2026-11-27T02-00-00Z_two.run"), 0, &data, &length, &error), &error);
    must(pb_file_write_atomic(folder_path(state, "h/000009_2026-11-27T02-00-00Z_two.run"), data, length, &error),
         &error);
    pb_free(data);
    pb_history_close(&history);
    history = open_history(state);
    assert_not_found(&history, "two", "may be '000002_2026-11-27T02-00-00Z_two.run' or '000009_2026");
    assert_int_equal(find(&history, "9")->number, 9);
    pb_history_close(&history);
}

static void test_the_same_documents_are_not_added_twice(void **state)
{
    add_three(state);
    add(state, "two-again", "2026-11-27T02:00:00Z", 0.71);
    struct pb_history history = open_history(state);
    assert_int_equal(history.run_count, 3);
    pb_history_close(&history);
}

static void test_a_full_disk_leaves_what_is_there(void **state)
{
    struct pb_error error = {0};
    struct rlimit before, small = {.rlim_cur = 300};
    add_three(state);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const enum pb_status status =
        add_as(state, &(struct pb_history_entry){.name = "four"}, "2026-11-29T02:00:00Z", 0.73, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(status, PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "File too large"));
    struct pb_history history = open_history(state);
    assert_int_equal(history.run_count, 3);
    assert_int_equal(history.damaged, 0); /* nothing is left of the new one */
    assert_true(accuracy_of(&history, &history.runs[2]) == 0.72);
    pb_history_close(&history);
}

static void test_no_allocation_that_fails_leaves_half_a_run(void **state)
{
    add(state, "one", "2026-11-26T02:00:00Z", 0.70);
    struct pb_summary run = run_of("2026-11-27T02:00:00Z", 0.71);
    const char *folder = folder_path(state, "h");
    enum pb_status status = PB_ERROR_MEMORY;
    for (long n = 0; status == PB_ERROR_MEMORY; n++) {
        struct pb_error error = {0};
        char *file = NULL;
        bool known = false;
        pb_memory_fail_after(n);
        status = pb_history_add(folder, &(struct pb_history_entry){.run = &run, .folder = "n", .name = "two"}, &file,
                                &known, &error);
        pb_memory_fail_after(-1);
        struct pb_history history = {0};
        must(pb_history_open(folder, &history, &error), &error);
        assert_int_equal(history.damaged, 0);
        assert_int_equal(history.run_count, status == PB_OK ? 2 : 1);
        pb_history_close(&history);
        pb_free(file);
        assert_true(n < 10000);
    }
    assert_int_equal(status, PB_OK);
    pb_summary_free(&run);
}

static void test_the_last_good_run_is_one_whose_change_is_known_too(void **state)
{
    struct pb_error error = {0};
    const struct pb_history_entry regression = {.name = "worse", .judged = true, .state = PB_RUN_REGRESSION};
    must(add_as(state, &regression, "2026-11-26T02:00:00Z", 0.6, &error), &error);
    struct pb_history history = open_history(state);
    assert_not_found(&history, "last-good", "no run was good");
    pb_history_close(&history);
    add(state, "good", "2026-11-27T02:00:00Z", 0.7);
    must(add_as(state, &(struct pb_history_entry){.name = "worse-2", .judged = true, .state = PB_RUN_REGRESSION},
                "2026-11-28T02:00:00Z", 0.61, &error),
         &error);
    history = open_history(state);
    assert_string_equal(find(&history, "last-good")->name, "good");
    assert_string_equal(find(&history, "last")->name, "worse-2");
    must(pb_history_annotate(&history, find(&history, "last"), "a new <recipe>", &error), &error);
    must(pb_history_annotate(&history, find(&history, "last"), "and 'more'", &error), &error);
    assert_int_equal(pb_history_annotate(&history, find(&history, "last"), "two\nlines", &error), PB_ERROR_INPUT);
    assert_int_equal(pb_history_annotate(&history, find(&history, "last"), "", &error), PB_ERROR_INPUT);
    pb_history_close(&history);
    history = open_history(state);
    assert_string_equal(find(&history, "last-good")->name, "worse-2");
    assert_string_equal(find(&history, "last")->known, "a new <recipe>\nand 'more'");
    assert_int_equal(history.damaged, 0);
    pb_history_close(&history);
}

static void test_a_failed_cell_makes_a_failed_run(void **state)
{
    struct pb_error error = {0};
    struct pb_summary run = run_of("2026-11-27T02:00:00Z", 0.71);
    char *file = NULL;
    bool known = false;
    run.records->status = PB_CELL_CRASHED;
    must(pb_history_add(folder_path(state, "h"), &(struct pb_history_entry){.run = &run, .folder = "n"}, &file, &known,
                        &error),
         &error);
    struct pb_history history = open_history(state);
    assert_int_equal(history.runs[0].state, PB_RUN_FAILED);
    assert_int_equal(history.runs[0].failed, 1);
    pb_history_close(&history);
    pb_free(file);
    pb_summary_free(&run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_run_is_read_back_as_it_was_added),
        TEST(test_text_that_is_no_utf_8_is_kept_as_far_as_it_is_ascii),
        TEST(test_a_run_that_is_half_written_harms_no_other),
        TEST(test_every_part_notices_damage),
        TEST(test_foreign_files_are_skipped),
        TEST(test_the_order_is_that_of_adding_whatever_clocks_say),
        TEST(test_names_of_runs_are_their_own),
        TEST(test_the_same_documents_are_not_added_twice),
        TEST(test_a_full_disk_leaves_what_is_there),
        TEST(test_no_allocation_that_fails_leaves_half_a_run),
        TEST(test_the_last_good_run_is_one_whose_change_is_known_too),
        TEST(test_a_failed_cell_makes_a_failed_run),
    };
    pb_log_set_level(PB_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
