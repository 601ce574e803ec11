/* Sorting a run into sections, schedules and rows; what fits nowhere; the summary document. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/figure_data.h"
#include "summary/figures.h"
#include "results/schema.h"
#include "summary/summary.h"
#include "summary/summary_fields.h"
#include "support/folder.h"
#include "support/results.h"
#include "support/schema_in_tree.h"
#include "support/small_cells.h"

static void test_failed_cells_are_counted_but_not_averaged(void **state)
{
    struct small bad = two_seeds[1];
    bad.status = PB_CELL_CRASHED;
    bad.retrained = 0.01;
    bad.seed = "0"; /* sorts in front by its number */
    small_write(state, &two_seeds[0]);
    small_write(state, &bad);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_row *row = &summary.sections[0].schedules[0].rows[0];
    assert_int_equal(row->cell_count, 2);
    assert_int_equal(row->ok_count, 1);
    assert_int_equal(row->cells[0]->status, PB_CELL_OK);
    near(pb_summary_mean(row, "top1", "final", 0), 0.68);
    assert_int_equal(summary.sections[0].schedules[0].baseline.ok_count, 1);
    pb_summary_free(&summary);
}

static void test_the_final_accuracy_is_the_last_that_was_measured(void **state)
{
    struct small soft = two_seeds[0];
    soft.retrained = NAN;
    small_write(state, &soft);
    struct pb_summary summary = small_summary(state);
    near(pb_summary_mean(&summary.sections[0].schedules[0].rows[0], "top1", "final", 0), 0.30);
    pb_summary_free(&summary);
}

static void test_rows_go_by_amount_and_labels_by_the_matrix(void **state)
{
    static const char MATRIX[] = "<matrix xmlns=\"urn:prunebench:matrix:1\"><dataset plugin=\"cars\"/>"
                                 "<dataset label=\"birds\" plugin=\"x\"/><criterion plugin=\"random\"/>"
                                 "<criterion plugin=\"l1\"/></matrix>";
    struct pb_error error = {0};
    struct small cell = two_seeds[0];
    cell.target = "r5";
    cell.amount = "0.05";
    small_write_two_seeds(state);
    small_write(state, &cell);
    cell.dataset = "cars";
    small_write(state, &cell);
    must(pb_file_write_atomic(folder_path(state, "matrix.xml"), MATRIX, sizeof MATRIX - 1, &error), &error);
    struct pb_summary summary = small_summary(state);
    assert_string_equal(summary.sections[0].title, "cars");
    assert_string_equal(summary.sections[1].title, "birds");
    const struct pb_summary_schedule *schedule = &summary.sections[1].schedules[0];
    assert_string_equal(schedule->rows[0].target, "r5"); /* "r40" < "r5" as text */
    assert_string_equal(schedule->rows[1].criterion, "random");
    assert_string_equal(schedule->rows[2].criterion, "l1");
    pb_summary_free(&summary);
}

static void test_variants_are_sections_with_ids_fit_for_files(void **state)
{
    struct small cell = two_seeds[0];
    cell.variant = "plain";
    small_write(state, &cell);
    cell.variant = "pl/ain--x";
    struct pb_record record;
    small_record(&record, &cell);
    struct pb_error error = {0};
    must(pb_record_text(&record.id, "second", &error), &error);
    small_write_record(state, &record);
    cell.variant = "pl ain-x";
    small_record(&record, &cell);
    must(pb_record_text(&record.id, "third", &error), &error);
    small_write_record(state, &record);
    struct pb_summary summary = small_summary(state);
    assert_int_equal(summary.section_count, 3);
    assert_string_equal(summary.sections[0].id, "birds-pl-ain-x");
    assert_string_equal(summary.sections[1].id, "birds-pl-ain-x_2");
    assert_string_equal(summary.sections[2].id, "birds-plain");
    assert_string_equal(summary.sections[2].title, "birds · plain");
    assert_string_equal(summary.sections[2].schedules[0].id, "birds-plain.one-shot");
    pb_summary_free(&summary);
}

