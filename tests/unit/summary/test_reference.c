/* Published results: the document that comes along, and which of its cells is beside which row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/graph_json.h"
#include "summary/published.h"
#include "results/result.h"
#include "results/schema.h"
#include "support/folder.h"
#include "support/small_cells.h"

static struct pb_reference open_thesis(void)
{
    struct pb_reference reference = {0};
    struct pb_error error = {0};
    char *path = NULL;
    must(pb_reference_find("thesis", &path, &error), &error);
    must(pb_reference_read(path, &reference, &error), &error);
    pb_free(path);
    return reference;
}

static const struct pb_record *find_id(const struct pb_reference *reference, const char *id)
{
    for (uint32_t i = 0; i < reference->count; i++)
        if (strcmp(reference->cells[i].id, id) == 0)
            return &reference->cells[i];
    fail_msg("no published cell '%s'", id);
    return NULL;
}

/* Numbers of studies/thesis/published.tsv, by hand. */
static void test_the_published_results_are_those_of_the_table(void **state)
{
    (void)state;
    struct pb_reference reference = open_thesis();
    assert_string_equal(reference.name, "thesis");
    assert_int_equal(reference.count, 51); /* 54 lines, three of which say the base model again */
    const struct pb_record *cell = find_id(&reference, "aircraft.one-shot.r40");
    assert_string_equal(cell->accuracies[1].stage, "retrained");
    near(cell->accuracies[0].top1, 0.8449);
    near(cell->accuracies[1].top1, 0.8557);
    assert_int_equal(cell->costs[0].params, 40938000);
    assert_int_equal(cell->costs[1].params, 30781000);
    assert_int_equal(cell->costs[1].counted, 5200000000);
    cell = find_id(&reference, "cars.one-shot-heavy.r45");
    near(cell->accuracies[0].top1, 0.8641);
    near(cell->accuracies[1].top1, 0.8657);
    assert_string_equal(pb_record_find(cell->config, cell->config_count, "training.lambda-last"), "0.0005");
    cell = find_id(&reference, "birds.ablation.vgg16-scratch.r0");
    near(cell->accuracies[0].top1, 0.1911);
    assert_int_equal(cell->cost_count, 0);
    assert_int_equal(cell->test_images, 5794);
    pb_reference_free(&reference);
}

/* A cell of the published scale. */
struct full {
    const char *schedule, *criterion, *amount, *variant, *model, *batch_norm, *pretrained, *image_size;
    const char *pretraining; /* within the run; NULL */
};
static const struct full ONE_SHOT = {"one-shot", "bn-scale",      "0.4", "",  "vgg16-bcnn",
                                     "true",     "w.safetensors", "224", NULL};

static void write_full(void **state, const struct full *full)
{
    struct small small = two_seeds[0];
    struct pb_record record;
    small.dataset = "planes";
    small.schedule = full->schedule;
    small.criterion = full->criterion;
    small.amount = full->amount;
    small.variant = full->variant;
    small_record(&record, &small);
    small_config(&record, "dataset.plugin", "aircraft");
    small_config(&record, "schedule.plugin", full->schedule);
    small_config(&record, "criterion.plugin", full->criterion);
    small_config(&record, "model.name", full->model);
    small_config(&record, "model.head", strstr(full->model, "-bcnn") != NULL ? "bilinear" : "fully-connected");
    small_config(&record, "model.image-size", full->image_size);
    small_config(&record, "model.width-multiplier", "1");
    small_config(&record, "model.batch-norm", full->batch_norm);
    small_config(&record, "model.pretrained", full->pretrained);
    if (full->pretraining)
        small_config(&record, "pretraining.label", full->pretraining);
    record.train_images = 6000;
    record.validation_images = 640; /* 27 could not be read */
    record.test_images = 3333;
    record.class_count = 100;
    small_write_record(state, &record);
}

/* Joins the one cell that was written; what is published for its row goes into *row. */
static struct pb_summary join(void **state, const struct pb_reference *reference, const struct full *full,
                              const struct pb_record **row)
{
    struct pb_error error = {0};
    must(pb_remove_tree(folder_path(state, "cells"), &error), &error);
    write_full(state, full);
    struct pb_summary summary = small_summary(state);
    must(pb_reference_join(reference, &summary, &error), &error);
    *row = summary.sections[0].schedules[0].rows[0].published;
    return summary;
}

static void expect_published(void **state, const struct full *full, const char *row_id, const char *base_id)
{
    const struct pb_record *row = NULL;
    struct pb_reference reference = open_thesis();
    struct pb_summary summary = join(state, &reference, full, &row);
    const struct pb_record *base = summary.sections[0].schedules[0].baseline.published;
    assert_int_equal(summary.sections[0].scale_count, 0);
    if (row_id == NULL)
        assert_null(row);
    else
        assert_string_equal(row->id, row_id);
    assert_string_equal(base->id, base_id);
    pb_summary_free(&summary);
    pb_reference_free(&reference);
}

