/* Result documents: what goes in comes out, and damaged ones are refused with file and line. */
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
#include "base/text.h"
#include "results/result.h"
#include "support/folder.h"
#include "support/full_record.h"
#include "support/results.h"
#include "support/schema_in_tree.h"
#include "support/small_cells.h"

static void test_records_come_back_as_they_were(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct pb_record written, read;
    struct pb_error error = {0};
    full_record(&written);
    must(pb_result_write(path, &written, &error), &error);
    must(pb_result_read(path, &read, &error), &error);
    assert_equal_full(&read, &written);
    pb_record_free(&written);
    pb_record_free(&read);
}

/* A target that is a threshold asks for no share. */
static void test_a_share_that_was_not_requested_stays_so(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct pb_record written, read;
    struct pb_error error = {0};
    full_record(&written);
    written.costs[0].requested = written.prunings[0].requested = NAN;
    assert_true(written.costs[0].has_target);
    must(pb_result_write(path, &written, &error), &error);
    must(pb_result_read(path, &read, &error), &error);
    assert_true(isnan(read.costs[0].requested) && isnan(read.prunings[0].requested));
    assert_equal_full(&read, &written);
    pb_record_free(&written);
    pb_record_free(&read);
}

static void test_histograms_come_with_what_follows_from_them(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct pb_record written;
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    full_record(&written);
    must(pb_result_write(path, &written, &error), &error);
    must(pb_file_read(path, 0, &text, &length, &error), &error);
    assert_non_null(strstr(text, "<gamma max=\"0.7\" near-zero=\"0.4375\" bins=\"7 0 9\" cumulated=\"7 7 16\"/>"));
    assert_non_null(strstr(text, "bins=\"4 5 6\" cumulated=\"4 9 15\"/>"));
    pb_free(text);
    pb_record_free(&written);
}

static void test_provenance_keeps_the_last_value_of_a_key(void **state)
{
    (void)state;
    struct pb_record record;
    full_record(&record);
    assert_int_equal(record.provenance_count, 2);
    assert_string_equal(pb_record_find(record.provenance, record.provenance_count, "host"), "second");
    assert_null(pb_record_find(record.provenance, record.provenance_count, "hos"));
    pb_record_free(&record);
}

static void test_what_xml_cannot_hold_is_replaced(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct pb_record written, read;
    struct pb_error error = {0};
    full_record(&written);
    must(pb_record_text(&written.log_tail, "\x1b[31mred\xff\xc3", &error), &error);
    must(pb_result_write(path, &written, &error), &error);
    must(pb_result_read(path, &read, &error), &error);
    assert_string_equal(read.log_tail, "\ufffd[31mred\ufffd\ufffd");
    pb_record_free(&written);
    pb_record_free(&read);
}

static void test_every_status_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = PB_CELL_OK; i <= PB_CELL_BLOCKED; i++) {
        enum pb_cell_status status = PB_CELL_OK;
        assert_true(pb_cell_status_parse(pb_cell_status_name((enum pb_cell_status)i), &status));
        assert_int_equal(status, i);
    }
    enum pb_cell_status status = PB_CELL_OK;
    assert_false(pb_cell_status_parse("Ok", &status));
}

static void test_a_record_that_does_not_fit_the_schema_is_not_written(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct pb_record record;
    struct pb_error error = {0};
    full_record(&record);
    must(pb_file_write_atomic(path, "old", 3, &error), &error);
    record.accuracies[0].top1 = 1.5;
    assert_int_equal(pb_result_write(path, &record, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "top1"));
    record.accuracies[0].top1 = 0.5;
    must(pb_record_provenance(&record, "two words", "x", &error), &error);
    assert_int_equal(pb_result_write(path, &record, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "two words"));
    char *data = NULL;
    size_t length = 0;
    must(pb_file_read(path, 0, &data, &length, &error), &error);
    assert_string_equal(data, "old");
    pb_free(data);
    pb_record_free(&record);
}

static void expect_refused(const char *path, const char *text, size_t length, const char *where, const char *what)
{
    struct pb_record record;
    struct pb_error error = {0};
    char prefix[400];
    memset(&record, 0x5a, sizeof record);
    struct pb_record before = record;
    must(pb_file_write_atomic(path, text, length, &error), &error);
    assert_int_equal(pb_result_read(path, &record, &error), PB_ERROR_INPUT);
    snprintf(prefix, sizeof prefix, "%s%s", path, where);
    if (!pb_starts_with(error.text, prefix) || strstr(error.text, what) == NULL)
        fail_msg("'%s' begins not with '%s' or lacks '%s'", error.text, prefix, what);
    assert_memory_equal(&record, &before, sizeof record);
}

static void test_a_document_cut_anywhere_is_refused_with_file_and_line(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct results_cell cell = {.seed = 1};
    struct pb_record record;
    struct pb_error error = {0};
    char *data = NULL;
    size_t length = 0;
    results_record(&cell, &record);
    must(pb_result_write(path, &record, &error), &error);
    must(pb_file_read(path, 0, &data, &length, &error), &error);
    for (size_t cut = 1; cut < length - 2; cut += length / 23)
        expect_refused(path, data, cut, ":", "");
    expect_refused(path, data, 0, "", "empty");
    pb_free(data);
    pb_record_free(&record);
}

