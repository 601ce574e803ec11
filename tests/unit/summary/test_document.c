/* The summary document: every row of its tables, with values that were written before there were tables. With a file as its
 * argument, this program only writes the document there (tests/golden/summary-1.xml). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "base/file.h"
#include "base/memory.h"
#include "results/fields_parts.h"
#include "results/schema.h"
#include "summary/summary_fields.h"
#include "support/folder.h"
#include "support/small_cells.h"

/* Every member set, where possible to a number of its own. */
#define STATISTICS(first)                                                                                              \
    {                                                                                                                  \
        .n = 3, .mean = (first), .sd = (first) + 0.1, .se = (first) + 0.2, .low = (first) + 0.3,                       \
        .high = (first) + 0.4, .min = (first) + 0.5, .max = (first) + 0.6                                              \
    }

static double bins[] = {1.5, 0, 2};
static char *classes[] = {"Boeing 707", "<DH>"};
static struct pb_record records[3];
static struct pb_record published;
static const struct pb_record *cells[] = {&records[0], &records[1]}, *control_cells[] = {&records[1]};

#define VALUE(what, of, first)                                                                                         \
    {                                                                                                                  \
        .name = (what), .stage = (of), .over_seeds = STATISTICS(first), .image_error = NAN                             \
    }
static struct pb_summary_value values[] = {
    {"median-ms", "base", 4, STATISTICS(10), NAN, 2},
    {"median-ms", "pruned", 8, STATISTICS(11), 0.25, 0},
    VALUE("top1", "final", 20),
    VALUE("top1-delta", "", 30),
    VALUE("params", "pruned", 40),
    VALUE("params-trunk", "pruned", 50),
    VALUE("params-head", "pruned", 60),
};
static struct pb_summary_value base_values[] = {
    VALUE("params", "base", 45),
    VALUE("params-trunk", "base", 55),
    VALUE("params-head", "base", 65),
};
/* Too few seeds for an interval, whatever is in its place. */
static struct pb_summary_value two_seeds_values[] = {
    {"top1-delta",
     "final",
     0,
     {.n = 2, .mean = 1, .low = 2, .high = 3, .sd = NAN, .se = NAN, .min = 4, .max = 5},
     NAN,
     0}};
static struct pb_summary_layer layers[] = {{"conv1", 16, STATISTICS(70)}};
static struct pb_summary_step steps[] = {{
    .stage = "prune-40",
    .from = "base",
    .before = STATISTICS(80),
    .after = STATISTICS(81),
    .threshold = STATISTICS(82),
    .ties = STATISTICS(83),
    .floored = STATISTICS(84),
    .equivalence = STATISTICS(85),
    .achieved = STATISTICS(86),
}};

static struct pb_summary_alone alone[] = {{.layer = "conv1", .channels = 16, .kept = 4, .top1 = STATISTICS(95)}};