/* A convolution of 4×4 pixels with bias and its ReLU, as JSON from pb_calloc. By the thesis's counting: 16·(27 + 1 + 1)·filters. */
static char *filters_graph(uint32_t filters)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    char *text = NULL;
    must(pb_graph_create("hand", &graph, &error), &error);
    must(pb_graph_add(
             graph, &(struct pb_graph_node){.op = PB_OP_INPUT, .name = "input", .height = 4, .width = 4, .channels = 3},
             NULL, &error),
         &error);
    must(pb_graph_add(graph,
                      &(struct pb_graph_node){
                          .op = PB_OP_CONV2D,
                          .name = "conv",
                          .channels = filters,
                          .conv = {.kernel = {3, 3}, .stride = {1, 1}, .pad = {1, 1}, .dilation = {1, 1}, .groups = 1},
                          .bias = true},
                      NULL, &error),
         &error);
    must(pb_graph_add(graph, &(struct pb_graph_node){.op = PB_OP_RELU, .name = "relu", .inputs = {1}}, NULL, &error),
         &error);
    must(pb_graph_to_json(graph, &text, &error), &error);
    pb_graph_free(&graph);
    return text;
}

static void write_counted(void **state, const struct small *small, const char *base, const char *pruned)
{
    struct pb_record record;
    struct pb_error error = {0};
    small_record(&record, small);
    if (base)
        must(pb_record_text(&record.costs[0].graph, base, &error), &error);
    if (pruned)
        must(pb_record_text(&record.costs[1].graph, pruned, &error), &error);
    small_write_record(state, &record);
}

static void test_work_is_counted_as_the_study_does_for_each_seed_that_has_the_network(void **state)
{
    struct pb_reference reference = open_thesis();
    struct pb_error error = {0};
    char *four = filters_graph(4), *two = filters_graph(2), *one = filters_graph(1);
    write_counted(state, &two_seeds[0], four, one);
    write_counted(state, &two_seeds[1], four, two);
    write_counted(state, &two_seeds[2], NULL, NULL); /* of an earlier version */
    write_counted(state, &two_seeds[3], NULL, "{\"torn\": ");
    struct pb_summary summary = small_summary(state);
    assert_null(pb_summary_find(&summary.sections[0].schedules[0].rows[0], "counted", "pruned", 0));
    must(pb_reference_join(&reference, &summary, &error), &error);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    const uint32_t counted = strcmp(schedule->rows[0].criterion, two_seeds[0].criterion) == 0 ? 0 : 1;
    const struct pb_summary_row *row = &schedule->rows[counted], *without = &schedule->rows[1 - counted];
    near(pb_summary_mean(row, "counted", "base", 0), 4 * 464);
    near(pb_summary_mean(row, "counted", "pruned", 0), 1.5 * 464);
    near(pb_summary_find(row, "counted", "pruned", 0)->over_seeds.sd, 464 / sqrt(2));
    near(pb_summary_mean(row, "counted-reduction", "pruned", 0), 0.625);
    near(pb_summary_mean(&schedule->baseline, "counted", "base", 0), 4 * 464);
    assert_null(pb_summary_find(&schedule->baseline, "counted", "pruned", 0));
    assert_null(pb_summary_find(without, "counted", "pruned", 0));
    pb_summary_free(&summary);
    pb_reference_free(&reference);
    pb_free(four);
    pb_free(two);
    pb_free(one);
}

static void test_a_row_is_set_beside_the_published_one_whatever_its_labels(void **state)
{
    struct full full = ONE_SHOT;
    expect_published(state, &full, "aircraft.one-shot.r40", "aircraft.base.r0");
    full.schedule = "iterative";
    expect_published(state, &full, "aircraft.iterative.r40", "aircraft.base.r0");
    full.amount = "0.2"; /* the first round was not published */
    expect_published(state, &full, NULL, "aircraft.base.r0");
    full = ONE_SHOT;
    full.variant = "heavier";
    expect_published(state, &full, "aircraft.one-shot-heavy.r40", "aircraft.one-shot-heavy.r0");
    full.variant = "plain"; /* no published cell names it: those without a variant are meant */
    expect_published(state, &full, "aircraft.one-shot.r40", "aircraft.base.r0");
    full = ONE_SHOT;
    full.criterion = "random";
    expect_published(state, &full, NULL, "aircraft.base.r0");
    full = ONE_SHOT;
    full.batch_norm = "false";
    expect_published(state, &full, NULL, "aircraft.ablation.bcnn-no-bn.r0");
    full = ONE_SHOT;
    full.model = "vgg16";
    expect_published(state, &full, NULL, "aircraft.ablation.vgg16-pretrained.r0");
    full.pretrained = "";
    expect_published(state, &full, NULL, "aircraft.ablation.vgg16-scratch.r0");
}

