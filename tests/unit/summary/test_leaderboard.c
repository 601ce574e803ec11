/* The leaderboard: places, ties and controls, on accuracies whose residuals are known by construction. Of each row of four, what is
 * left beside the means of row and seed is one of (d, −d, 0), (−d, d, 0), (d, 0, −d), (−d, 0, d): Σ = 8·d² with 6 degrees of freedom,
 * so that a difference of two means over three seeds has the standard error √(8/6)·√(2/3)·d = √8/3·d. p of t with 6 degrees of
 * freedom: 1 − s·(1 + c/2 + 3/8·c²) with c = 6/(6 + t²), s = √(1 − c). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/report.h"
#include "summary/summary_parts.h"
#include "support/folder.h"
#include "support/small_cells.h"

#define D 0.005
static const double NOISE[4][3] = {{D, -D, 0}, {-D, D, 0}, {D, 0, -D}, {-D, 0, D}};
static const double SEED_EFFECT[3] = {0.01, 0, -0.01};
static const char *const SEEDS[] = {"1", "2", "3"};

struct method {
    const char *criterion, *plugin, *scope;
    bool permuted;
    double mean, achieved;
    const char *allocation;
};

static void write_seeds(void **state, const struct method *method, int noise, int seeds)
{
    for (int s = 0; s < seeds; s++) {
        struct pb_record record;
        struct pb_error error = {0};
        struct small cell = two_seeds[0];
        cell.criterion = method->criterion;
        cell.seed = SEEDS[s];
        cell.base = 0.95;
        cell.retrained = method->mean + SEED_EFFECT[s] + NOISE[noise][s];
        small_record(&record, &cell);
        small_config(&record, "criterion.plugin", method->plugin == NULL ? method->criterion : method->plugin);
        small_config(&record, "ranking.scope", method->scope == NULL ? "global" : method->scope);
        if (method->allocation != NULL)
            small_config(&record, "ranking.allocation", method->allocation);
        small_config(&record, "ranking.permute", method->permuted ? "true" : "false");
        must(pb_record_scoring(
                 &record, &(struct pb_scoring_record){.stage = "score", .seconds = 0.5 + s, .bytes = 3e6 + s}, &error),
             &error);
        must(pb_record_scoring(&record, &(struct pb_scoring_record){.stage = "score", .seconds = 0.25, .bytes = 1e6},
                               &error),
             &error);
        if (method->achieved > 0)
            record.costs[1].achieved = method->achieved;
        small_write_record(state, &record);
    }
}

static void write_four(void **state, const struct method methods[4], int seeds)
{
    for (int i = 0; i < 4; i++)
        write_seeds(state, &methods[i], i, seeds);
}

/* Of the run's only section and target. */
static const struct pb_summary_board *board_of(const struct pb_summary *summary)
{
    assert_int_equal(summary->section_count, 1);
    assert_int_equal(summary->sections[0].board_count, 1);
    return &summary->sections[0].boards[0];
}

static void expect_entry(const struct pb_summary_board *board, uint32_t index, const char *criterion, uint32_t first,
                         uint32_t last, const char *verdict)
{
    assert_in_range(index, 0, board->entry_count - 1);
    const struct pb_summary_entry *entry = &board->entries[index];
    assert_string_equal(entry->row->criterion, criterion);
    assert_int_equal(entry->first, first);
    assert_int_equal(entry->last, last);
    assert_string_equal(entry->verdict, verdict);
}

static void within(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance * fabs(b)))
        fail_msg("%.17g is not %.17g", a, b);
}

/* p of a difference of k standard errors of D. */
static double p_of(double difference)
{
    const double t = difference / (sqrt(8) / 3 * D), c = 6 / (6 + t * t);
    return 1 - sqrt(1 - c) * (1 + c / 2 + 3.0 / 8 * c * c);
}

static const struct method clear_third[4] = {
    {"a", .mean = 0.90}, {"b", .mean = 0.895}, {"c", .mean = 0.85}, {"random", .scope = "layer", .mean = 0.84}};

static void test_methods_that_seeds_do_not_distinguish_share_places(void **state)
{
    write_four(state, clear_third, 3);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    assert_string_equal(board->verdict, "ranked");
    assert_int_equal(board->methods, 3);
    assert_int_equal(board->entry_count, 4);
    near(board->residual.sd, sqrt(8.0 / 6) * D);
    near(board->residual.freedom, 6);
    expect_entry(board, 0, "a", 1, 2, "better");
    expect_entry(board, 1, "b", 1, 2, "better");
    expect_entry(board, 2, "c", 3, 3, "same");
    expect_entry(board, 3, "random", 0, 0, "control");
    pb_summary_free(&summary);
}

