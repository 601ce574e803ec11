/* Which result documents are in the tables: those of the matrix that was run last, one per cell, one setting per row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "results/cell_list.h"
#include "results/result.h"
#include "summary/summary.h"
#include "support/folder.h"
#include "support/small_cells.h"

#define ID "birds.m.l1.one-shot.b.r40.s"
#define OLD "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NOW "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

/* A cell of l1 with the id that a matrix gives it. file: its name without .xml; NULL: the id. */
struct cell {
    const char *seed, *epochs, *digest, *file, *started;
};

static void write_cell(void **state, struct cell cell)
{
    struct pb_error error = {0};
    struct pb_record record;
    struct small small = two_seeds[0];
    char id[64], name[128];
    small.seed = cell.seed;
    small_record(&record, &small);
    snprintf(id, sizeof id, ID "%s", cell.seed);
    must(pb_record_text(&record.id, id, &error), &error);
    small_config(&record, "training.epochs", cell.epochs);
    small_config(&record, "data.split-seed", cell.seed);
    if (cell.digest)
        must(pb_record_provenance(&record, PB_KEY_CONFIG, cell.digest, &error), &error);
    if (cell.started)
        must(pb_record_provenance(&record, "started", cell.started, &error), &error);
    snprintf(name, sizeof name, "cells/%s.xml", cell.file ? cell.file : id);
    must(pb_make_dirs(folder_path(state, "cells"), &error), &error);
    must(pb_result_write(folder_path(state, name), &record, &error), &error);
    pb_record_free(&record);
}

/* The list of a matrix of so many seeds. */
static void write_list(void **state, uint32_t seeds, const char *digest)
{
    struct pb_error error = {0};
    struct pb_listed_cell cells[4] = {0};
    char ids[4][64];
    for (uint32_t i = 0; i < seeds; i++) {
        snprintf(ids[i], sizeof ids[i], ID "%u", seeds - i);
        cells[i].id = ids[i];
        snprintf(cells[i].digest, sizeof cells[i].digest, "%s", digest);
    }
    must(pb_cell_list_write(*state, cells, seeds, &error), &error);
}

/* Checks that the only row has n cells. */
static void assert_row(const struct pb_summary *summary, uint32_t n)
{
    assert_int_equal(summary->section_count, 1);
    assert_int_equal(summary->sections[0].schedule_count, 1);
    assert_int_equal(summary->sections[0].schedules[0].row_count, 1);
    assert_int_equal(summary->sections[0].schedules[0].rows[0].ok_count, n);
    assert_int_equal(summary->sections[0].schedules[0].rows[0].cell_count, n);
    assert_int_equal(summary->record_count, n);
}

static void assert_left_out(const struct pb_summary *summary, uint32_t index, const char *file, enum pb_left_out reason,
                            const char *part)
{
    assert_true(index < summary->left_out_count);
    assert_string_equal(summary->left_out[index].file, file);
    assert_int_equal(summary->left_out[index].reason, reason);
    if (strstr(summary->left_out[index].message, part) == NULL)
        fail_msg("'%s' does not say '%s'", summary->left_out[index].message, part);
}

static void test_a_copied_document_counts_once_with_a_list_and_without(void **state)
{
    write_cell(state, (struct cell){"1", "3", NOW, NULL, NULL});
    write_cell(state, (struct cell){"1", "3", NOW, "copy", NULL});
    for (int listed = 0; listed < 2; listed++) {
        struct pb_summary summary = small_summary(state);
        assert_row(&summary, 1);
        assert_int_equal(summary.left_out_count, 1);
        assert_left_out(&summary, 0, "copy.xml", PB_LEFT_OUT_NAME, "its id is '" ID "1', which is not its file name");
        pb_summary_free(&summary);
        write_list(state, 1, NOW);
    }
}