static struct pb_summary_row rows[] = {
    {
        .criterion = "l1",
        .target = "r40",
        .measure = "channels",
        .amount = 0.4,
        .removed = STATISTICS(1),
        .off_target = true,
        .removed_varies = true,
        .without_baseline = 5,
        .collapsed = 6,
        .best = true,
        .select_on_test = true,
        .zero_gamma_beta = true,
        .cells = cells,
        .cell_count = 2,
        .ok_count = 1,
        .values = values,
        .value_count = 7,
        .layers = layers,
        .layer_count = 1,
        .steps = steps,
        .step_count = 1,
        .alone = alone,
        .alone_count = 1,
        .published = &published,
    },
    {
        .criterion = "random",
        .target = "r40",
        .measure = "channels",
        .amount = 0.4,
        .removed = STATISTICS(3), /* as good as equal */
        .control = true,
        .cells = control_cells,
        .cell_count = 1,
        .ok_count = 1,
        .values = two_seeds_values,
        .value_count = 1,
    },
};
static struct pb_summary_comparison comparisons[] = {{
    .a = &rows[0],
    .b = &rows[1],
    .difference = STATISTICS(90),
    .p = 0.75,
    .unlike = true,
    .image_error = 0.5,
}};
static struct pb_summary_schedule schedules[] = {{
    .label = "One Shot",
    .id = "planes.one-shot",
    .baseline = {.criterion = "",
                 .target = "",
                 .measure = "",
                 .amount = 0.5,
                 .removed = STATISTICS(2),
                 .off_target = true,
                 .removed_varies = true,
                 .collapsed = 7,
                 .select_on_test = true,
                 .cells = cells,
                 .cell_count = 2,
                 .ok_count = 2,
                 .values = base_values,
                 .value_count = 3,
                 .published = &published},
    .rows = rows,
    .row_count = 2,
    .comparisons = comparisons,
    .comparison_count = 1,
}};
static struct pb_summary_value scoring_values[] = {VALUE("scoring-seconds", "", 120), VALUE("scoring-bytes", "", 5e6)};
static struct pb_summary_row scored_row = {
    .criterion = "l2",
    .target = "r40",
    .measure = "channels",
    .control = true,
    .cells = control_cells,
    .cell_count = 1,
    .values = scoring_values,
    .value_count = 2,
};
static struct pb_summary_entry entries[] = {
    {.schedule = &schedules[0],
     .row = &rows[0],
     .control = &rows[1],
     .top1 = STATISTICS(130),
     .first = 2,
     .last = 4,
     .against = STATISTICS(140),
     .p = 0.0625,
     .verdict = "same"},
    {.schedule = &schedules[0],
     .row = &scored_row,
     .top1 = {.n = 2, .mean = 150, .low = 151, .high = 152}, /* too few for an interval */
     .against = {.mean = NAN},
     .p = NAN,
     .verdict = "control"},
};
static struct pb_summary_board boards[] = {{
    .sample = &rows[0],
    .entries = entries,
    .entry_count = 2,
    .methods = 5,
    .residual = {.sd = 0.015625, .freedom = 6},
    .verdict = "ranked",
    .headline = true,
}};
static struct pb_summary_scale scales[] = {{"image size", "48", "224"}};
static struct pb_summary_section section = {
    .dataset = "planes",
    .model = "m",
    .backend = "b",
    .variant = "plain",
    .id = "planes",
    .title = "Planes & more",
    .sample = &records[0],
    .schedules = schedules,
    .schedule_count = 1,
    .best = {.schedule = &schedules[0],
             .row = &rows[0],
             .candidates = 8,
             .next_schedule = &schedules[0],
             .next = &rows[1],
             .p_control = 0.125,
             .p_next = 0.375,
             .verdict = "next"},
    .boards = boards,
    .board_count = 1,
    .gamma = {.bins = bins, .bin_count = 3, .max = 1.25, .channels = 9, .near_zero = 0.1, .seeds = 2},
    .gamma_change = {.schedule = &schedules[0],
                     .row = &rows[0],
                     .before = {.bins = bins, .bin_count = 2, .max = 2.25, .channels = 10, .seeds = 3},
                     .after = {.bins = bins, .bin_count = 1, .max = 3.25, .channels = 11, .seeds = 4}},
    .samples = {.key = "abc", .classes = classes, .class_count = 2, .samples = {11, 12}, .augmented = {13, 14}},
    .published = &published,
    .scales = scales,
    .scale_count = 1,
};
static struct pb_summary_declared declared = {"heavy", "plain", "heavy-plain", 0.02};
static struct pb_summary_compared compared[] = {{
    .declared = &declared,
    .section = &section,
    .with_section = &section,
    .schedule = &schedules[0],
    .with_schedule = &schedules[0],
    .row = &rows[0],
    .with_row = &schedules[0].baseline,
    .against_unpruned = true,
    .top1 = STATISTICS(-100),
    .params = STATISTICS(-110),
}};
static struct pb_summary_fact_value fact_values[] = {{"1", 2}, {"a <b>", 1}};
static struct pb_summary_fact facts[] = {{"seed", fact_values, 2}};
static struct pb_summary_unreadable unreadable[] = {{"cut &.xml", "line 3: not well formed"}};
static struct pb_summary_left_out left_out[] = {{"a copy.xml", "of x", PB_LEFT_OUT_TWICE}};
static struct pb_summary full = {
    .records = records,
    .record_count = 3,
    .unreadable = unreadable,
    .unreadable_count = 1,
    .left_out = left_out,
    .left_out_count = 1,
    .matrix = "tiny",
    .reference_name = "thesis",
    .reference_title = "A \"thesis\"",
    .sections = &section,
    .section_count = 1,
    .compared = compared,
    .compared_count = 1,
    .options = facts,
    .option_count = 1,
    .provenance = facts,
    .provenance_count = 1,
};