/* Labels of other documents may be of any length, and hold nothing that a file's name may. */
static void test_labels_that_fit_no_file_name_have_short_ids_of_their_own(void **state)
{
    char longer[301] = {0};
    struct pb_error error = {0};
    struct pb_record record;
    memset(longer, 'x', sizeof longer - 1);
    for (int i = 0; i < 4; i++) {
        char id[] = {(char)('a' + i), '\0'};
        struct small cell = two_seeds[0];
        cell.dataset = i == 0 ? "名" : longer;
        longer[sizeof longer - 2] = (char)('w' + i);
        cell.schedule = i < 3 ? "one-shot" : longer;
        small_record(&record, &cell);
        must(pb_record_text(&record.id, id, &error), &error);
        small_write_record(state, &record);
    }
    struct pb_summary summary = small_summary(state);
    assert_int_equal(summary.section_count, 4);
    for (uint32_t i = 0; i < summary.section_count; i++) {
        const struct pb_summary_section *section = &summary.sections[i];
        assert_in_range(strlen(section->id), 1, 90);
        assert_in_range(strlen(section->schedules[0].id), strlen(section->id) + 2, 150);
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(section->id, summary.sections[k].id);
    }
    pb_summary_free(&summary);
}

static void test_weaker_protocols_are_marked(void **state)
{
    struct pb_record record;
    small_write(state, &two_seeds[0]);
    small_record(&record, &two_seeds[2]);
    small_config(&record, "selection", "test");
    small_config(&record, "protocol.zero", "gamma-beta");
    small_write_record(state, &record);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    assert_false(schedule->rows[0].select_on_test || schedule->rows[0].zero_gamma_beta);
    assert_true(schedule->rows[1].select_on_test && schedule->rows[1].zero_gamma_beta);
    pb_summary_free(&summary);
}

static void set_gamma(struct pb_record *record, double max, uint32_t first, uint32_t last)
{
    uint32_t *bins = pb_calloc(128, sizeof *bins);
    assert_non_null(bins);
    bins[0] = first;
    bins[127] = last;
    record->gamma = (struct pb_gamma_record){.max = max, .bins = bins, .bin_count = 128};
}

static void test_gamma_is_put_on_one_axis_and_averaged_over_seeds(void **state)
{
    struct pb_record record;
    small_record(&record, &two_seeds[0]);
    set_gamma(&record, 0.5, 10, 10); /* half as wide: its last bin is the second half of bin 63 */
    small_write_record(state, &record);
    small_record(&record, &two_seeds[1]); /* the second seed */
    set_gamma(&record, 1, 0, 20);
    small_write_record(state, &record);
    small_record(&record, &two_seeds[3]); /* the second seed again: not counted twice */
    set_gamma(&record, 1, 20, 0);
    small_write_record(state, &record);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_gamma *gamma = &summary.sections[0].gamma;
    assert_int_equal(gamma->seeds, 2);
    assert_int_equal(gamma->bin_count, 128);
    near(gamma->max, 1);
    near(gamma->channels, 20);
    near(gamma->bins[0], 5);
    near(gamma->bins[63], 5);
    near(gamma->bins[127], 10);
    near(gamma->near_zero, 0.25);
    near(gamma->bins[1] + gamma->bins[62] + gamma->bins[64], 0);
    assert_true(pb_figure_available(PB_FIGURE_GAMMA, &summary.sections[0], NULL));
    pb_summary_free(&summary);
}

static void test_documents_that_fit_no_table_are_listed_with_the_reason(void **state)
{
    struct pb_record record;
    struct pb_error error = {0};
    small_write_two_seeds(state);
    small_record(&record, &two_seeds[0]);
    must(pb_record_text(&record.id, "lost", &error), &error);
    small_config(&record, "schedule", "");
    small_write_record(state, &record);
    must(pb_file_write_atomic(folder_path(state, "cells/half.xml"), "<cell", 5, &error), &error);
    must(pb_file_write_atomic(folder_path(state, "cells/.tmp.xml"), "<cell", 5, &error), &error);
    must(pb_file_write_atomic(folder_path(state, "cells/notes.txt"), "<cell", 5, &error), &error);
    struct pb_summary summary = small_summary(state);
    assert_int_equal(summary.record_count, 4);
    assert_int_equal(summary.unreadable_count, 2);
    assert_string_equal(summary.unreadable[0].file, "half.xml");
    assert_non_null(strstr(summary.unreadable[0].message, "half.xml:1:"));
    assert_string_equal(summary.unreadable[1].file, "lost.xml");
    assert_non_null(strstr(summary.unreadable[1].message, "'schedule'"));
    pb_summary_free(&summary);
}

