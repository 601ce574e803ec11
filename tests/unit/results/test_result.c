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
#include "support/results.h"

static const char AWKWARD[] = "a <b> & \"c\" 'd' ]]> \t tab \n line \r return ü 名 𝛄 %s -- \\";

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static void *copy_of(const void *values, size_t size)
{
    void *made = pb_calloc(size, 1);
    assert_non_null(made);
    memcpy(made, values, size);
    return made;
}

/* Every member set to something that is easily lost. */
static void fill(struct pb_record *record)
{
    struct pb_error error = {0};
    const uint32_t widths[] = {0, 1, UINT32_MAX};
    const double classes[] = {1, NAN, 1.0 / 3};
    const uint32_t bins[] = {7, 0, 9};
    pb_record_init(record);
    record->status = PB_CELL_TIMED_OUT;
    must(pb_record_text(&record->id, "birds.m.c.s.b.r40.s1", &error), &error);
    must(pb_record_text(&record->message, AWKWARD, &error), &error);
    must(pb_record_text(&record->signal, "SIGKILL", &error), &error);
    must(pb_record_text(&record->log_tail, "", &error), &error);
    must(pb_record_config(record, "a.b", AWKWARD, &error), &error);
    must(pb_record_config(record, "empty", "", &error), &error);
    must(pb_record_provenance(record, "backend-detail", AWKWARD, &error), &error);
    must(pb_record_provenance(record, "host", "first", &error), &error);
    must(pb_record_provenance(record, "host", "second", &error), &error);
    must(pb_record_cost(record,
                        &(struct pb_cost_record){.stage = "pruned",
                                                 .params = UINT64_MAX,
                                                 .macs = 1,
                                                 .macs_thesis = 2,
                                                 .bytes = 3,
                                                 .params_trunk = 4,
                                                 .params_head = 5,
                                                 .widths = copy_of(widths, sizeof widths),
                                                 .width_count = 3,
                                                 .has_target = true,
                                                 .requested = 0.1,
                                                 .achieved = 1.0 / 3,
                                                 .floored = 6},
                        &error),
         &error);
    must(pb_record_cost(record, &(struct pb_cost_record){.stage = "base"}, &error), &error);
    must(pb_record_accuracy(record,
                            &(struct pb_accuracy_record){.stage = "base",
                                                         .split = "test",
                                                         .top1 = 0.1 + 0.2,
                                                         .top5 = NAN,
                                                         .loss = INFINITY,
                                                         .images = 10,
                                                         .class_top1 = copy_of(classes, sizeof classes),
                                                         .class_count = 3},
                            &error),
         &error);
    must(pb_record_latency(record,
                           &(struct pb_latency_record){.stage = "base",
                                                       .batch = 1,
                                                       .runs = 2,
                                                       .threads = 3,
                                                       .median_ms = 5e-324,
                                                       .p95_ms = 1.7e308,
                                                       .min_ms = NAN},
                           &error),
         &error);
    must(pb_record_layer(record,
                         &(struct pb_layer_record){.name = "conv1_1",
                                                   .channels = 16,
                                                   .kept = 1,
                                                   .floored = 2,
                                                   .ties = 3,
                                                   .gamma_max = 0.7,
                                                   .near_zero = 0.4375,
                                                   .gamma_bins = copy_of(bins, sizeof bins),
                                                   .gamma_bin_count = 3},
                         &error),
         &error);
    must(pb_record_epoch(record,
                         &(struct pb_epoch_record){.stage = "soft",
                                                   .number = 7,
                                                   .lr = 1e-6,
                                                   .loss = -0.0,
                                                   .top1 = 0.5,
                                                   .validation_top1 = NAN,
                                                   .validation_loss = 2.5,
                                                   .seconds = 0.125,
                                                   .masked = 8,
                                                   .revived = 9},
                         &error),
         &error);
    record->peak_rss_bytes = UINT64_C(1) << 40;
    record->skipped_images = 1;
    record->train_images = 2;
    record->validation_images = 3;
    record->test_images = 4;
    record->class_count = 5;
}

static void assert_same(double a, double b)
{
    if (isnan(b))
        assert_true(isnan(a));
    else
        assert_memory_equal(&a, &b, sizeof a);
}

static void assert_equal_records(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->status, b->status);
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->message, b->message);
    assert_string_equal(a->signal, b->signal);
    assert_string_equal(a->log_tail, b->log_tail);
    assert_int_equal(a->config_count, b->config_count);
    for (uint32_t i = 0; i < a->config_count; i++) {
        assert_string_equal(a->config[i].key, b->config[i].key);
        assert_string_equal(a->config[i].value, b->config[i].value);
    }
    assert_int_equal(a->provenance_count, b->provenance_count);
    for (uint32_t i = 0; i < a->provenance_count; i++) {
        assert_string_equal(a->provenance[i].key, b->provenance[i].key);
        assert_string_equal(a->provenance[i].value, b->provenance[i].value);
    }
    assert_same(a->equivalence, b->equivalence);
    assert_int_equal(a->peak_rss_bytes, b->peak_rss_bytes);
    const uint32_t left[] = {a->skipped_images, a->train_images, a->validation_images, a->test_images, a->class_count};
    const uint32_t right[] = {b->skipped_images, b->train_images, b->validation_images, b->test_images, b->class_count};
    assert_memory_equal(left, right, sizeof left);
}