static void fill_ok(struct pb_record *record, const char *seed)
{
    struct pb_error error = {0};
    struct small small = two_seeds[0];
    small.seed = seed;
    small.dataset = "plane s";
    small_record(record, &small);
    record->train_images = 20;
    record->validation_images = 21;
    record->test_images = 22;
    record->class_count = 23;
    record->skipped_images = 24;
    record->train_per_class = (struct pb_range_record){25, 26, 27};
    record->test_per_class = (struct pb_range_record){28, 29, 30};
    record->image_width = (struct pb_range_record){31, 32, 33};
    record->image_height = (struct pb_range_record){34, 35, 36};
    record->peak_rss_bytes = UINT64_C(1) << 33;
    record->equivalence = 1e-7;
    small_config(record, "dataset.plugin", "aircraft");
    small_config(record, "criterion.plugin", "filter-norm");
    small_config(record, "schedule.plugin", "rounds");
    small_config(record, "model.image-size", "48");
    small_config(record, "model.head", "bilinear");
    small_config(record, "model.batch-norm", "false");
    small_config(record, "model.pretrained", "w.safetensors");
    small_config(record, "training.epochs", "9");
    small_config(record, "data.batch", "8");
    small_config(record, "retraining.0.4.lr", "0.01");
    small_config(record, "ranking.scope", "layer");
    small_config(record, "ranking.allocation", "erk");
    small_config(record, "ranking.normalise", "max");
    small_config(record, "ranking.redraw", "each-scoring");
    must(pb_record_provenance(record, "seconds", "1.5", &error), &error);
    must(pb_record_epoch(record, &(struct pb_epoch_record){.stage = "soft", .number = 1, .masked = 3}, &error), &error);
    must(pb_record_pruning(record,
                           &(struct pb_pruning_record){
                               .stage = "prune-40", .from = "base", .warnings = pb_strdup("first <1>\nsecond\n")},
                           &error),
         &error);
}

static void fill_failed(struct pb_record *record)
{
    struct pb_error error = {0};
    struct small small = two_seeds[1];
    small.status = PB_CELL_CRASHED;
    small_record(record, &small);
    must(pb_record_text(&record->message, "a & b", &error), &error);
    must(pb_record_text(&record->signal, "SIGSEGV", &error), &error);
    must(pb_record_text(&record->log_tail, "last\nlines", &error), &error);
}

static void fill_published(void)
{
    struct pb_error error = {0};
    struct small small = two_seeds[0];
    small.params = 0;
    small_record(&published, &small);
    published.train_images = 40;
    published.validation_images = 41;
    published.test_images = 42;
    published.class_count = 43;
    small_config(&published, "training.epochs", "60");
    small_config(&published, "retraining.0.4.epochs", "61");
    small_config(&published, "selection", "test");
    small_config(&published, "protocol.zero", "gamma-beta");
    for (int pruned = 0; pruned < 2; pruned++)
        must(pb_record_cost(&published,
                            &(struct pb_cost_record){.stage = pruned ? "pruned" : "base",
                                                     .params = pruned ? 600 : 1000,
                                                     .has_counted = true,
                                                     .counted = pruned ? 300 : 1000},
                            &error),
             &error);
}