static void test_a_folder_without_results_is_an_input_error(void **state)
{
    struct pb_summary summary = {0};
    struct pb_error error = {0};
    assert_int_equal(pb_summary_read(*state, &summary, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "prunebench run"));
    must(pb_make_dirs(folder_path(state, "cells"), &error), &error);
    assert_int_equal(pb_summary_read(*state, &summary, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "no result document"));
}

static void test_the_summary_document_fits_its_schema_and_counts(void **state)
{
    struct pb_error error = {0};
    struct pb_xml xml = {0};
    struct pb_xml_schema *schema = NULL;
    results_write(*state, (struct results_spec){.datasets = 2, .rates = 2, .seeds = 2, .failures = true});
    struct pb_summary summary = small_summary(state);
    const char *path = folder_path(state, "summary.xml");
    must(pb_summary_write(path, &summary, &error), &error);
    must(pb_xml_read(path, 0, &xml, &error), &error);
    must(pb_schema_open(PB_SUMMARY_SCHEMA, &schema, &error), &error);
    must(pb_xml_validate(&xml, schema, &error), &error);
    const xmlNode *last = NULL;
    for (const xmlNode *node = pb_xml_first(xmlDocGetRootElement(xml.doc)); node != NULL; node = pb_xml_next(node))
        last = node;
    assert_string_equal(pb_xml_name(last), "cells");
    assert_string_equal(pb_xml_attribute(last, "total"), "72");
    assert_string_equal(pb_xml_attribute(last, "ok"), "68");
    assert_string_equal(pb_xml_attribute(last, "unreadable"), "1");
    pb_xml_schema_free(&schema);
    pb_xml_free(&xml);
    pb_summary_free(&summary);
}

/* A setting may be called what no attribute can be called, or twice the same where two groups of settings meet. */
static void test_settings_of_any_name_fit_into_the_document(void **state)
{
    struct pb_error error = {0};
    struct pb_record record;
    char *text = NULL;
    size_t length = 0;
    small_record(&record, &two_seeds[0]);
    small_config(&record, "training.9 <lives>", "1");
    small_config(&record, "training.batch", "2");
    small_config(&record, "data.batch", "8");
    small_write_record(state, &record);
    struct pb_summary summary = small_summary(state);
    must(pb_summary_write(folder_path(state, "summary.xml"), &summary, &error), &error);
    must(pb_file_read(folder_path(state, "summary.xml"), 0, &text, &length, &error), &error);
    small_squeeze(text);
    assert_non_null(strstr(text, "<setting name=\"9 &lt;lives&gt;\" value=\"1\"/>"));
    assert_non_null(strstr(text, "<setting name=\"batch\" value=\"2\"/><setting name=\"batch\" value=\"8\"/>"));
    pb_free(text);
    pb_summary_free(&summary);
}

static void test_the_schema_in_the_tree_is_the_tables(void **state)
{
    (void)state;
    assert_schema_in_tree("summary", pb_summary_schema);
}

static void test_grouping_survives_every_failed_allocation(void **state)
{
    struct pb_error error = {0};
    uint32_t failures = 0;
    small_write(state, &two_seeds[0]);
    small_write(state, &two_seeds[2]);
    for (long allowed = 0; allowed < 400; allowed += 3) {
        struct pb_summary summary = {0};
        pb_memory_fail_after(allowed);
        enum pb_status status = pb_summary_read(*state, &summary, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK)
            assert_int_equal(summary.sections[0].schedules[0].row_count, 2);
        else
            assert_int_equal(status, PB_ERROR_MEMORY);
        failures += status != PB_OK;
        pb_summary_free(&summary);
    }
    assert_in_range(failures, 30, 133);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_failed_cells_are_counted_but_not_averaged),
        TEST(test_the_final_accuracy_is_the_last_that_was_measured),
        TEST(test_rows_go_by_amount_and_labels_by_the_matrix),
        TEST(test_variants_are_sections_with_ids_fit_for_files),
        TEST(test_labels_that_fit_no_file_name_have_short_ids_of_their_own),
        TEST(test_weaker_protocols_are_marked),
        TEST(test_gamma_is_put_on_one_axis_and_averaged_over_seeds),
        TEST(test_documents_that_fit_no_table_are_listed_with_the_reason),
        TEST(test_a_folder_without_results_is_an_input_error),
        TEST(test_the_summary_document_fits_its_schema_and_counts),
        TEST(test_settings_of_any_name_fit_into_the_document),
        TEST(test_the_schema_in_the_tree_is_the_tables),
        TEST(test_grouping_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