/* A copy whose id was made to fit its new name. */
static void test_a_document_whose_id_does_not_fit_its_content_is_left_out(void **state)
{
    struct pb_error error = {0};
    struct pb_record record;
    write_cell(state, (struct cell){"1", "3", NOW, NULL, NULL});
    must(pb_result_read(folder_path(state, "cells/" ID "1.xml"), &record, &error), &error);
    must(pb_record_text(&record.id, ID "2", &error), &error);
    must(pb_result_write(folder_path(state, "cells/" ID "2.xml"), &record, &error), &error);
    pb_record_free(&record);
    struct pb_summary summary = small_summary(state); /* nothing but the content says so here */
    assert_row(&summary, 1);
    assert_left_out(&summary, 0, ID "2.xml", PB_LEFT_OUT_TWICE, "'" ID "1' is of the same cell");
    pb_summary_free(&summary);
    write_list(state, 2, NOW);
    summary = small_summary(state);
    assert_row(&summary, 1);
    assert_left_out(&summary, 0, ID "2.xml", PB_LEFT_OUT_NAME, "but it holds the cell '" ID "1'");
    pb_summary_free(&summary);
}

static void test_only_cells_of_the_matrix_that_was_run_last_with_its_settings_stay(void **state)
{
    write_cell(state, (struct cell){"1", "6", OLD, NULL, NULL});
    write_cell(state, (struct cell){"2", "3", NOW, NULL, NULL});
    write_cell(state, (struct cell){"3", "3", NOW, NULL, NULL});
    write_list(state, 2, NOW);
    struct pb_summary summary = small_summary(state);
    assert_row(&summary, 1);
    assert_string_equal(summary.records[0].id, ID "2");
    assert_int_equal(summary.left_out_count, 2);
    assert_left_out(&summary, 0, ID "1.xml", PB_LEFT_OUT_EARLIER, "'prunebench run' makes it again");
    assert_left_out(&summary, 1, ID "3.xml", PB_LEFT_OUT_MATRIX, "has no cell of this name");
    pb_summary_free(&summary);
}

static void test_a_damaged_document_of_another_matrix_is_no_damage_of_this_one(void **state)
{
    struct pb_error error = {0};
    write_cell(state, (struct cell){"1", "3", NOW, NULL, NULL});
    write_list(state, 2, NOW);
    must(pb_file_write_atomic(folder_path(state, "cells/" ID "2.xml"), "<cell", 5, &error), &error);
    must(pb_file_write_atomic(folder_path(state, "cells/gone.xml"), "<cell", 5, &error), &error);
    struct pb_summary summary = small_summary(state);
    assert_row(&summary, 1);
    assert_int_equal(summary.unreadable_count, 1);
    assert_string_equal(summary.unreadable[0].file, ID "2.xml");
    assert_left_out(&summary, 0, "gone.xml", PB_LEFT_OUT_MATRIX, "gone.xml:1:");
    pb_summary_free(&summary);
}

/* Of a version that recognised random controls by their plugin's name. */
static void test_a_document_that_does_not_say_what_its_criterion_is_is_left_out(void **state)
{
    static const char traits[] = "<option name=\"criterion.traits\" value=\"\"/>";
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    write_cell(state, (struct cell){"1", "3", NOW, NULL, NULL});
    write_cell(state, (struct cell){"2", "3", NOW, NULL, NULL});
    must(pb_file_read(folder_path(state, "cells/" ID "2.xml"), 1 << 20, &text, &length, &error), &error);
    char *place = strstr(text, traits);
    assert_non_null(place);
    memset(place, ' ', strlen(traits));
    must(pb_file_write_atomic(folder_path(state, "cells/" ID "2.xml"), text, length, &error), &error);
    pb_free(text);
    for (int listed = 0; listed < 2; listed++) {
        struct pb_summary summary = small_summary(state);
        assert_row(&summary, 1);
        assert_int_equal(summary.left_out_count, 1);
        assert_left_out(&summary, 0, ID "2.xml", PB_LEFT_OUT_VERSION, "random for a random control");
        pb_summary_free(&summary);
        write_list(state, 2, NOW);
    }
}

static void test_a_row_without_a_list_keeps_the_settings_of_most_seeds(void **state)
{
    write_cell(state, (struct cell){"1", "6", NULL, NULL, "2026-01-03T00:00:00Z"});
    write_cell(state, (struct cell){"2", "3", NULL, NULL, "2026-01-01T00:00:00Z"});
    write_cell(state, (struct cell){"3", "3", NULL, NULL, "2026-01-02T00:00:00Z"});
    struct pb_summary summary = small_summary(state);
    assert_row(&summary, 2);
    assert_int_equal(summary.left_out_count, 1);
    assert_left_out(&summary, 0, ID "1.xml", PB_LEFT_OUT_SETTINGS,
                    "training.epochs is 6 here and 3 in '" ID "2' and other results of its row");
    pb_summary_free(&summary);
}