static int begin(void **state)
{
    struct pb_error error = {0};
    if (folder_setup(state) != 0)
        return 1;
    fill_ok(&records[0], "1");
    fill_ok(&records[1], "2");
    fill_failed(&records[2]);
    fill_published();
    full.out = *state;
    must(pb_make_dirs(folder_path(state, "logs"), &error), &error);
    char *log = pb_format("logs/%s.log", records[2].id);
    must(pb_file_write_atomic(folder_path(state, log), "", 0, &error), &error);
    pb_free(log);
    return 0;
}

static int end(void **state)
{
    for (size_t i = 0; i < 3; i++)
        pb_record_free(&records[i]);
    pb_record_free(&published);
    return folder_teardown(state);
}

/* Of the root element: what depends on the time and on the program. */
static void blank(char *text, const char *attribute)
{
    char *value = strstr(text, attribute);
    assert_non_null(value);
    value = strchr(value, '"') + 1;
    memmove(value, strchr(value, '"'), strlen(strchr(value, '"')) + 1);
}

static char *write_full(void **state)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    const char *path = folder_path(state, "summary.xml");
    must(pb_summary_write(path, &full, &error), &error);
    must(pb_file_read(path, 0, &text, &length, &error), &error);
    blank(text, " generated=\"");
    blank(strstr(text, "<summary"), " version=\"");
    blank(text, " git=\"");
    return text;
}

static void test_the_document_is_what_it_was_before_there_were_tables(void **state)
{
    struct pb_error error = {0};
    char *golden = NULL, *text = write_full(state);
    size_t length = 0;
    must(pb_file_read(PB_TEST_SOURCES "/golden/summary-1.xml", 0, &golden, &length, &error), &error);
    assert_string_equal(text, golden);
    pb_free(golden);
    pb_free(text);
}

static void expect(xmlXPathContext *document, const char *element, const char *path)
{
    char *found = pb_format("count(//*[local-name() = '%s']/%s)", element, path);
    xmlXPathObject *count = xmlXPathEvalExpression(BAD_CAST found, document);
    assert_non_null(count);
    if (!(count->floatval > 0))
        fail_msg("%s is 0: give the full summary a value for it", found);
    xmlXPathFreeObject(count);
    pb_free(found);
}

static void expect_all(xmlXPathContext *document, const char *element, const struct pb_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        const enum pb_field_place place = pb_field_kind(&fields->list[i])->place;
        char *path = place == PB_IN_CONTENT     ? pb_strdup("text()")
                     : place == PB_IN_ATTRIBUTE ? pb_format("@%s", fields->list[i].name)
                                                : pb_format("s:%s", fields->list[i].name);
        expect(document, element, path);
        pb_free(path);
    }
    for (uint32_t i = 0; i < fields->inner_count; i++) {
        char *path = pb_format("s:%s", fields->inner[i].element);
        expect(document, element, path);
        expect_all(document, fields->inner[i].element, fields->inner[i].fields);
        pb_free(path);
    }
}

/* So that the test above compares all that can be written. */
static void test_every_row_of_every_table_is_in_the_document(void **state)
{
    struct pb_error error = {0};
    struct pb_xml xml = {0};
    must(pb_summary_document(&full, &xml, &error), &error);
    xmlXPathContext *document = xmlXPathNewContext(xml.doc);
    assert_non_null(document);
    assert_int_equal(xmlXPathRegisterNs(document, BAD_CAST "s", BAD_CAST PB_SUMMARY_NAMESPACE), 0);
    expect_all(document, "summary", &pb_summary_fields);
    xmlXPathFreeContext(document);
    pb_xml_free(&xml);
    (void)state;
}

int main(int argc, char **argv)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
    if (argc > 1) {
        void *state = NULL;
        struct pb_error error = {0};
        (void)begin(&state);
        char *text = write_full(&state);
        must(pb_file_write_atomic(argv[1], text, strlen(text), &error), &error);
        pb_free(text);
        return end(&state);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_document_is_what_it_was_before_there_were_tables, begin, end),
        cmocka_unit_test_setup_teardown(test_every_row_of_every_table_is_in_the_document, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