static void test_another_scale_is_said(void **state)
{
    struct full full = ONE_SHOT;
    const struct pb_record *row = NULL;
    struct pb_reference reference = open_thesis();
    full.model = "vgg11-bcnn";
    full.image_size = "48";
    full.pretrained = "";
    struct pb_summary summary = join(state, &reference, &full, &row);
    const struct pb_summary_section *section = &summary.sections[0];
    assert_string_equal(row->id, "aircraft.one-shot.r40"); /* is there all the same */
    assert_int_equal(section->scale_count, 3);
    assert_string_equal(section->scales[0].what, "network");
    assert_string_equal(section->scales[0].ours, "vgg11-bcnn");
    assert_string_equal(section->scales[0].published, "vgg16-bcnn");
    assert_string_equal(section->scales[1].what, "image size");
    assert_string_equal(section->scales[1].ours, "48");
    assert_string_equal(section->scales[1].published, "224");
    assert_string_equal(section->scales[2].ours, "random weights");
    assert_string_equal(section->scales[2].published, "pretrained");
    pb_summary_free(&summary);
    pb_reference_free(&reference);
}

static void test_a_trunk_trained_within_the_run_is_pretrained_but_on_other_images(void **state)
{
    struct full full = ONE_SHOT;
    const struct pb_record *row = NULL;
    struct pb_reference reference = open_thesis();
    full.model = "vgg16";
    full.pretrained = "";
    full.pretraining = "fish";
    struct pb_summary summary = join(state, &reference, &full, &row);
    const struct pb_summary_section *section = &summary.sections[0];
    assert_string_equal(section->schedules[0].baseline.published->id, "aircraft.ablation.vgg16-pretrained.r0");
    assert_int_equal(section->scale_count, 1);
    assert_string_equal(section->scales[0].what, "start");
    assert_string_equal(section->scales[0].ours, "pretrained on fish");
    assert_string_equal(section->scales[0].published, "pretrained");
    pb_summary_free(&summary);
    pb_reference_free(&reference);
}

static void test_the_joined_summary_fits_its_schema(void **state)
{
    struct full full = ONE_SHOT;
    const struct pb_record *row = NULL;
    struct pb_error error = {0};
    struct pb_reference reference = open_thesis();
    full.image_size = "48";
    struct pb_summary summary = join(state, &reference, &full, &row);
    must(pb_summary_write(folder_path(state, "summary.xml"), &summary, &error), &error);
    char *text = NULL;
    size_t length = 0;
    must(pb_file_read(folder_path(state, "summary.xml"), 0, &text, &length, &error), &error);
    small_squeeze(text);
    assert_non_null(strstr(text, "<reference name=\"thesis\""));
    assert_non_null(strstr(text, "<scale what=\"image size\" ours=\"48\" published=\"224\"/>"));
    assert_non_null(strstr(text, "<published id=\"aircraft.one-shot.r40\" top1=\"0.8557\" params=\"30781000\""));
    assert_non_null(strstr(
        text, "select-on-test=\"true\"><setting name=\"epochs\" value=\"80\"/><setting name=\"lr\" value=\"0.1\"/>"));
    pb_free(text);
    pb_summary_free(&summary);
    pb_reference_free(&reference);
}

static void test_unknown_references_and_other_documents_are_refused(void **state)
{
    struct pb_error error = {0};
    struct pb_reference reference = {0};
    char *path = NULL;
    assert_int_equal(pb_reference_find("thesi", &path, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "'thesis'"));
    assert_int_equal(pb_reference_find("./none.xml", &path, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "none.xml"));
    assert_null(path);
    struct pb_record record;
    small_record(&record, &two_seeds[0]);
    must(pb_result_write(folder_path(state, "one.xml"), &record, &error), &error);
    assert_int_equal(pb_reference_read(folder_path(state, "one.xml"), &reference, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "<results>"));
    pb_record_free(&record);
    must(pb_reference_find("thesis", &path, &error), &error);
    assert_int_equal(pb_result_read(path, &record, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "<cell>"));
    pb_free(path);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_published_results_are_those_of_the_table),
        TEST(test_work_is_counted_as_the_study_does_for_each_seed_that_has_the_network),
        TEST(test_a_row_is_set_beside_the_published_one_whatever_its_labels),
        TEST(test_another_scale_is_said),
        TEST(test_a_trunk_trained_within_the_run_is_pretrained_but_on_other_images),
        TEST(test_the_joined_summary_fits_its_schema),
        TEST(test_unknown_references_and_other_documents_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