static void test_strange_documents_are_refused_where_they_are_strange(void **state)
{
#define HEAD "<cell xmlns=\"urn:prunebench:result:1\" id=\"x\" status=\"ok\">\n<config/>\n<provenance/>\n"
#define DATA "<data train=\"1\" validation=\"1\" test=\"1\" classes=\"2\" skipped=\"0\"/>\n"
#define TAIL "<memory peak-rss-bytes=\"0\"/></cell>"
    static const struct {
        const char *text, *where, *what;
    } CASES[] = {
        {"<!DOCTYPE cell [<!ENTITY a \"b\">]>\n" HEAD DATA TAIL, ":1:", "DOCTYPE"},
        {"<cell xmlns=\"urn:prunebench:result:2\" id=\"x\" status=\"ok\"/>", ":1:", "a result of format 2; "},
        {"<summary xmlns=\"urn:prunebench:summary:1\"/>",
         ":1:", "<summary> of 'urn:prunebench:summary:1' is no result"},
        {HEAD DATA "<accurracy/>" TAIL, ":5:", "accurracy"},
        {HEAD "<data train=\"-1\" validation=\"1\" test=\"1\" classes=\"2\" skipped=\"0\"/>" TAIL, ":4:", "-1"},
        {HEAD DATA "<accuracy stage=\"base\" split=\"test\" top1=\"1.01\" images=\"3\"/>" TAIL, ":5:", "top1"},
        {HEAD DATA "<accuracy stage=\"base\" split=\"tset\" top1=\"0.5\" images=\"3\"/>" TAIL, ":5:", "tset"},
        {HEAD DATA "\n<gamma max=\"1\" near-zero=\"0\" bins=\"1 x\" cumulated=\"1\"/>" TAIL, ":6:", "bins"},
        {HEAD DATA "<epoch stage=\"soft\" n=\"1\" masked=\"1\" revived=\"0\" mask=\"0f 3g\"/>" TAIL, ":5:", "mask"},
        {HEAD DATA TAIL "\n<more/>", ":6:", ""},
        {"PK\003\004 not XML at all", ":1:", ""},
    };
    const char *path = folder_path(state, "a.xml");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        expect_refused(path, CASES[i].text, strlen(CASES[i].text), CASES[i].where, CASES[i].what);
    struct pb_record record;
    struct pb_error error = {0};
    must(pb_file_write_atomic(path, HEAD DATA TAIL, sizeof(HEAD DATA TAIL) - 1, &error), &error);
    must(pb_result_read(path, &record, &error), &error);
    assert_true(isnan(record.equivalence));
    assert_null(record.message);
    pb_record_free(&record);
}

static void test_a_document_that_is_not_there_is_named(void **state)
{
    struct pb_record record;
    struct pb_error error = {0};
    const char *path = folder_path(state, "none.xml");
    assert_int_not_equal(pb_result_read(path, &record, &error), PB_OK);
    assert_non_null(strstr(error.text, path));
}

static void test_the_schema_in_the_tree_is_the_tables(void **state)
{
    (void)state;
    assert_schema_in_tree("result", pb_result_schema);
}

/* tests/golden/result-1.xml: full_record as the program wrote it before tables of fields. */
static void test_documents_of_earlier_versions_are_read(void **state)
{
    (void)state;
    struct pb_record written, read;
    struct pb_error error = {0};
    full_record(&written);
    must(pb_record_text(&written.costs[0].graph, NULL, &error), &error); /* which came later */
    written.costs[0].has_counted = false; /* their macs-thesis is ignored */
    written.costs[0].counted = 0;
    written.costs[0].has_zeros = false;
    written.costs[0].zero_filters = written.costs[0].zero_inputs = 0;
    pb_free(written.scorings[0].stage);
    written.scoring_count = 0;
    for (uint32_t i = 0; i < written.trial_count; i++) {
        pb_free(written.trials[i].stage);
        pb_free(written.trials[i].split);
        pb_free(written.trials[i].kept);
    }
    written.trial_count = 0;
    must(pb_result_read(PB_TEST_SOURCES "/golden/result-1.xml", &read, &error), &error);
    assert_equal_full(&read, &written);
    pb_record_free(&written);
    pb_record_free(&read);
}

static void test_reading_survives_every_failed_allocation(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct pb_record written, read;
    struct pb_error error = {0};
    full_record(&written);
    must(pb_result_write(path, &written, &error), &error);
    uint32_t failures = 0;
    for (long allowed = 0; allowed < 150; allowed++) {
        pb_memory_fail_after(allowed);
        enum pb_status status = pb_result_read(path, &read, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) { /* the failed one was not needed, or none failed */
            assert_equal_full(&read, &written);
            pb_record_free(&read);
        } else {
            assert_int_equal(status, PB_ERROR_MEMORY);
            failures++;
        }
    }
    assert_in_range(failures, 40, 140);
    pb_record_free(&written);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_records_come_back_as_they_were),
        TEST(test_a_share_that_was_not_requested_stays_so),
        TEST(test_histograms_come_with_what_follows_from_them),
        TEST(test_provenance_keeps_the_last_value_of_a_key),
        TEST(test_what_xml_cannot_hold_is_replaced),
        TEST(test_every_status_has_a_name_of_its_own),
        TEST(test_a_record_that_does_not_fit_the_schema_is_not_written),
        TEST(test_a_document_cut_anywhere_is_refused_with_file_and_line),
        TEST(test_strange_documents_are_refused_where_they_are_strange),
        TEST(test_a_document_that_is_not_there_is_named),
        TEST(test_the_schema_in_the_tree_is_the_tables),
        TEST(test_documents_of_earlier_versions_are_read),
        TEST(test_reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