/* Three comparisons: the smallest p counts three times, the next twice, the last once. */
static void test_comparisons_with_the_control_are_corrected_by_holm(void **state)
{
    write_four(state, clear_third, 3);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_entry *entries = board_of(&summary)->entries;
    within(entries[0].p, 3 * p_of(0.06), 1e-6);
    within(entries[1].p, 2 * p_of(0.055), 1e-6);
    within(entries[2].p, p_of(0.01), 1e-9);
    near(entries[2].against.mean, 0.01);
    assert_int_equal(entries[2].against.n, 3);
    /* t.975 of 6 degrees of freedom: 2.4469118511449692 */
    within(entries[2].against.high, 0.01 + 2.4469118511449692 * sqrt(8) / 3 * D, 1e-9);
    within(entries[2].against.low, 0.01 - 2.4469118511449692 * sqrt(8) / 3 * D, 1e-9);
    assert_true(isnan(entries[3].p));
    near(pb_summary_mean(entries[0].row, "scoring-seconds", "", 0), 1.75);
    near(pb_summary_mean(entries[0].row, "scoring-bytes", "", 0), 3e6 + 1);
    pb_summary_free(&summary);
}

/* a − b and b − c have p = .078, a − c has .0054; times 3 that is .016. */
static void test_a_method_between_two_others_shares_a_place_with_both(void **state)
{
    const struct method methods[4] = {
        {"a", .mean = 0.90}, {"b", .mean = 0.89}, {"c", .mean = 0.88}, {"random", .scope = "layer", .mean = 0.70}};
    write_four(state, methods, 3);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    expect_entry(board, 0, "a", 1, 2, "better");
    expect_entry(board, 1, "b", 1, 3, "better");
    expect_entry(board, 2, "c", 2, 3, "better");
    pb_summary_free(&summary);
}

static void test_a_method_below_its_control_is_worse(void **state)
{
    const struct method methods[4] = {
        {"a", .mean = 0.90}, {"random", .scope = "layer", .mean = 0.88}, {"b", .mean = 0.80}, {"c", .mean = 0.875}};
    write_four(state, methods, 3);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    expect_entry(board, 0, "a", 1, 1, "better");
    expect_entry(board, 1, "random", 0, 0, "control");
    expect_entry(board, 2, "c", 2, 2, "same");
    expect_entry(board, 3, "b", 3, 3, "worse");
    pb_summary_free(&summary);
}

static void test_the_control_of_a_criterion_is_its_own_permuted_one_else_the_even_one(void **state)
{
    const struct method methods[4] = {{"a", .mean = 0.90},
                                      {"b", .mean = 0.89},
                                      {"a-permuted", "a", .permuted = true, .mean = 0.80},
                                      {"random", .scope = "layer", .mean = 0.85}};
    write_four(state, methods, 3);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    assert_string_equal(board->entries[0].control->criterion, "a-permuted");
    assert_string_equal(board->entries[1].control->criterion, "random");
    near(board->entries[0].against.mean, 0.1);
    near(board->entries[1].against.mean, 0.04);
    pb_summary_free(&summary);
}

static void test_a_control_divides_the_share_among_the_layers_as_its_criterion_does(void **state)
{
    const struct method methods[4] = {{"a", .mean = 0.90},
                                      {"b", .allocation = "erk", .mean = 0.89},
                                      {"b-permuted", "b", .permuted = true, .mean = 0.80},
                                      {"random", .scope = "layer", .allocation = "erk", .mean = 0.85}};
    write_four(state, methods, 3);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    assert_null(board->entries[0].control);
    assert_non_null(board->entries[1].control);
    assert_string_equal(board->entries[1].control->criterion, "random");
    pb_summary_free(&summary);
}

/* Random scores under one threshold for all layers leave a layer with 3 of 16 channels now and then. */
static void test_random_under_a_global_scope_is_no_such_control(void **state)
{
    const struct method methods[4] = {
        {"a", .mean = 0.90}, {"b", .mean = 0.89}, {"c", .mean = 0.80}, {"random", .mean = 0.70}};
    write_four(state, methods, 3);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    expect_entry(board, 0, "a", 1, 2, "no-control");
    assert_null(board->entries[0].control);
    assert_int_equal(board->entries[0].against.n, 0);
    pb_summary_free(&summary);
}

static void test_one_and_two_seeds_give_no_place(void **state)
{
    write_four(state, clear_third, 1);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    assert_string_equal(board->verdict, "one-seed");
    assert_true(isnan(board->residual.sd));
    expect_entry(board, 0, "a", 0, 0, "few-seeds");
    near(board->entries[0].against.mean, 0.90 + D - 0.84 + D);
    assert_true(isnan(board->entries[0].p));
    pb_summary_free(&summary);
    write_four(state, clear_third, 2);
    summary = small_summary(state);
    assert_string_equal(board_of(&summary)->verdict, "two-seeds");
    expect_entry(board_of(&summary), 0, "a", 0, 0, "few-seeds");
    pb_summary_free(&summary);
}

