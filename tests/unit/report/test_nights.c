/* The front page over nights: what it says of a change, of nights that failed, of a history without nights, of names that are markup.
 * usage: test_nights FOLDER NIGHTS SETS RATES SEEDS     writes a made-up history instead: noise, a regression, a slowdown */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "history/history.h"
#include "history/history_cells.h"
#include "history/history_numbers.h"
#include "report/nights.h"
#include "support/folder.h"
#include "support/results.h"
#include "support/small_cells.h"
#include "summary/summary.h"

/* A history in the making. */
struct plan {
    const char *folder; /* of the history */
    uint32_t nights;
    uint32_t whole; /* so many of the last nights have documents */
    uint32_t worse_from, slow_from; /* nights, from 0; UINT32_MAX: never */
    const char *group; /* whose accuracy is worse by three points */
    const char *matrix;
};

/* Nearly normal, of σ 1: twelve uniform numbers of a small generator. */
static double noise(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 40) / (double)(1u << 24);
    }
    return sum;
}

static bool is_time(const char *column)
{
    return strncmp(column, "training", 8) == 0 || strncmp(column, "ms", 2) == 0;
}

/* The numbers of a night: those of the documents, with noise and what the plan plants. */
static void vary(const struct plan *plan, uint32_t night, uint64_t *random, const struct pb_night_numbers *from,
                 double *values)
{
    for (uint32_t i = 0; i < from->cell_count; i++)
        for (uint32_t k = 0; k < from->column_count; k++) {
            double *value = &values[(size_t)i * from->column_count + k];
            *value = from->values[(size_t)i * from->column_count + k];
            if (strcmp(from->columns[k], "accuracy") == 0)
                *value += 0.004 * noise(random) -
                          (night >= plan->worse_from && strcmp(from->cells[i].group, plan->group) == 0 ? 0.03 : 0);
            else if (is_time(from->columns[k]))
                *value *= exp(0.01 * noise(random)) * (night >= plan->slow_from ? 1.2 : 1);
        }
}

static void write_night(const struct plan *plan, uint32_t night, const struct pb_night_numbers *numbers,
                        const struct pb_bytes *cells)
{
    struct pb_error error = {0};
    char name[40], git[24], time[64], none[] = "", folder[] = "/nowhere", matrix[100];
    const uint32_t day = night % 28 + 1, month = night / 28 % 12 + 1, year = 2026 + night / 336;
    snprintf(name, sizeof name, "%u-%02u-%02u", year, month, day);
    snprintf(time, sizeof time, "%sT02:00:00Z", name);
    snprintf(git, sizeof git, "%07x", 0x1a2b3c0 + night);
    snprintf(matrix, sizeof matrix, "%s", plan->matrix);
    struct pb_history_run run = {.name = name,
                                 .time = time,
                                 .note = none,
                                 .digest = name,
                                 .cells = numbers->cell_count,
                                 .state = night == plan->worse_from ? PB_RUN_REGRESSION : PB_RUN_GOOD};
    for (int i = 0; i < PB_HISTORY_FACTS; i++)
        run.facts[i] = i == PB_FACT_GIT ? git : i == PB_FACT_FOLDER ? folder : i == PB_FACT_MATRIX ? matrix : none;
    struct pb_bytes parts[PB_HISTORY_PARTS] = {0};
    char *facts = NULL, *table = NULL;
    must(pb_history_run_format(&run, &facts, &parts[PB_PART_FACTS].length, &error), &error);
    must(pb_night_numbers_format(numbers, &table, &parts[PB_PART_NUMBERS].length, &error), &error);
    parts[PB_PART_FACTS].data = facts;
    parts[PB_PART_NUMBERS].data = table;
    if (night + plan->whole >= plan->nights)
        parts[PB_PART_CELLS] = *cells;
    char *path = pb_format("%s/%06u_night.run", plan->folder, night + 1);
    assert_non_null(path);
    must(pb_history_file_write(path, parts, &error), &error);
    pb_free(path);
    pb_free(facts);
    pb_free(table);
}

static void write_history(const struct plan *plan, const char *out)
{
    struct pb_error error = {0};
    struct pb_summary summary = {0};
    struct pb_night_numbers numbers = {0};
    char *packed = NULL;
    size_t length = 0;
    uint64_t random = 7;
    must(pb_make_dirs(plan->folder, &error), &error);
    must(pb_summary_read(out, &summary, &error), &error);
    must(pb_night_numbers_of(summary.records, summary.record_count, &numbers, &error), &error);
    must(pb_history_cells_pack(summary.records, summary.record_count, &packed, &length, &error), &error);
    double *values = pb_calloc((size_t)numbers.cell_count * numbers.column_count, sizeof *values);
    assert_non_null(values);
    for (uint32_t night = 0; night < plan->nights; night++) {
        vary(plan, night, &random, &numbers, values);
        struct pb_night_numbers varied = numbers;
        varied.values = values;
        write_night(plan, night, &varied, &(struct pb_bytes){packed, length});
    }
    pb_free(values);
    pb_free(packed);
    pb_night_numbers_free(&numbers);
    pb_summary_free(&summary);
}

/* The page of a history, from pb_calloc. */
static char *page_of(void **state, const char *folder)
{
    struct pb_error error = {0};
    struct pb_history history = {0};
    char *path = pb_path_join(*(char **)state, "index.html"), *page = NULL;
    size_t length = 0;
    assert_non_null(path);
    must(pb_history_open(folder, &history, &error), &error);
    must(pb_nights_page(&history, path, &error), &error);
    must(pb_file_read(path, 0, &page, &length, &error), &error);
    pb_history_close(&history);
    pb_free(path);
    return page;
}