static void assert_equal_rows(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->cost_count, 2);
    const struct pb_cost_record *cost = &a->costs[0], *cost_b = &b->costs[0];
    assert_string_equal(cost->stage, cost_b->stage);
    assert_true(cost->params == cost_b->params && cost->macs == 1 && cost->macs_thesis == 2 && cost->bytes == 3 &&
                cost->params_trunk == 4 && cost->params_head == 5 && cost->has_target && cost->floored == 6);
    assert_same(cost->requested, cost_b->requested);
    assert_same(cost->achieved, cost_b->achieved);
    assert_int_equal(cost->width_count, 3);
    assert_memory_equal(cost->widths, cost_b->widths, 3 * sizeof *cost->widths);
    assert_false(a->costs[1].has_target);
    assert_null(a->costs[1].widths);

    assert_int_equal(a->accuracy_count, 1);
    const struct pb_accuracy_record *accuracy = &a->accuracies[0], *accuracy_b = &b->accuracies[0];
    assert_string_equal(accuracy->split, "test");
    assert_same(accuracy->top1, accuracy_b->top1);
    assert_same(accuracy->top5, accuracy_b->top5);
    assert_same(accuracy->loss, accuracy_b->loss);
    assert_int_equal(accuracy->images, 10);
    assert_int_equal(accuracy->class_count, 3);
    for (int i = 0; i < 3; i++)
        assert_same(accuracy->class_top1[i], accuracy_b->class_top1[i]);

    assert_int_equal(a->latency_count, 1);
    const struct pb_latency_record *latency = &a->latencies[0], *latency_b = &b->latencies[0];
    assert_true(latency->batch == 1 && latency->runs == 2 && latency->threads == 3);
    assert_same(latency->median_ms, latency_b->median_ms);
    assert_same(latency->p95_ms, latency_b->p95_ms);
    assert_same(latency->min_ms, latency_b->min_ms);
}

static void assert_equal_layers(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->layer_count, 1);
    const struct pb_layer_record *layer = &a->layers[0], *layer_b = &b->layers[0];
    assert_string_equal(layer->name, "conv1_1");
    assert_true(layer->channels == 16 && layer->kept == 1 && layer->floored == 2 && layer->ties == 3);
    assert_same(layer->gamma_max, layer_b->gamma_max);
    assert_same(layer->near_zero, layer_b->near_zero);
    assert_int_equal(layer->gamma_bin_count, 3);
    assert_memory_equal(layer->gamma_bins, layer_b->gamma_bins, 3 * sizeof *layer->gamma_bins);

    assert_int_equal(a->epoch_count, 1);
    const struct pb_epoch_record *epoch = &a->epochs[0], *epoch_b = &b->epochs[0];
    assert_string_equal(epoch->stage, "soft");
    assert_true(epoch->number == 7 && epoch->masked == 8 && epoch->revived == 9);
    const double left[] = {epoch->lr,     epoch->loss, epoch->top1, epoch->validation_top1, epoch->validation_loss,
                           epoch->seconds};
    const double right[] = {
        epoch_b->lr,     epoch_b->loss, epoch_b->top1, epoch_b->validation_top1, epoch_b->validation_loss,
        epoch_b->seconds};
    for (int i = 0; i < 6; i++)
        assert_same(left[i], right[i]);
}

static void test_records_come_back_as_they_were(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct pb_record written, read;
    struct pb_error error = {0};
    fill(&written);
    must(pb_result_write(path, &written, &error), &error);
    must(pb_result_read(path, &read, &error), &error);
    assert_equal_records(&read, &written);
    assert_equal_rows(&read, &written);
    assert_equal_layers(&read, &written);
    pb_record_free(&written);
    pb_record_free(&read);
}

static void test_provenance_keeps_the_last_value_of_a_key(void **state)
{
    (void)state;
    struct pb_record record;
    fill(&record);
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
    fill(&written);
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
    fill(&record);
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
        {"<cell xmlns=\"urn:prunebench:result:2\" id=\"x\" status=\"ok\"/>", ":1:", "cell"},
        {"<summary xmlns=\"urn:prunebench:summary:1\"/>", ":1:", "summary"},
        {HEAD DATA "<accurracy/>" TAIL, ":5:", "accurracy"},
        {HEAD "<data train=\"-1\" validation=\"1\" test=\"1\" classes=\"2\" skipped=\"0\"/>" TAIL, ":4:", "-1"},
        {HEAD DATA "<accuracy stage=\"base\" split=\"test\" top1=\"1.01\" images=\"3\"/>" TAIL, ":5:", "top1"},
        {HEAD DATA "<accuracy stage=\"base\" split=\"tset\" top1=\"0.5\" images=\"3\"/>" TAIL, ":5:", "tset"},
        {HEAD DATA "<layer name=\"a\" channels=\"1\" kept=\"1\" floored=\"0\" ties=\"0\">\n"
                   "<gamma-histogram bins=\"1 x\"/></layer>" TAIL,
         ":6:", "bins"},
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

static void test_reading_survives_every_failed_allocation(void **state)
{
    const char *path = folder_path(state, "a.xml");
    struct pb_record written, read;
    struct pb_error error = {0};
    fill(&written);
    must(pb_result_write(path, &written, &error), &error);
    uint32_t failures = 0;
    for (long allowed = 0; allowed < 150; allowed++) {
        pb_memory_fail_after(allowed);
        enum pb_status status = pb_result_read(path, &read, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) { /* the failed one was not needed, or none failed */
            assert_equal_records(&read, &written);
            assert_equal_rows(&read, &written);
            assert_equal_layers(&read, &written);
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
        TEST(test_provenance_keeps_the_last_value_of_a_key),
        TEST(test_what_xml_cannot_hold_is_replaced),
        TEST(test_every_status_has_a_name_of_its_own),
        TEST(test_a_record_that_does_not_fit_the_schema_is_not_written),
        TEST(test_a_document_cut_anywhere_is_refused_with_file_and_line),
        TEST(test_strange_documents_are_refused_where_they_are_strange),
        TEST(test_a_document_that_is_not_there_is_named),
        TEST(test_reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