/* It lacks a seed, is listed by its mean, and the others' noise is known all the same. */
static void test_a_method_that_lacks_a_seed_has_no_place_among_those_that_have_three(void **state)
{
    const struct method late = {"late", .mean = 0.87};
    write_four(state, clear_third, 3);
    write_seeds(state, &late, 0, 2);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    near(board->residual.sd, sqrt(8.0 / 6) * D);
    assert_int_equal(board->methods, 3);
    expect_entry(board, 2, "late", 0, 0, "few-seeds");
    expect_entry(board, 3, "c", 3, 3, "same");
    pb_summary_free(&summary);
}

static void test_what_collapsed_comes_last_and_adds_no_noise(void **state)
{
    const struct method collapsed = {"broken", .mean = 0.30};
    write_four(state, clear_third, 3);
    write_seeds(state, &collapsed, 0, 3);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_board *board = board_of(&summary);
    near(board->residual.sd, sqrt(8.0 / 6) * D);
    assert_int_equal(board->methods, 3);
    expect_entry(board, 4, "broken", 0, 0, "collapsed");
    pb_summary_free(&summary);
}

static void test_nothing_is_said_beside_a_control_that_collapsed_or_removed_another_share(void **state)
{
    struct method methods[4] = {
        {"a", .mean = 0.90}, {"b", .mean = 0.89}, {"c", .mean = 0.80}, {"random", .scope = "layer", .mean = 0.30}};
    write_four(state, methods, 3);
    struct pb_summary summary = small_summary(state);
    expect_entry(board_of(&summary), 0, "a", 1, 2, "control-collapsed");
    expect_entry(board_of(&summary), 3, "random", 0, 0, "control");
    pb_summary_free(&summary);
    methods[3].mean = 0.7;
    methods[3].achieved = 0.5;
    write_four(state, methods, 3);
    summary = small_summary(state);
    expect_entry(board_of(&summary), 0, "a", 1, 2, "unlike");
    assert_true(isnan(board_of(&summary)->entries[0].p));
    pb_summary_free(&summary);
}

static void expect(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("lacks '%s'", part);
}

static char *report_file(void **state, const char *name)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    must(pb_report(*state, &(struct pb_report_options){.formats = PB_REPORT_HTML | PB_REPORT_LATEX | PB_REPORT_CSV},
                   &error),
         &error);
    must(pb_file_read(folder_path(state, name), 0, &text, &length, &error), &error);
    return text;
}

static void test_the_page_and_the_files_show_places_and_verdicts(void **state)
{
    write_four(state, clear_third, 3);
    char *page = report_file(state, "report/index.html");
    expect(page, "<h2>Leaderboard</h2>");
    expect(page, "Methods that cannot be distinguished share a place.");
    expect(page, "0.58 at 40 % of channels (6 degrees of freedom).");
    expect(page, "<td class=\"right\">1 to 2</td>");
    expect(page, ">Place<");
    expect(page, ">Δ control ");
    pb_free(page);
    char *csv = report_file(state, "report/tables/birds.leaderboard.csv");
    expect(csv, "0.4,channels,3,3,c,one-shot,,0.4,0.85");
    pb_free(csv);
    char *latex = report_file(state, "report/tables/birds.leaderboard.tex");
    expect(latex, "not distinguished");
    pb_free(latex);
}

static void test_the_page_says_where_one_seed_or_no_control_decides_nothing(void **state)
{
    const struct method methods[4] = {
        {"a", .mean = 0.90}, {"b", .mean = 0.89}, {"c", .mean = 0.80}, {"d", .mean = 0.70}};
    write_four(state, methods, 1);
    char *page = report_file(state, "report/index.html");
    expect(page, "Where all have one seed there are no intervals and no places: one seed decides nothing.");
    expect(page, "No layer-proportion control was run");
    expect(page, "no such control was run");
    /* columns that would be empty are in the CSV alone */
    assert_null(strstr(page, ">Place<"));
    assert_null(strstr(page, ">Δ control "));
    pb_free(page);
    char *csv = report_file(state, "report/tables/birds.leaderboard.csv");
    expect(csv, ",place,place_last,");
    expect(csv, ",control,difference,");
    pb_free(csv);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_methods_that_seeds_do_not_distinguish_share_places),
        TEST(test_comparisons_with_the_control_are_corrected_by_holm),
        TEST(test_a_method_between_two_others_shares_a_place_with_both),
        TEST(test_a_method_below_its_control_is_worse),
        TEST(test_the_control_of_a_criterion_is_its_own_permuted_one_else_the_even_one),
        TEST(test_a_control_divides_the_share_among_the_layers_as_its_criterion_does),
        TEST(test_random_under_a_global_scope_is_no_such_control),
        TEST(test_one_and_two_seeds_give_no_place),
        TEST(test_a_method_that_lacks_a_seed_has_no_place_among_those_that_have_three),
        TEST(test_what_collapsed_comes_last_and_adds_no_noise),
        TEST(test_nothing_is_said_beside_a_control_that_collapsed_or_removed_another_share),
        TEST(test_the_page_and_the_files_show_places_and_verdicts),
        TEST(test_the_page_says_where_one_seed_or_no_control_decides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