/* A page over 30 nights of a small run. */
static char *page_of_plan(void **state, struct plan plan)
{
    char *out = pb_path_join(*(char **)state, "out"), *folder = pb_path_join(*(char **)state, "history");
    assert_true(out && folder);
    results_write(out, (struct results_spec){1, 2, 3, false});
    plan.folder = folder;
    plan.nights = 30;
    write_history(&plan, out);
    char *page = page_of(state, folder);
    pb_free(out);
    pb_free(folder);
    return page;
}

static void shows(const char *page, const char *words)
{
    if (!strstr(page, words))
        fail_msg("the page does not say '%s'", words);
}

static void hides(const char *page, const char *words)
{
    if (strstr(page, words))
        fail_msg("the page says '%s'", words);
}

static const char GROUP[] = "aircraft.vgg16-bcnn.l1-norm.soft.blis.r40";

static void test_a_change_is_in_words_and_marked_in_the_picture(void **state)
{
    char *page = page_of_plan(
        state, (struct plan){.whole = 1, .worse_from = 20, .slow_from = 14, .group = GROUP, .matrix = "m"});
    shows(page, "<b>Top-1 worse since 2026-01-21</b>: −3.");
    shows(page, "points in aircraft.vgg16-bcnn.l1-norm.soft.blis.r40; commits 1a2b3d3..1a2b3d4.");
    shows(page, "<b>Latency worse since 2026-01-15</b>: +");
    shows(page, " % in all cells, and ");
    shows(page, "What is best</h2>");
    shows(page, "is ahead with");
    shows(page, "▼"); /* in the picture's SVG, too */
    shows(page, "30 nights, 29 of them good; from 2026-01-01 to 2026-02-02.");
    hides(page, "not comparable</p>");
    hides(page, "<!--"); /* everything was filled in */
    hides(page, "href=\"cells/"); /* there is no report to lead to */
    pb_free(page);
}

static void test_flat_nights_are_no_news(void **state)
{
    char *page = page_of_plan(
        state,
        (struct plan){.whole = 0, .worse_from = UINT32_MAX, .slow_from = UINT32_MAX, .group = GROUP, .matrix = "m"});
    shows(page, "Over the nights no number has moved to a worse level, beside what is known.");
    hides(page, "What is best</h2>"); /* no documents were kept */
    hides(page, "id=\"changes\"");
    pb_free(page);
}

static void test_names_are_text(void **state)
{
    char *page = page_of_plan(state, (struct plan){.whole = 1,
                                                   .worse_from = UINT32_MAX,
                                                   .slow_from = UINT32_MAX,
                                                   .group = GROUP,
                                                   .matrix = "<script>alert(1)</script>]]>\"'<!--style-->"});
    shows(page, "<h1>&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;\"'&lt;!--style--&gt;</h1>");
    pb_free(page);
}

static void test_a_history_without_nights_has_a_page(void **state)
{
    char *folder = pb_path_join(*(char **)state, "history");
    struct pb_error error = {0};
    assert_non_null(folder);
    must(pb_make_dirs(folder, &error), &error);
    char *page = page_of(state, folder);
    shows(page, "No night is in the history yet.");
    hides(page, "<figure");
    pb_free(page);
    pb_free(folder);
}

/* The page that was there stays where a new one cannot be made. */
static void test_a_page_that_cannot_be_made_leaves_the_old_one(void **state)
{
    struct pb_error error = {0};
    struct pb_history history = {0};
    char *page = page_of_plan(
        state,
        (struct plan){.whole = 0, .worse_from = UINT32_MAX, .slow_from = UINT32_MAX, .group = GROUP, .matrix = "m"});
    char *folder = pb_path_join(*(char **)state, "history"), *path = pb_path_join(*(char **)state, "index.html");
    char *again = NULL;
    size_t length = 0;
    assert_true(folder && path);
    must(pb_history_open(folder, &history, &error), &error);
    (void)setenv("PRUNEBENCH_GNUPLOT", "/nowhere/gnuplot", 1);
    assert_int_equal(pb_nights_page(&history, path, &error), PB_ERROR_RUN);
    (void)unsetenv("PRUNEBENCH_GNUPLOT");
    must(pb_file_read(path, 0, &again, &length, &error), &error);
    assert_string_equal(page, again);
    assert_int_equal(pb_nights_page(&history, "/nowhere/page.html", &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "/nowhere"));
    pb_history_close(&history);
    pb_free(again);
    pb_free(page);
    pb_free(path);
    pb_free(folder);
}

static uint32_t number(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
int main(int argc, char **argv)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
    if (argc > 5) {
        const uint32_t nights = number(argv[2]);
        char *out = pb_format("%s.out", argv[1]);
        assert_non_null(out);
        results_write(out, (struct results_spec){number(argv[3]), number(argv[4]), number(argv[5]), false});
        write_history(&(struct plan){.folder = argv[1],
                                     .nights = nights,
                                     .whole = 2,
                                     .worse_from = nights - nights / 4,
                                     .slow_from = nights / 2,
                                     .group = GROUP,
                                     .matrix = "nightly"},
                      out);
        pb_free(out);
        return EXIT_SUCCESS;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_a_change_is_in_words_and_marked_in_the_picture),
        TEST(test_flat_nights_are_no_news),
        TEST(test_names_are_text),
        TEST(test_a_history_without_nights_has_a_page),
        TEST(test_a_page_that_cannot_be_made_leaves_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