static void test_of_as_many_seeds_with_other_settings_the_newer_stay(void **state)
{
    write_cell(state, (struct cell){"1", "6", NULL, NULL, "2026-01-01T00:00:00Z"});
    write_cell(state, (struct cell){"2", "3", NULL, NULL, "2026-01-02T00:00:00Z"});
    struct pb_summary summary = small_summary(state);
    assert_row(&summary, 1);
    assert_left_out(&summary, 0, ID "1.xml", PB_LEFT_OUT_SETTINGS, "training.epochs");
    pb_summary_free(&summary);
    write_cell(state, (struct cell){"1", "6", NULL, NULL, "2026-01-03T00:00:00Z"});
    summary = small_summary(state);
    assert_row(&summary, 1);
    assert_left_out(&summary, 0, ID "2.xml", PB_LEFT_OUT_SETTINGS, "training.epochs");
    pb_summary_free(&summary);
}

/* A matrix may give one seed other settings: its cells are its own, but their mean would be of two experiments. */
static void test_a_row_of_a_listed_matrix_is_not_mixed_either(void **state)
{
    write_cell(state, (struct cell){"1", "6", NOW, NULL, NULL});
    write_cell(state, (struct cell){"2", "3", NOW, NULL, NULL});
    write_cell(state, (struct cell){"3", "3", NOW, NULL, NULL});
    write_list(state, 3, NOW);
    struct pb_summary summary = small_summary(state);
    assert_row(&summary, 2);
    assert_left_out(&summary, 0, ID "1.xml", PB_LEFT_OUT_SETTINGS, "training.epochs");
    pb_summary_free(&summary);
}

static void assert_refused(void **state, const char *text, size_t length, const char *part)
{
    struct pb_error error = {0};
    struct pb_summary summary = {0};
    must(pb_file_write_atomic(folder_path(state, "matrix-cells.txt"), text, length, &error), &error);
    assert_int_equal(pb_summary_read(*state, &summary, &error), PB_ERROR_INPUT);
    if (strstr(error.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, part);
}

static void test_a_damaged_list_is_refused_by_line(void **state)
{
    static const char short_line[] = NOW " " ID "1\nabc\n";
    static const char unsorted[] = NOW " " ID "2\n" NOW " " ID "1\n";
    static const char cut[] = NOW " " ID "1";
    write_cell(state, (struct cell){"1", "3", NOW, NULL, NULL});
    assert_refused(state, short_line, sizeof short_line - 1, "matrix-cells.txt:2: not a line of a sorted list");
    assert_refused(state, unsorted, sizeof unsorted - 1, "matrix-cells.txt:2: not a line of a sorted list");
    assert_refused(state, cut, sizeof cut - 1, "matrix-cells.txt: the list of the matrix's cells is cut short");
    assert_refused(state, "", 0, "cut short");
}

static void test_a_folder_with_results_of_another_matrix_alone_says_so(void **state)
{
    struct pb_error error = {0};
    struct pb_summary summary = {0};
    write_cell(state, (struct cell){"3", "3", NOW, NULL, NULL});
    write_list(state, 2, NOW);
    assert_int_equal(pb_summary_read(*state, &summary, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "1 are left out ('" ID "3.xml': of another matrix)"));
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_copied_document_counts_once_with_a_list_and_without),
        TEST(test_a_document_whose_id_does_not_fit_its_content_is_left_out),
        TEST(test_only_cells_of_the_matrix_that_was_run_last_with_its_settings_stay),
        TEST(test_a_damaged_document_of_another_matrix_is_no_damage_of_this_one),
        TEST(test_a_document_that_does_not_say_what_its_criterion_is_is_left_out),
        TEST(test_a_row_without_a_list_keeps_the_settings_of_most_seeds),
        TEST(test_of_as_many_seeds_with_other_settings_the_newer_stay),
        TEST(test_a_row_of_a_listed_matrix_is_not_mixed_either),
        TEST(test_a_damaged_list_is_refused_by_line),
        TEST(test_a_folder_with_results_of_another_matrix_alone_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
